//! `bandwidth`: limits of an attachment (NPWG specification, 4.1.2.1.8).

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A limit with at least one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bandwidth {
    ingress: Option<Rate>,
    egress: Option<Rate>,
}

/// The limit of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Bits per second.
    pub rate: NonZeroU64,
    /// The largest burst, in bits.
    pub burst: Option<NonZeroU64>,
}

/// What the kubelet gives the `bandwidth` plugin, which refuses a rate without a burst.
const DEFAULT_BURST: u64 = i32::MAX as u64;

impl Bandwidth {
    /// A limit, unless both directions are missing.
    #[must_use]
    pub const fn new(ingress: Option<Rate>, egress: Option<Rate>) -> Option<Self> {
        match (ingress, egress) {
            (None, None) => None,
            (ingress, egress) => Some(Self { ingress, egress }),
        }
    }

    /// The value of the `bandwidth` capability.
    #[must_use]
    pub fn capability(&self) -> Value {
        let mut value = Map::new();
        for (direction, rate) in [("ingress", self.ingress), ("egress", self.egress)] {
            if let Some(Rate { rate, burst }) = rate {
                let burst = burst.map_or(DEFAULT_BURST, NonZeroU64::get);
                value.insert(format!("{direction}Rate"), Value::from(rate.get()));
                value.insert(format!("{direction}Burst"), Value::from(burst));
            }
        }
        Value::Object(value)
    }
}
