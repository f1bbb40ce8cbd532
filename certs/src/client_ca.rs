//! Who a client is: the CAs whose certificates prove it, and how it is asked for one.
//!
//! One port serves API servers, which may show a certificate of anybody's CA or none, and schedulers, which may have to
//! show one of the right CA. So the handshake takes every certificate whose key the client has, and what it is worth is
//! judged where it matters.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use time::OffsetDateTime;
use x509_parser::extensions::GeneralName;

use std::sync::Arc;

use crate::ca_bundle::CaBundle;
use crate::error::Error;
use crate::tls;

/// The CAs whose certificates prove who a client is.
#[derive(Debug, Clone)]
pub struct ClientCa(CaBundle);

impl ClientCa {
    /// Reads one or more PEM certificates of CAs; text between them is dropped.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let bundle = CaBundle::from_pem(text)?;
        verifier(&bundle)?;
        Ok(Self(bundle))
    }

    /// Refuses a client that shows this chain, its own certificate first, unless it leads to one of the CAs and is for
    /// clients.
    pub fn verify(&self, chain: &[CertificateDer<'_>], now: OffsetDateTime) -> Result<(), Error> {
        let no_certificate = || Error::UntrustedClient(rustls::Error::NoCertificatesPresented);
        let (own, intermediates) = chain.split_first().ok_or_else(no_certificate)?;
        let valid = self.0.clone().valid_at(now);
        let valid = valid.ok_or(Error::NoValidAuthority { now })?;
        let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        verifier(&valid)?
            .verify_client_cert(own, intermediates, now)
            .map(drop)
            .map_err(Error::UntrustedClient)
    }
}

/// Whom a certificate is for: the common names of its subject, and of its SANs the DNS names and the URIs. Only what was
/// verified says anything.
///
/// # Errors
/// It is no X.509 certificate, or its SANs cannot be read.
pub fn names_of(certificate: &CertificateDer<'_>) -> Result<Vec<String>, Error> {
    let unreadable = || {
        let problem = rustls::CertificateError::BadEncoding;
        Error::UntrustedClient(rustls::Error::InvalidCertificate(problem))
    };
    let parsed = x509_parser::parse_x509_certificate(certificate);
    let (_, certificate) = parsed.map_err(|_| unreadable())?;
    let common = certificate.subject().iter_common_name();
    let mut names: Vec<String> = common
        .filter_map(|name| name.as_str().ok())
        .map(str::to_owned)
        .collect();
    let others = certificate.subject_alternative_name();
    if let Some(others) = others.map_err(|_| unreadable())? {
        let others = &others.value.general_names;
        names.extend(others.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) | GeneralName::URI(name) => Some((*name).to_owned()),
            _ => None,
        }));
    }
    // Most say the same twice.
    names.dedup();
    Ok(names)
}

fn verifier(bundle: &CaBundle) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let builder = WebPkiClientVerifier::builder_with_provider(bundle.roots()?, tls::provider());
    builder
        .build()
        .map_err(|error| Error::UntrustedClient(rustls::Error::General(error.to_string())))
}

/// Asks clients for a certificate, and takes whatever they show if they have its key.
#[derive(Debug)]
pub(crate) struct AnyClient(WebPkiSupportedAlgorithms);

impl AnyClient {
    pub(crate) fn new() -> Self {
        Self(tls::provider().signature_verification_algorithms)
    }
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None: the CAs may change while connections last.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
