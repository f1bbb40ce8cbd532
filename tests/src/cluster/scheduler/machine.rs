//! A node without a kubelet: the test says what it has, and plays the kubelet's and the node agent's part.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{INVENTORIES, NODES, PODS, RESOURCE, Stage, TOPOLOGIES, text, until};

/// A machine with devices in NUMA zones, whose kubelet takes pods by `single-numa-node`.
pub(super) struct Machine {
    name: String,
    /// Devices of each zone.
    zones: Vec<usize>,
    held: Vec<Held>,
    sequence: u64,
}

/// What a pod holds.
struct Held {
    name: String,
    uid: String,
    zone: usize,
    devices: Vec<usize>,
}

impl Machine {
    /// A ready Node with so many devices in its zones, that nobody has reported of.
    pub(super) fn join(stage: &Stage, name: &str, zones: &[usize]) -> Self {
        let node = json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}});
        stage.plane.ask("POST", NODES, &node).is_created();
        let quantities = json!({"cpu": "16", "memory": "64Gi", "pods": "110", RESOURCE: zones.iter().sum::<usize>().to_string()});
        let status = json!({"status": {"capacity": quantities, "allocatable": quantities,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}});
        let path = format!("{NODES}/{name}");
        let patched = stage.plane.ask("PATCH", &format!("{path}/status"), &status);
        assert_eq!(patched.status, 200, "{}", patched.body);
        // The API server taints nodes at their creation, and nobody is here to take that back.
        let untainted = stage
            .plane
            .ask("PATCH", &path, &json!({"spec": {"taints": null}}));
        assert_eq!(untainted.status, 200, "{}", untainted.body);
        Self {
            name: name.to_owned(),
            zones: zones.to_vec(),
            held: Vec::new(),
            sequence: 0,
        }
    }

    /// As [`Machine::join`], with a first report.
    pub(super) fn reporting(stage: &Stage, name: &str, zones: &[usize]) -> Self {
        let mut machine = Self::join(stage, name, zones);
        machine.report(stage);
        machine
    }

    /// Plays the kubelet for all pods that are bound here: takes them or refuses them, and lets go of those that are gone.
    /// Says how many it refused.
    pub(super) fn sync(&mut self, stage: &Stage) -> usize {
        let path = format!("{PODS}?fieldSelector=spec.nodeName%3D{}", self.name);
        let pods = stage.plane.ask("GET", &path, &Value::Null).body;
        let pods = pods["items"].as_array().cloned().unwrap_or_default();
        let phase = |pod: &Value| text(&pod["status"]["phase"]);
        let runs = |held: &Held| {
            pods.iter()
                .any(|pod| pod["metadata"]["uid"] == held.uid.as_str() && !has_ended(&phase(pod)))
        };
        self.held.retain(runs);
        let mut refused = 0;
        for pod in pods.iter().filter(|pod| phase(pod) == "Pending") {
            if self.take(pod) {
                set_status(stage, &text(&pod["metadata"]["name"]), &running());
            } else {
                self.refuse(stage, &text(&pod["metadata"]["name"]));
                refused += 1;
            }
        }
        refused
    }

    /// The kubelet's rule: the lowest zone that has enough.
    fn take(&mut self, pod: &Value) -> bool {
        let wanted = &pod["spec"]["containers"][0]["resources"]["limits"][RESOURCE];
        let wanted: usize = text(wanted).parse().unwrap_or(0);
        let found = (0..self.zones.len()).map(|zone| (zone, self.free(zone)));
        let mut found = found.filter(|(_, free)| free.len() >= wanted);
        let Some((zone, mut devices)) = found.next() else {
            return false;
        };
        devices.truncate(wanted);
        if wanted > 0 {
            let (name, uid) = (&pod["metadata"]["name"], &pod["metadata"]["uid"]);
            self.held.push(Held {
                name: text(name),
                uid: text(uid),
                zone,
                devices,
            });
        }
        true
    }

    fn free(&self, zone: usize) -> Vec<usize> {
        let of_zone = || self.held.iter().filter(|held| held.zone == zone);
        let is_free = |device: &usize| !of_zone().any(|held| held.devices.contains(device));
        (0..self.zones[zone]).filter(is_free).collect()
    }

    /// Refuses a pod as a kubelet does that cannot align its devices.
    pub(super) fn refuse(&self, stage: &Stage, pod: &str) {
        let status = json!({"phase": "Failed", "reason": "TopologyAffinityError",
            "message": "Pod was rejected: Resources cannot be allocated with Topology locality"});
        set_status(stage, pod, &status);
    }

    /// The devices of a zone that a pod holds; none if it holds nothing.
    pub(super) fn zone_of(&self, pod: &str) -> Option<usize> {
        let held = self.held.iter().find(|held| held.name == pod)?;
        Some(held.zone)
    }

    /// Plays the node agent: writes the NodeInventory.
    pub(super) fn report(&mut self, stage: &Stage) {
        self.sequence += 1;
        let amount = |zone: usize| json!({"name": RESOURCE, "capacity": self.zones[zone], "allocatable": self.zones[zone], "available": self.free(zone).len()});
        let ids = 0..self.zones.len();
        let zones: Vec<Value> = ids
            .clone()
            .map(|zone| json!({"id": zone, "resources": [amount(zone)]}))
            .collect();
        let all: usize = self.zones.iter().sum();
        let free: usize = ids.clone().map(|zone| self.free(zone).len()).sum();
        let devices: Vec<Value> = ids
            .map(|zone| group(zone, &(0..self.zones[zone]).collect::<Vec<_>>()))
            .collect();
        let allocations: Vec<Value> = self
            .held
            .iter()
            .map(|held| {
                json!({"podUID": held.uid, "namespace": "default", "name": held.name,
                "containers": [{"name": "app", "devices": [group(held.zone, &held.devices)]}]})
            })
            .collect();
        let mut inventory = json!({
            "apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": self.name},
            "epoch": 1, "sequence": self.sequence, "observedAt": now(),
            "topologyManager": {"policy": "single-numa-node", "scope": "container"},
            "zones": zones, "devices": devices, "allocations": allocations,
            "resources": [{"name": RESOURCE, "capacity": all, "allocatable": all, "available": free}],
        });
        put(stage, INVENTORIES, &self.name, &mut inventory);
    }

    /// Plays another project's agent: writes the NodeResourceTopology.
    pub(super) fn report_topology(&self, stage: &Stage) {
        let zone = |zone: usize| {
            let (all, free) = (
                self.zones[zone].to_string(),
                self.free(zone).len().to_string(),
            );
            json!({"name": format!("node-{zone}"), "type": "Node", "resources": [
                {"name": RESOURCE, "capacity": all, "allocatable": all, "available": free}]})
        };
        let zones: Vec<Value> = (0..self.zones.len()).map(zone).collect();
        let mut topology = json!({
            "apiVersion": "topology.node.k8s.io/v1alpha2", "kind": "NodeResourceTopology", "metadata": {"name": self.name},
            "attributes": [
                {"name": "topologyManagerPolicy", "value": "single-numa-node"},
                {"name": "topologyManagerScope", "value": "container"},
            ],
            "zones": zones,
        });
        put(stage, TOPOLOGIES, &self.name, &mut topology);
    }

    /// Both parts until nothing changes any more for the pods that are bound.
    pub(super) fn settle(&mut self, stage: &Stage) {
        assert_eq!(
            self.sync(stage),
            0,
            "{} refused a pod that the scheduler chose it for",
            self.name
        );
        self.report(stage);
    }
}

fn has_ended(phase: &str) -> bool {
    matches!(phase, "Succeeded" | "Failed")
}

fn group(zone: usize, devices: &[usize]) -> Value {
    let ids: Vec<String> = devices
        .iter()
        .map(|device| format!("0000:{zone:02x}:{device:02x}.0"))
        .collect();
    json!({"resource": RESOURCE, "zones": [zone], "ids": ids})
}

fn now() -> String {
    let now = time::OffsetDateTime::now_utc();
    now.format(&time::format_description::well_known::Rfc3339)
        .expect("a moment can be written")
}

/// Writes a report over the one before.
fn put(stage: &Stage, kind: &str, name: &str, object: &mut Value) {
    let path = format!("{kind}/{name}");
    let found = stage.plane.ask("GET", &path, &Value::Null);
    let written = if found.status == 200 {
        object["metadata"]["resourceVersion"] = found.body["metadata"]["resourceVersion"].clone();
        stage
            .plane
            .ask("PUT", &format!("{path}?fieldValidation=Strict"), object)
    } else {
        stage
            .plane
            .ask("POST", &format!("{kind}?fieldValidation=Strict"), object)
    };
    assert!(matches!(written.status, 200 | 201), "{}", written.body);
}

/// Writes a pod's status, as the kubelet does.
pub(super) fn set_status(stage: &Stage, pod: &str, status: &Value) {
    let path = format!("{PODS}/{pod}/status");
    let patched = stage.plane.ask("PATCH", &path, &json!({"status": status}));
    assert_eq!(patched.status, 200, "{}", patched.body);
}

/// A pod of one container that runs.
fn running() -> Value {
    json!({"phase": "Running", "startTime": now(), "containerStatuses": [{
        "name": "app", "ready": true, "started": true, "restartCount": 0, "image": "busybox", "imageID": "busybox",
        "containerID": "containerd://0123456789abcdef", "state": {"running": {"startedAt": now()}}}]})
}

/// Waits until the pod is bound to `machine`, and has its kubelet take it and its agent report it.
pub(super) fn runs_on(stage: &Stage, machine: &mut Machine, pod: &str) {
    assert_eq!(stage.node_of(pod), machine.name, "{pod}");
    machine.settle(stage);
    until(|| machine.zone_of(pod).map(drop));
}

/// How long what is not to happen is waited for: several of the scheduler's own backoffs.
pub(super) const A_WHILE: Duration = Duration::from_secs(4);
