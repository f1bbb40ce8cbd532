//! A server certificate with its chain and private key, as it is stored and as it is served.
//!
//! A value of this type always fits together: what cannot be served cannot be made into one,
//! wherever it came from (our own CA, cert-manager, a file of the administrator).

use std::fmt;
use std::sync::Arc;

use rustls::InconsistentKeys;
use rustls::sign::CertifiedKey;

use crate::error::{Error, Part};
use crate::pem;
use crate::tls;
use crate::validity::Validity;

/// A server's certificate chain and the private key of its first certificate.
#[derive(Clone)]
pub struct Leaf {
    chain: String,
    key: String,
    validity: Validity,
    certified_key: Arc<CertifiedKey>,
}

impl Leaf {
    /// Reads a chain, the server's own certificate first, and a PKCS#8, PKCS#1 or SEC1 key.
    ///
    /// Refuses a key that does not belong to the first certificate.
    /// Says nothing about trust and time: [`CaBundle::verify`](crate::ca_bundle::CaBundle::verify) does.
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, Error> {
        let certificates: Vec<_> = pem::certificates(Part::Chain, chain)?
            .into_iter()
            .map(|certificate| certificate.der)
            .collect();
        let validity = Validity::of_certificate(&certificates[0], Part::Chain)?;
        let private_key = pem::private_key(Part::Key, key)?;
        let signing_key = tls::provider()
            .key_provider
            .load_private_key(private_key)
            .map_err(|source| Error::UnsupportedKey {
                part: Part::Key,
                source,
            })?;
        let certified_key = CertifiedKey::new(certificates, signing_key);
        certified_key.keys_match().map_err(|source| match source {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Error::KeyMismatch {
                key: Part::Key,
                certificate: Part::Chain,
            },
            source => Error::UnusableCertificate {
                part: Part::Chain,
                source,
            },
        })?;
        Ok(Self {
            chain: chain.to_owned(),
            key: key.to_owned(),
            validity,
            certified_key: Arc::new(certified_key),
        })
    }

    /// The chain as PEM, as it was given.
    pub fn chain_pem(&self) -> &str {
        &self.chain
    }

    /// The private key as PEM, as it was given.
    pub fn key_pem(&self) -> &str {
        &self.key
    }

    /// When the server's own certificate, the first of the chain, may be used.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The chain and key in the form that rustls serves.
    pub fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified_key)
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaf")
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, OffsetDateTime};

    use super::*;
    use crate::authority::Authority;
    use crate::names::ServerNames;

    const RSA: &str = include_str!("../testdata/rsa.crt");
    const RSA_KEY: &str = include_str!("../testdata/rsa-pkcs1.key");
    const EC: &str = include_str!("../testdata/ec.crt");
    const EC_KEY: &str = include_str!("../testdata/ec-sec1.key");

    fn issued() -> Leaf {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let names = ServerNames::for_service("polypod", "kube-system").unwrap();
        let authority = Authority::generate("polypod", now, Duration::DAY).unwrap();
        authority.issue(&names, now, Duration::DAY).unwrap()
    }

    #[test]
    fn reads_pkcs1_sec1_and_pkcs8() {
        let ours = issued();
        let pairs = [
            ("RSA PRIVATE KEY", RSA, RSA_KEY),
            ("EC PRIVATE KEY", EC, EC_KEY),
            ("PRIVATE KEY", ours.chain_pem(), ours.key_pem()),
        ];
        for (label, chain, key) in pairs {
            assert!(key.contains(&format!("-----BEGIN {label}-----")), "{label}");
            let leaf = Leaf::from_pem(chain, key).unwrap();
            assert_eq!((leaf.chain_pem(), leaf.key_pem()), (chain, key), "{label}");
        }
    }

    #[test]
    fn keeps_the_whole_chain() {
        let chain = format!("{EC}{RSA}");
        let leaf = Leaf::from_pem(&chain, EC_KEY).unwrap();
        assert_eq!(leaf.certified_key().cert.len(), 2);
    }

    #[test]
    fn refuses_the_key_of_another_certificate() {
        let reversed = format!("{RSA}{EC}");
        for (chain, key) in [(EC, RSA_KEY), (RSA, EC_KEY), (&reversed, EC_KEY)] {
            let result = Leaf::from_pem(chain, key);
            assert!(matches!(result, Err(Error::KeyMismatch { .. })));
        }
    }

    #[test]
    fn says_which_half_is_missing() {
        let no_chain = Leaf::from_pem(EC_KEY, EC_KEY).unwrap_err();
        assert!(no_chain.to_string().contains("(tls.crt)"), "{no_chain}");
        let no_key = Leaf::from_pem(EC, EC).unwrap_err();
        assert!(no_key.to_string().contains("(tls.key)"), "{no_key}");
    }

    #[test]
    fn says_that_a_certificate_is_none() {
        let chain = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let result = Leaf::from_pem(chain, EC_KEY);
        assert!(matches!(result, Err(Error::NotX509 { .. })), "{result:?}");
    }

    #[test]
    fn debug_does_not_show_the_key() {
        assert!(!format!("{:?}", issued()).contains("PRIVATE"));
    }
}
