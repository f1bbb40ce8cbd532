//! What was found, in the form that `-o json` prints it.

use std::borrow::Cow;

use serde::Serialize;

/// All that was found. The fields are the documented form of `-o json`.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// How many objects were judged; others were passed over.
    pub(super) judged: usize,
    /// What was found, in the order of the input.
    pub(super) findings: Vec<Finding>,
    /// What could not be read.
    pub(super) unusable: Vec<Unusable>,
}

/// One thing about one object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Finding {
    /// How serious it is.
    pub(super) level: Level,
    /// The rule.
    pub(super) rule: Cow<'static, str>,
    /// Where the object stands.
    pub(super) place: Place,
    /// The object.
    pub(super) object: Subject,
    /// The field that is to be mended, as Kubernetes writes field paths; empty where it is the whole object.
    pub(super) field: String,
    /// What is wrong, and what would be right.
    pub(super) message: String,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// The object would be denied.
    Error,
    /// It would be admitted with a warning.
    Warning,
    /// It would be admitted; metrics and the audit log would tell of it.
    Note,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Place {
    /// The file.
    pub(super) file: String,
    /// The document in the file, from 1.
    pub(super) document: usize,
    /// The line, from 1: that of the field where it is written plainly, else that on which the document begins.
    pub(super) line: usize,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subject {
    /// `apiVersion`.
    pub(super) api_version: String,
    /// `kind`.
    pub(super) kind: String,
    /// The namespace it is in, or would be.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
}

/// Input that cannot be read.
#[derive(Debug, Serialize)]
pub(super) struct Unusable {
    /// The file, where it could be opened.
    pub(super) file: Option<String>,
    /// Why.
    pub(super) message: String,
}

impl Level {
    /// Its name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl Report {
    /// How many findings are of this level.
    pub(super) fn count(&self, level: Level) -> usize {
        let of_level = self
            .findings
            .iter()
            .filter(|finding| finding.level == level);
        of_level.count()
    }

    /// The exit code: 2 where input is unusable, 1 where an object would be denied (or, strictly, warned of), else 0.
    pub(super) fn code(&self, strict: bool) -> u8 {
        let denied = self.count(Level::Error) > 0 || strict && self.count(Level::Warning) > 0;
        if self.unusable.is_empty() {
            u8::from(denied)
        } else {
            2
        }
    }

    /// One line about it all.
    pub(super) fn summary(&self) -> String {
        format!(
            "judged {} objects: {} errors, {} warnings; {} inputs that cannot be used",
            self.judged,
            self.count(Level::Error),
            self.count(Level::Warning),
            self.unusable.len()
        )
    }
}
