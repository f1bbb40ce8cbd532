//! Which cluster, and the connection to it.

use std::{future::Future, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail};
use kube::{
    Client, Config, Error,
    config::{KubeConfigOptions, Kubeconfig},
};
use spec::network::Namespace;
use tokio::{sync::Semaphore, task, time::timeout};

use super::unseen::reasons;

/// So many requests at once: an API server grants a user's requests a share, and other people want theirs.
const AT_ONCE: usize = 4;

/// The arguments that say which cluster, as kubectl has them.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Access {
    /// The kubeconfig; without it $KUBECONFIG, ~/.kube/config, or the service account of the pod this runs in.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    #[arg(long)]
    pub(crate) context: Option<String>,
    /// The namespace; without it the context's, or `default`.
    #[arg(short, long)]
    pub(crate) namespace: Option<Namespace>,
    /// How long one request may take.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = period)]
    pub(crate) request_timeout: Duration,
}

/// The argument of commands that look at one namespace or at all.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct AllNamespaces {
    /// Look at all namespaces.
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
}

fn period(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("it must be more than nothing, such as 10s".to_owned()),
        Ok(period) => Ok(period),
        Err(error) => Err(format!("{error}; such as 10s or 1m")),
    }
}

/// A cluster whose API server has answered.
pub(crate) struct Cluster {
    client: Client,
    /// The namespace that is meant where none is named with the object.
    pub(crate) namespace: String,
    /// How long one request may take.
    pub(crate) request_timeout: Duration,
    /// The version of Kubernetes, such as `v1.36.0`; empty where the API server keeps it to itself.
    pub(crate) version: String,
    /// Requests that may still be begun.
    pub(super) turns: Semaphore,
}

impl Access {
    /// Connects, and does what is to be done with the cluster.
    ///
    /// # Errors
    /// There is no usable kubeconfig, or the API server does not answer or does not know who asks; or what `read` says.
    pub(crate) fn reading<T, F>(&self, read: impl FnOnce(Cluster) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot prepare calls of the API server")?;
        // Somebody else may have been first, and then it is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let done = runtime.block_on(async { read(self.connect().await?).await });
        // A credential plugin of the kubeconfig that never ends is not waited for.
        runtime.shutdown_background();
        done
    }

    async fn connect(&self) -> Result<Cluster> {
        let limit = self.request_timeout;
        let mut config = self.config().await?;
        config.connect_timeout = Some(limit);
        config.read_timeout = Some(limit);
        let namespace = match &self.namespace {
            Some(namespace) => namespace.as_str().to_owned(),
            None => config.default_namespace.clone(),
        };
        let server = config.cluster_url.to_string();
        // It executes the kubeconfig's credential plugin and waits for it.
        let building = task::spawn_blocking(move || Client::try_from(config));
        let client = timeout(limit, building)
            .await
            .map_err(|_| anyhow!("the kubeconfig's credential plugin did not end in {limit:?}"))?
            .context("cannot prepare calls of the API server")?
            .context("cannot prepare calls of the API server")?;
        let version = match timeout(limit, client.apiserver_version()).await {
            Ok(Ok(info)) => info.git_version,
            Ok(Err(Error::Api(status))) if status.code == 401 => bail!(
                "the API server {server} does not know you (401); log in anew, or name another --context"
            ),
            // It is there, and keeps its version to itself; what else it says is seen kind by kind.
            Ok(Err(Error::Api(_) | Error::SerdeError(_))) => String::new(),
            Ok(Err(error)) => bail!(
                "the API server {server} does not answer: {}; see that the cluster is up and the way to it open, or name another --context",
                reasons(&error)
            ),
            Err(_) => bail!(
                "the API server {server} did not answer in {limit:?}; see that the cluster is up, or give it a longer --request-timeout"
            ),
        };
        Ok(Cluster {
            client,
            namespace,
            request_timeout: limit,
            version,
            turns: Semaphore::new(AT_ONCE),
        })
    }

    async fn config(&self) -> Result<Config> {
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        if let Some(path) = &self.kubeconfig {
            let reading = || format!("cannot use the kubeconfig {}", path.display());
            let kubeconfig = Kubeconfig::read_from(path).with_context(reading)?;
            return Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .with_context(reading);
        }
        if self.context.is_some() {
            return Config::from_kubeconfig(&options)
                .await
                .context("cannot use the kubeconfig");
        }
        Config::infer()
            .await
            .context("cannot find the API server; name a kubeconfig with --kubeconfig")
    }
}

impl Cluster {
    /// The client, for requests that are neither a list nor one object. Whoever uses it bounds the time.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_a_time() {
        assert_eq!(period("1m30s"), Ok(Duration::from_secs(90)));
        for (text, words) in [("0s", "more than nothing"), ("soon", "such as 10s")] {
            assert!(period(text).unwrap_err().contains(words), "{text}");
        }
    }
}
