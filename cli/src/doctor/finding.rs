//! What a check came to.

use serde::Serialize;

use crate::cluster::Unseen;

/// How a check ended; the later, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it ought to be.
    Ok,
    /// It could not be seen.
    Unknown,
    /// Pods get their networks, and somebody ought to look.
    Warn,
    /// Pods do not get their networks, or soon will not.
    Fail,
}

impl Verdict {
    /// The word that stands in tables and in JSON.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that is not as it ought to be, or could not be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Issue {
    verdict: Verdict,
    text: String,
    mend: Option<String>,
}

impl Issue {
    /// Pods do not get their networks for it.
    pub(super) fn fail(text: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::of(Verdict::Fail, text, mend)
    }

    /// Somebody ought to look.
    pub(super) fn warn(text: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::of(Verdict::Warn, text, mend)
    }

    /// It cannot be told.
    pub(super) fn unknown(text: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::of(Verdict::Unknown, text, mend)
    }

    fn of(verdict: Verdict, text: impl Into<String>, mend: impl Into<String>) -> Self {
        let (text, mend) = (text.into(), mend.into());
        let mend = Some(mend).filter(|mend| !mend.is_empty());
        Self {
            verdict,
            text,
            mend,
        }
    }
}

impl From<&Unseen> for Issue {
    fn from(unseen: &Unseen) -> Self {
        let text = format!("cannot see {}: {}", unseen.what, unseen.why);
        Self::unknown(text, &unseen.what_to_do)
    }
}

/// What a check came to, with what it goes by and what mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// The check.
    pub(super) check: &'static str,
    /// How it ended.
    pub(super) verdict: Verdict,
    /// In a sentence.
    pub(super) found: String,
    /// What else it goes by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) evidence: Vec<String>,
    /// What mends it: commands, or what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) mend: Vec<String>,
}

impl Finding {
    /// The worst issue says how it ended; without any it is `good`. `evidence` is told in any case.
    pub(super) fn of(
        check: &'static str,
        good: impl Into<String>,
        evidence: Vec<String>,
        mut issues: Vec<Issue>,
    ) -> Self {
        // The first of equals stays the first.
        issues.sort_by_key(|issue| std::cmp::Reverse(issue.verdict));
        let verdict = issues.first().map_or(Verdict::Ok, |issue| issue.verdict);
        let mut mend: Vec<String> = Vec::new();
        for one in issues.iter().filter_map(|issue| issue.mend.as_ref()) {
            if !mend.contains(one) {
                mend.push(one.clone());
            }
        }
        let mut texts = issues.into_iter().map(|issue| issue.text);
        let found = texts.next().unwrap_or_else(|| good.into());
        Self {
            check,
            verdict,
            found,
            evidence: texts.chain(evidence).collect(),
            mend,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_issue_says_how_it_ended() {
        let finding =
            |issues: &[Issue]| Finding::of("c", "good", vec!["e".into()], issues.to_vec());
        let (unknown, warn, fail) = (
            Issue::unknown("u", "look"),
            Issue::warn("w", ""),
            Issue::fail("f", "mend"),
        );
        let told = |issues: &[Issue]| {
            let Finding {
                verdict,
                found,
                evidence,
                mend,
                ..
            } = finding(issues);
            format!("{} {found} {evidence:?} {mend:?}", verdict.word())
        };
        assert_eq!(told(&[]), r#"ok good ["e"] []"#);
        assert_eq!(
            told(std::slice::from_ref(&unknown)),
            r#"unknown u ["e"] ["look"]"#
        );
        assert_eq!(
            told(&[unknown.clone(), warn.clone(), fail.clone(), fail]),
            r#"fail f ["f", "w", "u", "e"] ["mend", "look"]"#
        );
        assert_eq!(told(&[unknown, warn]), r#"warn w ["u", "e"] ["look"]"#);
    }
}
