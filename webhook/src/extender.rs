//! The scheduler extender: what kube-scheduler asks about the nodes that are left for a pod.
//!
//! Decisions are [`scheduler`]'s; here is what they need around them: the one engine behind a lock, what is learnt of the
//! cluster, the wire, and whose questions are answered.

mod alike;
pub mod args;
pub mod clients;
pub mod counts;
pub mod demands;
mod explain;
pub mod feed;
pub mod files;
pub mod gauges;
pub mod plan;
pub mod reply;
pub mod scheduling;
pub mod serve;
pub mod verb;
pub mod watch;
pub mod watched;
