//! The names a server certificate is valid for.
//!
//! Parsed once, so that issuing and verifying speak of the same list
//! and no certificate is made that no client could accept.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls_pki_types::{DnsName, ServerName as TlsName};

use crate::error::{Error, Part};
use crate::leaf::Leaf;

/// The DNS domain of a cluster whose administrator did not choose another.
pub const CLUSTER_DOMAIN: &str = "cluster.local";

/// One DNS name or IP address under which a server is called.
///
/// ```
/// use certs::names::ServerName;
///
/// let name: ServerName = "Polypod.kube-system.svc".parse()?;
/// assert_eq!(name.to_string(), "polypod.kube-system.svc");
/// assert!("https://polypod".parse::<ServerName>().is_err());
/// # Ok::<(), certs::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerName(TlsName<'static>);

impl ServerName {
    /// The name as rustls wants it when it verifies a server or connects to one.
    pub fn as_tls(&self) -> &TlsName<'static> {
        &self.0
    }
}

impl FromStr for ServerName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(address.into()));
        }
        let invalid = || Error::InvalidName {
            name: text.to_owned(),
        };
        // DNS allows the trailing dot of an absolute name, a certificate does not.
        if text.ends_with('.') {
            return Err(invalid());
        }
        let name = DnsName::try_from(text).map_err(|_| invalid())?;
        Ok(Self(TlsName::DnsName(name.to_lowercase_owned())))
    }
}

impl From<IpAddr> for ServerName {
    fn from(address: IpAddr) -> Self {
        Self(address.into())
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_str())
    }
}

/// The names of one server certificate: at least one, none twice, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerNames(Vec<ServerName>);

impl ServerNames {
    /// The names in this order, without repetitions.
    pub fn new(names: impl IntoIterator<Item = ServerName>) -> Result<Self, Error> {
        let mut unique = Vec::new();
        for name in names {
            if !unique.contains(&name) {
                unique.push(name);
            }
        }
        if unique.is_empty() {
            return Err(Error::NoNames);
        }
        Ok(Self(unique))
    }

    /// Every name by which a Service is reached inside a cluster with the domain [`CLUSTER_DOMAIN`].
    ///
    /// The API server calls a webhook as `service.namespace.svc` whatever the cluster's domain is;
    /// the other names are for people and tools. [`ServerNames::with`] adds those of another domain.
    pub fn for_service(service: &str, namespace: &str) -> Result<Self, Error> {
        for label in [service, namespace] {
            if !is_label(label) {
                return Err(Error::InvalidServiceLabel {
                    label: label.to_owned(),
                });
            }
        }
        let names = [
            service.to_owned(),
            format!("{service}.{namespace}"),
            format!("{service}.{namespace}.svc"),
            format!("{service}.{namespace}.svc.{CLUSTER_DOMAIN}"),
        ];
        let names: Result<Vec<ServerName>, Error> = names.iter().map(|name| name.parse()).collect();
        Self::new(names?)
    }

    /// These names and one more.
    #[must_use]
    pub fn with(mut self, name: ServerName) -> Self {
        if !self.0.contains(&name) {
            self.0.push(name);
        }
        self
    }

    /// Refuses a server certificate that is not for each of these names.
    pub fn check(&self, leaf: &Leaf) -> Result<(), Error> {
        let certified_key = leaf.certified_key();
        let unusable = |source| Error::UnusableCertificate {
            part: Part::Chain,
            source,
        };
        let end_entity = certified_key.end_entity_cert().map_err(unusable)?;
        let certificate = ParsedCertificate::try_from(end_entity).map_err(unusable)?;
        for name in &self.0 {
            verify_server_name(&certificate, name.as_tls()).map_err(|source| Error::WrongName {
                name: name.to_string(),
                source,
            })?;
        }
        Ok(())
    }

    /// The names in their order.
    pub fn iter(&self) -> impl Iterator<Item = &ServerName> {
        self.0.iter()
    }
}

impl fmt::Display for ServerNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(f, "{separator}{name}")?;
        }
        Ok(())
    }
}

/// Whether Kubernetes allows a text as the name of a Namespace or Service (RFC 1123 label).
fn is_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| inner(b) || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_name() {
        let accepted = [
            ("webhook", "webhook"),
            ("Webhook.Kube-System.SVC", "webhook.kube-system.svc"),
            ("10.96.0.1", "10.96.0.1"),
            ("2001:DB8::0:1", "2001:db8::1"),
        ];
        for (text, wanted) in accepted {
            assert_eq!(text.parse::<ServerName>().unwrap().to_string(), wanted);
        }
        let refused = [
            "",
            " ",
            ".",
            "a.",
            "a..b",
            "-a",
            "a-",
            "*.svc",
            "a b",
            "a:443",
            "https://a",
            "10.0.0",
            "[::1]",
            "::1%eth0",
            "é",
        ];
        for text in refused {
            let result = text.parse::<ServerName>();
            assert!(
                matches!(&result, Err(Error::InvalidName { name }) if name == text),
                "`{text}` gave {result:?}"
            );
        }
    }

    #[test]
    fn a_service_has_four_names() {
        let names = ServerNames::for_service("polypod", "kube-system").unwrap();
        assert_eq!(
            names.to_string(),
            "polypod, polypod.kube-system, polypod.kube-system.svc, \
             polypod.kube-system.svc.cluster.local"
        );
    }

    #[test]
    fn a_service_is_not_a_path_of_labels() {
        let long = "a".repeat(64);
        for label in ["", "a.b", "A", "-a", "a-", "a_b", &long] {
            assert!(ServerNames::for_service(label, "ns").is_err(), "{label}");
            assert!(ServerNames::for_service("svc", label).is_err(), "{label}");
        }
    }

    #[test]
    fn a_list_has_no_repetition_and_is_not_empty() {
        let name: ServerName = "a".parse().unwrap();
        let names = ServerNames::new([name.clone(), name.clone()]).unwrap();
        assert_eq!(names.with(name).iter().count(), 1);
        assert!(matches!(ServerNames::new([]), Err(Error::NoNames)));
    }

    proptest! {
        #[test]
        fn parsing_what_was_printed_gives_the_same(text in "\\PC{0,40}|[a-zA-Z0-9.:_-]{1,70}") {
            if let Ok(name) = text.parse::<ServerName>() {
                prop_assert_eq!(name.to_string().parse::<ServerName>().unwrap(), name);
            }
        }
    }
}
