//! The devices of attachments whose network-status names none: the n-th network of a resource has the n-th device that the pod
//! holds, as the plugin hands them out.

use std::collections::{BTreeMap, BTreeSet};

use api::node_inventory::{ContainerAllocation, PodAllocation};

use super::{
    claimed::Claimed,
    claims::Id,
    document::{Attachment, Pod},
};

/// A device that a pod holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn<'a> {
    /// The place of the container that has it among the pod's; of a device of a claim whose container nobody tells, after all
    /// of them.
    container: usize,
    /// The id that the plugin goes by.
    id: &'a str,
    /// What it is called where it is drawn.
    drawn: &'a str,
    /// What network-status may call it.
    names: Vec<&'a str>,
}

/// The devices of a pod by the resource of networks that take them.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns<'a>(BTreeMap<&'a str, Vec<Turn<'a>>>);

impl<'a> Turns<'a> {
    /// Adds those that device plugins gave the pod.
    pub(super) fn allocated(&mut self, allocation: &'a PodAllocation) {
        for (container, of_container) in allocation.containers.iter().enumerate() {
            for group in &of_container.devices {
                for id in &group.ids {
                    let turn = Turn {
                        container,
                        id,
                        drawn: id,
                        names: vec![id],
                    };
                    self.add(&group.resource, turn);
                }
            }
        }
    }

    /// Adds one that a claim gave the pod, which `allocation` may tell the container of; nothing if it is of no resource.
    pub(super) fn claimed(&mut self, one: &'a Claimed<'_>, allocation: Option<&PodAllocation>) {
        let Some(resource) = one.advertised.and_then(|said| said.resource.as_deref()) else {
            return;
        };
        let has_it = |container: &ContainerAllocation| {
            let mut devices = container.claimed.iter();
            devices.any(|device| Id::from(device) == one.id)
        };
        let containers = allocation.map_or(&[][..], |one| &one.containers);
        let container = containers.iter().position(has_it);
        let turn = Turn {
            container: container.unwrap_or(usize::MAX),
            id: one.told_as(),
            drawn: one.drawn_as(),
            names: one.known_as().chain([one.told_as()]).collect(),
        };
        self.add(resource, turn);
    }

    fn add(&mut self, resource: &'a str, turn: Turn<'a>) {
        self.0.entry(resource).or_default().push(turn);
    }

    /// Finds the device of each attachment that does not say. `resources` are those of networks.
    pub(super) fn hand_out(mut self, pod: &mut Pod, resources: &BTreeMap<&str, &str>) {
        for turns in self.0.values_mut() {
            turns.sort();
            // What several containers have is the first one's.
            let mut known = BTreeSet::new();
            turns.retain(|turn| known.insert(turn.id));
            for named in pod
                .attachments
                .iter()
                .filter_map(|one| one.device.as_deref())
            {
                let at = turns.iter().position(|turn| turn.names.contains(&named));
                if let Some(at) = at {
                    turns.remove(at);
                }
            }
        }
        let lacking = |one: &&mut Attachment| one.device.is_none();
        for attachment in pod.attachments.iter_mut().filter(lacking) {
            let resource = resources.get(attachment.network.as_str());
            let turns = resource.and_then(|resource| self.0.get_mut(*resource));
            if let Some(turns) = turns.filter(|turns| !turns.is_empty()) {
                attachment.device = Some(turns.remove(0).drawn.to_owned());
            }
        }
    }
}
