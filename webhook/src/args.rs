//! The command line, as people write it.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;

use crate::certificate::args::CertificateArgs;

/// Admission webhook: checks the network annotations of pods and injects the devices their networks need.
///
/// Networks come from the API server, or with --objects from files.
#[derive(Clone, Debug, Parser)]
#[command(name = "polypod-webhook", version)]
pub struct Args {
    /// Files, or folders of files, with NetworkAttachmentDefinitions in YAML or JSON, instead of the API server's
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

    /// Where /healthz, /readyz and /metrics are, without TLS; port 0 takes a free one
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

    /// Where a default network without a namespace is looked for (Multus's multusNamespace)
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SYSTEM_NAMESPACE",
        value_name = "NAMESPACE",
        default_value = "kube-system"
    )]
    pub system_namespace: String,

    /// What is logged, such as info or webhook=debug; without it RUST_LOG's word, else info
    #[arg(long, env = "POLYPOD_WEBHOOK_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,
}
