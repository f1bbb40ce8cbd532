//! A kubelet for tests: the real service on a real unix socket, as wayward as the kubelet's.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use futures::stream;
use tokio::{net::UnixListener, runtime::Builder, sync::oneshot, time::sleep};
use tonic::{Request, Response, Status, transport::Server};

use super::{KubeletSettings, PodResourcesClient};
use crate::{
    metrics::Metrics,
    proto::{
        AllocatableResourcesRequest, AllocatableResourcesResponse, GetPodResourcesRequest,
        GetPodResourcesResponse, ListPodResourcesRequest, ListPodResourcesResponse, PodResources,
        pod_resources_lister_server::{PodResourcesLister, PodResourcesListerServer},
    },
};

/// What a fake kubelet has and does.
#[derive(Debug, Default)]
pub(crate) struct Behaviour {
    pub(crate) pods: Mutex<Vec<PodResources>>,
    pub(crate) allocatable: AllocatableResourcesResponse,
    /// What `Get` says instead of answering.
    pub(crate) get: Option<Status>,
    /// What `List` says instead of answering.
    pub(crate) list: Option<Status>,
    /// How long every call takes.
    pub(crate) slow: Duration,
    /// Until when it knows no pod, as after a restart.
    pub(crate) pods_from: Option<Instant>,
    /// Whether `Get` gives the last of several pods of one name, and not any of them.
    pub(crate) newest_only: bool,
    /// How many connections were accepted.
    pub(crate) connections: AtomicUsize,
    /// Turns calls away as the kubelet does: 100 a second, 10 at once.
    pub(crate) limited: bool,
    pub(crate) tokens: Mutex<Option<(f64, Instant)>>,
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
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Service(Arc<Behaviour>);

impl FakeKubelet {
    /// Serves on `kubelet.sock` of `folder`, in the place of whatever is there.
    pub(crate) fn start(folder: &Path, behaviour: Behaviour) -> Self {
        let socket = folder.join("kubelet.sock");
        let _absent = std::fs::remove_file(&socket);
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        listener.set_nonblocking(true).unwrap();
        let behaviour = Arc::new(behaviour);
        let of_server = Arc::clone(&behaviour);
        let (stop, stopped) = oneshot::channel();
        // A runtime of its own, because its connections must die with it.
        let thread = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, of_server) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            socket,
            behaviour,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// A client that asks it.
    pub(crate) fn client(&self) -> PodResourcesClient {
        client(&self.socket)
    }

    /// Stops at once, as by SIGKILL.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

async fn serve(listener: std::os::unix::net::UnixListener, behaviour: Arc<Behaviour>) {
    let listener = UnixListener::from_std(listener).unwrap();
    let of_connections = Arc::clone(&behaviour);
    let incoming = stream::unfold(listener, move |listener| {
        let of_connections = Arc::clone(&of_connections);
        async move {
            let accepted = listener.accept().await.map(|(stream, _)| stream);
            of_connections.connections.fetch_add(1, Ordering::Relaxed);
            Some((accepted, listener))
        }
    });
    let service = PodResourcesListerServer::new(Service(behaviour));
    let served = Server::builder()
        .add_service(service)
        .serve_with_incoming(Box::pin(incoming));
    served.await.unwrap();
}

/// A client of the kubelet that is going to listen there.
pub(crate) fn client(socket: &Path) -> PodResourcesClient {
    PodResourcesClient::new(
        socket.to_owned(),
        &settings(socket),
        Arc::new(Metrics::new()),
    )
}

/// What an operator would not choose: little patience, and the checkpoint beside the socket.
pub(crate) fn settings(socket: &Path) -> KubeletSettings {
    KubeletSettings {
        checkpoint: socket.with_file_name("kubelet_internal_checkpoint"),
        per_second: 1000.try_into().unwrap(),
        burst: 5.try_into().unwrap(),
        patience: Duration::from_secs(2),
    }
}

impl Drop for FakeKubelet {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Behaviour {
    pub(crate) fn of(pods: Vec<PodResources>) -> Self {
        Self {
            pods: Mutex::new(pods),
            ..Self::default()
        }
    }

    /// All calls that it let through or turned away.
    pub(crate) fn calls(&self) -> usize {
        self.gets.load(Ordering::Relaxed) + self.lists.load(Ordering::Relaxed)
    }

    fn refuse(&self) -> Result<(), Status> {
        if self.limited {
            let now = Instant::now();
            let mut tokens = self.tokens.lock().unwrap();
            let (left, at) = tokens.unwrap_or((10.0, now));
            let left = (left + (now - at).as_secs_f64() * 100.0).min(10.0);
            let taken = if left < 1.0 { left } else { left - 1.0 };
            *tokens = Some((taken, now));
            if left < 1.0 {
                return Err(Status::resource_exhausted("rejected by rate limit"));
            }
        }
        self.next.lock().unwrap().pop().map_or(Ok(()), Err)
    }

    /// Go iterates over maps in no order: every call gives another one.
    fn shuffled(&self, call: usize) -> Vec<PodResources> {
        if self.pods_from.is_some_and(|from| Instant::now() < from) {
            return Vec::new();
        }
        let mut pods = self.pods.lock().unwrap().clone();
        let by = call % pods.len().max(1);
        pods.rotate_left(by);
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
        sleep(self.0.slow).await;
        self.0.refuse()?;
        if let Some(status) = &self.0.list {
            return Err(status.clone());
        }
        let pod_resources = self.0.shuffled(call);
        Ok(Response::new(ListPodResourcesResponse { pod_resources }))
    }

    async fn get(
        &self,
        request: Request<GetPodResourcesRequest>,
    ) -> Result<Response<GetPodResourcesResponse>, Status> {
        let call = self.0.gets.fetch_add(1, Ordering::Relaxed);
        sleep(self.0.slow).await;
        self.0.refuse()?;
        if let Some(status) = &self.0.get {
            return Err(status.clone());
        }
        let GetPodResourcesRequest {
            pod_name,
            pod_namespace,
        } = request.into_inner();
        let is_asked = |pod: &PodResources| pod.name == pod_name && pod.namespace == pod_namespace;
        let newest = || {
            let pods = self.0.pods.lock().unwrap();
            pods.iter().rev().find(|pod| is_asked(pod)).cloned()
        };
        let found = if self.0.newest_only {
            newest()
        } else {
            self.0.shuffled(call).into_iter().find(is_asked)
        };
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
