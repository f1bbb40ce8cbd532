//! What a person asks Polypod on a terminal.
//!
//! The library exists so that tests reach the commands without a process; `main.rs` only parses and dispatches.

pub mod demo;
mod input;
pub mod lint;
pub mod policies;
pub mod render;
pub mod why;
