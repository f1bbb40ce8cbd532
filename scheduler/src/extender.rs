//! What kube-scheduler and an extender say to each other.
//!
//! Source: `k8s.io/kube-scheduler/extender/v1`. The Go types have no JSON tags, so that keys are written as the fields
//! are called and read in any case. Thousands of names come and go with each pod: they are read where they lie in the
//! request, and written from there.

mod args;
mod priorities;
mod result;

pub use args::{Candidates, ExtenderArgs, GivenNode, NodeName};
pub use priorities::HostPriorityList;
pub use result::ExtenderFilterResult;

/// The best score of an extender (`MaxExtenderPriority`).
pub const MAX_SCORE: i64 = 10;
