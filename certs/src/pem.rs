//! Reading PEM: certificates each with their own text, and private keys without quoting them.
//!
//! Certificates keep the text they came from, because a CA bundle is given back as text
//! and somebody else's certificate is to be given back unchanged.

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{Error, Part};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// A certificate and the one PEM section that holds it, without what stood around it.
#[derive(Debug, Clone)]
pub(crate) struct PemCertificate {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) text: String,
}

/// Every certificate of a text, in its order; at least one.
pub(crate) fn certificates(part: Part, text: &str) -> Result<Vec<PemCertificate>, Error> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find(BEGIN) {
        let section = &rest[begin..];
        let end = section.find(END).map_or(section.len(), |at| at + END.len());
        let (section, after) = section.split_at(end);
        let position = found.len() + 1;
        let der = CertificateDer::from_pem_slice(section.as_bytes()).map_err(|source| {
            Error::DamagedPem {
                part,
                position,
                source,
            }
        })?;
        found.push(PemCertificate {
            der,
            text: format!("{section}\n"),
        });
        rest = after;
    }
    if found.is_empty() {
        return Err(Error::NoCertificate { part });
    }
    Ok(found)
}

/// The first private key of a text: PKCS#8, PKCS#1 or SEC1.
pub(crate) fn private_key(part: Part, text: &str) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| Error::NoPrivateKey { part })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA: &str = include_str!("../testdata/rsa.crt");
    const EC: &str = include_str!("../testdata/ec.crt");

    #[test]
    fn certificates_keep_their_own_text_only() {
        let key = include_str!("../testdata/ec-sec1.key");
        let text = format!("# a comment\r\n{key}{RSA}{key}\nfree text\n{EC}\n\n");
        let found = certificates(Part::Chain, &text).unwrap();
        let texts: Vec<_> = found.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(texts, [RSA, EC]);
    }

    #[test]
    fn says_which_certificate_is_damaged() {
        let cut = &EC[..EC.len() / 2];
        let result = certificates(Part::AuthorityCertificate, &format!("{RSA}{cut}"));
        assert!(matches!(result, Err(Error::DamagedPem { position: 2, .. })));
    }

    #[test]
    fn says_that_there_is_none() {
        for text in ["", "free text", include_str!("../testdata/ec-sec1.key")] {
            let result = certificates(Part::Chain, text);
            assert!(matches!(result, Err(Error::NoCertificate { .. })));
        }
    }

    #[test]
    fn an_error_about_a_key_does_not_quote_it() {
        let on_one_line = "-----BEGIN PRIVATE KEY-----c2VjcmV0-----END PRIVATE KEY-----";
        let error = private_key(Part::Key, on_one_line).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("c2VjcmV0"));
    }
}
