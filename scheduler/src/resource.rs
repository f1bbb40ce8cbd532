//! Resources, numbered: their names are compared once, when something is learnt, and never while nodes are looked at.

use std::collections::HashMap;

use api::quantity::{self, QuantityError};
use serde_json::Value;

/// A resource among all that an engine has heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(u16);

/// How a resource is counted, and whether the kubelet aligns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `cpu`, in thousandths. Aligned for Guaranteed pods that ask for whole CPUs.
    Cpu,
    /// `memory`, in bytes. Aligned for Guaranteed pods.
    Memory,
    /// `hugepages-*`, in bytes. Aligned for Guaranteed pods.
    HugePages,
    /// What a node has no zones of, such as `ephemeral-storage`: kube-scheduler's business alone.
    HostLevel,
    /// An extended resource, by the piece. Aligned for every pod.
    Device,
}

impl Kind {
    /// The kind of the resource of this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name {
            "cpu" => Self::Cpu,
            "memory" => Self::Memory,
            _ if name.starts_with("hugepages-") => Self::HugePages,
            _ if is_native(name) => Self::HostLevel,
            _ => Self::Device,
        }
    }
}

impl Kind {
    /// A quantity, as it is written in requests and in `status.allocatable`, in the units of its kind.
    ///
    /// # Errors
    /// It is negative, more than any node could have, no quantity, or a fraction of a device.
    pub fn amount(self, quantity: &Value) -> Result<i64, QuantityError> {
        match self {
            Self::Cpu => quantity::milli(quantity),
            Self::Memory | Self::HugePages | Self::HostLevel => quantity::ceil(quantity),
            Self::Device => quantity::whole(quantity).and_then(|_| quantity::ceil(quantity)),
        }
    }
}

/// Whether Kubernetes itself defines the resource (`IsNativeResource` of its helpers): no domain, or one of its own.
fn is_native(name: &str) -> bool {
    name.split_once('/')
        .is_none_or(|(domain, _)| domain == "kubernetes.io" || domain.ends_with(".kubernetes.io"))
}

impl ResourceId {
    /// `cpu`.
    pub const CPU: Self = Self(0);
    /// `memory`.
    pub const MEMORY: Self = Self(1);
}

/// All resources that were ever heard of.
#[derive(Clone, Debug)]
pub struct Resources {
    names: Vec<Box<str>>,
    kinds: Vec<Kind>,
    ids: HashMap<Box<str>, ResourceId>,
}

impl Default for Resources {
    fn default() -> Self {
        let mut resources = Self {
            names: Vec::new(),
            kinds: Vec::new(),
            ids: HashMap::new(),
        };
        for name in ["cpu", "memory"] {
            resources.intern(name);
        }
        resources
    }
}

impl Resources {
    /// The number of a resource, a new one where it has none; none when all 65,536 are taken.
    pub fn intern(&mut self, name: &str) -> Option<ResourceId> {
        if let Some(id) = self.get(name) {
            return Some(id);
        }
        let id = ResourceId(u16::try_from(self.names.len()).ok()?);
        self.names.push(name.into());
        self.kinds.push(Kind::of(name));
        self.ids.insert(name.into(), id);
        Some(id)
    }

    /// The number of a resource that was heard of.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<ResourceId> {
        self.ids.get(name).copied()
    }

    /// How many were heard of. They are never fewer.
    pub(crate) const fn count(&self) -> usize {
        self.names.len()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self, id: ResourceId) -> &str {
        &self.names[usize::from(id.0)]
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self, id: ResourceId) -> Kind {
        self.kinds[usize::from(id.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_name() {
        for (name, kind) in [
            ("cpu", Kind::Cpu),
            ("memory", Kind::Memory),
            ("hugepages-2Mi", Kind::HugePages),
            ("ephemeral-storage", Kind::HostLevel),
            ("requests.kubernetes.io/x", Kind::HostLevel),
            ("intel.com/sriov", Kind::Device),
            ("notkubernetes.io/x", Kind::Device),
        ] {
            assert_eq!(Kind::of(name), kind, "{name}");
        }
    }

    #[test]
    fn amounts_are_in_units_of_the_kind() {
        use serde_json::json;
        for (kind, quantity, amount) in [
            (Kind::Cpu, json!("1500m"), Some(1_500)),
            (Kind::Cpu, json!(2), Some(2_000)),
            (Kind::Memory, json!("1Ki"), Some(1_024)),
            (Kind::HostLevel, json!("0.5"), Some(1)),
            (Kind::Device, json!("2"), Some(2)),
            (Kind::Device, json!("2500m"), None),
            (Kind::Device, json!(-1), None),
            (Kind::Device, json!(u64::MAX), None),
            (Kind::Memory, json!("9Ei"), None),
        ] {
            assert_eq!(kind.amount(&quantity).ok(), amount, "{kind:?} {quantity}");
        }
    }

    #[test]
    fn numbers_last() {
        let mut resources = Resources::default();
        assert_eq!(resources.get("cpu"), Some(ResourceId::CPU));
        assert_eq!(resources.get("memory"), Some(ResourceId::MEMORY));
        let id = resources.intern("intel.com/sriov").unwrap();
        assert_eq!(resources.intern("intel.com/sriov"), Some(id));
        assert_eq!(
            (resources.name(id), resources.kind(id)),
            ("intel.com/sriov", Kind::Device)
        );
        assert_eq!(resources.get("intel.com/other"), None);
        let more = (0..70_000).map_while(|n| resources.intern(&format!("a.b/{n}")));
        assert_eq!(more.count(), 65_536 - 3);
    }
}
