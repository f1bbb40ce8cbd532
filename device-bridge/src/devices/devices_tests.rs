//! Devices of sandboxes, with a kubelet on a real socket and an API server behind a client.

use std::sync::{Arc, atomic::Ordering};

use serde_json::{Value, json};
use spec::{bridge::Failure, cni::code};
use tempfile::TempDir;

use super::*;
use crate::{
    answer::resolve,
    claims::{files::ClaimFiles, slices::Slice},
    fake_api_server::{FakeApiServer, refusal as api_refusal},
    fixture::{networks, pod_resources, question},
    kubelet::fake::{self, Behaviour, FakeKubelet},
    proto::{ClaimResource, DynamicResource, PodResources},
    store::Store,
};

const ADDRESSES: [&str; 3] = ["0000:03:02.1", "0000:03:02.2", "0000:03:02.3"];

fn devices(kubelet: &FakeKubelet, claims: ClaimSource) -> Devices {
    let checkpoint = fake::settings(&kubelet.socket).checkpoint;
    Devices::new(kubelet.client(), checkpoint, claims)
}

fn no_claims() -> ClaimSource {
    ClaimSource::Files(Arc::default())
}

/// A question for a pod of this name and UID.
fn of(name: &str, uid: &str, selection: &str) -> Question {
    let mut question = question(selection);
    question.pod.name = name.parse().unwrap();
    question.pod.uid = Some(uid.to_owned());
    question
}

async fn ask(devices: &Devices, question: &Question) -> Result<Vec<String>, Failure> {
    let resolved = resolve(question, None, &networks()).unwrap();
    let lookup = Lookup::in_files(Arc::new(Store::default()));
    let answer = devices.assign(question, resolved, &lookup).await;
    let answer = answer.map_err(|refusal| refusal.failure)?;
    let told = answer.networks.iter().map(|attachment| {
        let device = attachment.runtime_config.get("deviceID");
        device.and_then(Value::as_str).unwrap_or("none").to_owned()
    });
    Ok(told.collect())
}

fn pod(name: &str, ids: &[&str]) -> PodResources {
    PodResources {
        name: name.to_owned(),
        ..pod_resources(&[("app", &[("intel.com/sriov", ids)])])
    }
}

fn kubelet(folder: &TempDir, pods: Vec<PodResources>) -> FakeKubelet {
    FakeKubelet::start(folder.path(), Behaviour::of(pods))
}

fn write_checkpoint(folder: &TempDir, entries: &[(&str, &str, &str)]) {
    let entries: Vec<_> = entries
        .iter()
        .map(|(uid, container, id)| {
            json!({"PodUID": uid, "ContainerName": container, "ResourceName": "intel.com/sriov", "DeviceIDs": {"0": [id], "1": [id]}})
        })
        .collect();
    let text =
        json!({"Data": {"PodDeviceEntries": entries, "RegisteredDevices": {}}, "Checksum": 7});
    let path = folder.path().join("kubelet_internal_checkpoint");
    std::fs::write(path, text.to_string()).unwrap();
}

#[tokio::test]
async fn a_retry_gets_the_same_and_another_pod_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let pods = vec![pod("a", &ADDRESSES[..2]), pod("b", &ADDRESSES[1..])];
    let kubelet = kubelet(&folder, pods);
    let devices = devices(&kubelet, no_claims());
    let a = of("a", "u1", "sriov-a,sriov-b");
    assert_eq!(ask(&devices, &a).await.unwrap(), ADDRESSES[..2]);
    assert_eq!(ask(&devices, &a).await.unwrap(), ADDRESSES[..2]);
    assert_eq!(kubelet.behaviour.calls(), 2);
    // A kubelet that allocates a device twice is not believed.
    let failure = ask(&devices, &of("b", "u2", "sriov-a")).await.unwrap_err();
    assert_eq!(failure.code, code::TRY_AGAIN_LATER);
    for part in [
        "default/a",
        "\"u1\"",
        "default/b",
        ADDRESSES[1],
        "the kubelet says so",
    ] {
        assert!(failure.message.contains(part), "{failure}");
    }
}

#[tokio::test]
async fn a_device_that_is_free_again_goes_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let first = kubelet(&folder, vec![pod("a", &ADDRESSES[..1])]);
    let devices = devices(&first, no_claims());
    ask(&devices, &of("a", "u1", "sriov-a")).await.unwrap();
    first.kill();
    let second = kubelet(&folder, vec![pod("b", &ADDRESSES[..1])]);
    // The kubelet restarted and may not list the first pod yet.
    let failure = ask(&devices, &of("b", "u2", "sriov-a")).await.unwrap_err();
    assert!(
        failure.message.contains("restarted a moment ago"),
        "{failure}"
    );
    // It has written down whose the device is, and need not be asked about all pods for that.
    let lists = second.behaviour.lists.load(Ordering::Relaxed);
    write_checkpoint(&folder, &[("u2", "app", ADDRESSES[0])]);
    let told = ask(&devices, &of("b", "u2", "sriov-a")).await.unwrap();
    assert_eq!(told, ADDRESSES[..1]);
    assert_eq!(second.behaviour.lists.load(Ordering::Relaxed), lists);
}

#[tokio::test]
async fn a_pod_names_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let kubelet = kubelet(
        &folder,
        vec![pod("a", &ADDRESSES[..1]), pod("b", &[]), pod("c", &[])],
    );
    let devices = devices(&kubelet, no_claims());
    let naming = |id| format!(r#"[{{"name":"macvlan","deviceID":"{id}"}}]"#);
    // The kubelet allocated it, although that pod never asked.
    let failure = ask(&devices, &of("b", "u2", &naming(ADDRESSES[0])))
        .await
        .unwrap_err();
    assert!(failure.message.contains("default/a"), "{failure}");
    let free = naming(ADDRESSES[2]);
    assert_eq!(
        ask(&devices, &of("b", "u2", &free)).await.unwrap(),
        [ADDRESSES[2]]
    );
    assert_eq!(
        ask(&devices, &of("b", "u2", &free)).await.unwrap(),
        [ADDRESSES[2]]
    );
    let failure = ask(&devices, &of("c", "u3", &free)).await.unwrap_err();
    assert!(failure.message.contains("default/b"), "{failure}");
}

#[tokio::test]
async fn without_a_kubelet_a_pod_may_name_what_nobody_has() {
    let folder = tempfile::tempdir().unwrap();
    let gone = kubelet(&folder, Vec::new());
    std::fs::remove_file(&gone.socket).unwrap();
    let devices = devices(&gone, no_claims());
    write_checkpoint(&folder, &[("u1", "app", ADDRESSES[0])]);
    let naming = |id| format!(r#"[{{"name":"macvlan","deviceID":"{id}"}}]"#);
    let failure = ask(&devices, &of("b", "u2", &naming(ADDRESSES[0])))
        .await
        .unwrap_err();
    assert!(failure.message.contains("\"u1\""), "{failure}");
    let told = ask(&devices, &of("b", "u2", &naming(ADDRESSES[1])))
        .await
        .unwrap();
    assert_eq!(told, [ADDRESSES[1]]);
}

#[tokio::test]
async fn the_checkpoint_stands_in_for_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let gone = kubelet(&folder, Vec::new());
    std::fs::remove_file(&gone.socket).unwrap();
    let a = of("p", "u1", "sriov-a,sriov-b");
    let failure = ask(&devices(&gone, no_claims()), &a).await.unwrap_err();
    for part in ["does not exist", "need 2 of intel.com/sriov"] {
        assert!(failure.message.contains(part), "{failure}");
    }
    write_checkpoint(
        &folder,
        &[
            ("u1", "b", ADDRESSES[1]),
            ("u9", "b", "x"),
            ("u1", "a", ADDRESSES[2]),
            ("u1", "setup", ADDRESSES[1]),
        ],
    );
    // In the order of the file, and of the spec where that is known.
    let told = ask(&devices(&gone, no_claims()), &a).await.unwrap();
    assert_eq!(told, [ADDRESSES[1], ADDRESSES[2]]);
    let api = FakeApiServer::default();
    api.answer(
        "GET /api/v1/namespaces/default/pods/p",
        200,
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "uid": "u1"},
            "spec": {"initContainers": [{"name": "setup"}], "containers": [{"name": "a"}, {"name": "b"}]}}),
    );
    let live = devices(&gone, ClaimSource::Live(api.client()));
    assert_eq!(ask(&live, &a).await.unwrap(), [ADDRESSES[2], ADDRESSES[1]]);
    // Another pod of this name has nothing.
    let successor = of("p", "u2", "sriov-a");
    let failure = ask(&devices(&gone, no_claims()), &successor)
        .await
        .unwrap_err();
    assert!(failure.message.contains("allocated none"), "{failure}");
}

#[tokio::test]
async fn a_recreated_pod_never_gets_its_predecessors_devices() {
    let folder = tempfile::tempdir().unwrap();
    let kubelet = kubelet(&folder, vec![pod("web-0", &ADDRESSES[..1])]);
    let devices = devices(&kubelet, no_claims());
    write_checkpoint(&folder, &[("u1", "app", ADDRESSES[0])]);
    ask(&devices, &of("web-0", "u1", "sriov-a")).await.unwrap();
    let successor = of("web-0", "u2", "sriov-a");
    let failure = ask(&devices, &successor).await.unwrap_err();
    assert_eq!(failure.code, code::TRY_AGAIN_LATER);
    assert!(failure.message.contains("\"u1\""), "{failure}");
    // The kubelet allocated the same device to the successor: the only one there is.
    write_checkpoint(&folder, &[("u2", "app", ADDRESSES[0])]);
    assert_eq!(ask(&devices, &successor).await.unwrap(), ADDRESSES[..1]);
}

#[tokio::test]
async fn without_a_checkpoint_a_single_entry_is_the_askers() {
    let folder = tempfile::tempdir().unwrap();
    let first = kubelet(&folder, vec![pod("web-0", &ADDRESSES[..1])]);
    let devices = devices(&first, no_claims());
    ask(&devices, &of("web-0", "u1", "sriov-a")).await.unwrap();
    first.kill();
    let both = vec![pod("web-0", &ADDRESSES[..1]), pod("web-0", &ADDRESSES[..1])];
    let second = kubelet(&folder, both);
    let successor = of("web-0", "u2", "sriov-a");
    let failure = ask(&devices, &successor).await.unwrap_err();
    assert_eq!(failure.code, code::TRY_AGAIN_LATER);
    assert!(
        failure.message.contains("had this name before"),
        "{failure}"
    );
    second.kill();
    let _third = kubelet(&folder, vec![pod("web-0", &ADDRESSES[..1])]);
    assert_eq!(ask(&devices, &successor).await.unwrap(), ADDRESSES[..1]);
}

// Claims.

fn slice(devices: &[(&str, Option<&str>, &str)]) -> Value {
    let devices: Vec<_> = devices
        .iter()
        .map(|(name, resource, address)| {
            let mut attributes = json!({"resource.kubernetes.io/pciBusID": {"string": address}});
            if let Some(resource) = resource {
                attributes["k8s.cni.cncf.io/resourceName"] = json!({"string": resource});
                attributes["k8s.cni.cncf.io/deviceID"] = json!({"string": address});
            }
            json!({"name": name, "attributes": attributes})
        })
        .collect();
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "s"},
        "spec": {"driver": "sriov.example.com", "nodeName": "n1", "devices": devices,
            "pool": {"name": "n1", "generation": 3, "resourceSliceCount": 1}}})
}

fn slice_list(slice: &Value) -> Value {
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSliceList", "metadata": {}, "items": [slice]})
}

/// A pod whose container holds these devices by a claim. A kubelet that is too old does not tell drivers.
fn claiming(name: &str, claim: &str, devices: &[&str], is_old: bool) -> PodResources {
    let mut pod = pod(name, &[]);
    let told = |text: &str| {
        if is_old {
            String::new()
        } else {
            text.to_owned()
        }
    };
    let devices = devices.iter().map(|device| ClaimResource {
        driver_name: told("sriov.example.com"),
        pool_name: told("n1"),
        device_name: told(device),
        ..ClaimResource::default()
    });
    pod.containers[0].dynamic_resources.push(DynamicResource {
        claim_name: claim.to_owned(),
        claim_namespace: "default".to_owned(),
        claim_resources: devices.collect(),
    });
    pod
}

fn followed(api: &FakeApiServer, slice: &Value) -> ClaimSource {
    let slice: Slices = [Slice::of(&serde_json::from_value(slice.clone()).unwrap())]
        .into_iter()
        .collect();
    ClaimSource::Followed {
        node: "n1".to_owned(),
        slices: Arc::new(std::sync::RwLock::new(Some(slice))),
        client: api.client(),
    }
}

const OF_POD: &str = "GET /api/v1/namespaces/default/pods/a";

const OF_SLICES: &str = "GET /apis/resource.k8s.io/v1/resourceslices";

fn on_node(more: &Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "uid": "u1"},
        "spec": {"nodeName": "n1", "containers": [{"name": "app", "resources": {"claims": [{"name": "nic"}]}}],
            "resourceClaims": [{"name": "nic", "resourceClaimTemplateName": "t"}]},
        "status": {"resourceClaimStatuses": [{"name": "nic", "resourceClaimName": "a-nic"}]}});
    for (key, value) in more.as_object().unwrap() {
        pod["status"][key] = value.clone();
    }
    pod
}

fn claim(results: &[(&str, &str)]) -> Value {
    let results: Vec<_> = results
        .iter()
        .map(|(request, device)| {
            json!({"request": request, "driver": "sriov.example.com", "pool": "n1", "device": device})
        })
        .collect();
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": "c", "namespace": "default"},
        "spec": {}, "status": {"allocation": {"devices": {"results": results}}}})
}

#[tokio::test]
async fn a_claims_devices_by_both_ways_and_no_read_where_slices_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let slice = slice(&[
        ("vf-1", Some("intel.com/sriov"), ADDRESSES[0]),
        ("vf-2", Some("intel.com/sriov"), ADDRESSES[1]),
        ("gpu", None, "0000:41:00.0"),
    ]);
    let pods = vec![claiming("a", "a-nic", &["vf-2", "gpu", "vf-1"], false)];
    let kubelet = kubelet(&folder, pods);
    let a = of("a", "u1", "sriov-a,sriov-b");
    let api = FakeApiServer::default();
    let told = ask(&devices(&kubelet, followed(&api, &slice)), &a)
        .await
        .unwrap();
    assert_eq!(told, ADDRESSES[..2]);
    assert_eq!(api.requests(), [""; 0]);
    // The one-shot process reads them.
    api.answer(OF_POD, 200, on_node(&json!({})));
    api.answer(OF_SLICES, 200, slice_list(&slice));
    let told = ask(&devices(&kubelet, ClaimSource::Live(api.client())), &a)
        .await
        .unwrap();
    assert_eq!(told, ADDRESSES[..2]);
    // Files say it as well.
    let text = serde_json::to_string(&slice).unwrap();
    let objects = api::objects::parse(&text, "test").unwrap();
    let files = ClaimSource::Files(Arc::new(ClaimFiles::of(&objects).unwrap()));
    assert_eq!(
        ask(&devices(&kubelet, files), &a).await.unwrap(),
        ADDRESSES[..2]
    );
}

#[tokio::test]
async fn a_claim_serves_one_pod() {
    let folder = tempfile::tempdir().unwrap();
    let slice = slice(&[("vf-1", Some("intel.com/sriov"), ADDRESSES[0])]);
    let pods = vec![
        claiming("a", "shared", &["vf-1"], false),
        claiming("b", "shared", &["vf-1"], false),
    ];
    let kubelet = kubelet(&folder, pods);
    let api = FakeApiServer::default();
    let devices = devices(&kubelet, followed(&api, &slice));
    let told = ask(&devices, &of("a", "u1", "sriov-a")).await.unwrap();
    assert_eq!(told, ADDRESSES[..1]);
    let failure = ask(&devices, &of("b", "u2", "sriov-a")).await.unwrap_err();
    for part in ["default/a", "a claim of one, serves one pod only"] {
        assert!(failure.message.contains(part), "{failure}");
    }
    // Nor may a third name it by its address.
    let naming = format!(r#"[{{"name":"macvlan","deviceID":"{}"}}]"#, ADDRESSES[0]);
    assert!(ask(&devices, &of("c", "u3", &naming)).await.is_err());
}

#[tokio::test]
async fn an_extended_resource_that_a_driver_provides() {
    let folder = tempfile::tempdir().unwrap();
    let slice = slice(&[("vf-1", None, ADDRESSES[0]), ("vf-2", None, ADDRESSES[1])]);
    let kubelet = kubelet(
        &folder,
        vec![claiming("a", "a-extended", &["vf-1", "vf-2"], false)],
    );
    let api = FakeApiServer::default();
    let mappings = json!([
        {"containerName": "app", "resourceName": "example.com/vf", "requestName": "r0"},
        {"containerName": "app", "resourceName": "intel.com/sriov", "requestName": "r1"}]);
    let status = json!({"extendedResourceClaimStatus": {"resourceClaimName": "a-extended", "requestMappings": mappings}});
    api.answer(OF_POD, 200, on_node(&status));
    api.answer(OF_SLICES, 200, slice_list(&slice));
    api.answer(
        "GET /apis/resource.k8s.io/v1/namespaces/default/resourceclaims/a-extended",
        200,
        claim(&[("r0", "vf-2"), ("r1", "vf-1")]),
    );
    let devices = devices(&kubelet, followed(&api, &slice));
    let told = ask(&devices, &of("a", "u1", "other,sriov-a"))
        .await
        .unwrap();
    assert_eq!(told, [ADDRESSES[1], ADDRESSES[0]]);
}

#[tokio::test]
async fn a_kubelet_that_is_too_old_for_claims() {
    let slice = slice(&[("vf-1", Some("intel.com/sriov"), ADDRESSES[0])]);
    // It tells of the claim without the device, or of nothing.
    for pod in [claiming("a", "a-nic", &["x"], true), pod("a", &[])] {
        let folder = tempfile::tempdir().unwrap();
        let kubelet = kubelet(&folder, vec![pod]);
        let api = FakeApiServer::default();
        api.answer(OF_POD, 200, on_node(&json!({})));
        api.answer(OF_SLICES, 200, slice_list(&slice));
        api.answer(
            "GET /apis/resource.k8s.io/v1/namespaces/default/resourceclaims/a-nic",
            200,
            claim(&[("nic", "vf-1")]),
        );
        let devices = devices(&kubelet, ClaimSource::Live(api.client()));
        let told = ask(&devices, &of("a", "u1", "sriov-a")).await.unwrap();
        assert_eq!(told, ADDRESSES[..1]);
        // A pod of the same name that is another one has no claims.
        let failure = ask(&devices, &of("a", "u2", "sriov-a")).await.unwrap_err();
        assert!(failure.message.contains("allocated none"), "{failure}");
    }
}

#[tokio::test]
async fn slices_that_are_behind_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let kubelet = kubelet(&folder, vec![claiming("a", "a-nic", &["vf-1"], false)]);
    let api = FakeApiServer::default();
    api.answer(OF_POD, 200, on_node(&json!({})));
    api.answer(OF_SLICES, 200, slice_list(&slice(&[])));
    let now = slice(&[("vf-1", Some("intel.com/sriov"), ADDRESSES[0])]);
    api.answer(OF_SLICES, 200, slice_list(&now));
    let devices = devices(&kubelet, followed(&api, &slice(&[])));
    let a = of("a", "u1", "sriov-a");
    let failure = ask(&devices, &a).await.unwrap_err();
    assert_eq!(failure.code, code::TRY_AGAIN_LATER);
    for part in ["vf-1", "sriov.example.com", "a-nic"] {
        assert!(failure.message.contains(part), "{failure}");
    }
    assert_eq!(ask(&devices, &a).await.unwrap(), ADDRESSES[..1]);
}

#[tokio::test]
async fn claims_that_networks_do_not_need_stop_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut pod_with_gpu = claiming("a", "a-gpu", &["gpu"], false);
    let nic = pod("a", &ADDRESSES[..1]).containers.remove(0).devices;
    pod_with_gpu.containers[0].devices = nic;
    let kubelet = kubelet(&folder, vec![pod_with_gpu]);
    let api = FakeApiServer::default();
    api.answer(OF_POD, 403, api_refusal(403, "forbidden"));
    let devices = devices(&kubelet, ClaimSource::Live(api.client()));
    let told = ask(&devices, &of("a", "u1", "sriov-a")).await.unwrap();
    assert_eq!(told, ADDRESSES[..1]);
    // Where they are needed, it is said.
    let failure = ask(&devices, &of("a", "u1", "other")).await.unwrap_err();
    assert!(failure.message.contains("forbidden"), "{failure}");
}
