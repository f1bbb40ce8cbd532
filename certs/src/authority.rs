//! A certificate authority of our own: a self-signed CA that issues server certificates.
//!
//! Made again from its PEM at every start, so that a fresh and a reloaded CA are one and the same
//! code path and a restart cannot change what it issues.

use std::fmt;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use rustls_pki_types::ServerName as TlsName;
use time::{Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;

use crate::error::{Error, Part};
use crate::leaf::Leaf;
use crate::names::{ServerName, ServerNames};
use crate::pem::{self, PemCertificate};
use crate::validity::Validity;

/// The upper bound of a common name's length (RFC 5280, `ub-common-name`).
const COMMON_NAME_MAX: usize = 64;

/// A CA certificate and its private key.
pub struct Authority {
    certificate: PemCertificate,
    validity: Validity,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new CA with a new ECDSA P-256 key, valid from shortly before `now` for `life`.
    pub fn generate(common_name: &str, now: OffsetDateTime, life: Duration) -> Result<Self, Error> {
        if !(1..=COMMON_NAME_MAX).contains(&common_name.chars().count()) {
            return Err(Error::InvalidCommonName {
                name: common_name.to_owned(),
            });
        }
        let mut params = params(common_name, Validity::starting(now, life)?);
        // It issues servers, not further CAs.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(Error::GenerateKey)?;
        let certificate = params
            .self_signed(&key)
            .map_err(|source| Error::SignAuthority {
                name: common_name.to_owned(),
                source,
            })?;
        Self::from_pem(&certificate.pem(), &key.serialize_pem())
    }

    /// The CA whose private key is `key`.
    ///
    /// `certificates` may hold several, as it does while an old and a new CA are both trusted;
    /// the one that belongs to the key is taken. The key must be PKCS#8.
    pub fn from_pem(certificates: &str, key: &str) -> Result<Self, Error> {
        let key = pem::private_key(Part::AuthorityKey, key)?;
        let key = KeyPair::try_from(&key).map_err(|_| Error::UnsupportedAuthorityKey)?;
        let public_key = key.subject_public_key_info();
        let part = Part::AuthorityCertificate;
        for certificate in pem::certificates(part, certificates)? {
            let der = &certificate.der;
            let (_, x509) = x509_parser::parse_x509_certificate(der).map_err(|e| {
                let source = e.into();
                Error::NotX509 { part, source }
            })?;
            if x509.public_key().raw != public_key {
                continue;
            }
            if !may_issue(&x509) {
                return Err(Error::NotAuthority);
            }
            return Ok(Self {
                validity: Validity::of_certificate(der, part)?,
                issuer: Issuer::from_ca_cert_der(der, key).map_err(|_| Error::NotAuthority)?,
                certificate,
            });
        }
        Err(Error::KeyMismatch {
            key: Part::AuthorityKey,
            certificate: part,
        })
    }

    /// A new server certificate with a new ECDSA P-256 key, valid from shortly before `now` for
    /// `life`, but never longer than the CA itself: a client refuses what outlives its issuer.
    pub fn issue(
        &self,
        names: &ServerNames,
        now: OffsetDateTime,
        life: Duration,
    ) -> Result<Leaf, Error> {
        self.validity.check(now, Part::AuthorityCertificate)?;
        let wanted = Validity::starting(now, life)?;
        let end = wanted.not_after().min(self.validity.not_after());
        let sign = |source| Error::SignLeaf {
            names: names.to_string(),
            source,
        };

        let mut params = params(
            &common_name(names),
            Validity::new(wanted.not_before(), end)?,
        );
        params.subject_alt_names = names
            .iter()
            .map(alternative_name)
            .collect::<Result<_, _>>()
            .map_err(sign)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Tells an old and a new CA of one name apart.
        params.use_authority_key_identifier_extension = true;

        let key = KeyPair::generate().map_err(Error::GenerateKey)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(sign)?;
        Leaf::from_pem(&certificate.pem(), &key.serialize_pem())
    }

    /// The CA certificate as PEM, without its key.
    pub fn pem(&self) -> &str {
        &self.certificate.text
    }

    pub(crate) fn certificate(&self) -> &PemCertificate {
        &self.certificate
    }

    /// The CA's private key as PKCS#8 PEM. Whoever has it can pose as any server of this CA.
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// When the CA may be used.
    pub fn validity(&self) -> Validity {
        self.validity
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("certificate", &self.certificate.text)
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

fn params(common_name: &str, validity: Validity) -> CertificateParams {
    let mut subject = DistinguishedName::new();
    if !common_name.is_empty() {
        subject.push(DnType::CommonName, common_name);
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.not_before = validity.not_before();
    params.not_after = validity.not_after();
    params
}

/// The first name that fits, for people: clients look at the alternative names only.
fn common_name(names: &ServerNames) -> String {
    let mut names = names.iter().map(ToString::to_string);
    names
        .find(|name| name.len() <= COMMON_NAME_MAX)
        .unwrap_or_default()
}

fn alternative_name(name: &ServerName) -> Result<SanType, rcgen::Error> {
    match name.as_tls() {
        TlsName::IpAddress(address) => Ok(SanType::IpAddress((*address).into())),
        _ => Ok(SanType::DnsName(name.to_string().try_into()?)),
    }
}

fn may_issue(certificate: &X509Certificate<'_>) -> bool {
    let usage_allows = match certificate.key_usage() {
        Ok(usage) => usage.is_none_or(|usage| usage.value.key_cert_sign()),
        Err(_) => false,
    };
    certificate.is_ca() && usage_allows
}

#[cfg(test)]
mod tests;
