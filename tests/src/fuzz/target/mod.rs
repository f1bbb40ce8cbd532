//! What every input is put through, and what must be true of the outcome. They fail by panicking.
//!
//! The package `tests/fuzz` builds this folder as a library, for libFuzzer; the scenarios `fuzz::` call the same functions
//! with inputs of their own. Neither may know of the other.

mod admission_review;
mod annotation;
mod network_configuration;
mod pods;
mod world;

pub use admission_review::admission_review;
pub use annotation::annotation;
pub use network_configuration::network_configuration;
