//! Refusals, resources and quantities in words.
//!
//! An answer to the scheduler has a refusal for each of up to 15,000 nodes: whatever names are in it, it is one line of at
//! most [`LONGEST`] characters.

use std::fmt::{self, Display, Formatter, Write as _};

use crate::{
    demand::{PodDemand, Spread},
    need::Need,
    placement::Refusal,
    resource::{Kind, ResourceId, Resources},
};

/// The most characters that a refusal has.
pub const LONGEST: usize = 100;

/// The most characters that are shown of a resource's name, so that quantities or a container's name fit beside it.
const RESOURCE: usize = 40;

/// The same of a container's name.
const CONTAINER: usize = 25;

/// A refusal in words, such as `intel.com/sriov: 1 free, 2 needed`.
#[derive(Clone, Copy, Debug)]
pub struct Reason<'a> {
    /// Why a node is not for a pod.
    pub refusal: Refusal,
    /// What the pod demands.
    pub demand: &'a PodDemand,
    /// The same with resources numbered.
    pub need: &'a Need,
    /// The names of resources.
    pub resources: &'a Resources,
}

impl Display for Reason<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = |resource: ResourceId| Name(self.resources.name(resource), RESOURCE);
        match self.refusal {
            Refusal::UnknownNode => f.write_str("the node is not known yet"),
            Refusal::NoReport => f.write_str("no inventory of this node yet"),
            Refusal::Stale => f.write_str("the node's inventory is too old"),
            Refusal::Faulty => f.write_str("the node's inventory contradicts itself"),
            Refusal::NoSuchResource => match self.need.unknown.first() {
                Some(resource) => write!(f, "no node has any {}", Name(resource, RESOURCE)),
                None => f.write_str("no node has what the pod demands"),
            },
            Refusal::Short {
                resource,
                free,
                needed,
            } => {
                let kind = self.resources.kind(resource);
                let (free, needed) = (Amount(kind, free.max(0)), Amount(kind, needed));
                write!(f, "{}: {free} free, {needed} needed", name(resource))
            }
            Refusal::Container { index, resource } => {
                let container = self.demand.containers.get(usize::from(index));
                let container = container.map_or("", |container| &container.name);
                let container = Name(container, CONTAINER);
                if let Some(resource) = resource {
                    let resource = name(resource);
                    write!(f, "no zone has enough {resource} for container {container}")
                } else {
                    let need = self.need.containers.get(usize::from(index));
                    let aligned = need.map_or(&[][..], |need| &need.aligned);
                    let together = Together(aligned, self.resources, TOGETHER - container.length());
                    write!(
                        f,
                        "no zone has {together} together for container {container}"
                    )
                }
            }
            Refusal::Pod {
                resource: Some(resource),
            } => write!(f, "no zone has enough {} for the pod", name(resource)),
            Refusal::Pod { resource: None } => {
                let together = Together(&self.need.aligned, self.resources, TOGETHER);
                write!(f, "no zone has {together} together for the pod")
            }
            Refusal::Spread { found, wanted } => {
                let what = match self.demand.spread {
                    Some(Spread::Switch) => "switches",
                    Some(Spread::PhysicalFunction) | None => "physical functions",
                };
                write!(f, "{what} with a free device: {found}, {wanted} wanted")
            }
            Refusal::LinkDown { resource } => {
                write!(f, "{}: no free device has a link", name(resource))
            }
            Refusal::SetAside => {
                f.write_str("its kubelet refused a pod of this owner a moment ago")
            }
        }
    }
}

/// A name of others, as far as it fits and without what a terminal or a log would take for more than text.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a>(pub(crate) &'a str, pub(crate) usize);

impl Name<'_> {
    fn length(self) -> usize {
        self.0.chars().take(self.1).count()
    }
}

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(text, most) = *self;
        let is_cut = text.chars().nth(most).is_some();
        for c in text.chars().take(if is_cut { most - 1 } else { most }) {
            f.write_char(if c.is_control() { '?' } else { c })?;
        }
        if is_cut { f.write_char('…') } else { Ok(()) }
    }
}

/// What is left of a line for the resources that are missing together, a container's name aside.
const TOGETHER: usize = LONGEST - "no zone has  together for container ".len();

/// Resources joined for people, or how many there are where their names are longer than a line has room.
struct Together<'a>(&'a [(ResourceId, i64)], &'a Resources, usize);

impl Display for Together<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(amounts, resources, most) = *self;
        if amounts.is_empty() {
            return f.write_str("what it needs");
        }
        let names = || {
            amounts
                .iter()
                .map(|(resource, _)| resources.name(*resource))
        };
        let length: usize = names().map(|name| name.chars().count()).sum();
        if length + " and ".len() * amounts.len() > most {
            return write!(f, "{} resources", amounts.len());
        }
        for (at, name) in names().enumerate() {
            let before = match at {
                0 => "",
                _ if at + 1 == amounts.len() => " and ",
                _ => ", ",
            };
            write!(f, "{before}{}", Name(name, most))?;
        }
        Ok(())
    }
}

/// An amount as Kubernetes would write it: thousandths of CPUs as CPUs, bytes with the largest binary unit that fits them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(pub Kind, pub i64);

impl Display for Amount {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(kind, amount) = *self;
        match kind {
            Kind::Cpu if amount % 1000 == 0 => write!(f, "{}", amount / 1000),
            Kind::Cpu => write!(f, "{amount}m"),
            Kind::Device => write!(f, "{amount}"),
            Kind::Memory | Kind::HugePages | Kind::HostLevel => {
                let units = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].iter();
                let mut amount = amount;
                for (at, unit) in units.enumerate() {
                    if amount == 0 || at == 6 || amount % 1024 != 0 {
                        return write!(f, "{amount}{unit}");
                    }
                    amount /= 1024;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
