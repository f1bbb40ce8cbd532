//! The rule against the vectors of others, and against the kubelet's own algorithm.

mod agreement;
mod fixture;
mod kubelet;
mod limits;
mod vectors;
