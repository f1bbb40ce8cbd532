//! When a certificate is renewed.
//!
//! A pure schedule: it names the next step and the moment to ask again,
//! and whoever owns the clock and the Secret carries the step out.

use time::OffsetDateTime;

use crate::validity::Validity;

/// What has to be done about the certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// Nothing before this moment.
    Keep {
        /// When to ask again; always later than the moment that was asked about.
        until: OffsetDateTime,
    },
    /// Issue a new server certificate from the CA that is there.
    RenewLeaf,
    /// Make a new CA, let clients trust it beside the old one, then issue a server certificate from it.
    RenewAuthority,
}

/// What has to be done at `now` about a CA and the server certificate issued from it.
///
/// The CA comes first when both are due: a server certificate never outlives its CA,
/// so renewing it from a CA that is being replaced buys little.
pub fn next(now: OffsetDateTime, authority: Validity, leaf: Validity) -> Rotation {
    if is_due(now, authority) {
        Rotation::RenewAuthority
    } else if is_due(now, leaf) {
        Rotation::RenewLeaf
    } else {
        Rotation::Keep {
            until: due_at(authority).min(due_at(leaf)),
        }
    }
}

/// The moment from which a certificate is to be renewed: two thirds of its validity.
///
/// The last third is the time in which a failing renewal can be noticed and repaired
/// while the old certificate still works.
pub fn due_at(validity: Validity) -> OffsetDateTime {
    validity.not_before() + (validity.not_after() - validity.not_before()) * 2 / 3
}

/// Whether a certificate is to be renewed at `now`.
///
/// One that is not valid yet is due as well: no client accepts it, as after a clock that ran ahead.
pub fn is_due(now: OffsetDateTime, validity: Validity) -> bool {
    now < validity.not_before() || due_at(validity) <= now
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::Duration;

    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    fn validity(not_before: i64, not_after: i64) -> Validity {
        Validity::new(at(not_before), at(not_after)).unwrap()
    }

    #[test]
    fn schedule() {
        let keep = |until| Rotation::Keep { until: at(until) };
        let (leaf, authority) = (Rotation::RenewLeaf, Rotation::RenewAuthority);
        // The CA is valid from 0 to 3000 and so due at 2000.
        let table = [
            ("both fresh", 100, (100, 400), keep(300)),
            (
                "last moment before the leaf is due",
                299,
                (100, 400),
                keep(300),
            ),
            ("leaf due", 300, (100, 400), leaf),
            ("leaf expired", 401, (100, 400), leaf),
            ("leaf not valid yet", 99, (100, 400), leaf),
            ("CA due before a long leaf", 1000, (900, 3000), keep(2000)),
            ("CA due, leaf fresh", 2000, (1900, 2200), authority),
            ("CA and leaf due", 2100, (1900, 2200), authority),
            ("CA expired", 3001, (2900, 3000), authority),
            ("CA not valid yet", -1, (-100, 200), authority),
        ];
        for (case, now, (not_before, not_after), wanted) in table {
            let leaf = validity(not_before, not_after);
            assert_eq!(next(at(now), validity(0, 3000), leaf), wanted, "{case}");
        }
    }

    fn any_validity() -> impl Strategy<Value = Validity> {
        (0_i64..4_000_000_000, 1_i64..1_000_000_000)
            .prop_map(|(begin, life)| validity(begin, begin + life))
    }

    proptest! {
        #[test]
        fn kept_certificates_are_valid_until_asked_again(
            now in 0_i64..5_000_000_000,
            authority in any_validity(),
            leaf in any_validity(),
        ) {
            let now = at(now);
            if let Rotation::Keep { until } = next(now, authority, leaf) {
                prop_assert!(now < until);
                for validity in [authority, leaf] {
                    prop_assert!(validity.contains(now) && validity.contains(until));
                }
                let then = next(until, authority, leaf);
                prop_assert!(!matches!(then, Rotation::Keep { .. }), "{then:?}");
            }
        }

        #[test]
        fn what_is_due_stays_due(
            validity in any_validity(),
            after_due in 0_i64..1_000_000_000,
        ) {
            prop_assert!(is_due(due_at(validity) + Duration::seconds(after_due), validity));
        }

        #[test]
        fn what_was_just_made_is_not_due(
            now in 1_000_000_i64..4_000_000_000,
            life in 3_i64..1_000_000_000,
        ) {
            let made = Validity::starting(at(now), Duration::seconds(life)).unwrap();
            prop_assert!(!is_due(at(now), made));
        }
    }
}
