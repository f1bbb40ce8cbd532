//! The part of the command line that is about the certificate.

use std::path::PathBuf;

use clap::Args;

/// Where the certificate comes from; without any of them it is made at start and lives in memory.
#[derive(Clone, Debug, Args)]
pub struct CertificateArgs {
    /// Writes the CA certificates that clients are to trust to this file, at start and when they change
    #[arg(long, env = "POLYPOD_WEBHOOK_CERT_OUT", value_name = "PATH", conflicts_with_all = ["cert_secret", "cert_dir"])]
    pub cert_out: Option<PathBuf>,

    /// Keeps CA and certificate in this Secret, shared by all replicas; one of them, by a Lease of the same name, renews
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_CERT_SECRET",
        value_name = "NAME",
        conflicts_with_all = ["cert_dir", "objects"]
    )]
    pub cert_secret: Option<String>,

    /// The namespace of --cert-secret and its Lease; without it the pod's own
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_CERT_NAMESPACE",
        value_name = "NAMESPACE",
        requires = "cert_secret"
    )]
    pub cert_namespace: Option<String>,

    /// Serves tls.crt and tls.key of this folder, as cert-manager or service-ca fill it, and reloads them; ca.crt may be there
    #[arg(long, env = "POLYPOD_WEBHOOK_CERT_DIR", value_name = "PATH")]
    pub cert_dir: Option<PathBuf>,

    /// A MutatingWebhookConfiguration, ValidatingWebhookConfiguration or both whose caBundle is kept true with
    /// --cert-secret, and only compared with --cert-dir; may be repeated
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_WEBHOOK_CONFIGURATION",
        value_name = "NAME",
        value_delimiter = ',',
        conflicts_with_all = ["cert_out", "objects"]
    )]
    pub webhook_configuration: Vec<String>,

    /// How long a CA lives; it is replaced at two thirds of that
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_CA_LIFE",
        value_name = "DURATION",
        default_value = "365d"
    )]
    pub ca_life: String,

    /// How long a server certificate lives; it is renewed at about two thirds of that
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_LEAF_LIFE",
        value_name = "DURATION",
        default_value = "30d"
    )]
    pub leaf_life: String,

    /// How long API servers and replicas may take to see a change; a rotation waits that long between two steps
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_PROPAGATION_DELAY",
        value_name = "DURATION",
        default_value = "60s"
    )]
    pub propagation_delay: String,

    /// How long the Lease lasts that its holder does not renew: so long nothing is renewed when a replica was killed
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_LEASE_DURATION",
        value_name = "DURATION",
        default_value = "15s"
    )]
    pub lease_duration: String,
}
