//! How long certificates live, and how long the steps of a rotation wait for each other.

use time::Duration;

use crate::error::Error;

/// Lives and waiting times that fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    authority_life: Duration,
    leaf_life: Duration,
    propagation: Duration,
}

impl Schedule {
    /// A CA for a year, a server certificate for thirty days, a minute between two steps.
    pub const DEFAULT: Self = Self {
        authority_life: Duration::days(365),
        leaf_life: Duration::days(30),
        propagation: Duration::MINUTE,
    };

    /// A CA is replaced in the last third of its life. The two waiting times of a rotation must fit
    /// into that third twice, and a server certificate must not live longer than the CA.
    ///
    /// `propagation` is how long it may take until everybody (each API server with a changed
    /// `caBundle`, each replica with a changed Secret) has seen what was written.
    ///
    /// # Errors
    /// The three do not fit together.
    pub fn new(
        authority_life: Duration,
        leaf_life: Duration,
        propagation: Duration,
    ) -> Result<Self, Error> {
        let fits = Duration::seconds(3) <= leaf_life
            && leaf_life <= authority_life
            && authority_life <= Duration::days(36_500)
            && !propagation.is_negative()
            && propagation <= authority_life / 12;
        if !fits {
            return Err(Error::InvalidSchedule {
                authority_life,
                leaf_life,
                propagation,
            });
        }
        Ok(Self {
            authority_life,
            leaf_life,
            propagation,
        })
    }

    /// How long a CA lives.
    pub fn authority_life(&self) -> Duration {
        self.authority_life
    }

    /// How long a server certificate lives.
    pub fn leaf_life(&self) -> Duration {
        self.leaf_life
    }

    /// How long something that was written may stay unseen.
    pub fn propagation(&self) -> Duration {
        self.propagation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        let of = |authority, leaf, propagation| {
            let seconds = Duration::seconds;
            Schedule::new(seconds(authority), seconds(leaf), seconds(propagation))
        };
        let default = Schedule::DEFAULT;
        let again = Schedule::new(
            default.authority_life,
            default.leaf_life,
            default.propagation,
        );
        assert_eq!(again.unwrap(), default);
        for (authority, leaf, propagation) in [(48, 12, 4), (3, 3, 0), (120, 120, 10)] {
            of(authority, leaf, propagation).unwrap();
        }
        for (authority, leaf, propagation) in [
            (48, 12, 5),
            (48, 49, 1),
            (48, 2, 1),
            (48, 12, -1),
            (0, 0, 0),
            (i64::MAX, 12, 1),
        ] {
            let error = of(authority, leaf, propagation).unwrap_err();
            assert!(error.to_string().contains("twelfth"), "{error}");
        }
    }
}
