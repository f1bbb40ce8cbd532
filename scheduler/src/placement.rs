//! Where the kubelet will put a pod on a node, and why it will not.

use crate::{need::Need, resource::ResourceId, zones::ZoneMask};

/// What the kubelet's topology manager is predicted to decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// The zones of each container of [`crate::need::Need::containers`]; none where nothing of it is aligned. With the
    /// pod scope all are the same.
    pub zones: Vec<ZoneMask>,
    /// Whether every decision is certain: the kubelet had no choice left.
    pub is_certain: bool,
}

impl Placement {
    /// The zones from which the pod's containers get a resource; none where it may come from anywhere.
    #[must_use]
    pub fn zones_for(&self, need: &Need, resource: ResourceId) -> ZoneMask {
        let mut zones = ZoneMask::NONE;
        for (container, at) in need.containers.iter().zip(&self.zones) {
            let is_needed = |(needed, _): &(ResourceId, i64)| *needed == resource;
            if container.aligned.iter().any(is_needed) {
                if at.is_empty() {
                    return ZoneMask::NONE;
                }
                zones = zones.or(*at);
            }
        }
        zones
    }
}

/// Why a node is not for a pod. Small and without texts: thousands are made for one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Nothing is known of the node.
    UnknownNode,
    /// The node never reported its zones and devices.
    NoReport,
    /// Its last report is too old.
    Stale,
    /// Its report cannot be relied on.
    Faulty,
    /// No node has ever reported the resource.
    NoSuchResource,
    /// The whole node has less than is needed.
    Short {
        /// Of which resource.
        resource: ResourceId,
        /// What is free.
        free: i64,
        /// What is needed.
        needed: i64,
    },
    /// A container fits into no zone (or no smallest set of zones) together with all it needs.
    Container {
        /// Its place in [`crate::need::Need::containers`].
        index: u16,
        /// A resource that stands in the way in every zone; none where each would fit somewhere for itself.
        resource: Option<ResourceId>,
    },
    /// The pod as a whole fits into no zone (or no smallest set of zones).
    Pod {
        /// As for a container.
        resource: Option<ResourceId>,
    },
    /// Fewer physical functions (or switches) with a free device than the pod wants to be spread over.
    Spread {
        /// How many there are.
        found: u16,
        /// How many are wanted.
        wanted: u16,
    },
    /// Every free device is on a physical function without a link.
    LinkDown {
        /// The resource.
        resource: ResourceId,
    },
    /// The kubelet of this node refused a pod of the same owner a moment ago.
    SetAside,
}

impl Refusal {
    /// A word for counting: of metrics and of JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownNode => "unknownNode",
            Self::NoReport => "noReport",
            Self::Stale => "stale",
            Self::Faulty => "faulty",
            Self::NoSuchResource => "noSuchResource",
            Self::Short { .. } => "short",
            Self::Container { .. } => "container",
            Self::Pod { .. } => "pod",
            Self::Spread { .. } => "spread",
            Self::LinkDown { .. } => "linkDown",
            Self::SetAside => "setAside",
        }
    }
}
