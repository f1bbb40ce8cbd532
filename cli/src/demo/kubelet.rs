//! The kubelet's side of allocation: a server of `v1.PodResourcesLister` on a unix socket.
//!
//! It knows one pod. It answers as unhelpfully as the kubelet may: one entry per device, in no order.

use std::{
    os::unix::net::UnixListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result, anyhow};
use futures::stream;
use tokio::sync::oneshot;
use tonic::{Request, Response, Status, transport::Server};

use super::{
    allocation::ContainerAllocation,
    pod_resources::{
        AllocatableResourcesRequest, AllocatableResourcesResponse, ContainerDevices,
        ContainerResources, GetPodResourcesRequest, GetPodResourcesResponse,
        ListPodResourcesRequest, ListPodResourcesResponse, NumaNode, PodResources, TopologyInfo,
        pod_resources_lister_server::{PodResourcesLister, PodResourcesListerServer},
    },
};

/// A running server; it ends when dropped.
pub(super) struct Kubelet {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
    questions: Arc<AtomicUsize>,
}

impl Kubelet {
    /// Serves the allocation of one pod on the socket `path`.
    pub(super) fn serve(
        path: &Path,
        namespace: &str,
        name: &str,
        resource: &str,
        allocations: &[ContainerAllocation],
    ) -> Result<Self> {
        // Bound before this returns, so that nobody comes too early.
        let listener = UnixListener::bind(path)
            .with_context(|| format!("cannot listen on {}", path.display()))?;
        listener.set_nonblocking(true)?;
        let questions = Arc::new(AtomicUsize::new(0));
        let lister = Lister {
            pod: pod_resources(namespace, name, resource, allocations),
            questions: Arc::clone(&questions),
        };
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || run(listener, lister, stopped));
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
            questions,
        })
    }

    /// How many times it was asked what the pod has.
    pub(super) fn questions(&self) -> usize {
        self.questions.load(Ordering::Relaxed)
    }

    /// Ends the server.
    pub(super) fn stop(&mut self) -> Result<()> {
        drop(self.stop.take());
        match self.thread.take() {
            Some(thread) => thread
                .join()
                .map_err(|_| anyhow!("the kubelet stand-in panicked"))?,
            None => Ok(()),
        }
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        // On the failure's way out there is nobody left to tell.
        let _ended = self.stop();
    }
}

fn run(listener: UnixListener, lister: Lister, stopped: oneshot::Receiver<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::UnixListener::from_std(listener)?;
        let connections = stream::unfold(listener, async |listener| {
            let connection = listener.accept().await.map(|(connection, _)| connection);
            Some((connection, listener))
        });
        let server = Server::builder()
            .add_service(PodResourcesListerServer::new(lister))
            .serve_with_incoming(Box::pin(connections));
        // Clients keep their connections open, so a graceful end would wait for them.
        tokio::select! {
            ended = server => ended.context("the kubelet stand-in cannot serve"),
            _ = stopped => Ok(()),
        }
    })
}

struct Lister {
    pod: PodResources,
    questions: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl PodResourcesLister for Lister {
    async fn list(
        &self,
        _: Request<ListPodResourcesRequest>,
    ) -> Result<Response<ListPodResourcesResponse>, Status> {
        self.questions.fetch_add(1, Ordering::Relaxed);
        Ok(Response::new(ListPodResourcesResponse {
            pod_resources: vec![self.pod.clone()],
        }))
    }

    async fn get_allocatable_resources(
        &self,
        _: Request<AllocatableResourcesRequest>,
    ) -> Result<Response<AllocatableResourcesResponse>, Status> {
        let containers = self.pod.containers.iter();
        Ok(Response::new(AllocatableResourcesResponse {
            devices: containers
                .flat_map(|container| container.devices.clone())
                .collect(),
            ..AllocatableResourcesResponse::default()
        }))
    }

    async fn get(
        &self,
        request: Request<GetPodResourcesRequest>,
    ) -> Result<Response<GetPodResourcesResponse>, Status> {
        self.questions.fetch_add(1, Ordering::Relaxed);
        let wanted = request.into_inner();
        if (&wanted.pod_namespace, &wanted.pod_name) != (&self.pod.namespace, &self.pod.name) {
            return Err(Status::not_found(format!(
                "pod {}/{} is not on this node",
                wanted.pod_namespace, wanted.pod_name
            )));
        }
        Ok(Response::new(GetPodResourcesResponse {
            pod_resources: Some(self.pod.clone()),
        }))
    }
}

fn pod_resources(
    namespace: &str,
    name: &str,
    resource: &str,
    allocations: &[ContainerAllocation],
) -> PodResources {
    let containers = allocations.iter().map(|allocation| {
        let entries = allocation.devices.iter().map(|device| ContainerDevices {
            resource_name: resource.to_owned(),
            device_ids: vec![device.to_string()],
            topology: Some(TopologyInfo {
                nodes: vec![NumaNode { id: 0 }],
            }),
        });
        ContainerResources {
            name: allocation.container.clone(),
            devices: entries.collect(),
            ..ContainerResources::default()
        }
    });
    PodResources {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        containers: containers.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allocations() -> Vec<ContainerAllocation> {
        let devices = ["0000:03:02.3", "0000:03:02.2"].map(|text| text.parse().unwrap());
        vec![ContainerAllocation {
            container: "c".to_owned(),
            devices: devices.into(),
        }]
    }

    #[test]
    fn one_entry_per_device_in_the_order_given() {
        let pod = pod_resources("default", "p", "intel.com/sriov", &allocations());
        let ids: Vec<_> = pod.containers[0]
            .devices
            .iter()
            .map(|entry| entry.device_ids.clone())
            .collect();
        assert_eq!(ids, [["0000:03:02.3"], ["0000:03:02.2"]]);
    }

    #[test]
    fn serves_and_stops() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubelet.sock");
        let mut kubelet =
            Kubelet::serve(&path, "default", "p", "intel.com/sriov", &allocations()).unwrap();
        std::os::unix::net::UnixStream::connect(&path).unwrap();
        assert_eq!(kubelet.questions(), 0);
        kubelet.stop().unwrap();
    }
}
