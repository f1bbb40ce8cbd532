//! The rules a finding can name: those of admission, and a few that only files can break.

use admission::Rule;

/// An object does not fit its kind.
pub(super) const INVALID_OBJECT: &str = "invalid-object";

/// A network is defined twice.
pub(super) const DUPLICATE_DEFINITION: &str = "duplicate-definition";

/// Advice that admission gives without a rule.
pub(super) const ADVICE: &str = "advice";

/// The names and descriptions of all of them, admission's first.
pub(super) fn all() -> Vec<(&'static str, &'static str)> {
    let own = [
        (
            INVALID_OBJECT,
            "An object fits the kind that it says it is of.",
        ),
        (
            DUPLICATE_DEFINITION,
            "A NetworkAttachmentDefinition stands in the input once.",
        ),
        (
            ADVICE,
            "Admission has nothing to advise the object's author.",
        ),
    ];
    let admission = Rule::ALL
        .iter()
        .map(|rule| (rule.as_str(), rule.description()));
    admission.chain(own).collect()
}
