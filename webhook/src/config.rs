//! The command line, checked: a value that can be carried out.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use admission::Policy;
use certs::names::{ServerName, ServerNames};
use spec::NameError;

use crate::args::Args;

/// What the process is to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the networks come from.
    pub source: Source,
    /// The TLS port.
    pub listen: SocketAddr,
    /// The plain port.
    pub health_listen: SocketAddr,
    /// Where the CA certificate is written to.
    pub cert_out: Option<PathBuf>,
    /// The names the certificate is for.
    pub tls_names: ServerNames,
    /// The administrator's decisions.
    pub policy: Policy,
    /// What is logged, if the command line says it.
    pub log_level: Option<String>,
}

/// Where networks come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Files, read once.
    Files(Vec<PathBuf>),
    /// The API server, watched.
    ApiServer {
        /// Without it the pod's own service account.
        kubeconfig: Option<PathBuf>,
    },
}

/// An argument that cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A name no certificate can be for.
    #[error("--tls-name: {0}")]
    TlsName(#[from] certs::error::Error),
    /// No namespace.
    #[error("--system-namespace: {0}")]
    SystemNamespace(#[from] NameError),
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        let Args {
            objects,
            kubeconfig,
            listen,
            health_listen,
            cert_out,
            tls_name,
            system_namespace,
            log_level,
        } = args;
        let source = if objects.is_empty() {
            Source::ApiServer { kubeconfig }
        } else {
            Source::Files(objects)
        };
        Ok(Self {
            source,
            listen,
            health_listen,
            cert_out,
            tls_names: tls_names(listen.ip(), &tls_name)?,
            policy: Policy {
                system_namespace: system_namespace.parse()?,
                ..Policy::default()
            },
            log_level,
        })
    }
}

/// The names given, then those by which a neighbour on the same machine calls.
fn tls_names(listen: IpAddr, given: &[String]) -> Result<ServerNames, certs::error::Error> {
    let given: Vec<ServerName> = given
        .iter()
        .map(|name| name.parse())
        .collect::<Result<_, _>>()?;
    let own = (!listen.is_unspecified()).then(|| ServerName::from(listen));
    let loopback = [
        "localhost".parse()?,
        IpAddr::from(Ipv4Addr::LOCALHOST).into(),
        IpAddr::from(Ipv6Addr::LOCALHOST).into(),
    ];
    ServerNames::new(given.into_iter().chain(own).chain(loopback))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    fn config(arguments: &[&str]) -> Result<Config, ConfigError> {
        Args::try_parse_from([&["polypod-webhook"], arguments].concat())
            .unwrap()
            .try_into()
    }

    #[test]
    fn defaults() {
        Args::command().debug_assert();
        let config = config(&[]).unwrap();
        assert_eq!(config.source, Source::ApiServer { kubeconfig: None });
        assert_eq!(config.listen.to_string(), "0.0.0.0:8443");
        assert_eq!(config.health_listen.to_string(), "0.0.0.0:8080");
        assert_eq!(config.policy, Policy::default());
        assert_eq!(config.tls_names.to_string(), "localhost, 127.0.0.1, ::1");
    }

    #[test]
    fn arguments() {
        let config = config(&[
            "--objects",
            "a",
            "b",
            "--listen",
            "10.0.0.7:0",
            "--tls-name",
            "x.ns.svc",
            "--tls-name",
            "y,z",
            "--system-namespace",
            "multus",
        ])
        .unwrap();
        assert_eq!(config.source, Source::Files(vec!["a".into(), "b".into()]));
        assert_eq!(
            config.tls_names.to_string(),
            "x.ns.svc, y, z, 10.0.0.7, localhost, 127.0.0.1, ::1"
        );
        assert_eq!(config.policy.system_namespace.as_str(), "multus");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(config(&["--tls-name", "https://x"]).is_err());
        assert!(config(&["--system-namespace", "Kube System"]).is_err());
        let both = ["polypod-webhook", "--objects", "a", "--kubeconfig", "b"];
        assert!(Args::try_parse_from(both).is_err());
    }
}
