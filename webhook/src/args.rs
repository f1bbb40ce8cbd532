//! The command line, as people write it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Parser;
use telemetry::TelemetryArgs;

use crate::{
    certificate::args::CertificateArgs, extender::args::SchedulerArgs, waiting::args::WaitingArgs,
};

/// Admission webhook: checks the network annotations of pods and injects the devices their networks need.
///
/// Networks come from the API server, or with --objects from files.
#[derive(Clone, Debug, Parser)]
#[command(name = "polypod-webhook", version)]
pub struct Args {
    /// Files, or folders of files, with NetworkAttachmentDefinitions and other objects in YAML or JSON, instead of the API server's
    #[arg(long, env = "POLYPOD_WEBHOOK_OBJECTS", value_name = "PATH", num_args = 1.., conflicts_with = "kubeconfig")]
    pub objects: Vec<PathBuf>,

    /// How to reach the API server; without it the pod's own service account
    #[arg(long, env = "POLYPOD_WEBHOOK_KUBECONFIG", value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,

    /// Where the API server calls, over TLS; port 0 takes a free one
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_LISTEN",
        value_name = "ADDR:PORT",
        default_value = "0.0.0.0:8443"
    )]
    pub listen: SocketAddr,

    /// Where /healthz, /readyz, /metrics and /configz are, without TLS; port 0 takes a free one
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_HEALTH_LISTEN",
        value_name = "ADDR:PORT",
        default_value = "0.0.0.0:8080"
    )]
    pub health_listen: SocketAddr,

    /// Where the certificate comes from.
    #[command(flatten)]
    pub certificate: CertificateArgs,

    /// A name or address under which clients call, beside localhost and the address of --listen; may be repeated
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_TLS_NAME",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub tls_name: Vec<String>,

    /// The policy: a file with an AdmissionConfiguration, read again when it changes
    #[arg(long, env = "POLYPOD_WEBHOOK_CONFIG", value_name = "FILE",
        conflicts_with_all = ["system_namespace", "network_resource_name_keys", "honor_resources", "inject_hugepage_down_api"])]
    pub config: Option<PathBuf>,

    /// The network resources injector's ConfigMap, laid over the policy; the injector's is kube-system/nri-control-switches
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_CONTROL_SWITCHES",
        value_name = "NAMESPACE/NAME",
        conflicts_with = "objects"
    )]
    pub control_switches: Option<String>,

    /// Where a default network without a namespace is looked for (Multus's multusNamespace); without a word kube-system
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SYSTEM_NAMESPACE",
        value_name = "NAMESPACE"
    )]
    pub system_namespace: Option<String>,

    /// Annotations of networks that name a resource, beside each other (as the network resources injector's flag)
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_NETWORK_RESOURCE_NAME_KEYS",
        value_name = "KEY",
        value_delimiter = ','
    )]
    pub network_resource_name_keys: Vec<String>,

    /// Keeps devices that containers request already for something else (as the network resources injector's flag)
    #[arg(long, env = "POLYPOD_WEBHOOK_HONOR_RESOURCES")]
    pub honor_resources: bool,

    /// Shows pods their hugepages below /etc/podnetinfo (the network resources injector's injectHugepageDownApi)
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_INJECT_HUGEPAGE_DOWN_API",
        alias = "injectHugepageDownApi"
    )]
    pub inject_hugepage_down_api: bool,

    /// Whether and how schedulers are answered.
    #[command(flatten)]
    pub scheduler: SchedulerArgs,

    /// Whether pods without a node are helped to one.
    #[command(flatten)]
    pub waiting: WaitingArgs,

    /// Where traces go.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,

    /// How long requests are still taken after SIGTERM, while nobody should send more: such as 5s
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SHUTDOWN_DELAY",
        value_name = "DURATION",
        default_value = "5s",
        value_parser = humantime::parse_duration
    )]
    pub shutdown_delay: Duration,

    /// How many connections there may be at once; one more is closed
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_MAX_CONNECTIONS",
        value_name = "NUMBER",
        default_value_t = 1024
    )]
    pub max_connections: usize,

    /// How many of them one address may have; 0 is all. API servers may call from one address
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_MAX_CONNECTIONS_PER_PEER",
        value_name = "NUMBER",
        default_value_t = 512
    )]
    pub max_connections_per_peer: usize,

    /// What is logged, such as info or webhook=debug; without it RUST_LOG's word, else info
    #[arg(long, env = "POLYPOD_WEBHOOK_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,
}
