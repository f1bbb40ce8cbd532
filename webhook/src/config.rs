//! The command line, checked: a value that can be carried out.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use admission::{Policy, policy::NoResourceNameKey};
use certs::names::{ServerName, ServerNames};
use spec::{NameError, label::LabelKey};
use telemetry::TelemetryArgs;

use crate::{
    args::Args,
    certificate::{
        args::CertificateArgs,
        mode::{Plan, PlanError},
    },
    configuration_file::{ConfigurationFile, ConfigurationFileError},
    control_switches::{ConfigMapName, ConfigMapNameError},
    extender::plan::SchedulerPlan,
    listener::Limits,
    waiting::plan::{WaitingPlan, WaitingPlanError},
};

/// What the process is to do.
#[derive(Debug)]
pub struct Config {
    /// Where the networks come from.
    pub source: Source,
    /// The TLS port.
    pub listen: SocketAddr,
    /// The plain port.
    pub health_listen: SocketAddr,
    /// What is served there, and how it is kept valid.
    pub certificate: Plan,
    /// The administrator's decisions: those of the configuration file where there is one.
    pub policy: Policy,
    /// The configuration file, which may change.
    pub configuration_file: Option<ConfigurationFile>,
    /// The network resources injector's ConfigMap.
    pub control_switches: Option<ConfigMapName>,
    /// Whether and how schedulers are answered.
    pub scheduler: Option<SchedulerPlan>,
    /// Whether and how pods without a node are helped to one. Without an API server they are not.
    pub waiting: Option<WaitingPlan>,
    /// Where traces go, if anywhere.
    pub telemetry: TelemetryArgs,
    /// What connections may cost.
    pub limits: Limits,
    /// How long requests are taken after the first signal.
    pub shutdown_delay: Duration,
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
    /// Of the certificate's part.
    #[error(transparent)]
    Certificate(#[from] PlanError),
    /// No namespace.
    #[error("--system-namespace: {0}")]
    SystemNamespace(#[from] NameError),
    /// No annotation that names a resource.
    #[error("--network-resource-name-keys: {0}; write keys of annotations with commas between")]
    ResourceNameKey(#[source] NameError),
    /// No annotations at all.
    #[error("--network-resource-name-keys: {0}")]
    NoResourceNameKey(#[from] NoResourceNameKey),
    /// No configuration.
    #[error(transparent)]
    ConfigurationFile(#[from] ConfigurationFileError),
    /// No ConfigMap.
    #[error("--control-switches: {0}")]
    ControlSwitches(#[from] ConfigMapNameError),
    /// Of the part about pods without a node.
    #[error(transparent)]
    Waiting(#[from] WaitingPlanError),
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        let Args {
            objects,
            kubeconfig,
            listen,
            health_listen,
            certificate,
            tls_name,
            config,
            control_switches,
            system_namespace,
            network_resource_name_keys,
            honor_resources,
            inject_hugepage_down_api,
            scheduler,
            waiting,
            telemetry,
            shutdown_delay,
            max_connections,
            max_connections_per_peer,
            log_level,
        } = args;
        let source = if objects.is_empty() {
            Source::ApiServer { kubeconfig }
        } else {
            Source::Files(objects)
        };
        let is_watched = matches!(source, Source::ApiServer { .. });
        let (configuration_file, policy) = match config {
            Some(path) => {
                let (file, policy) = ConfigurationFile::open(path)?;
                (Some(file), policy)
            }
            None => {
                let policy = of_flags(
                    system_namespace.as_deref(),
                    &network_resource_name_keys,
                    honor_resources,
                    inject_hugepage_down_api,
                )?;
                (None, policy)
            }
        };
        let waiting = WaitingPlan::new(waiting, scheduler.scheduler_extender)?;
        let waiting = waiting.filter(|_| is_watched);
        let chooses = waiting.as_ref().is_some_and(|plan| plan.gates.is_some());
        let scheduler = SchedulerPlan::new(scheduler, chooses).map(|plan| match is_watched {
            true => plan,
            false => plan.of_one_moment(),
        });
        Ok(Self {
            source,
            listen,
            health_listen,
            certificate: certificate_plan(certificate, listen.ip(), &tls_name)?,
            policy,
            configuration_file,
            control_switches: control_switches.map(|name| name.parse()).transpose()?,
            scheduler,
            waiting,
            telemetry,
            limits: Limits {
                connections: max_connections,
                connections_of_peer: max_connections_per_peer,
                ..Limits::default()
            },
            shutdown_delay,
            log_level,
        })
    }
}

/// The policy that the flags say. Multus and the network resources injector have each of them.
fn of_flags(
    system_namespace: Option<&str>,
    resource_name_keys: &[String],
    honor_existing_resources: bool,
    hugepages: bool,
) -> Result<Policy, ConfigError> {
    let mut policy = Policy::default();
    if let Some(namespace) = system_namespace {
        policy.system_namespace = namespace.parse()?;
    }
    let keys = resource_name_keys.iter().map(|key| key.trim().parse());
    let keys: Vec<LabelKey> = keys
        .collect::<Result<_, _>>()
        .map_err(ConfigError::ResourceNameKey)?;
    if !keys.is_empty() {
        policy.injection.resource_name_keys = keys.try_into()?;
    }
    policy.injection.honor_existing_resources = honor_existing_resources;
    policy.injection.hugepages = hugepages;
    Ok(policy)
}

/// A certificate for the names given, then those by which a neighbour on the same machine calls.
fn certificate_plan(
    args: CertificateArgs,
    listen: IpAddr,
    given: &[String],
) -> Result<Plan, ConfigError> {
    let given: Vec<ServerName> = given
        .iter()
        .map(|name| name.parse())
        .collect::<Result<_, _>>()?;
    let given_names = (!given.is_empty()).then(|| ServerNames::new(given.iter().cloned()));
    // Replicas share one certificate, and listen on addresses of their own.
    let is_shared = args.cert_secret.is_some();
    let own = (!is_shared && !listen.is_unspecified()).then(|| ServerName::from(listen));
    let loopback = [
        "localhost".parse()?,
        IpAddr::from(Ipv4Addr::LOCALHOST).into(),
        IpAddr::from(Ipv6Addr::LOCALHOST).into(),
    ];
    let names = ServerNames::new(given.into_iter().chain(own).chain(loopback))?;
    Ok(Plan::new(args, names, given_names.transpose()?)?)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use certs::schedule::Schedule;

    use super::*;
    use crate::certificate::mode::Mode;

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
        let certificate = config.certificate;
        assert_eq!(certificate.names.to_string(), "localhost, 127.0.0.1, ::1");
        assert_eq!(certificate.given_names, None);
        assert_eq!(certificate.mode, Mode::Memory { out: None });
        assert_eq!(certificate.schedule, Schedule::DEFAULT);
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
            config.certificate.names.to_string(),
            "x.ns.svc, y, z, 10.0.0.7, localhost, 127.0.0.1, ::1"
        );
        assert_eq!(
            config.certificate.given_names.unwrap().to_string(),
            "x.ns.svc, y, z"
        );
        assert_eq!(config.policy.system_namespace.as_str(), "multus");
    }

    #[test]
    fn where_the_certificate_comes_from() {
        let plan = |arguments: &[&str]| config(arguments).map(|config| config.certificate);
        let secret = plan(&[
            "--cert-secret",
            "a",
            "--cert-namespace",
            "b",
            "--webhook-configuration",
            "c,d",
        ])
        .unwrap();
        let (name, namespace) = ("a".to_owned(), "b".to_owned());
        let lease = std::time::Duration::from_secs(15);
        let wanted = Mode::Secret {
            name,
            namespace,
            lease,
        };
        assert_eq!(secret.mode, wanted);
        assert_eq!(secret.configurations, ["c", "d"]);
        let listen = |address| {
            let beside = ["--cert-secret", "a", "--cert-namespace", "b"];
            plan(
                &[
                    ["--listen", address, "--tls-name", "x.b.svc"].as_slice(),
                    &beside,
                ]
                .concat(),
            )
        };
        assert_eq!(
            listen("10.0.0.7:8443").unwrap().names,
            listen("10.0.0.8:8443").unwrap().names,
            "replicas share a certificate"
        );
        let folder = plan(&["--cert-dir", "/certs"]).unwrap();
        assert_eq!(
            folder.mode,
            Mode::Files {
                folder: "/certs".into()
            }
        );
        for (arguments, words) in [
            (["--cert-secret", "a"].as_slice(), "--cert-namespace"),
            (&["--webhook-configuration", "a"], "--cert-secret"),
            (&["--ca-life", "long"], "--ca-life: `long`"),
            (&["--ca-life", "1d", "--propagation-delay", "3h"], "twelfth"),
            (&["--leaf-life", "400d"], "no longer than the CA"),
            (&["--leaf-life", "200000years"], "--leaf-life"),
            (
                &[
                    "--cert-secret",
                    "a",
                    "--cert-namespace",
                    "b",
                    "--lease-duration",
                    "2s",
                ],
                "3 seconds",
            ),
            (
                &["--cert-secret", "a", "--cert-namespace", "B"],
                "--cert-namespace",
            ),
        ] {
            let error = plan(arguments).unwrap_err().to_string();
            assert!(error.contains(words), "{arguments:?}: {error}");
        }
        for arguments in [
            ["--cert-secret", "a", "--cert-out", "b"],
            ["--cert-secret", "a", "--cert-dir", "b"],
            ["--cert-secret", "a", "--objects", "b"],
            ["--cert-out", "a", "--cert-dir", "b"],
        ] {
            let arguments = [["polypod-webhook"].as_slice(), &arguments].concat();
            assert!(Args::try_parse_from(&arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(config(&["--tls-name", "https://x"]).is_err());
        assert!(config(&["--system-namespace", "Kube System"]).is_err());
        let both = ["polypod-webhook", "--objects", "a", "--kubeconfig", "b"];
        assert!(Args::try_parse_from(both).is_err());
        for bad in ["", "a,,b", " ", "not a key!"] {
            assert!(config(&["--network-resource-name-keys", bad]).is_err());
        }
        assert!(config(&["--control-switches", "nri-control-switches"]).is_err());
        assert!(config(&["--config", "/no/such/file"]).is_err());
        for beside in [
            ["--system-namespace", "a"].as_slice(),
            &["--network-resource-name-keys", "a"],
            &["--honor-resources"],
            &["--inject-hugepage-down-api"],
        ] {
            let all = [&["polypod-webhook", "--config", "a"], beside].concat();
            assert!(Args::try_parse_from(all).is_err(), "one word in one place");
        }
    }

    #[test]
    fn the_injectors_flags() {
        let config = config(&[
            "--network-resource-name-keys",
            "k8s.v1.cni.cncf.io/resourceName, example.com/more",
            "--honor-resources",
            "--injectHugepageDownApi",
            "--control-switches",
            "kube-system/nri-control-switches",
            "--shutdown-delay",
            "1500ms",
        ])
        .unwrap();
        let injection = config.policy.injection;
        let keys = injection.resource_name_keys.iter();
        assert_eq!(
            keys.map(LabelKey::as_str).collect::<Vec<_>>(),
            ["k8s.v1.cni.cncf.io/resourceName", "example.com/more"]
        );
        assert!(injection.honor_existing_resources && injection.hugepages);
        assert!(config.control_switches.is_some());
        assert_eq!(config.shutdown_delay.as_millis(), 1500);
    }

    #[test]
    fn the_file_is_the_policy() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "{apiVersion: polypod.dev/v1alpha1, kind: AdmissionConfiguration, systemNamespace: net}";
        std::fs::write(file.path(), text).unwrap();
        let config = config(&["--config", file.path().to_str().unwrap()]).unwrap();
        assert_eq!(config.policy.system_namespace.as_str(), "net");
        assert!(config.configuration_file.is_some());
    }
}
