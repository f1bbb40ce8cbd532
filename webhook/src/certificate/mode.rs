//! The certificate's part of the command line, checked.

use std::path::PathBuf;

use certs::{names::ServerNames, schedule::Schedule};
use spec::{NameError, network::Namespace};
use time::Duration;

use super::args::CertificateArgs;

/// Where a pod finds the namespace it runs in.
pub(crate) const OWN_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Made at start, lives as long as the process.
    Memory {
        /// Where the CA certificates are written to.
        out: Option<PathBuf>,
    },
    /// Shared by all replicas, rotated by their leader.
    Secret {
        /// The Secret's name, and that of its Lease.
        name: String,
        /// Their namespace.
        namespace: String,
        /// How long the Lease lasts that is not renewed.
        lease: std::time::Duration,
    },
    /// Made by somebody else.
    Files {
        /// A mounted Secret.
        folder: PathBuf,
    },
}

/// All that is to be done about the certificate.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where it comes from.
    pub mode: Mode,
    /// The names it is issued for.
    pub names: ServerNames,
    /// Those among them that the command line gives: somebody else's certificate must be for these.
    pub given_names: Option<ServerNames>,
    /// Whose `caBundle` is looked at.
    pub configurations: Vec<String>,
    /// How long everything lives.
    pub schedule: Schedule,
}

/// What cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// No duration.
    #[error("{flag}: `{text}` is no duration such as 90d, 12h or 30s: {source}")]
    Duration {
        /// Which.
        flag: &'static str,
        /// What was given.
        text: String,
        /// What is wrong with it.
        source: humantime::DurationError,
    },
    /// Durations that do not fit together.
    #[error("--ca-life, --leaf-life, --propagation-delay: {0}")]
    Schedule(#[from] certs::error::Error),
    /// A Lease too short to be renewed in time, or too long for a rotation to go on.
    #[error("--lease-duration: `{0}`; give 3 seconds to an hour")]
    Lease(String),
    /// No namespace.
    #[error("--cert-namespace: {0}")]
    Namespace(#[from] NameError),
    /// Not in a pod.
    #[error(
        "--cert-secret: reading the pod's namespace from {OWN_NAMESPACE}: {0}; outside of a pod give --cert-namespace"
    )]
    OwnNamespace(std::io::Error),
    /// Nobody to do it for.
    #[error(
        "--webhook-configuration: the CA lives in memory, and each replica has another; give --cert-secret or --cert-dir"
    )]
    ConfigurationOfMemory,
}

impl Plan {
    /// The plan of these arguments.
    ///
    /// # Errors
    /// One of them cannot be carried out.
    pub fn new(
        args: CertificateArgs,
        names: ServerNames,
        given_names: Option<ServerNames>,
    ) -> Result<Self, PlanError> {
        let CertificateArgs {
            cert_out,
            cert_secret,
            cert_namespace,
            cert_dir,
            webhook_configuration,
            ca_life,
            leaf_life,
            propagation_delay,
            lease_duration,
        } = args;
        let schedule = Schedule::new(
            duration("--ca-life", &ca_life)?,
            duration("--leaf-life", &leaf_life)?,
            duration("--propagation-delay", &propagation_delay)?,
        )?;
        let mode = match (cert_secret, cert_dir) {
            (Some(name), _) => Mode::Secret {
                name,
                namespace: match cert_namespace {
                    Some(given) => given,
                    None => std::fs::read_to_string(OWN_NAMESPACE)
                        .map_err(PlanError::OwnNamespace)?
                        .trim()
                        .to_owned(),
                }
                .parse::<Namespace>()?
                .as_str()
                .to_owned(),
                lease: lease(&lease_duration)?,
            },
            (None, Some(folder)) => Mode::Files { folder },
            (None, None) => Mode::Memory { out: cert_out },
        };
        if matches!(mode, Mode::Memory { .. }) && !webhook_configuration.is_empty() {
            return Err(PlanError::ConfigurationOfMemory);
        }
        Ok(Self {
            mode,
            names,
            given_names,
            configurations: webhook_configuration,
            schedule,
        })
    }
}

/// A Lease tells its duration in seconds, and is renewed several times within it.
fn lease(text: &str) -> Result<std::time::Duration, PlanError> {
    let parsed = duration("--lease-duration", text)?;
    let seconds = u64::try_from(parsed.whole_seconds()).ok();
    let seconds = seconds.filter(|seconds| (3..=3600).contains(seconds));
    let seconds = seconds.ok_or_else(|| PlanError::Lease(text.to_owned()))?;
    Ok(std::time::Duration::from_secs(seconds))
}

fn duration(flag: &'static str, text: &str) -> Result<Duration, PlanError> {
    let parsed = humantime::parse_duration(text).map_err(|source| PlanError::Duration {
        flag,
        text: text.to_owned(),
        source,
    })?;
    // What does not fit is longer than any certificate may live, and refused as such.
    Ok(Duration::try_from(parsed).unwrap_or(Duration::MAX))
}
