//! The pods that use a network, as messages tell of them.

use std::fmt;

/// Some of the pods, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Users {
    /// The first pods in their order, as `namespace/name`.
    pub first: Vec<String>,
    /// How many there are.
    pub count: usize,
}

impl Users {
    /// How many pods are named.
    pub const MOST_NAMED: usize = 3;
}

impl fmt::Display for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => write!(f, "pod {} uses it", self.first.join(", ")),
            count => {
                write!(f, "{count} pods use it, {}", self.first.join(", "))?;
                match count.saturating_sub(self.first.len()) {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
        }
    }
}
