//! The connection to the API server.

use std::path::{Path, PathBuf};

use kube::{
    Client, Config,
    config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError},
};

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The kubeconfig cannot be used.
    #[error("cannot use kubeconfig {}: {source}", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<KubeconfigError>,
    },
    /// There is no service account.
    #[error(
        "cannot use the pod's service account: {0}; outside of a pod give --kubeconfig or --objects"
    )]
    InCluster(#[source] Box<InClusterError>),
    /// The client cannot be made of the configuration.
    #[error("cannot make a client of the API server: {0}")]
    Client(#[source] Box<kube::Error>),
}

/// A client by `kubeconfig`, else by the pod's service account. Nothing is sent yet.
///
/// # Errors
/// The kubeconfig or the service account cannot be used.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<Client, ClientError> {
    let config = match kubeconfig {
        Some(path) => by_kubeconfig(path)
            .await
            .map_err(|source| ClientError::Kubeconfig {
                path: path.to_owned(),
                source: Box::new(source),
            })?,
        None => Config::incluster().map_err(|error| ClientError::InCluster(Box::new(error)))?,
    };
    Client::try_from(config).map_err(|error| ClientError::Client(Box::new(error)))
}

async fn by_kubeconfig(path: &Path) -> Result<Config, KubeconfigError> {
    let kubeconfig = Kubeconfig::read_from(path)?;
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await
}
