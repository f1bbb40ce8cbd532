//! The answer of the prioritize verb.

use serde::{Serialize, Serializer};

use super::{MAX_SCORE, args::Candidates};

/// The answer of the prioritize verb: each candidate with its score.
#[derive(Clone, Copy, Debug)]
pub struct HostPriorityList<'a> {
    candidates: &'a Candidates<'a>,
    scores: &'a [i64],
}

/// One element.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HostPriority<'a> {
    host: &'a str,
    score: i64,
}

impl<'a> HostPriorityList<'a> {
    /// An answer about `candidates`, of which each has its score. kube-scheduler takes any number for a score and
    /// multiplies it: none leaves that is not from 0 to [`MAX_SCORE`].
    #[must_use]
    pub const fn new(candidates: &'a Candidates<'a>, scores: &'a [i64]) -> Self {
        Self { candidates, scores }
    }
}

impl Serialize for HostPriorityList<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let hosts = self.candidates.names().zip(self.scores);
        to.collect_seq(hosts.map(|(host, score)| HostPriority {
            host,
            score: (*score).clamp(0, MAX_SCORE),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::args::ExtenderArgs, *};

    #[test]
    fn as_go_has_it() {
        let args = ExtenderArgs::read(br#"{"Pod":{},"NodeNames":["a","b","c"]}"#).unwrap();
        let list = HostPriorityList::new(&args.candidates, &[7, 100, -1]);
        assert_eq!(
            serde_json::to_string(&list).unwrap(),
            r#"[{"Host":"a","Score":7},{"Host":"b","Score":10},{"Host":"c","Score":0}]"#
        );
    }
}
