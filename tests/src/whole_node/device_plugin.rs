//! A device plugin of `intel.com/sriov`, whose VFs are ids with a NUMA node and nothing else: what the kubelet allocates is
//! real, what a delegate does with it is the test's business.
//!
//! It serves as sriov-network-device-plugin does: a socket of its own beside the kubelet's, ids that are PCI addresses, and the
//! environment variable by which containers learn theirs. A kubelet that starts removes every socket of its folder, so the
//! plugin serves and registers again whenever that has happened.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use futures::Stream;
use tokio::{
    net::UnixListener,
    sync::{oneshot, watch},
};
use tonic::{
    Request, Response, Status,
    transport::{Endpoint, Server},
};

use self::proto::{
    AllocateRequest, AllocateResponse, ContainerAllocateResponse, Device, DevicePluginOptions,
    Empty, ListAndWatchResponse, NumaNode, RegisterRequest, TopologyInfo,
    device_plugin_server::{DevicePlugin as Service, DevicePluginServer},
    registration_client::RegistrationClient,
};

/// The API, generated from `proto/deviceplugin/v1beta1/api.proto` by `build.rs`.
mod proto {
    #![allow(
        unreachable_pub,
        clippy::doc_markdown,
        reason = "generated code; the proto is documented"
    )]
    tonic::include_proto!("v1beta1");
}

/// The resource of [`VFS`].
pub(crate) const RESOURCE: &str = "intel.com/sriov";

/// The VFs of two physical functions, one on each NUMA node.
pub(crate) const VFS: [Vf; 8] = [
    Vf::new("0000:3b:02.0", 0),
    Vf::new("0000:3b:02.1", 0),
    Vf::new("0000:3b:02.2", 0),
    Vf::new("0000:3b:02.3", 0),
    Vf::new("0000:af:02.0", 1),
    Vf::new("0000:af:02.1", 1),
    Vf::new("0000:af:02.2", 1),
    Vf::new("0000:af:02.3", 1),
];

/// How often it looks whether the kubelet has removed its socket.
const LOOK: Duration = Duration::from_millis(200);

/// A virtual function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vf {
    /// Its PCI address.
    pub(crate) id: &'static str,
    pub(crate) numa: i64,
}

impl Vf {
    const fn new(id: &'static str, numa: i64) -> Self {
        Self { id, numa }
    }
}

/// A running device plugin; it ends with its test.
pub(crate) struct DevicePlugin {
    /// The ids, each with whether it is healthy.
    devices: watch::Sender<BTreeMap<&'static str, (i64, bool)>>,
    allocated: Allocated,
    registrations: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What was allocated since the start, a list for each container.
type Allocated = Arc<Mutex<Vec<Vec<String>>>>;

impl DevicePlugin {
    /// Serves in `folder`, which is the kubelet's `device-plugins`, as the namespaces of this thread see it.
    pub(crate) fn start(folder: &Path, resource: &'static str, vfs: &[Vf]) -> Self {
        let devices = vfs.iter().map(|vf| (vf.id, (vf.numa, true))).collect();
        let (devices, _) = watch::channel(devices);
        let allocated = Allocated::default();
        let registrations = Arc::<AtomicUsize>::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = Served {
            resource,
            devices: devices.subscribe(),
            allocated: Arc::clone(&allocated),
            registrations: Arc::clone(&registrations),
        };
        let folder = folder.to_owned();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts");
            runtime.block_on(async {
                tokio::select! {
                    () = keep(&folder, &served) => {}
                    _ = stopped => {}
                }
            });
            let _ = std::fs::remove_file(socket(&folder, resource));
        });
        Self {
            devices,
            allocated,
            registrations,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Says that a VF works, or that it does not: the kubelet then allocates it no more.
    pub(crate) fn set_healthy(&self, id: &str, healthy: bool) {
        self.devices.send_modify(|devices| {
            let (_, (_, known)) = devices
                .iter_mut()
                .find(|(known, _)| **known == id)
                .expect("the test names a VF that there is");
            *known = healthy;
        });
    }

    /// What the kubelet has allocated since the start, a list for each container.
    pub(crate) fn allocated(&self) -> Vec<Vec<String>> {
        let allocated = self.allocated.lock();
        allocated.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often a kubelet has taken its registration.
    pub(crate) fn registrations(&self) -> usize {
        self.registrations.load(Ordering::Relaxed)
    }
}

impl Drop for DevicePlugin {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself, which its thread tells.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Its socket, which is named for the resource.
fn socket(folder: &Path, resource: &str) -> PathBuf {
    folder.join(format!("{}.sock", resource.replace('/', "_")))
}

/// Serves and registers, and does so again after the kubelet has removed the socket.
async fn keep(folder: &Path, served: &Served) {
    loop {
        let own = socket(folder, served.resource);
        let _ = std::fs::remove_file(&own);
        let Ok(listener) = UnixListener::bind(&own) else {
            // The kubelet has not made its folder yet.
            tokio::time::sleep(LOOK).await;
            continue;
        };
        let connections = futures::stream::unfold(listener, async |listener| {
            let connection = listener.accept().await.map(|(connection, _)| connection);
            Some((connection, listener))
        });
        let server = Server::builder()
            .add_service(DevicePluginServer::new(served.clone()))
            .serve_with_incoming(Box::pin(connections));
        let registered_until_removed = async {
            while let Err(error) = register(folder, served.resource).await {
                // Nothing serves there as long as the kubelet starts; a kubelet that refuses says why.
                if error.code() != tonic::Code::Unavailable {
                    eprintln!("device plugin of {}: {error}", served.resource);
                }
                tokio::time::sleep(LOOK).await;
                if !own.exists() {
                    return;
                }
            }
            served.registrations.fetch_add(1, Ordering::Relaxed);
            while own.exists() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            ended = server => ended.expect("the device plugin serves"),
            () = registered_until_removed => {}
        }
    }
}

async fn register(folder: &Path, resource: &str) -> Result<(), Status> {
    let kubelet = format!("unix:{}", folder.join("kubelet.sock").display());
    let channel = Endpoint::try_from(kubelet)
        .expect("a path of the test is an address")
        .connect()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    let own = socket(Path::new(""), resource);
    let request = RegisterRequest {
        version: "v1beta1".to_owned(),
        endpoint: own.display().to_string(),
        resource_name: resource.to_owned(),
        options: Some(DevicePluginOptions::default()),
    };
    RegistrationClient::new(channel).register(request).await?;
    Ok(())
}

#[derive(Clone)]
struct Served {
    resource: &'static str,
    devices: watch::Receiver<BTreeMap<&'static str, (i64, bool)>>,
    allocated: Allocated,
    registrations: Arc<AtomicUsize>,
}

/// `PCIDEVICE_INTEL_COM_SRIOV` for `intel.com/sriov`.
fn variable(resource: &str) -> String {
    let name = resource.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    format!("PCIDEVICE_{}", name.to_ascii_uppercase())
}

#[tonic::async_trait]
impl Service for Served {
    async fn get_device_plugin_options(
        &self,
        _: Request<Empty>,
    ) -> Result<Response<DevicePluginOptions>, Status> {
        Ok(Response::new(DevicePluginOptions::default()))
    }

    type ListAndWatchStream =
        Pin<Box<dyn Stream<Item = Result<ListAndWatchResponse, Status>> + Send>>;

    async fn list_and_watch(
        &self,
        _: Request<Empty>,
    ) -> Result<Response<Self::ListAndWatchStream>, Status> {
        let mut devices = self.devices.clone();
        devices.mark_changed();
        let lists = futures::stream::unfold(devices, async |mut devices| {
            // It fails once the plugin is stopped, and the stream with it.
            devices.changed().await.ok()?;
            let list = ListAndWatchResponse {
                devices: devices.borrow_and_update().iter().map(device).collect(),
            };
            Some((Ok(list), devices))
        });
        Ok(Response::new(Box::pin(lists)))
    }

    async fn allocate(
        &self,
        request: Request<AllocateRequest>,
    ) -> Result<Response<AllocateResponse>, Status> {
        let containers = request.into_inner().container_requests;
        let mut responses = Vec::new();
        for container in containers {
            let envs = [(variable(self.resource), container.devices_ids.join(","))];
            responses.push(ContainerAllocateResponse {
                envs: envs.into_iter().collect(),
            });
            let mut allocated = self.allocated.lock();
            let allocated = allocated
                .as_mut()
                .map_err(|_| Status::internal("poisoned"))?;
            allocated.push(container.devices_ids);
        }
        Ok(Response::new(AllocateResponse {
            container_responses: responses,
        }))
    }
}

fn device((id, (numa, healthy)): (&&'static str, &(i64, bool))) -> Device {
    Device {
        id: (*id).to_owned(),
        health: if *healthy { "Healthy" } else { "Unhealthy" }.to_owned(),
        topology: Some(TopologyInfo {
            nodes: vec![NumaNode { id: *numa }],
        }),
    }
}
