//! The devices of a node, each once and small: a full node has tens of thousands, of which the kubelet tells several times
//! over.

use std::{collections::HashMap, hash::Hasher as _};

use spec::device::PciAddress;
use twox_hash::XxHash64;

use super::held::ZoneIds;

/// A device by its place in [`Devices`].
pub(super) type Place = u32;

/// The place of nothing.
const NONE: u32 = u32::MAX;

/// Devices by resource and id: device plugins of two resources may use the same ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Devices {
    /// All ids, one after another.
    ids: String,
    /// Of these there are few.
    resources: Vec<String>,
    zones: Vec<ZoneIds>,
    functions: Vec<PciAddress>,
    devices: Vec<Device>,
    /// By hash. Where two have one hash, the next number that is free is the other's.
    places: HashMap<u64, Place>,
}

#[derive(Clone, Copy, Debug)]
struct Device {
    start: u32,
    end: u32,
    resource: u32,
    zones: u32,
    function: u32,
    is_healthy: bool,
    is_held: bool,
}

/// What is known of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts<'a> {
    pub(super) resource: &'a str,
    pub(super) id: &'a str,
    /// What the kubelet says of a healthy one, else what holders are told. Of such a one the kubelet may have forgotten
    /// the zones.
    pub(super) zones: &'a ZoneIds,
    pub(super) physical_function: Option<&'a PciAddress>,
    pub(super) is_healthy: bool,
    pub(super) is_held: bool,
}

impl Devices {
    /// The place of a device, of which nothing need be known yet.
    pub(super) fn place(&mut self, resource: &str, id: &str) -> Place {
        let mut hash = hash(resource, id);
        while let Some(place) = self.places.get(&hash) {
            let known = self.facts(*place);
            if (known.resource, known.id) == (resource, id) {
                return *place;
            }
            hash = hash.wrapping_add(1);
        }
        let place = number(self.devices.len());
        let start = number(self.ids.len());
        self.ids.push_str(id);
        let resource = self
            .resources
            .iter()
            .position(|known| known == resource)
            .unwrap_or_else(|| {
                self.resources.push(resource.to_owned());
                self.resources.len() - 1
            });
        let device = Device {
            start,
            end: number(self.ids.len()),
            resource: number(resource),
            zones: intern(&mut self.zones, ZoneIds::new()),
            function: NONE,
            is_healthy: false,
            is_held: false,
        };
        self.devices.push(device);
        self.places.insert(hash, place);
        place
    }

    /// A healthy device, in these zones among others.
    pub(super) fn healthy(&mut self, place: Place, zones: impl IntoIterator<Item = u32>) {
        if !self.devices[at(place)].is_healthy {
            self.devices[at(place)].is_healthy = true;
            self.devices[at(place)].zones = intern(&mut self.zones, ZoneIds::new());
        }
        self.near(place, zones);
    }

    /// A device that somebody holds, as far as its holder is told in these zones among others.
    pub(super) fn held(&mut self, place: Place, zones: impl IntoIterator<Item = u32>) {
        self.devices[at(place)].is_held = true;
        if !self.devices[at(place)].is_healthy {
            self.near(place, zones);
        }
    }

    fn near(&mut self, place: Place, zones: impl IntoIterator<Item = u32>) {
        for zone in zones {
            let known = &self.zones[at(self.devices[at(place)].zones)];
            if !known.contains(&zone) {
                let mut more = known.clone();
                more.insert(zone);
                self.devices[at(place)].zones = intern(&mut self.zones, more);
            }
        }
    }

    /// Says of each device which physical function is behind it.
    pub(super) fn resolve(&mut self, function: impl Fn(&str, &str) -> Option<PciAddress>) {
        for place in 0..self.devices.len() {
            let Facts { resource, id, .. } = self.facts(number(place));
            let found = function(resource, id);
            self.devices[place].function =
                found.map_or(NONE, |found| intern(&mut self.functions, found));
        }
    }

    /// The devices that are healthy or held, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = (Place, Facts<'_>)> {
        (0..number(self.devices.len()))
            .map(|place| (place, self.facts(place)))
            .filter(|(_, device)| device.is_healthy || device.is_held)
    }

    /// What is known of the device of this place.
    pub(super) fn facts(&self, place: Place) -> Facts<'_> {
        let device = &self.devices[at(place)];
        Facts {
            resource: &self.resources[at(device.resource)],
            id: &self.ids[at(device.start)..at(device.end)],
            zones: &self.zones[at(device.zones)],
            physical_function: self.functions.get(at(device.function)),
            is_healthy: device.is_healthy,
            is_held: device.is_held,
        }
    }

    /// The same number for the same devices, whatever else is known of them and in whatever order.
    pub(super) fn digest(&self) -> u64 {
        self.all().fold(0, |sum: u64, (_, device)| {
            sum.wrapping_add(hash(device.resource, device.id))
        })
    }
}

fn hash(resource: &str, id: &str) -> u64 {
    let mut hash = XxHash64::with_seed(0);
    hash.write(resource.as_bytes());
    // Neither has one.
    hash.write(&[0]);
    hash.write(id.as_bytes());
    hash.finish()
}

/// The place of a value of which there are few.
fn intern<T: PartialEq>(all: &mut Vec<T>, value: T) -> u32 {
    let found = all.iter().position(|known| *known == value);
    number(found.unwrap_or_else(|| {
        all.push(value);
        all.len() - 1
    }))
}

/// An answer of the kubelet is read up to 64 MiB: nothing in it has a number that is larger.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(NONE)
}

fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_once_whatever_is_told_first() {
        let mut devices = Devices::default();
        let a = devices.place("r", "1");
        devices.held(a, [7]);
        let b = devices.place("s", "1");
        devices.held(b, [3]);
        devices.held(b, [2]);
        assert_eq!(devices.place("r", "1"), a);
        assert_ne!(a, b);
        devices.healthy(a, [1]);
        devices.healthy(a, [0]);
        devices.held(a, [9]);
        let noted = devices.place("r", "noted");
        assert_eq!(devices.facts(a).zones, &ZoneIds::from([0, 1]));
        assert_eq!(devices.facts(b).zones, &ZoneIds::from([2, 3]));
        assert!(devices.facts(noted).zones.is_empty());
        let all: Vec<Place> = devices.all().map(|(place, _)| place).collect();
        assert_eq!(all, [a, b]);

        let pf: PciAddress = "0000:03:00.0".parse().unwrap();
        devices.resolve(|resource, _| (resource == "r").then(|| pf.clone()));
        assert_eq!(devices.facts(a).physical_function, Some(&pf));
        assert_eq!(devices.facts(b).physical_function, None);

        let mut others = Devices::default();
        for (resource, id) in [("s", "1"), ("r", "1")] {
            let place = others.place(resource, id);
            others.healthy(place, []);
        }
        assert_eq!(devices.digest(), others.digest());
        let more = others.place("r", "2");
        others.held(more, []);
        assert_ne!(devices.digest(), others.digest());
    }
}
