//! The client of the kubelet's pod-resources API.
//!
//! It connects anew for every pod: a kubelet that restarts replaces its socket, and a connection to the old one is dead.

use std::{
    error::Error,
    fmt::Display,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use spec::bridge::PodRef;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};

use super::{
    error::PodResourcesError,
    status::{Meaning, meaning},
};
use crate::proto::{
    AllocatableResourcesRequest, AllocatableResourcesResponse, GetPodResourcesRequest,
    ListPodResourcesRequest, PodResources, pod_resources_lister_client::PodResourcesListerClient,
};

/// The largest answer that is read, in bytes. `List` is the whole node: 4.7 MB were seen, and tonic stops at 4 MiB.
const LARGEST_ANSWER: usize = 64 << 20;

/// How long one call may take; what other clients of the API wait.
pub(crate) const CALL: Duration = Duration::from_secs(10);

/// How long passing conditions are waited for. The devices were allocated before the sandbox was made, so there is
/// nothing else to wait for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The first pause between two tries; each is twice the one before it.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Calls at the same time. The kubelet lets ten through at once, for all clients of the node together.
const CALLS: usize = 4;

/// A client.
#[derive(Debug)]
pub struct PodResourcesClient {
    socket: PathBuf,
    /// Set once `Get` turned out to be missing: every second call would be in vain, and they are rationed.
    get_is_missing: AtomicBool,
    calls: Semaphore,
}

impl PodResourcesClient {
    /// A client of the kubelet that listens on `socket`. Nothing is opened yet.
    #[must_use]
    pub const fn new(socket: PathBuf) -> Self {
        Self {
            socket,
            get_is_missing: AtomicBool::new(false),
            calls: Semaphore::const_new(CALLS),
        }
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What the kubelet allocated to `pod`; `None` where it does not know the pod.
    ///
    /// # Errors
    /// The kubelet cannot be asked, or keeps answering with an error.
    pub async fn pod(&self, pod: &PodRef) -> Result<Option<PodResources>, PodResourcesError> {
        self.patiently(pod, || self.ask(pod)).await
    }

    /// What the kubelet allocated to the pods of the whole node. It takes locks that allocating needs, and the answer has
    /// megabytes on a full node: not for single pods.
    ///
    /// # Errors
    /// The kubelet cannot be asked, or keeps answering with an error.
    pub async fn list(&self) -> Result<Vec<PodResources>, PodResourcesError> {
        self.patiently(&"all pods", async || {
            let mut client = self.client().await?;
            let listing = client.list(ListPodResourcesRequest {});
            Ok(self.call("List", listing).await?.pod_resources)
        })
        .await
    }

    /// The devices, CPUs and memory that the kubelet may allocate, whoever holds them: its capacity. Devices that are not
    /// healthy are missing.
    ///
    /// # Errors
    /// The kubelet cannot be asked, or keeps answering with an error.
    pub async fn allocatable(&self) -> Result<AllocatableResourcesResponse, PodResourcesError> {
        self.patiently(&"what is allocatable", async || {
            let mut client = self.client().await?;
            let asking = client.get_allocatable_resources(AllocatableResourcesRequest {});
            self.call("GetAllocatableResources", asking).await
        })
        .await
    }

    /// Asks until there is an answer, or an error that is not passing, or the patience is at its end.
    async fn patiently<T, F: Future<Output = Result<T, PodResourcesError>>>(
        &self,
        about: &impl Display,
        ask: impl Fn() -> F,
    ) -> Result<T, PodResourcesError> {
        let _permit = self.calls.acquire().await;
        let until = Instant::now() + PATIENCE;
        let mut pause = FIRST_PAUSE;
        loop {
            match ask().await {
                Err(error) if error.is_passing() && Instant::now() + pause < until => {
                    tracing::debug!(%error, %about, ?pause, "Asking the kubelet again");
                    sleep(pause).await;
                    pause *= 2;
                }
                result => return result,
            }
        }
    }

    async fn ask(&self, pod: &PodRef) -> Result<Option<PodResources>, PodResourcesError> {
        let mut client = self.client().await?;
        if !self.get_is_missing.load(Ordering::Relaxed) {
            let request = GetPodResourcesRequest {
                pod_name: pod.name.to_string(),
                pod_namespace: pod.namespace.to_string(),
            };
            match self.call("Get", client.get(request)).await {
                Ok(answer) => return Ok(answer.pod_resources),
                Err(PodResourcesError::Call { status, .. })
                    if meaning(&status) == Meaning::NoPod =>
                {
                    return Ok(None);
                }
                Err(PodResourcesError::Call { status, .. })
                    if meaning(&status) == Meaning::NoGet =>
                {
                    tracing::info!(
                        answer = status.message(),
                        "This kubelet has no Get, its pods are listed"
                    );
                    self.get_is_missing.store(true, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        let answer = self
            .call("List", client.list(ListPodResourcesRequest {}))
            .await?;
        let mut pods = answer.pod_resources.into_iter();
        Ok(pods.find(|found| {
            found.name == pod.name.as_str() && found.namespace == pod.namespace.as_str()
        }))
    }

    async fn client(&self) -> Result<PodResourcesListerClient<Channel>, PodResourcesError> {
        let client = PodResourcesListerClient::new(self.connect().await?);
        Ok(client.max_decoding_message_size(LARGEST_ANSWER))
    }

    async fn connect(&self) -> Result<Channel, PodResourcesError> {
        let socket = || self.socket.clone();
        let path = self
            .socket
            .to_str()
            .ok_or_else(|| PodResourcesError::Path { socket: socket() })?;
        let connecting = async {
            Endpoint::from_shared(format!("unix://{path}"))?
                .connect()
                .await
        };
        let connected = timeout(CALL, connecting)
            .await
            .map_err(|_| PodResourcesError::Silent {
                socket: socket(),
                method: "the connection",
            })?;
        connected.map_err(|error| match system_error(&error) {
            Some(system) if system.kind() == io::ErrorKind::NotFound => {
                PodResourcesError::Absent { socket: socket() }
            }
            system => PodResourcesError::Connect {
                socket: socket(),
                problem: system.map_or_else(|| error.to_string(), ToString::to_string),
            },
        })
    }

    async fn call<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<tonic::Response<T>, Status>>,
    ) -> Result<T, PodResourcesError> {
        match timeout(CALL, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(PodResourcesError::Call {
                socket: self.socket.clone(),
                method,
                status: Box::new(status),
            }),
            Err(_) => Err(PodResourcesError::Silent {
                socket: self.socket.clone(),
                method,
            }),
        }
    }
}

/// The system's error within tonic's.
fn system_error(error: &tonic::transport::Error) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(found) = error.downcast_ref::<io::Error>() {
            return Some(found);
        }
        source = error.source();
    }
    None
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
