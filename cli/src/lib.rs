//! What a person asks Polypod on a terminal.
//!
//! The library exists so that tests reach the commands without a process; `main.rs` only parses and dispatches.

pub mod args;
mod attachments;
mod cluster;
pub mod completions;
mod daemon_set;
pub mod demo;
pub mod doctor;
pub mod get;
mod input;
pub mod lint;
pub mod man;
pub mod map;
mod output;
mod pod_name;
pub mod policies;
pub mod render;
pub mod status;
pub mod top;
pub mod why;
