//! One thing that a static policy looks at.

use crate::Rule;

/// A check of a rule.
#[derive(Clone, Debug)]
pub(super) struct Check {
    /// The rule.
    pub(super) rule: Rule,
    /// Rules that admission must enforce for this one to deny: where one of them is relaxed and broken, `admit` lets pass
    /// without having come to this one.
    pub(super) after: &'static [Rule],
    /// The expression that holds for what is right.
    pub(super) expression: String,
    /// What is said otherwise.
    pub(super) message: String,
    /// The same, with what was found; an expression.
    pub(super) message_expression: Option<String>,
}
