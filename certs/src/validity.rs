//! The time in which a certificate may be used.
//!
//! A value of its own, because issuing, checking and scheduling all reason about it,
//! and because "now" must reach all three as an argument.

use rustls_pki_types::CertificateDer;
use time::{Duration, OffsetDateTime, UtcOffset};

use crate::error::{Error, Part};

/// How far before its making a certificate begins to be valid, so that a client whose clock is
/// somewhat behind accepts it; OPA's cert-controller allows the same hour.
pub const SKEW_MARGIN: Duration = Duration::HOUR;

/// From when to when a certificate is valid; both ends belong to it, and the end is after the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
}

impl Validity {
    /// The validity between two moments, to the second, as X.509 counts.
    pub fn new(not_before: OffsetDateTime, not_after: OffsetDateTime) -> Result<Self, Error> {
        let (begin, end) = (whole_second(not_before), whole_second(not_after));
        match (begin, end) {
            (Some(not_before), Some(not_after)) if not_before < not_after => Ok(Self {
                not_before,
                not_after,
            }),
            _ => Err(Error::EmptyValidity {
                not_before,
                not_after,
            }),
        }
    }

    /// The validity of a certificate that is made `now` and is to be used for `life`.
    ///
    /// It begins [`SKEW_MARGIN`] earlier. A life under two hours gets half of itself as the margin:
    /// a whole hour would put two thirds of such a validity into the past,
    /// and the certificate would be due for renewal as soon as it was made.
    pub fn starting(now: OffsetDateTime, life: Duration) -> Result<Self, Error> {
        let invalid = || Error::InvalidLife { now, life };
        if life < Duration::SECOND || now.unix_timestamp() < SKEW_MARGIN.whole_seconds() {
            return Err(invalid());
        }
        let margin = SKEW_MARGIN.min(life / 2);
        let not_before = now.checked_sub(margin).ok_or_else(invalid)?;
        let not_after = now.checked_add(life).ok_or_else(invalid)?;
        Self::new(not_before, not_after).map_err(|_| invalid())
    }

    /// What a certificate says of itself.
    pub fn of_certificate(certificate: &CertificateDer<'_>, part: Part) -> Result<Self, Error> {
        let (_, certificate) = x509_parser::parse_x509_certificate(certificate).map_err(|e| {
            let source = e.into();
            Error::NotX509 { part, source }
        })?;
        let validity = certificate.validity();
        Self::new(
            validity.not_before.to_datetime(),
            validity.not_after.to_datetime(),
        )
    }

    /// The first moment of validity.
    pub fn not_before(&self) -> OffsetDateTime {
        self.not_before
    }

    /// The last moment of validity.
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// Whether a certificate with this validity may be used at `now`.
    pub fn contains(&self, now: OffsetDateTime) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// Refuses a moment outside of this validity, naming the certificate it was asked for.
    pub(crate) fn check(&self, now: OffsetDateTime, part: Part) -> Result<(), Error> {
        if self.contains(now) {
            return Ok(());
        }
        Err(Error::OutsideValidity {
            part,
            now,
            not_before: self.not_before,
            not_after: self.not_after,
        })
    }
}

fn whole_second(moment: OffsetDateTime) -> Option<OffsetDateTime> {
    moment
        .checked_to_offset(UtcOffset::UTC)?
        .replace_nanosecond(0)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    #[test]
    fn begins_one_hour_before_its_making() {
        let now = at(1_800_000_000);
        let validity = Validity::starting(now, Duration::days(365)).unwrap();
        assert_eq!(validity.not_before(), now - Duration::HOUR);
        assert_eq!(validity.not_after(), now + Duration::days(365));
    }

    #[test]
    fn a_short_life_gets_a_short_margin() {
        let now = at(1_800_000_000);
        let validity = Validity::starting(now, Duration::seconds(10)).unwrap();
        assert_eq!(validity.not_before(), now - Duration::seconds(5));
    }

    #[test]
    fn refuses_lives_that_cannot_be_written() {
        let now = at(1_800_000_000);
        let refused = [
            (now, Duration::ZERO),
            (now, Duration::seconds(-1)),
            (now, Duration::MAX),
            (now, Duration::days(365 * 9000)),
            (at(0), Duration::DAY),
            (at(-100_000_000_000), Duration::DAY),
        ];
        for (now, life) in refused {
            let result = Validity::starting(now, life);
            assert!(
                matches!(result, Err(Error::InvalidLife { .. })),
                "{now} {life} gave {result:?}"
            );
        }
    }

    #[test]
    fn both_ends_belong_to_it() {
        let validity = Validity::new(at(100), at(200)).unwrap();
        let table = [(99, false), (100, true), (200, true), (201, false)];
        for (moment, inside) in table {
            assert_eq!(validity.contains(at(moment)), inside, "{moment}");
        }
    }

    #[test]
    fn cannot_be_empty() {
        assert!(Validity::new(at(100), at(100)).is_err());
        assert!(Validity::new(at(100), at(99)).is_err());
    }
}
