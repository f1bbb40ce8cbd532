//! Since when what is seen has been so: the memory of whoever looks again and again.

use time::OffsetDateTime;

use crate::rotation::Observed;
use crate::store::Bundle;

/// Turns "it is so now" into "it has been so since". A new process begins anew, and so waits longer rather than shorter.
#[derive(Debug, Default)]
pub struct Lookout {
    trust: String,
    stored: Option<OffsetDateTime>,
    published: Option<OffsetDateTime>,
    served: Option<OffsetDateTime>,
}

impl Lookout {
    /// What has been seen by `now` of `bundle`: whether clients are told to trust exactly its CAs, and whether every
    /// endpoint proves itself to a client that trusts its issuing CA alone.
    pub fn look(
        &mut self,
        now: OffsetDateTime,
        bundle: &Bundle,
        published: bool,
        served: bool,
    ) -> Observed {
        if self.trust != bundle.ca_crt {
            *self = Self {
                trust: bundle.ca_crt.clone(),
                ..Self::default()
            };
        }
        let since = |since: &mut Option<OffsetDateTime>, is_so: bool| {
            // After a clock was set back it is so since now, and not since a moment that is still to come.
            *since = is_so.then(|| since.unwrap_or(now).min(now));
            *since
        };
        Observed {
            stored: since(&mut self.stored, true).unwrap_or(now),
            published: since(&mut self.published, published),
            served: since(&mut self.served, served),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_when_without_a_break() {
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let of = |ca: &str| Bundle {
            ca_crt: ca.to_owned(),
            ..Bundle::NOTHING
        };
        let mut lookout = Lookout::default();
        let table = [
            (10, "a", false, true, (10, None, Some(10))),
            (20, "a", true, true, (10, Some(20), Some(10))),
            (30, "a", false, true, (10, None, Some(10))),
            (40, "a", true, true, (10, Some(40), Some(10))),
            (5, "a", true, true, (5, Some(5), Some(5))),
            (50, "b", true, false, (50, Some(50), None)),
        ];
        for (now, ca, published, served, (stored, since_published, since_served)) in table {
            let wanted = Observed {
                stored: at(stored),
                published: since_published.map(at),
                served: since_served.map(at),
            };
            let found = lookout.look(at(now), &of(ca), published, served);
            assert_eq!(found, wanted, "{now}");
        }
    }
}
