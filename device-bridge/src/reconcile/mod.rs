//! Compares what sandboxes have with what pods ask for, at the start and then from time to time.
//!
//! What is found is told as an Event of the pod, counted, and logged, once. What can be mended without harm is mended: a
//! network-status that nobody published is published, and what is left of a sandbox that is gone is undone by the plugin.

pub mod args;
mod clean;
mod find;
mod finding;
pub(crate) mod of_multus;
mod round;
mod sandbox;
mod status;

pub use self::{
    clean::Cleaner,
    find::{Rules, find},
    finding::Finding,
    round::{Known, Reconciler, run},
    sandbox::{Had, Sandbox, Seen, State, read, remember},
};
