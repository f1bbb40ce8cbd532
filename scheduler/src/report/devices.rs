//! The devices of a NodeInventory, each once.

use std::collections::{BTreeSet, HashMap};

use api::node_inventory::{ContainerAllocation, DeviceGroup, Inventory};

use super::{
    Function,
    numbering::Numbering,
    sum::{Of, Sum},
};
use crate::{resource::Kind, zones::ZoneMask};

/// Devices by resource and id.
#[derive(Debug)]
pub(super) struct Devices<'a> {
    /// None of one of which the object contradicts itself.
    all: HashMap<(&'a str, &'a str), Option<Device>>,
    /// Devices that are held and cannot be handed out, with their zones. The kubelet counts them when it decides how many
    /// zones a request needs.
    unhealthy: HashMap<(&'a str, &'a str), (ZoneMask, Option<u16>)>,
    /// Resources of which a device was left out, so that they are known all the same.
    incomplete: BTreeSet<&'a str>,
}

#[derive(Clone, Copy, Debug)]
struct Device {
    zones: ZoneMask,
    function: Option<u16>,
    /// The place of the pod that holds it.
    holder: Option<usize>,
}

impl<'a> Devices<'a> {
    /// The devices that can be handed out, held or not.
    pub(super) fn read(
        inventory: &'a Inventory,
        zones: &Numbering,
        functions: &[Function],
        faults: &mut Vec<String>,
    ) -> Self {
        let mut devices = Self {
            all: HashMap::new(),
            unhealthy: HashMap::new(),
            incomplete: BTreeSet::new(),
        };
        for group in &inventory.devices {
            let resource = group.resource.as_str();
            if Kind::of(resource) != Kind::Device {
                faults.push(format!("{resource:?} is no resource of devices"));
                continue;
            }
            let Some(near) = zones.masks(&group.zones) else {
                faults.push(format!(
                    "{resource}: {} devices are in zones {:?}, which are not all among the node's; they are left out",
                    group.ids.len(),
                    group.zones,
                ));
                devices.incomplete.insert(resource);
                continue;
            };
            let function = function(group, functions);
            if function.is_none() && group.physical_function.is_some() {
                faults.push(format!(
                    "{resource}: the physical function {:?} is not listed",
                    group.physical_function.as_deref().unwrap_or_default()
                ));
            }
            for id in &group.ids {
                let device = Device {
                    zones: near,
                    function,
                    holder: None,
                };
                devices.add((resource, id), device, faults);
            }
        }
        devices
    }

    fn add(&mut self, key: (&'a str, &'a str), device: Device, faults: &mut Vec<String>) {
        let mut is_new = false;
        let known = self.all.entry(key).or_insert_with(|| {
            is_new = true;
            Some(device)
        });
        if is_new {
            return;
        }
        let (resource, id) = key;
        let is_same = known
            .is_some_and(|known| (known.zones, known.function) == (device.zones, device.function));
        if is_same {
            faults.push(format!("{resource}: device {id:?} is there twice"));
        } else {
            faults.push(format!(
                "{resource}: device {id:?} is in two places; it is left out"
            ));
            *known = None;
            self.incomplete.insert(resource);
        }
    }

    /// Notes what a container of the `pod`-th pod holds, and tells it to `hold`. What is not among the devices that can
    /// be handed out is unhealthy: nobody else could have it.
    pub(super) fn hold(
        &mut self,
        pod: usize,
        container: &'a ContainerAllocation,
        zones: &Numbering,
        functions: &[Function],
        faults: &mut Vec<String>,
        hold: &mut impl FnMut(&str, ZoneMask, Option<u16>, i64),
    ) {
        for group in &container.devices {
            let resource = group.resource.as_str();
            let mut ids: Vec<&str> = group.ids.iter().map(String::as_str).collect();
            ids.sort_unstable();
            ids.dedup();
            // As the device is listed; the kubelet may have forgotten where a device is that it gave away.
            let told = (zones.known(&group.zones), function(group, functions));
            let mut held: Vec<((ZoneMask, Option<u16>), i64)> = Vec::new();
            for id in ids {
                let mut place = told;
                match self.all.get_mut(&(resource, id)) {
                    Some(Some(device)) => {
                        if device.holder.is_some_and(|holder| holder != pod) {
                            faults.push(format!("{resource}: device {id:?} is held by two pods"));
                        }
                        device.holder = Some(pod);
                        place = (device.zones, device.function);
                    }
                    Some(None) => {}
                    None => {
                        self.unhealthy.insert((resource, id), told);
                    }
                }
                match held.iter_mut().find(|(known, _)| *known == place) {
                    Some((_, amount)) => *amount += 1,
                    None => held.push((place, 1)),
                }
            }
            for ((zones, function), amount) in held {
                hold(resource, zones, function, amount);
            }
        }
    }

    /// Adds them all.
    pub(super) fn count(&self, sum: &mut Sum<'a>) {
        for ((resource, _), device) in &self.all {
            if let Some(device) = device {
                let of = Of {
                    capacity: 1,
                    allocatable: 1,
                    available: i64::from(device.holder.is_none()),
                };
                sum.add(resource, device.zones, device.function, of);
            }
        }
        for ((resource, _), (zones, function)) in &self.unhealthy {
            if Kind::of(resource) == Kind::Device {
                let of = Of {
                    capacity: 1,
                    ..Of::default()
                };
                sum.add(resource, *zones, *function, of);
            }
        }
        for resource in &self.incomplete {
            sum.add(resource, ZoneMask::NONE, None, Of::default());
        }
    }
}

/// The place of the physical function behind a group.
fn function(group: &DeviceGroup, functions: &[Function]) -> Option<u16> {
    let address = group.physical_function.as_deref()?;
    let at = functions
        .iter()
        .position(|function| *function.address == *address)?;
    u16::try_from(at).ok()
}
