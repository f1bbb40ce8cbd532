//! This node's ResourceSlices, as far as networks are concerned.

use std::collections::BTreeMap;

use k8s_openapi::api::resource::v1::{Device, ResourceSlice};

use crate::kubelet::holdings::ClaimedId;

/// The attribute with the id that a delegate is told, agreed between meta-plugins and drivers.
const DEVICE_ID: &str = "k8s.cni.cncf.io/deviceID";

/// The attribute with the resource that a NetworkAttachmentDefinition names.
const RESOURCE_NAME: &str = "k8s.cni.cncf.io/resourceName";

/// Kubernetes's own attribute with the PCI address.
const PCI_BUS_ID: &str = "resource.kubernetes.io/pciBusID";

/// What a driver says of a device. Without an id it is no network's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advertised {
    /// Its resource.
    pub resource: Option<String>,
    /// Its id.
    pub id: Option<String>,
}

/// One slice without what networks do not need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    name: String,
    driver: String,
    pool: String,
    generation: i64,
    /// How many slices the pool has in this generation.
    slices: i64,
    devices: BTreeMap<String, Advertised>,
}

impl Slice {
    /// Reads what the API server gives.
    #[must_use]
    pub fn of(object: &ResourceSlice) -> Self {
        let spec = &object.spec;
        let devices = spec.devices.iter().flatten();
        Self {
            name: object.metadata.name.clone().unwrap_or_default(),
            driver: spec.driver.clone(),
            pool: spec.pool.name.clone(),
            generation: spec.pool.generation,
            slices: spec.pool.resource_slice_count,
            devices: devices
                .map(|device| (device.name.clone(), advertised(device)))
                .collect(),
        }
    }
}

fn advertised(device: &Device) -> Advertised {
    let text = |name: &str| {
        let attribute = device.attributes.as_ref()?.get(name)?;
        attribute.string.clone().filter(|text| !text.is_empty())
    };
    Advertised {
        resource: text(RESOURCE_NAME),
        id: text(DEVICE_ID).or_else(|| text(PCI_BUS_ID)),
    }
}

/// Slices by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slices(BTreeMap<String, Slice>);

impl Slices {
    /// Adds a slice, or the new state of one.
    pub fn apply(&mut self, slice: Slice) {
        self.0.insert(slice.name.clone(), slice);
    }

    /// Removes a slice.
    pub fn delete(&mut self, slice: &Slice) {
        self.0.remove(&slice.name);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the driver says of a device. Only a pool's last generation is true, and only once all of its slices are there;
    /// until then nothing is known of the pool.
    #[must_use]
    pub fn find(&self, id: &ClaimedId) -> Option<&Advertised> {
        let of_pool = || {
            let all = self.0.values();
            all.filter(|slice| slice.driver == id.driver && slice.pool == id.pool)
        };
        let generation = of_pool().map(|slice| slice.generation).max()?;
        let of_generation = || of_pool().filter(|slice| slice.generation == generation);
        let (mut found, mut expected) = (0, 1);
        for slice in of_generation() {
            found += 1;
            expected = slice.slices;
        }
        if found < expected {
            return None;
        }
        of_generation().find_map(|slice| slice.devices.get(&id.device))
    }
}

impl FromIterator<Slice> for Slices {
    fn from_iter<I: IntoIterator<Item = Slice>>(slices: I) -> Self {
        let mut all = Self::default();
        slices.into_iter().for_each(|slice| all.apply(slice));
        all
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn slice(name: &str, generation: i64, slices: i64, devices: &[(&str, &str)]) -> Slice {
        let devices: Vec<_> = devices
            .iter()
            .map(|(name, id)| {
                json!({"name": name, "attributes": {
                    RESOURCE_NAME: {"string": "vf"}, DEVICE_ID: {"string": id}, PCI_BUS_ID: {"string": "0000:00:00.0"},
                    "example.com/index": {"int": 5}}})
            })
            .collect();
        let object = json!({
            "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": name},
            "spec": {"driver": "d", "nodeName": "n1", "devices": devices,
                "pool": {"name": "n1", "generation": generation, "resourceSliceCount": slices}}});
        Slice::of(&serde_json::from_value(object).unwrap())
    }

    fn id(device: &str) -> ClaimedId {
        ClaimedId {
            driver: "d".to_owned(),
            pool: "n1".to_owned(),
            device: device.to_owned(),
        }
    }

    #[test]
    fn only_the_last_generation_and_only_when_it_is_whole() {
        let mut slices: Slices = [slice("a", 1, 1, &[("x", "1")])].into_iter().collect();
        let found = |slices: &Slices, device| slices.find(&id(device)).and_then(|d| d.id.clone());
        assert_eq!(found(&slices, "x").as_deref(), Some("1"));
        assert_eq!(found(&slices, "y"), None);
        slices.apply(slice("b", 2, 2, &[("x", "2")]));
        assert_eq!(found(&slices, "x"), None);
        slices.apply(slice("a", 2, 2, &[("y", "3")]));
        assert_eq!(found(&slices, "x").as_deref(), Some("2"));
        assert_eq!(found(&slices, "y").as_deref(), Some("3"));
        slices.delete(&slice("b", 2, 2, &[]));
        assert_eq!(found(&slices, "y"), None);
        assert_eq!((slices.len(), slices.is_empty()), (1, false));
    }

    #[test]
    fn attributes() {
        let device = |attributes| {
            let device = json!({"name": "x", "attributes": attributes});
            advertised(&serde_json::from_value(device).unwrap())
        };
        let pci = json!({"string": "0000:03:02.1"});
        let of_pci = device(json!({PCI_BUS_ID: pci}));
        assert_eq!(of_pci.id.as_deref(), Some("0000:03:02.1"));
        assert_eq!(of_pci.resource, None);
        // An address of an auxiliary device goes before the PCI address it is at.
        let auxiliary = json!({DEVICE_ID: {"string": "mlx5_core.sf.2"}, PCI_BUS_ID: pci});
        assert_eq!(device(auxiliary).id.as_deref(), Some("mlx5_core.sf.2"));
        assert_eq!(
            device(json!({DEVICE_ID: {"int": 1}})),
            Advertised::default()
        );
        assert_eq!(device(json!(null)), Advertised::default());
    }
}
