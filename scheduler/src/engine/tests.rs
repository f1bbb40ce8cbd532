//! The engine's account, told as the events of a cluster.

mod fixture;
mod life;
mod model;
mod pods;
mod reports;
mod vectors;
