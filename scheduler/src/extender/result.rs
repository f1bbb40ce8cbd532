//! The answer of the filter verb.

use std::fmt::Display;

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeStruct},
};

use super::args::{Candidates, NodeName};
use crate::placement::Refusal;

/// The answer of the filter verb. Refusals become words only while they are written.
///
/// All that are refused stand in `FailedAndUnresolvableNodes`: taking other pods away is not what would help, as far as
/// kube-scheduler can see (it asks no extender about that), and `FailedNodes` would make it try.
#[derive(Clone, Copy, Debug)]
pub struct ExtenderFilterResult<'a, F> {
    candidates: &'a Candidates<'a>,
    /// What became of each candidate; none where it fits.
    verdicts: &'a [Option<Refusal>],
    reason: F,
    error: &'a str,
}

impl<'a, F> ExtenderFilterResult<'a, F> {
    /// An answer about `candidates`, of which each has its verdict, and words for a refusal.
    pub fn new(candidates: &'a Candidates<'a>, verdicts: &'a [Option<Refusal>], reason: F) -> Self {
        Self {
            candidates,
            verdicts,
            reason,
            error: "",
        }
    }
}

impl<'a> ExtenderFilterResult<'a, fn(Refusal) -> &'static str> {
    /// Why the question as a whole cannot be answered.
    #[must_use]
    pub fn error(error: &'a str) -> Self {
        Self {
            candidates: &Candidates::Neither,
            verdicts: &[],
            reason: |_| "",
            error,
        }
    }
}

impl<D: Display, F: Fn(Refusal) -> D> Serialize for ExtenderFilterResult<'_, F> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let fits = self.verdicts.iter().map(Option::is_none);
        let mut result = to.serialize_struct("ExtenderFilterResult", 5)?;
        match self.candidates {
            Candidates::Objects(nodes) => {
                let nodes = nodes.iter().zip(fits);
                let items = nodes.filter_map(|(node, fits)| fits.then_some(node.object));
                let list = NodeList {
                    metadata: Empty {},
                    items: Sequence(items),
                };
                result.serialize_field("Nodes", &list)?;
            }
            Candidates::Neither | Candidates::Names(_) => {
                result.serialize_field("Nodes", &None::<Empty>)?;
            }
        }
        let fits = self.verdicts.iter().map(Option::is_none);
        match self.candidates {
            Candidates::Names(names) => {
                let names = names.iter().map(NodeName::as_str).zip(fits);
                let names = names.filter_map(|(name, fits)| fits.then_some(name));
                result.serialize_field("NodeNames", &Sequence(names))?;
            }
            Candidates::Neither | Candidates::Objects(_) => {
                result.serialize_field("NodeNames", &None::<Empty>)?;
            }
        }
        result.serialize_field("FailedNodes", &Empty {})?;
        result.serialize_field("FailedAndUnresolvableNodes", &Refused(self))?;
        result.serialize_field("Error", self.error)?;
        result.end()
    }
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct NodeList<I: Serialize> {
    metadata: Empty,
    items: I,
}

/// Written as they come.
struct Sequence<I>(I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for Sequence<I> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.clone())
    }
}

/// The refused nodes with the reasons.
struct Refused<'r, 'a, F>(&'r ExtenderFilterResult<'a, F>);

impl<D: Display, F: Fn(Refusal) -> D> Serialize for Refused<'_, '_, F> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self(result) = self;
        let mut map = to.serialize_map(None)?;
        let mut known: Vec<(Refusal, String)> = Vec::new();
        for (name, verdict) in result.candidates.names().zip(result.verdicts) {
            let Some(refusal) = verdict else { continue };
            let words = match known.iter().position(|(other, _)| other == refusal) {
                Some(at) => &known[at].1,
                None => {
                    if known.len() == KNOWN {
                        known.clear();
                    }
                    known.push((*refusal, (result.reason)(*refusal).to_string()));
                    &known[known.len() - 1].1
                }
            };
            map.serialize_entry(name, words)?;
        }
        map.end()
    }
}

/// Most nodes are refused for one of a few reasons: of so many the words are kept for the next node.
const KNOWN: usize = 16;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::args::ExtenderArgs, *};

    fn answer(text: &str) -> String {
        let args = ExtenderArgs::read(text.as_bytes()).unwrap();
        let verdicts = [None, Some(Refusal::UnknownNode)];
        let words = |refusal: Refusal| format!("\"{refusal:?}\"");
        let verdicts = &verdicts[..args.candidates.len()];
        let result = ExtenderFilterResult::new(&args.candidates, verdicts, words);
        serde_json::to_string(&result).unwrap()
    }

    #[test]
    fn as_go_has_it() {
        assert_eq!(
            answer(r#"{"pod":{},"nodenames":["n1","n2"]}"#),
            r#"{"Nodes":null,"NodeNames":["n1"],"FailedNodes":{},"FailedAndUnresolvableNodes":{"n2":"\"UnknownNode\""},"Error":""}"#
        );
        assert_eq!(
            answer(r#"{"Pod":{},"NodeNames":[]}"#),
            r#"{"Nodes":null,"NodeNames":[],"FailedNodes":{},"FailedAndUnresolvableNodes":{},"Error":""}"#
        );
        assert_eq!(
            answer(r#"{"Pod":{}}"#),
            r#"{"Nodes":null,"NodeNames":null,"FailedNodes":{},"FailedAndUnresolvableNodes":{},"Error":""}"#
        );
        assert_eq!(
            json!(ExtenderFilterResult::error("not yet")),
            json!({"Nodes": null, "NodeNames": null, "FailedNodes": {}, "FailedAndUnresolvableNodes": {}, "Error": "not yet"})
        );
    }

    #[test]
    fn objects_are_given_back_as_they_came() {
        let node = r#"{"metadata":{"name":"n1" },"more":[1.50,"\u0041"]}"#;
        let text = format!(
            r#"{{"Pod":{{}},"Nodes":{{"metadata":{{}},"items":[{node},{{"metadata":{{"name":"n2"}}}}]}}}}"#
        );
        assert_eq!(
            answer(&text),
            format!(
                r#"{{"Nodes":{{"metadata":{{}},"items":[{node}]}},"NodeNames":null,"FailedNodes":{{}},"FailedAndUnresolvableNodes":{{"n2":"\"UnknownNode\""}},"Error":""}}"#
            )
        );
    }
}
