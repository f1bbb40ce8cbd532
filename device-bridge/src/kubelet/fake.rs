//! A kubelet for tests: the real service on a real unix socket, as wayward as the kubelet's.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::stream;
use tokio::{net::UnixListener, task::JoinHandle};
use tonic::{Request, Response, Status, transport::Server};

use crate::proto::{
    AllocatableResourcesRequest, AllocatableResourcesResponse, GetPodResourcesRequest,
    GetPodResourcesResponse, ListPodResourcesRequest, ListPodResourcesResponse, PodResources,
    pod_resources_lister_server::{PodResourcesLister, PodResourcesListerServer},
};

/// What a fake kubelet has and does.
#[derive(Debug, Default)]
pub(crate) struct Behaviour {
    pub(crate) pods: Vec<PodResources>,
    pub(crate) allocatable: AllocatableResourcesResponse,
    /// What `Get` says instead of answering.
    pub(crate) get: Option<Status>,
    /// What the next calls of any method say, the last first.
    pub(crate) next: Mutex<Vec<Status>>,
    pub(crate) gets: AtomicUsize,
    pub(crate) lists: AtomicUsize,
}

/// A running fake. It stops, and its socket becomes a dead one, when it is dropped.
#[derive(Debug)]
pub(crate) struct FakeKubelet {
    pub(crate) socket: PathBuf,
    pub(crate) behaviour: Arc<Behaviour>,
    server: JoinHandle<()>,
}

struct Service(Arc<Behaviour>);

impl FakeKubelet {
    /// Serves on `kubelet.sock` of `folder`, in the place of whatever is there.
    pub(crate) fn start(folder: &Path, behaviour: Behaviour) -> Self {
        let socket = folder.join("kubelet.sock");
        let _absent = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        let incoming = stream::unfold(listener, async |listener| {
            let accepted = listener.accept().await.map(|(stream, _)| stream);
            Some((accepted, listener))
        });
        let behaviour = Arc::new(behaviour);
        let service = PodResourcesListerServer::new(Service(Arc::clone(&behaviour)));
        let server = tokio::spawn(async move {
            let served = Server::builder()
                .add_service(service)
                .serve_with_incoming(incoming);
            served.await.unwrap();
        });
        Self {
            socket,
            behaviour,
            server,
        }
    }

    /// Stops at once, as by SIGKILL.
    pub(crate) async fn kill(mut self) {
        self.server.abort();
        let _cancelled = (&mut self.server).await;
    }
}

impl Drop for FakeKubelet {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Behaviour {
    pub(crate) fn of(pods: Vec<PodResources>) -> Self {
        Self {
            pods,
            ..Self::default()
        }
    }

    fn refuse(&self) -> Result<(), Status> {
        self.next.lock().unwrap().pop().map_or(Ok(()), Err)
    }

    /// Go iterates over maps in no order: every call gives another one.
    fn shuffled(&self, call: usize) -> Vec<PodResources> {
        let mut pods = self.pods.clone();
        for container in pods.iter_mut().flat_map(|pod| &mut pod.containers) {
            let by = call % container.devices.len().max(1);
            container.devices.rotate_left(by);
            if call % 2 == 1 {
                container.devices.reverse();
            }
        }
        pods
    }
}

#[tonic::async_trait]
impl PodResourcesLister for Service {
    async fn list(
        &self,
        _: Request<ListPodResourcesRequest>,
    ) -> Result<Response<ListPodResourcesResponse>, Status> {
        let call = self.0.lists.fetch_add(1, Ordering::Relaxed);
        self.0.refuse()?;
        let pod_resources = self.0.shuffled(call);
        Ok(Response::new(ListPodResourcesResponse { pod_resources }))
    }

    async fn get(
        &self,
        request: Request<GetPodResourcesRequest>,
    ) -> Result<Response<GetPodResourcesResponse>, Status> {
        let call = self.0.gets.fetch_add(1, Ordering::Relaxed);
        self.0.refuse()?;
        if let Some(status) = &self.0.get {
            return Err(status.clone());
        }
        let GetPodResourcesRequest {
            pod_name,
            pod_namespace,
        } = request.into_inner();
        let found = self
            .0
            .shuffled(call)
            .into_iter()
            .find(|pod| pod.name == pod_name && pod.namespace == pod_namespace);
        match found {
            Some(pod) => Ok(Response::new(GetPodResourcesResponse {
                pod_resources: Some(pod),
            })),
            None => Err(Status::unknown(format!(
                "pod {pod_name} in namespace {pod_namespace} not found"
            ))),
        }
    }

    async fn get_allocatable_resources(
        &self,
        _: Request<AllocatableResourcesRequest>,
    ) -> Result<Response<AllocatableResourcesResponse>, Status> {
        self.0.refuse()?;
        Ok(Response::new(self.0.allocatable.clone()))
    }
}
