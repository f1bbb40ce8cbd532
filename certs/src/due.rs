//! When a certificate is renewed.

use time::{Duration, OffsetDateTime};

use crate::leaf::Leaf;
use crate::validity::Validity;

/// The moment from which a certificate is to be renewed: two thirds of its validity.
///
/// The last third is the time in which a failing renewal can be noticed and repaired
/// while the old certificate still works.
pub fn due_at(validity: Validity) -> OffsetDateTime {
    validity.not_before() + length(validity) * 2 / 3
}

/// The moment from which a server certificate is to be renewed: up to a twentieth of its validity
/// before [`due_at`].
///
/// Clusters that were installed together would otherwise renew together, for ever.
/// The jitter comes out of the certificate itself, so that whoever asks, and however often,
/// is told the same.
pub fn leaf_due_at(leaf: &Leaf) -> OffsetDateTime {
    let certified_key = leaf.certified_key();
    // The signature is at the end, and as random as anything.
    let last: &[u8] = certified_key.cert[0].as_ref();
    let jitter = last
        .last_chunk::<2>()
        .map_or(0, |&two| u16::from_be_bytes(two));
    let widest: Duration = length(leaf.validity()) / 20;
    let share = widest.whole_seconds() * i64::from(jitter) / i64::from(u16::MAX);
    due_at(leaf.validity()) - Duration::seconds(share)
}

fn length(validity: Validity) -> Duration {
    validity.not_after() - validity.not_before()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::authority::Authority;
    use crate::names::ServerNames;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    #[test]
    fn at_two_thirds() {
        let validity = Validity::new(at(100), at(400)).unwrap();
        assert_eq!(due_at(validity), at(300));
    }

    #[test]
    fn a_leaf_somewhat_earlier_and_not_always_the_same() {
        let now = at(1_800_000_000);
        let authority = Authority::generate("polypod", now, Duration::days(365)).unwrap();
        let names = ServerNames::for_service("polypod", "kube-system").unwrap();
        let moments: std::collections::BTreeSet<OffsetDateTime> = (0..20)
            .map(|_| {
                let leaf = authority.issue(&names, now, Duration::days(30)).unwrap();
                let due = leaf_due_at(&leaf);
                assert_eq!(due, leaf_due_at(&leaf));
                let latest = due_at(leaf.validity());
                assert!(
                    latest - Duration::hours(37) <= due && due <= latest,
                    "{due}"
                );
                due
            })
            .collect();
        assert!(moments.len() > 10, "{moments:?}");
    }

    proptest! {
        #[test]
        fn what_was_just_made_is_not_due(
            now in 1_000_000_i64..4_000_000_000,
            life in 3_i64..1_000_000_000,
        ) {
            let made = Validity::starting(at(now), Duration::seconds(life)).unwrap();
            prop_assert!(at(now) < due_at(made) && due_at(made) < made.not_after());
        }
    }
}
