//! The CAs that clients trust, and whether those clients would accept a server certificate.
//!
//! This is the content of a webhook configuration's `caBundle`. It may hold several CAs,
//! because a rotation without refused calls needs the old and the new one trusted together.

use std::sync::Arc;

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::{CertificateDer, UnixTime};
use time::OffsetDateTime;

use crate::authority::Authority;
use crate::error::{Error, Part};
use crate::leaf::Leaf;
use crate::names::ServerNames;
use crate::pem::{self, PemCertificate};
use crate::tls;
use crate::validity::Validity;

/// One or more trusted CA certificates, none twice.
#[derive(Debug, Clone)]
pub struct CaBundle(Vec<Trusted>);

#[derive(Debug, Clone)]
struct Trusted {
    certificate: PemCertificate,
    validity: Validity,
    serial: String,
}

impl CaBundle {
    /// Reads one or more PEM certificates; text between them is dropped.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let part = Part::AuthorityCertificate;
        let mut bundle = Self(Vec::new());
        for certificate in pem::certificates(part, text)? {
            let validity = Validity::of_certificate(&certificate.der, part)?;
            RootCertStore::empty()
                .add(certificate.der.clone())
                .map_err(|source| Error::UnusableCertificate { part, source })?;
            bundle.add(Trusted {
                serial: serial(&certificate.der),
                certificate,
                validity,
            });
        }
        Ok(bundle)
    }

    /// What either bundle trusts, this one's CAs first.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        for trusted in other.0 {
            self.add(trusted);
        }
        self
    }

    /// The CAs of this bundle that are valid at `now`; `None` when none is.
    #[must_use]
    pub fn valid_at(self, now: OffsetDateTime) -> Option<Self> {
        let valid = self.0.into_iter().filter(|ca| ca.validity.contains(now));
        let valid: Vec<Trusted> = valid.collect();
        (!valid.is_empty()).then_some(Self(valid))
    }

    /// Whether both trust the same CAs, in whatever order.
    #[must_use]
    pub fn trusts_the_same(&self, other: &Self) -> bool {
        let all_in = |these: &[Trusted], those: &[Trusted]| {
            these.iter().all(|one| {
                those
                    .iter()
                    .any(|other| other.certificate.der == one.certificate.der)
            })
        };
        all_in(&self.0, &other.0) && all_in(&other.0, &self.0)
    }

    /// The bundle as PEM, ready to be a `caBundle`.
    pub fn pem(&self) -> String {
        self.0
            .iter()
            .map(|ca| ca.certificate.text.as_str())
            .collect()
    }

    /// Serial number, as hexadecimal digits with colons, and validity of each CA, in the bundle's order.
    pub fn authorities(&self) -> impl Iterator<Item = (String, Validity)> {
        self.0.iter().map(|ca| (ca.serial.clone(), ca.validity))
    }

    /// When each of the CAs may be used, in the bundle's order.
    pub fn validities(&self) -> impl Iterator<Item = Validity> {
        self.0.iter().map(|ca| ca.validity)
    }

    /// Refuses a server certificate that a client which trusts this bundle would refuse at `now`,
    /// under any of `names`.
    ///
    /// A CA that is not valid at `now` is not trusted: the API server checks that, webpki does not.
    pub fn verify(
        &self,
        leaf: &Leaf,
        names: &ServerNames,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        self.verify_chain(leaf, now)?;
        names.check(leaf)
    }

    /// Refuses a server certificate that a client which trusts this bundle would refuse at `now`,
    /// whatever name it calls the server by.
    pub fn verify_chain(&self, leaf: &Leaf, now: OffsetDateTime) -> Result<(), Error> {
        leaf.validity().check(now, Part::Chain)?;
        let certified_key = leaf.certified_key();
        let unusable = |source| Error::UnusableCertificate {
            part: Part::Chain,
            source,
        };
        let end_entity = certified_key.end_entity_cert().map_err(unusable)?;
        let certificate = ParsedCertificate::try_from(end_entity).map_err(unusable)?;
        let mut valid = self.0.iter().filter(|ca| ca.validity.contains(now));
        // Go, and so the API server, trusts what is a root itself, CA or not; webpki refuses a CA as a server.
        if valid.any(|ca| ca.certificate.der == *end_entity) {
            return is_for_servers(end_entity);
        }
        let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots_at(now)?,
            &certified_key.cert[1..],
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)),
            tls::provider().signature_verification_algorithms.all,
        )
        .map_err(Error::Untrusted)
    }

    /// Every CA as a trust anchor, whatever the time is.
    pub(crate) fn roots(&self) -> Result<Arc<RootCertStore>, Error> {
        Ok(Arc::new(root_store(&self.0)?))
    }

    fn roots_at(&self, now: OffsetDateTime) -> Result<RootCertStore, Error> {
        let valid = self.0.iter().filter(|ca| ca.validity.contains(now));
        let roots = root_store(valid)?;
        if roots.is_empty() {
            return Err(Error::NoValidAuthority { now });
        }
        Ok(roots)
    }

    fn add(&mut self, new: Trusted) {
        let der = &new.certificate.der;
        if !self.0.iter().any(|ca| ca.certificate.der == *der) {
            self.0.push(new);
        }
    }
}

impl From<&Authority> for CaBundle {
    fn from(authority: &Authority) -> Self {
        Self(vec![Trusted {
            serial: serial(&authority.certificate().der),
            certificate: authority.certificate().clone(),
            validity: authority.validity(),
        }])
    }
}

/// Refuses a certificate that says what it is for, and names no servers.
fn is_for_servers(certificate: &CertificateDer<'_>) -> Result<(), Error> {
    let part = Part::Chain;
    let not_x509 = |source| Error::NotX509 { part, source };
    let (_, x509) =
        x509_parser::parse_x509_certificate(certificate).map_err(|error| not_x509(error.into()))?;
    match x509.extended_key_usage().map_err(not_x509)? {
        Some(usage) if !usage.value.any && !usage.value.server_auth => Err(Error::Untrusted(
            rustls::Error::InvalidCertificate(CertificateError::InvalidPurpose),
        )),
        _ => Ok(()),
    }
}

/// Nothing for what is no certificate, which those who call this have made sure of.
fn serial(certificate: &CertificateDer<'_>) -> String {
    let parsed = x509_parser::parse_x509_certificate(certificate);
    parsed.map_or_else(|_| String::new(), |(_, x509)| x509.raw_serial_as_string())
}

fn root_store<'a>(trusted: impl IntoIterator<Item = &'a Trusted>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for ca in trusted {
        roots
            .add(ca.certificate.der.clone())
            .map_err(|source| Error::UnusableCertificate {
                part: Part::AuthorityCertificate,
                source,
            })?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests;
