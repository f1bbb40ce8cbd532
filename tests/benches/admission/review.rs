//! What is asked: the pod of the seeds, with two SR-IOV networks, as an API server sends it; and the networks.

use std::{fs, path::Path};

use api::objects;
use serde_json::{Value, json};

fn seeds() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/examples")
}

/// The body of a review.
pub(crate) fn body() -> String {
    let pods = objects::read(&[seeds().join("net-resource-sample-pod.yaml")]);
    let mut pod = pods.expect("the seeds can be read").remove(0).value;
    pod["metadata"]["namespace"] = json!("default");
    pod["metadata"]["annotations"] =
        json!({"k8s.v1.cni.cncf.io/networks": "sriov-net-a, sriov-net-a"});
    // Its author left the devices to the webhook.
    pod["spec"]["containers"][0]["resources"] = json!({});
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
            "requestResource": {"group": "", "version": "v1", "resource": "pods"},
            "name": "testpod1",
            "namespace": "default",
            "operation": "CREATE",
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": ["system:authenticated"]},
            "object": pod,
            "oldObject": null,
            "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    })
    .to_string()
}

/// Writes as many networks like that of the seeds into a folder, the seeds' own among them, a hundred to a file.
pub(crate) fn write_networks(folder: &Path, networks: usize) {
    fs::create_dir_all(folder).expect("the folder can be made");
    let seed = objects::read(&[seeds().join("sriov-net.yaml")]).expect("the seeds can be read");
    let seed = &seed[0].value;
    let named = |n: usize| {
        let mut network = seed.clone();
        if n > 0 {
            network["metadata"]["name"] = json!(format!("sriov-net-{n}"));
        }
        network["metadata"]["namespace"] = json!("default");
        network["metadata"]["resourceVersion"] = json!((1_000_000 + n).to_string());
        network
    };
    let all: Vec<Value> = (0..networks).map(named).collect();
    for (at, some) in all.chunks(100).enumerate() {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": some});
        fs::write(folder.join(format!("{at:05}.json")), list.to_string())
            .expect("the folder can be written");
    }
}
