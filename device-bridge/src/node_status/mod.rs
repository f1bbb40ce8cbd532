//! How this agent is, told in the status of its node's NodeInventory.
//!
//! [`wished::wished`] is a function of what the process knows of itself, [`cadence`] says when it is written; [`object`] is the
//! status in the API server, and [`tell`] follows and writes. Where it cannot be written nothing else suffers.

pub mod cadence;
pub mod object;
mod tell;
pub mod wished;

pub use self::tell::{Parts, tell};
