//! What is wrong with an annotation, in words that let its author mend it.

/// Why an annotation of a pod is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnotationError {
    /// The annotation looks like JSON and is not.
    #[error(
        "annotation {annotation} is not valid JSON: {problem}; write a JSON array of objects, or [namespace/]name[@interface] separated by commas"
    )]
    Syntax {
        /// The annotation's key.
        annotation: &'static str,
        /// What the JSON parser says, with line and column.
        problem: String,
    },
    /// The annotation is JSON, but no list.
    #[error(
        "annotation {annotation} must be a JSON array of objects such as [{{\"name\": \"net-a\"}}], but it is {found}"
    )]
    NotAList {
        /// The annotation's key.
        annotation: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// More networks than a pod can have.
    #[error("annotation {annotation} names {count} networks; a pod can have at most {limit}")]
    TooMany {
        /// The annotation's key.
        annotation: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// One element is wrong.
    #[error("annotation {annotation}: {entry}")]
    Entry {
        /// The annotation's key.
        annotation: &'static str,
        /// Which, and why.
        #[source]
        entry: EntryError,
    },
    /// The default network is one network.
    #[error(
        "annotation {annotation} names {count} networks; {}it must name exactly one",
        if *count > 1 { "more than one default network is specified, and " } else { "" }
    )]
    NotOne {
        /// The annotation's key.
        annotation: &'static str,
        /// How many there are.
        count: usize,
    },
}

/// What is wrong with one element of an annotation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {index} ({text}): {}{problem}", self.where_in_it())]
pub struct EntryError {
    /// The element's place in the list, from 1.
    pub index: usize,
    /// The element's text, on one line and shortened when it is long.
    pub text: String,
    /// The field, where the fault lies in one.
    pub field: Option<&'static str>,
    /// Whether the annotation is JSON, so that the field has a JSON pointer (RFC 6901).
    pub is_json: bool,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl AnnotationError {
    /// The same error of an annotation in the JSON form.
    pub(super) fn in_json(mut self) -> Self {
        if let Self::Entry { entry, .. } = &mut self {
            entry.is_json = true;
        }
        self
    }
}

impl EntryError {
    /// How much of an element is shown.
    const SHOWN: usize = 120;

    pub(super) fn new(
        index: usize,
        text: &str,
        field: Option<&'static str>,
        problem: impl ToString,
    ) -> Self {
        let mut shown: String = text
            .chars()
            .take(Self::SHOWN)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self {
            index,
            text: shown,
            field,
            is_json: false,
            problem: problem.to_string(),
        }
    }

    fn where_in_it(&self) -> String {
        match self.field {
            Some(field) if self.is_json => {
                format!("field {field:?} (/{}/{field}): ", self.index - 1)
            }
            Some(field) => format!("field {field:?}: "),
            None => String::new(),
        }
    }
}
