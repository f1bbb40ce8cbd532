//! The certificate this process proves itself with, from a CA that it made at start and keeps in memory.

use std::sync::Arc;

use certs::{
    authority::Authority,
    ca_bundle::CaBundle,
    error::Error,
    leaf::Leaf,
    names::ServerNames,
    reload::Resolver,
    rotation::{self, Rotation},
};
use time::{Duration, OffsetDateTime};

/// How long a CA lives. It is replaced at two thirds of that, without a restart.
const AUTHORITY_LIFE: Duration = Duration::days(365);

/// How long a server certificate lives.
const LEAF_LIFE: Duration = Duration::days(30);

const COMMON_NAME: &str = "polypod-webhook";

/// A CA, a certificate from it, and whoever serves that certificate.
#[derive(Debug)]
pub struct Identity {
    names: ServerNames,
    authority: Authority,
    leaf: Leaf,
    resolver: Arc<Resolver>,
}

impl Identity {
    /// A new CA and a certificate for `names`.
    ///
    /// # Errors
    /// No key or certificate can be made.
    pub fn generate(names: ServerNames, now: OffsetDateTime) -> Result<Self, Error> {
        let authority = Authority::generate(COMMON_NAME, now, AUTHORITY_LIFE)?;
        let leaf = authority.issue(&names, now, LEAF_LIFE)?;
        let trust = CaBundle::from(&authority);
        let resolver = Resolver::new(names.clone(), &leaf, &trust, now)?;
        Ok(Self {
            names,
            authority,
            leaf,
            resolver: Arc::new(resolver),
        })
    }

    /// The CAs a client is to trust.
    #[must_use]
    pub fn trust(&self) -> CaBundle {
        CaBundle::from(&self.authority)
    }

    /// Serves the certificate, always the latest.
    #[must_use]
    pub fn resolver(&self) -> Arc<Resolver> {
        Arc::clone(&self.resolver)
    }

    /// When the certificate expires.
    #[must_use]
    pub fn not_after(&self) -> OffsetDateTime {
        self.leaf.validity().not_after()
    }

    /// What is to be done at `now`.
    #[must_use]
    pub fn next(&self, now: OffsetDateTime) -> Rotation {
        rotation::next(now, self.authority.validity(), self.leaf.validity())
    }

    /// Serves a new certificate from the same CA.
    ///
    /// # Errors
    /// It cannot be made, or clients would refuse it; the old one is served on.
    pub fn renew_leaf(&mut self, now: OffsetDateTime) -> Result<(), Error> {
        let leaf = self.authority.issue(&self.names, now, LEAF_LIFE)?;
        self.resolver.swap(&leaf, &self.trust(), now)?;
        self.leaf = leaf;
        Ok(())
    }

    /// The next CA, which nothing has been issued from yet.
    ///
    /// # Errors
    /// No key or certificate can be made.
    pub fn next_authority(now: OffsetDateTime) -> Result<Authority, Error> {
        Authority::generate(COMMON_NAME, now, AUTHORITY_LIFE)
    }

    /// Serves a certificate from `authority`, which clients trust by now.
    ///
    /// # Errors
    /// It cannot be made, or clients would refuse it; the old one is served on.
    pub fn change_authority(
        &mut self,
        authority: Authority,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let leaf = authority.issue(&self.names, now, LEAF_LIFE)?;
        self.resolver
            .swap(&leaf, &CaBundle::from(&authority), now)?;
        self.leaf = leaf;
        self.authority = authority;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewed_before_it_expires_and_served_at_once() {
        let names = ServerNames::new(["localhost".parse().unwrap()]).unwrap();
        let begin = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let mut identity = Identity::generate(names, begin).unwrap();
        let resolver = identity.resolver();
        let first = resolver.current();
        let Rotation::Keep { until } = identity.next(begin) else {
            panic!("a new identity is kept");
        };
        assert!(until < identity.not_after());
        assert_eq!(identity.next(until), Rotation::RenewLeaf);
        identity.renew_leaf(until).unwrap();
        assert!(!Arc::ptr_eq(&first, &resolver.current()));
        assert!(matches!(identity.next(until), Rotation::Keep { .. }));

        let late = begin + Duration::days(300);
        assert_eq!(identity.next(late), Rotation::RenewAuthority);
        let old = identity.trust();
        let authority = Identity::next_authority(late).unwrap();
        identity.change_authority(authority, late).unwrap();
        assert_ne!(identity.trust().pem(), old.pem());
        assert!(matches!(identity.next(late), Rotation::Keep { .. }));
    }
}
