//! A node with a card in each of two zones, and a kubelet that hands its virtual functions out.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use device_bridge::proto::{
    AllocatableResourcesRequest, AllocatableResourcesResponse, ContainerDevices,
    ContainerResources, GetPodResourcesRequest, GetPodResourcesResponse, ListPodResourcesRequest,
    ListPodResourcesResponse, NumaNode, PodResources, TopologyInfo,
    pod_resources_lister_server::{PodResourcesLister, PodResourcesListerServer},
};
use tokio::sync::oneshot;
use tonic::{Request, Response, Status, transport::Server};

use crate::fixture::sysfs::{Card, FakeSysfs};

/// Virtual functions and the zone of their card.
pub(super) const DEVICES: [(&str, i64); 3] = [
    ("0000:03:00.2", 0),
    ("0000:03:00.3", 0),
    ("0000:81:00.2", 1),
];

/// The node's sysfs, below `folder`.
pub(super) fn sysfs(folder: &Path) -> PathBuf {
    let tree = FakeSysfs::new(&folder.join("sys"));
    tree.zones(&[(0, "0-3", 1 << 20, 0), (1, "4-7", 1 << 20, 0)]);
    let card = Card {
        at: "pci0000:00/0000:00:02.0/0000:03:00.0",
        zone: 0,
        total: 8,
        functions: &["0000:03:00.2", "0000:03:00.3"],
        interface: "ens1f0",
        driver: "mlx5_core",
    };
    tree.card(card);
    tree.card(Card {
        at: "pci0000:80/0000:80:01.0/0000:81:00.0",
        zone: 1,
        functions: &["0000:81:00.2"],
        interface: "ens2f0",
        ..card
    });
    tree.root().to_owned()
}

/// A kubelet with a static CPU manager that lists and tells what is allocatable; it ends with its test.
pub(super) struct Kubelet {
    pods: Arc<Mutex<Vec<PodResources>>>,
    _stop: oneshot::Sender<()>,
}

impl Kubelet {
    pub(super) fn start(socket: &Path) -> Self {
        let listener = std::os::unix::net::UnixListener::bind(socket)
            .expect("the node's folder can be written");
        listener
            .set_nonblocking(true)
            .expect("a socket can be made non-blocking");
        let pods = Arc::<Mutex<Vec<PodResources>>>::default();
        let lister = Lister(Arc::clone(&pods));
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts");
            runtime.block_on(async {
                let listener =
                    tokio::net::UnixListener::from_std(listener).expect("the socket is open");
                let connections = futures::stream::unfold(listener, async |listener| {
                    let connection = listener.accept().await.map(|(connection, _)| connection);
                    Some((connection, listener))
                });
                let server = Server::builder()
                    .add_service(PodResourcesListerServer::new(lister))
                    .serve_with_incoming(Box::pin(connections));
                tokio::select! {
                    ended = server => ended.expect("the kubelet serves"),
                    _ = stopped => {}
                }
            });
        });
        Self { pods, _stop: stop }
    }

    /// Gives a device of [`DEVICES`] and a CPU of its zone to a container of `default/<pod>`.
    pub(super) fn allocate(&self, pod: &str, device: usize, cpu: i64) {
        let container = ContainerResources {
            name: "app".to_owned(),
            devices: vec![told(DEVICES[device])],
            cpu_ids: vec![cpu],
            ..ContainerResources::default()
        };
        self.pods().push(PodResources {
            name: pod.to_owned(),
            namespace: "default".to_owned(),
            containers: vec![container],
        });
    }

    /// The pod is gone.
    pub(super) fn forget(&self, pod: &str) {
        self.pods().retain(|known| known.name != pod);
    }

    fn pods(&self) -> std::sync::MutexGuard<'_, Vec<PodResources>> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told((id, zone): (&str, i64)) -> ContainerDevices {
    ContainerDevices {
        resource_name: "intel.com/sriov".to_owned(),
        device_ids: vec![id.to_owned()],
        topology: Some(TopologyInfo {
            nodes: vec![NumaNode { id: zone }],
        }),
    }
}

struct Lister(Arc<Mutex<Vec<PodResources>>>);

#[tonic::async_trait]
impl PodResourcesLister for Lister {
    async fn list(
        &self,
        _: Request<ListPodResourcesRequest>,
    ) -> Result<Response<ListPodResourcesResponse>, Status> {
        let pods = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Response::new(ListPodResourcesResponse {
            pod_resources: pods.clone(),
        }))
    }

    async fn get_allocatable_resources(
        &self,
        _: Request<AllocatableResourcesRequest>,
    ) -> Result<Response<AllocatableResourcesResponse>, Status> {
        Ok(Response::new(AllocatableResourcesResponse {
            devices: DEVICES.map(told).into(),
            cpu_ids: (1..8).collect(),
            memory: Vec::new(),
        }))
    }

    async fn get(
        &self,
        _: Request<GetPodResourcesRequest>,
    ) -> Result<Response<GetPodResourcesResponse>, Status> {
        Err(Status::unimplemented("nobody asks for one pod here"))
    }
}
