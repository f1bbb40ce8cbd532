//! When in a pod's life a decision is made.

/// The moment a pod is judged at. The plan is the same at each; what becomes of it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is being created, and what is missing can be added.
    Created,
    /// It is about to be stored: what is missing now stays missing.
    Final,
    /// It is stored, and its networks are changed. Containers, node selector and what was injected are as they are.
    Stored,
}
