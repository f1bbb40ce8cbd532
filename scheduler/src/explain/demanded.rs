//! The pod and what it demands, for people.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    demand::{PodDemand, Qos, Spread},
    engine::Question,
    need::Role,
    resource::{Kind, ResourceId, Resources},
    words::Amount,
};

/// Quantities by resource, as Kubernetes writes them.
pub(super) type Quantities = BTreeMap<String, String>;

/// A pod and what it demands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Demanded {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Its quality of service, by which the kubelet decides whether CPUs and memory are aligned.
    pub qos: &'static str,
    /// What its devices of one resource are to be spread over: `physicalFunction` or `switch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<&'static str>,
    /// Its containers in the kubelet's order.
    pub containers: Vec<Container>,
    /// What the whole pod demands of a node, as kube-scheduler sums it.
    pub total: Quantities,
}

/// A container and what it demands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Its name.
    pub name: String,
    /// `init`, `sidecar` or `app`.
    pub role: &'static str,
    /// What the kubelet aligns, where it aligns it on the node at all.
    pub aligned: Quantities,
    /// What it does not.
    pub other: Quantities,
}

impl Demanded {
    pub(super) fn of(demand: &PodDemand, question: &Question<'_>, resources: &Resources) -> Self {
        let need = question.need();
        let containers = demand.containers.iter().enumerate();
        let containers = containers.map(|(at, container)| {
            let aligned = need
                .containers
                .get(at)
                .map_or(&[][..], |need| &need.aligned);
            let is_aligned = |name: &str| {
                let of = |(id, _): &(ResourceId, i64)| resources.name(*id) == name;
                Kind::of(name) == Kind::Device || aligned.iter().any(of)
            };
            let amounts = |wanted: bool| {
                let amounts = container.amounts.iter();
                let amounts = amounts.filter(|(name, _)| is_aligned(name) == wanted);
                amounts
                    .map(|(name, amount)| written(name, *amount))
                    .collect()
            };
            Container {
                name: container.name.to_string(),
                role: match container.role {
                    Role::Init => "init",
                    Role::Sidecar => "sidecar",
                    Role::App => "app",
                },
                aligned: amounts(true),
                other: amounts(false),
            }
        });
        let of_pod = demand.total.iter();
        let of_pod = of_pod.map(|(name, amount)| written(name, *amount));
        Self {
            namespace: demand.namespace.to_string(),
            name: demand.name.to_string(),
            uid: demand.uid.to_string(),
            qos: match demand.qos {
                Qos::Guaranteed => "Guaranteed",
                Qos::Burstable => "Burstable",
                Qos::BestEffort => "BestEffort",
            },
            spread: demand.spread.map(|spread| match spread {
                Spread::PhysicalFunction => "physicalFunction",
                Spread::Switch => "switch",
            }),
            containers: containers.collect(),
            total: of_pod.collect(),
        }
    }
}

fn written(name: &str, amount: i64) -> (String, String) {
    let amount = Amount(Kind::of(name), amount);
    (name.to_owned(), amount.to_string())
}

/// Amounts as Kubernetes writes them.
pub(super) fn quantities(amounts: &[(ResourceId, i64)], resources: &Resources) -> Quantities {
    let written = |(resource, amount): &(ResourceId, i64)| {
        let amount = Amount(resources.kind(*resource), *amount);
        (resources.name(*resource).to_owned(), amount.to_string())
    };
    amounts.iter().map(written).collect()
}
