//! Devices of ResourceClaims (DRA, `resource.k8s.io/v1`): which a claim has been allocated, and what their drivers say of them.

use std::collections::{BTreeMap, BTreeSet};

use api::node_inventory::{ClaimedDevice, Inventory};
use serde::Deserialize;
use serde_json::Value;

use super::seen::PodSeen;

/// Kubernetes's attribute with the PCI address.
const PCI_BUS_ID: &str = "resource.kubernetes.io/pciBusID";

/// Kubernetes's attribute with the PCIe root complex.
const PCIE_ROOT: &str = "resource.kubernetes.io/pcieRoot";

/// The attribute with the id that a delegate is told, agreed between meta-plugins and drivers.
const DEVICE_ID: &str = "k8s.cni.cncf.io/deviceID";

/// The attribute with the resource that a NetworkAttachmentDefinition names.
const RESOURCE_NAME: &str = "k8s.cni.cncf.io/resourceName";

/// The attribute of dra-driver-sriov with the PCI address of a virtual function's physical one.
const PHYSICAL_FUNCTION: &str = "sriovnetwork.k8snetworkplumbingwg.io/pfPciAddress";

/// The attribute of dranet, dra-driver-sriov and others with the NUMA zone.
const NUMA_NODE: &str = "dra.net/numaNode";

/// A device, as claims and slices call it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) driver: String,
    pub(super) pool: String,
    pub(super) device: String,
}

/// A pod's namespace and name.
pub(super) type PodName<'a> = (&'a str, &'a str);

/// Devices with the pods that hold them.
pub(super) type Held<'a> = BTreeMap<Id, BTreeSet<PodName<'a>>>;

/// What a driver says of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Advertised {
    /// Its PCI address.
    pub(super) address: Option<String>,
    /// The PCI address of the physical function that it is a virtual one of.
    pub(super) function: Option<String>,
    /// The PCIe root complex that it is behind.
    pub(super) root: Option<String>,
    /// Its NUMA zone.
    pub(super) zone: Option<u32>,
    /// The id that delegates are told.
    pub(super) id: Option<String>,
    /// The resource of networks that take it.
    pub(super) resource: Option<String>,
    /// Whether it is cut out of something that other devices are cut out of as well: whether it is free depends on them.
    pub(super) is_part: bool,
}

/// What matters of a ResourceSlice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SliceSeen {
    /// The node whose devices these are; empty for devices of several nodes.
    node: String,
    driver: String,
    pool: String,
    generation: i64,
    /// How many slices the pool has in this generation.
    slices: i64,
    devices: BTreeMap<String, Advertised>,
}

/// What drivers say of all devices, and of those of each node. Of a pool only the last generation is true, and only once all
/// of its slices are there; until then nothing is known of it.
#[derive(Debug, Default)]
pub(super) struct Drivers<'a> {
    pools: BTreeMap<(&'a str, &'a str), Vec<&'a SliceSeen>>,
    nodes: BTreeMap<&'a str, Vec<&'a SliceSeen>>,
}

#[derive(Deserialize)]
struct ClaimObject {
    #[serde(default)]
    status: Option<ClaimStatus>,
}

#[derive(Deserialize)]
struct ClaimStatus {
    #[serde(default)]
    allocation: Option<Allocation>,
}

#[derive(Deserialize)]
struct Allocation {
    #[serde(default)]
    devices: Option<Results>,
}

#[derive(Deserialize)]
struct Results {
    #[serde(default)]
    results: Option<Vec<Allocated>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Allocated {
    driver: String,
    pool: String,
    device: String,
    #[serde(default)]
    admin_access: Option<bool>,
}

#[derive(Deserialize)]
struct SliceObject {
    spec: SliceSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SliceSpec {
    driver: String,
    pool: Pool,
    #[serde(default)]
    node_name: Option<String>,
    #[serde(default)]
    devices: Option<Vec<Device>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pool {
    name: String,
    #[serde(default)]
    generation: i64,
    #[serde(default)]
    resource_slice_count: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Device {
    name: String,
    #[serde(default)]
    attributes: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    consumes_counters: Option<Vec<Value>>,
}

impl From<&ClaimedDevice> for Id {
    fn from(device: &ClaimedDevice) -> Self {
        Self {
            driver: device.driver.clone(),
            pool: device.pool.clone(),
            device: device.device.clone(),
        }
    }
}

/// The devices that a ResourceClaim has been allocated. Whoever looks after a device by `adminAccess` does not hold it.
pub(super) fn allocated(claim: &Value) -> Result<Vec<Id>, String> {
    let claim = ClaimObject::deserialize(claim).map_err(|error| error.to_string())?;
    let allocation = claim.status.and_then(|status| status.allocation);
    let results = allocation.and_then(|allocation| allocation.devices?.results);
    let results = results.into_iter().flatten();
    let held = results.filter(|result| result.admin_access != Some(true));
    Ok(held
        .map(|result| Id {
            driver: result.driver,
            pool: result.pool,
            device: result.device,
        })
        .collect())
}

/// Reads a ResourceSlice.
pub(super) fn slice(object: &Value) -> Result<SliceSeen, String> {
    let SliceObject { spec } =
        SliceObject::deserialize(object).map_err(|error| error.to_string())?;
    let devices = spec.devices.into_iter().flatten();
    Ok(SliceSeen {
        node: spec.node_name.unwrap_or_default(),
        driver: spec.driver,
        pool: spec.pool.name,
        generation: spec.pool.generation,
        slices: spec.pool.resource_slice_count,
        devices: devices.map(advertised).collect(),
    })
}

fn advertised(device: Device) -> (String, Advertised) {
    let attribute = |name: &str| device.attributes.as_ref()?.get(name);
    let text = |name: &str| {
        let text = attribute(name)?["string"].as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let advertised = Advertised {
        address: text(PCI_BUS_ID),
        function: text(PHYSICAL_FUNCTION),
        root: text(PCIE_ROOT),
        zone: attribute(NUMA_NODE)
            .and_then(|zone| zone["int"].as_u64())
            .and_then(|zone| zone.try_into().ok()),
        id: text(DEVICE_ID),
        resource: text(RESOURCE_NAME),
        is_part: device.consumes_counters.is_some_and(|all| !all.is_empty()),
    };
    (device.name, advertised)
}

/// Who holds which devices by claims: the node's pods as their claims say, and as the node's report says, which knows of
/// claims that may not be seen.
pub(super) fn held<'a>(
    pods: &BTreeMap<PodName<'a>, &'a PodSeen>,
    inventory: Option<&'a Inventory>,
    claims: &'a BTreeMap<(String, String), Vec<Id>>,
) -> Held<'a> {
    let mut held = Held::new();
    for (name, pod) in pods {
        for claim in &pod.claims {
            let known = claims.get(&(name.0.to_owned(), claim.clone()));
            for id in known.into_iter().flatten() {
                held.entry(id.clone()).or_default().insert(*name);
            }
        }
    }
    let allocations = inventory.into_iter().flat_map(|one| &one.allocations);
    for allocation in allocations {
        let name: PodName<'_> = (&allocation.namespace, &allocation.name);
        let containers = allocation.containers.iter();
        let told = containers.flat_map(|container| &container.claimed);
        let told = told.map(Id::from);
        // The kubelet does not tell devices that are only looked after; where all claims are known they do.
        let is_known = pods.get(&name).is_some_and(|pod| {
            let mut claimed = pod.claims.iter();
            let is_known =
                |claim: &String| claims.contains_key(&(name.0.to_owned(), claim.clone()));
            !pod.claims.is_empty() && claimed.all(is_known)
        });
        for id in told.filter(|_| !is_known) {
            held.entry(id).or_default().insert(name);
        }
    }
    held
}

impl<'a> Drivers<'a> {
    pub(super) fn of(slices: impl Iterator<Item = &'a SliceSeen>) -> Self {
        let mut pools: BTreeMap<_, Vec<&SliceSeen>> = BTreeMap::new();
        for slice in slices {
            let pool = (slice.driver.as_str(), slice.pool.as_str());
            pools.entry(pool).or_default().push(slice);
        }
        for slices in pools.values_mut() {
            let last = slices.iter().map(|slice| slice.generation).max();
            slices.retain(|slice| Some(slice.generation) == last);
            let wanted = slices.iter().map(|slice| slice.slices).max().unwrap_or(0);
            if slices.len() < usize::try_from(wanted).unwrap_or(0) {
                slices.clear();
            }
        }
        let mut nodes: BTreeMap<_, Vec<&SliceSeen>> = BTreeMap::new();
        for slice in pools.values().flatten() {
            nodes.entry(slice.node.as_str()).or_default().push(slice);
        }
        Self { pools, nodes }
    }

    /// What is said of a device.
    pub(super) fn find(&self, id: &Id) -> Option<&'a Advertised> {
        let slices = self.pools.get(&(id.driver.as_str(), id.pool.as_str()))?;
        slices
            .iter()
            .find_map(|slice| slice.devices.get(&id.device))
    }

    /// The devices of a node that stand for themselves.
    pub(super) fn whole_devices(&self, node: &str) -> impl Iterator<Item = Id> {
        let slices = self.nodes.get(node).filter(|_| !node.is_empty());
        slices.into_iter().flatten().flat_map(|slice| {
            let devices = slice.devices.iter().filter(|(_, one)| !one.is_part);
            devices.map(|(device, _)| Id {
                driver: slice.driver.clone(),
                pool: slice.pool.clone(),
                device: device.clone(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(device: &str) -> Id {
        Id {
            driver: "d".to_owned(),
            pool: "n1".to_owned(),
            device: device.to_owned(),
        }
    }

    fn seen(generation: i64, slices: i64, devices: &Value) -> SliceSeen {
        slice(
            &json!({"spec": {"driver": "d", "nodeName": "n1", "devices": devices,
            "pool": {"name": "n1", "generation": generation, "resourceSliceCount": slices}}}),
        )
        .unwrap()
    }

    #[test]
    fn what_a_claim_has() {
        for (object, wanted) in [
            (json!({}), vec![]),
            (json!({"status": null}), vec![]),
            (json!({"status": {"allocation": {"devices": null}}}), vec![]),
            (
                json!({"status": {"allocation": {"devices": {"results": [
                    {"request": "nic", "driver": "d", "pool": "n1", "device": "x"},
                    {"request": "see", "driver": "d", "pool": "n1", "device": "y", "adminAccess": true}]}}}}),
                vec![id("x")],
            ),
        ] {
            assert_eq!(allocated(&object).unwrap(), wanted, "{object}");
        }
        assert!(allocated(&json!({"status": 7})).is_err());
        assert!(slice(&json!({})).is_err());
    }

    #[test]
    fn what_drivers_say() {
        let old = seen(1, 1, &json!([{"name": "x"}, {"name": "gone"}]));
        let attributes = json!({PCI_BUS_ID: {"string": "0000:c1:00.0"}, PCIE_ROOT: {"string": "pci0000:c0"},
            DEVICE_ID: {"string": ""}, RESOURCE_NAME: {"int": 1}, NUMA_NODE: {"int": 1}, PHYSICAL_FUNCTION: {}});
        let new = seen(
            2,
            1,
            &json!([{"name": "x", "attributes": attributes}, {"name": "cut", "consumesCounters": [{"counterSet": "c"}]}]),
        );
        let drivers = Drivers::of([&old, &new].into_iter());
        let wanted = Advertised {
            address: Some("0000:c1:00.0".to_owned()),
            root: Some("pci0000:c0".to_owned()),
            zone: Some(1),
            ..Advertised::default()
        };
        assert_eq!(drivers.find(&id("x")), Some(&wanted));
        assert_eq!(drivers.find(&id("gone")), None);
        assert!(drivers.find(&id("cut")).unwrap().is_part);
        let free: Vec<Id> = drivers.whole_devices("n1").collect();
        assert_eq!(free, [id("x")]);
        assert_eq!(drivers.whole_devices("").count(), 0);
        // Half a pool says nothing, and what was said before is over.
        let half = seen(3, 2, &json!([{"name": "x"}]));
        let drivers = Drivers::of([&old, &new, &half].into_iter());
        assert_eq!(drivers.find(&id("x")), None);
        assert_eq!(drivers.whole_devices("n1").count(), 0);
    }

    #[test]
    fn holders_of_claims_and_of_the_report() {
        let pod = PodSeen {
            claims: vec!["gpu".to_owned(), "unknown".to_owned()],
            ..PodSeen::default()
        };
        let pods = [
            (("team", "a"), &pod),
            (("team", "b"), &pod),
            (("other", "c"), &pod),
        ];
        let claims = BTreeMap::from([(("team".to_owned(), "gpu".to_owned()), vec![id("x")])]);
        let inventory: Inventory = serde_json::from_value(json!({"allocations": [{"namespace": "team", "name": "a",
            "containers": [{"name": "app", "claimed": [
                {"driver": "d", "pool": "n1", "device": "x"}, {"driver": "d", "pool": "n1", "device": "y"}]}]}]}))
        .unwrap();
        let known = BTreeMap::from([
            (("team".to_owned(), "gpu".to_owned()), vec![id("x")]),
            // All that it has is looked after.
            (("team".to_owned(), "unknown".to_owned()), vec![]),
        ]);
        let all = held(&pods.into(), Some(&inventory), &known);
        assert_eq!(all.keys().collect::<Vec<_>>(), [&id("x")]);
        let held = held(&pods.into(), Some(&inventory), &claims);
        let shared = BTreeSet::from([("team", "a"), ("team", "b")]);
        let own = BTreeSet::from([("team", "a")]);
        assert_eq!(held, Held::from([(id("x"), shared), (id("y"), own)]));
    }
}
