//! The rule against the vectors of others, and against the kubelet's own algorithm.

mod fixture;
mod vectors;
