//! The fuzz targets, from where the tests have them.

#[path = "../../src/fuzz/target/mod.rs"]
pub mod target;
