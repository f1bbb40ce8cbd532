//! The protocols Polypod speaks, as values.
//!
//! One parser serves everybody: what admission accepts is what the plugin carries out, because both call this crate.
//! It opens no file, no socket and no thread, so nothing in it can fail except parsing.

pub mod bridge;
pub mod cni;
mod derived_span;
pub mod device;
pub mod hand_over;
pub mod kind;
pub mod label;
mod name;
pub mod network;
pub mod record;
pub mod scheduler_name;
mod trace_context;

pub use name::NameError;
pub use trace_context::TraceContext;
