//! The CustomResourceDefinitions and the types in the code say the same.

use api::{
    node_inventory::{
        Accelerator, Amount, ClaimedDevice, ContainerAllocation, DeviceGroup, Distance, Inventory,
        MemoryBlock, MemoryManager, NodeInventory, NodeInventoryStatus, PhysicalFunction,
        PodAllocation, TopologyManager, Zone,
    },
    node_resource_topology::{self, Attribute, Cost, NodeResourceTopology, ZoneResource},
};
use k8s_openapi::{
    Resource,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::{
        CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray,
    },
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{Condition, MicroTime, Time},
    },
    jiff::Timestamp,
};
use serde_json::{Value, json};

use crate::fixture::binaries::workspace;

/// What upstream has and we do not write.
const NOT_WRITTEN: [&str; 3] = [
    "/topologyPolicies",
    "/zones/*/parent",
    "/zones/*/attributes",
];

pub(super) fn the_crds_are_those_of_the_code() {
    compare::<NodeInventory>("node-inventories.yaml", &json!(full_inventory()));
    compare::<NodeResourceTopology>("node-resource-topologies.yaml", &json!(full_topology()));
}

/// The CustomResourceDefinition in a file of `manifests/crds`.
pub(super) fn read(file: &str) -> CustomResourceDefinition {
    let path = workspace().join("manifests/crds").join(file);
    let text = std::fs::read_to_string(path).expect("the manifest is there");
    serde_yaml_ng::from_str(&text).expect("it is a CustomResourceDefinition")
}

fn compare<K: Resource>(file: &str, full: &Value) {
    let crd = read(file);
    assert_eq!(crd.spec.group, K::GROUP);
    assert_eq!(crd.spec.names.kind, K::KIND);
    assert_eq!(crd.spec.names.plural, K::URL_PATH_SEGMENT);
    assert_eq!(crd.spec.versions[0].name, K::VERSION);
    assert_eq!(crd.spec.scope, "Cluster");
    let name = format!("{}.{}", K::URL_PATH_SEGMENT, K::GROUP);
    assert_eq!(crd.metadata.name, Some(name));
    let schema = crd.spec.versions[0].schema.as_ref();
    let schema = schema.and_then(|schema| schema.open_api_v3_schema.as_ref());
    let mut differences = Vec::new();
    differ(
        "",
        schema.expect("there is a schema"),
        full,
        &mut differences,
    );
    assert_eq!(differences, [""; 0], "{file}");
}

/// Walks schema and value together. What is in one alone, or of another type, is a difference.
fn differ(path: &str, schema: &JSONSchemaProps, value: &Value, differences: &mut Vec<String>) {
    let kind = schema.type_.as_deref();
    let fits = match value {
        Value::Object(_) => kind == Some("object"),
        Value::Array(_) => kind == Some("array"),
        Value::String(_) => {
            kind == Some("string") || schema.x_kubernetes_int_or_string == Some(true)
        }
        Value::Number(_) => kind == Some("integer"),
        Value::Bool(_) => kind == Some("boolean"),
        Value::Null => false,
    };
    if !fits {
        differences.push(format!("{path} is {value}, and in the schema {kind:?}"));
    }
    if path == "/metadata" {
        return;
    }
    if let (Value::Object(members), Some(properties)) = (value, &schema.properties) {
        for (key, schema) in properties {
            let path = format!("{path}/{key}");
            match members.get(key) {
                Some(value) => differ(&path, schema, value, differences),
                None if NOT_WRITTEN.contains(&path.as_str()) => {}
                None => differences.push(format!("{path} is in the schema alone")),
            }
        }
        let alone = members.keys().filter(|key| !properties.contains_key(*key));
        differences.extend(alone.map(|key| format!("{path}/{key} is in the code alone")));
        let required = schema.required.iter().flatten();
        let missing = required.filter(|key| !members.contains_key(*key));
        differences.extend(missing.map(|key| format!("{path}/{key} is required")));
    } else if value.is_object() {
        differences.push(format!("{path} has no properties in the schema"));
    }
    if let (Value::Array(items), Some(JSONSchemaPropsOrArray::Schema(schema))) =
        (value, &schema.items)
    {
        assert!(!items.is_empty(), "the test leaves {path} out");
        for item in items {
            differ(&format!("{path}/*"), schema, item, differences);
        }
    }
}

fn amounts() -> Vec<Amount> {
    vec![Amount {
        name: "intel.com/sriov".to_owned(),
        ..Amount::default()
    }]
}

fn group() -> DeviceGroup {
    DeviceGroup {
        resource: "intel.com/sriov".to_owned(),
        zones: vec![0],
        physical_function: Some("0000:03:00.0".to_owned()),
        ids: vec!["0000:03:00.2".to_owned()],
    }
}

/// One in which nothing is left out.
fn full_inventory() -> NodeInventory {
    let text = |text: &str| Some(text.to_owned());
    NodeInventory {
        api_version: NodeInventory::API_VERSION.to_owned(),
        kind: NodeInventory::KIND.to_owned(),
        epoch: 1,
        sequence: 1,
        observed_at: Some(MicroTime(Timestamp::UNIX_EPOCH)),
        inventory: Inventory {
            topology_manager: TopologyManager {
                max_numa_nodes: Some(8),
                memory_manager: Some(MemoryManager::Static),
                ..TopologyManager::default()
            },
            zones: vec![Zone {
                id: 0,
                cpus: "0-3".to_owned(),
                exclusive_cpus: "2-3".to_owned(),
                distances: vec![Distance { zone: 0, value: 10 }],
                resources: amounts(),
            }],
            resources: amounts(),
            physical_functions: vec![PhysicalFunction {
                address: "0000:03:00.0".to_owned(),
                interface: text("ens1f0"),
                zone: Some(0),
                pcie_root: text("pci0000:00"),
                driver: text("mlx5_core"),
                model: text("15b3:1017"),
                switch_id: text("b8cef6"),
                port: text("p0"),
                eswitch: text("switchdev"),
                link_up: Some(true),
                speed_mbps: Some(100_000),
                rdma: vec!["mlx5_0".to_owned()],
                total_vfs: 8,
                configured_vfs: 2,
                resources: amounts(),
            }],
            accelerators: vec![Accelerator {
                address: "0000:41:00.0".to_owned(),
                zone: Some(0),
                pcie_root: text("pci0000:40"),
                model: text("10de:2330"),
            }],
            devices: vec![group()],
            allocations: vec![PodAllocation {
                pod_uid: text("u"),
                namespace: "default".to_owned(),
                name: "p".to_owned(),
                containers: vec![ContainerAllocation {
                    name: "app".to_owned(),
                    devices: vec![group()],
                    cpus: "2".to_owned(),
                    memory: vec![MemoryBlock {
                        resource: "memory".to_owned(),
                        size: 1,
                        zones: vec![0],
                    }],
                    claimed: vec![ClaimedDevice {
                        driver: "d".to_owned(),
                        pool: "p".to_owned(),
                        device: "n".to_owned(),
                        share_id: text("s"),
                    }],
                }],
            }],
        },
        status: Some(NodeInventoryStatus {
            conditions: vec![Condition {
                type_: "Ready".to_owned(),
                status: "True".to_owned(),
                observed_generation: Some(1),
                reason: "Ready".to_owned(),
                message: String::new(),
                last_transition_time: Time(Timestamp::UNIX_EPOCH),
            }],
            agent_version: text("0.1.0"),
            plugin_version: text("0.1.0"),
            runtime_configuration: text("00-polypod.conflist"),
        }),
        ..NodeInventory::default()
    }
}

fn full_topology() -> NodeResourceTopology {
    let quantity = || Quantity("1".to_owned());
    NodeResourceTopology {
        api_version: NodeResourceTopology::API_VERSION.to_owned(),
        kind: NodeResourceTopology::KIND.to_owned(),
        zones: vec![node_resource_topology::Zone {
            name: "node-0".to_owned(),
            kind: "Node".to_owned(),
            costs: vec![Cost {
                name: "node-0".to_owned(),
                value: 10,
            }],
            resources: vec![ZoneResource {
                name: "cpu".to_owned(),
                capacity: quantity(),
                allocatable: quantity(),
                available: quantity(),
            }],
        }],
        attributes: vec![Attribute {
            name: "topologyManagerPolicy".to_owned(),
            value: "none".to_owned(),
        }],
        ..NodeResourceTopology::default()
    }
}
