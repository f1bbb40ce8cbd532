//! A certificate that somebody else issues: cert-manager, OpenShift's service-ca, an administrator.
//!
//! Only part of it can be judged here. The names may be fewer than ours would be, and the CA need not be known.

use time::OffsetDateTime;

use crate::ca_bundle::CaBundle;
use crate::error::{Error, Part};
use crate::leaf::Leaf;
use crate::names::ServerNames;

/// A server certificate with what is known of those who are to accept it.
#[derive(Debug, Clone)]
pub struct Foreign {
    /// Chain and key.
    pub leaf: Leaf,
    /// The CAs that clients are said to trust (`ca.crt`).
    pub trust: Option<CaBundle>,
    /// The names it must be for.
    pub names: Option<ServerNames>,
}

impl Foreign {
    /// Reads the three files of a mounted TLS Secret, of which `ca.crt` may be missing or empty.
    ///
    /// # Errors
    /// One of them cannot be read, or key and chain do not belong together.
    pub fn from_pem(
        chain: &str,
        key: &str,
        ca: Option<&str>,
        names: Option<ServerNames>,
    ) -> Result<Self, Error> {
        let trust = ca.filter(|ca| !ca.trim().is_empty());
        Ok(Self {
            leaf: Leaf::from_pem(chain, key)?,
            trust: trust.map(CaBundle::from_pem).transpose()?,
            names,
        })
    }

    /// Refuses what clients would refuse at `now`, as far as it is known.
    ///
    /// # Errors
    /// It is not valid now, not from one of the known CAs, or not for one of the names.
    pub fn check(&self, now: OffsetDateTime) -> Result<(), Error> {
        self.leaf.validity().check(now, Part::Chain)?;
        if let Some(trust) = &self.trust {
            trust.verify_chain(&self.leaf, now)?;
        }
        match &self.names {
            Some(names) => names.check(&self.leaf),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use std::sync::Arc;

    use super::*;
    use crate::authority::Authority;
    use crate::handshake::handshake;
    use crate::reload::Resolver;
    use crate::tls;

    const NAME: &str = "polypod.kube-system.svc";

    /// C7 of the conformance vectors: a chain with an intermediate, and keys in all three encodings.
    #[test]
    fn c7_chains_with_an_intermediate_and_every_kind_of_key_are_served() {
        let root = include_str!("../testdata/root.crt");
        let client = tls::client_config(&CaBundle::from_pem(root).unwrap()).unwrap();
        let resolver = Arc::new(Resolver::empty());
        let server = tls::server_config(Arc::clone(&resolver)).unwrap();
        let (ec, rsa) = (
            include_str!("../testdata/ec-chain.crt"),
            include_str!("../testdata/rsa-chain.crt"),
        );
        for (label, chain, key) in [
            (
                "EC PRIVATE KEY",
                ec,
                include_str!("../testdata/ec-sec1.key"),
            ),
            ("PRIVATE KEY", ec, include_str!("../testdata/ec-pkcs8.key")),
            (
                "RSA PRIVATE KEY",
                rsa,
                include_str!("../testdata/rsa-pkcs1.key"),
            ),
        ] {
            assert!(key.contains(&format!("-----BEGIN {label}-----")));
            let names = ServerNames::new([NAME.parse().unwrap()]).unwrap();
            let foreign = Foreign::from_pem(chain, key, Some(root), Some(names)).unwrap();
            resolver
                .swap_foreign(&foreign, OffsetDateTime::now_utc())
                .unwrap();
            let seen = handshake(&client, &server, NAME).unwrap();
            let served = foreign.leaf.certified_key();
            assert_eq!(
                (seen.certificate, served.cert.len()),
                (served.cert[0].clone(), 2),
                "{label}"
            );
        }
    }

    #[test]
    fn judged_by_what_is_known() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let names = |name: &str| ServerNames::new([name.parse().unwrap()]).unwrap();
        let issuer = Authority::generate("issuer", now, Duration::DAY).unwrap();
        let other = Authority::generate("other", now, Duration::DAY).unwrap();
        let leaf = issuer.issue(&names("a.svc"), now, Duration::HOUR).unwrap();
        let check = |ca: Option<&str>, name: Option<&str>, now| {
            Foreign::from_pem(leaf.chain_pem(), leaf.key_pem(), ca, name.map(names))
                .unwrap()
                .check(now)
        };
        check(None, None, now).unwrap();
        check(Some(""), None, now).unwrap();
        check(Some(issuer.pem()), Some("a.svc"), now).unwrap();
        let untrusted = check(Some(other.pem()), None, now);
        assert!(matches!(untrusted, Err(Error::Untrusted(_))));
        let misnamed = check(None, Some("b.svc"), now);
        assert!(matches!(misnamed, Err(Error::WrongName { .. })));
        let late = check(None, None, now + Duration::DAY);
        assert!(matches!(late, Err(Error::OutsideValidity { .. })));
        let torn = Foreign::from_pem(leaf.chain_pem(), leaf.key_pem(), Some("no PEM"), None);
        assert!(matches!(torn, Err(Error::NoCertificate { .. })));
    }
}
