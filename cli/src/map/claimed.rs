//! Devices of claims among the zones of a node: in the place of the device that they are, where that is known.

use std::collections::HashMap;

use api::node_inventory::Inventory;

use super::{
    claims::{Advertised, Id},
    document::{Function, Group, Zone},
};

/// A device of a claim, or one that no claim has.
#[derive(Clone, Debug)]
pub(super) struct Claimed<'a> {
    pub(super) id: Id,
    /// What its driver says of it.
    pub(super) advertised: Option<&'a Advertised>,
    /// The places of the pods that hold it among the node's pods.
    pub(super) holders: Vec<usize>,
}

/// Where a device is drawn: the zone, the function in it, the group of that one, and the device in it.
type Circle = (usize, usize, usize, usize);

impl Claimed<'_> {
    /// What reports and network-status may call it, the likeliest first.
    pub(super) fn known_as(&self) -> impl Iterator<Item = &str> {
        let said = self.advertised;
        let own = said.and_then(|said| said.id.as_deref());
        // What is cut out of a device has an address with others.
        let whole = said.filter(|said| !said.is_part);
        let address = whole.and_then(|said| said.address.as_deref());
        own.into_iter().chain(address)
    }

    /// What delegates are told of it.
    pub(super) fn told_as(&self) -> &str {
        let said = self.advertised;
        let id = said.and_then(|said| said.id.as_deref().or(said.address.as_deref()));
        id.unwrap_or(&self.id.device)
    }

    /// What it is called where it is drawn.
    pub(super) fn drawn_as(&self) -> &str {
        self.known_as().next().unwrap_or(&self.id.device)
    }
}

/// Draws devices of claims into the zones of a node: one that the report has is held, another is added, at its physical
/// function or accelerator where its driver says the address, else in the zone that its driver says, or that of its PCIe root.
pub(super) fn draw(zones: &mut Vec<Zone>, inventory: Option<&Inventory>, claimed: &[Claimed<'_>]) {
    let circles = circles(zones, claimed);
    let mut others = Vec::new();
    for one in claimed {
        match one.known_as().find_map(|name| circles.get(name)) {
            Some((zone, function, group, at)) => {
                let group = &mut zones[*zone].functions[*function].groups[*group];
                claim(group, *at, one);
            }
            None => others.push(one),
        }
    }
    // Only now, as zones may be added.
    let roots = roots(inventory);
    for one in others {
        let function = function(zones, &roots, one.advertised);
        let resource = format!("{}/{}", one.id.driver, one.id.pool);
        let mut groups = function.groups.iter();
        let at = groups.position(|group| group.resource == resource);
        let at = at.unwrap_or_else(|| {
            function.groups.push(Group {
                resource,
                driver: Some(one.id.driver.clone()),
                ..Group::default()
            });
            function.groups.len() - 1
        });
        let group = &mut function.groups[at];
        let is_taken = group.ids.iter().any(|id| id == one.drawn_as());
        let name = if is_taken {
            &one.id.device
        } else {
            one.drawn_as()
        };
        group.ids.push(name.to_owned());
        claim(group, group.ids.len() - 1, one);
    }
}

/// The devices that are drawn already, by ids that devices of claims are known as.
fn circles(zones: &[Zone], claimed: &[Claimed<'_>]) -> HashMap<String, Circle> {
    let mut wanted: HashMap<String, Option<Circle>> = HashMap::new();
    for name in claimed.iter().flat_map(Claimed::known_as) {
        wanted.insert(name.to_owned(), None);
    }
    for (zone, of_zone) in zones.iter().enumerate() {
        for (function, of_function) in of_zone.functions.iter().enumerate() {
            for (group, of_group) in of_function.groups.iter().enumerate() {
                for (at, id) in of_group.ids.iter().enumerate() {
                    if let Some(circle) = wanted.get_mut(id) {
                        circle.get_or_insert((zone, function, group, at));
                    }
                }
            }
        }
    }
    let found = wanted.into_iter();
    found.filter_map(|(id, at)| Some((id, at?))).collect()
}

fn claim(group: &mut Group, at: usize, claimed: &Claimed<'_>) {
    let Id {
        driver,
        pool,
        device,
    } = &claimed.id;
    let name = match group.driver {
        // The group says driver and pool.
        Some(_) => device.clone(),
        None => format!("{pool}/{device} of {driver}"),
    };
    group.claimed_as.push((at, name));
    for holder in &claimed.holders {
        if !group.held.contains(&(at, *holder)) {
            group.held.push((at, *holder));
        }
    }
}

/// The zones of PCIe roots, as far as the report tells of something behind them.
fn roots(inventory: Option<&Inventory>) -> HashMap<&str, u32> {
    let functions = inventory
        .into_iter()
        .flat_map(|one| &one.physical_functions);
    let functions = functions.map(|one| (one.pcie_root.as_deref(), one.zone));
    let accelerators = inventory.into_iter().flat_map(|one| &one.accelerators);
    let accelerators = accelerators.map(|one| (one.pcie_root.as_deref(), one.zone));
    functions
        .chain(accelerators)
        .filter_map(|(root, zone)| Some((root?, zone?)))
        .collect()
}

/// What a device stands in.
fn function<'a>(
    zones: &'a mut Vec<Zone>,
    roots: &HashMap<&str, u32>,
    said: Option<&Advertised>,
) -> &'a mut Function {
    let addresses = said.map(|said| [&said.function, &said.address]);
    let place = addresses.into_iter().flatten().flatten().find_map(|at| {
        zones.iter().enumerate().find_map(|(zone, of_zone)| {
            let mut functions = of_zone.functions.iter();
            let function = functions.position(|one| one.address.as_ref() == Some(at))?;
            Some((zone, function))
        })
    });
    if let Some((zone, function)) = place {
        let there = &mut zones[zone].functions[function];
        if said.is_some_and(|said| said.function == there.address) {
            there.not_offered = there.not_offered.saturating_sub(1);
        }
        return there;
    }
    let root = said.and_then(|said| said.root.as_deref());
    let of_root = root.and_then(|root| roots.get(root)).copied();
    let id = said.and_then(|said| said.zone).or(of_root);
    let zone = zones.iter().position(|zone| zone.id == id);
    let zone = zone.unwrap_or_else(|| {
        // What is in no zone comes last.
        let after = |zone: &Zone| id.is_some() && (zone.id.is_none() || zone.id > id);
        let at = zones.iter().position(after).unwrap_or(zones.len());
        let zone = Zone {
            id,
            ..Zone::default()
        };
        zones.insert(at, zone);
        at
    });
    let functions = &mut zones[zone].functions;
    let behind_none = functions.iter().position(|one| one.address.is_none());
    let at = behind_none.unwrap_or_else(|| {
        functions.push(Function::default());
        functions.len() - 1
    });
    &mut functions[at]
}
