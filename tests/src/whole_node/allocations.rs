//! What the kubelet says that pods hold.

use std::{collections::BTreeMap, path::Path};

use device_bridge::proto::{
    ListPodResourcesRequest, pod_resources_lister_client::PodResourcesListerClient,
};
use tonic::transport::Endpoint;

const SOCKET: &str = "/var/lib/kubelet/pod-resources/kubelet.sock";

/// The devices of pods that are there: pod, container, ids.
pub(crate) fn allocations() -> Result<BTreeMap<(String, String), Vec<String>>, String> {
    if !Path::new(SOCKET).exists() {
        return Err(format!("there is no {SOCKET}"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let channel = Endpoint::try_from(format!("unix:{SOCKET}"))
            .expect("a path is an address")
            .connect()
            .await
            .map_err(|error| format!("{SOCKET}: {error}"))?;
        let listed = PodResourcesListerClient::new(channel)
            .list(ListPodResourcesRequest {})
            .await
            .map_err(|status| format!("List: {status}"))?;
        let mut found = BTreeMap::<_, Vec<String>>::new();
        for pod in listed.into_inner().pod_resources {
            for container in pod.containers {
                for devices in container.devices {
                    let of = found.entry((pod.name.clone(), container.name.clone()));
                    of.or_default().extend(devices.device_ids);
                }
            }
        }
        Ok(found)
    })
}
