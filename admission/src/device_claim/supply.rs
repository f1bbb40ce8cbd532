//! What the claims of a pod supply.

use std::collections::BTreeSet;

use api::pod::{Pod, PodResourceClaim};
use spec::{device::ResourceName, network::Namespace};

use super::{Claimed, ClaimedRequest, ClassIndex};
use crate::{
    ClaimFault, Fault, View, Warning, attachment::Attachment, container::holders,
    supplier::Supplier,
};

/// The requests of a pod's claims that its containers use.
#[derive(Clone, Debug)]
pub(crate) struct Supply<'a> {
    requests: Vec<&'a ClaimedRequest>,
    classes: &'a ClassIndex,
    uses_a_claim: bool,
    /// Claims of which nothing is known.
    pub(crate) unknown: Vec<Warning>,
    /// Their names.
    pub(crate) unknown_claims: BTreeSet<&'a str>,
    /// The names of the templates that others of them would be made from.
    pub(crate) unknown_templates: BTreeSet<&'a str>,
}

impl<'a> Supply<'a> {
    /// What the claims of `pod`, which is of `namespace`, supply to app containers and sidecars. The kubelet tells the node
    /// of no others: a claim that no container uses is for none, and an init container's devices are gone when it is.
    pub(crate) fn of(pod: &'a Pod, namespace: &Namespace, view: View<'a>) -> Self {
        let mut supply = Self {
            requests: Vec::new(),
            classes: &view.cluster().devices.classes,
            uses_a_claim: false,
            unknown: Vec::new(),
            unknown_claims: BTreeSet::new(),
            unknown_templates: BTreeSet::new(),
        };
        let mut seen = BTreeSet::new();
        for entry in &pod.spec.resource_claims {
            let used = used(pod, &entry.name);
            if matches!(&used, Used::Requests(names) if names.is_empty()) {
                continue;
            }
            supply.uses_a_claim = true;
            // Two entries may name one claim, whose devices are there once; a template makes a claim for each.
            if let Some(name) = &entry.resource_claim_name
                && !seen.insert(name)
            {
                continue;
            }
            match claimed(entry, namespace, view) {
                Some(claimed) => supply.requests.extend(
                    claimed
                        .iter()
                        .filter(|request| used.contains(&request.name)),
                ),
                None => {
                    supply.unknown.push(unknown(entry));
                    match &entry.resource_claim_name {
                        Some(name) => supply.unknown_claims.insert(name),
                        None => entry
                            .resource_claim_template_name
                            .as_ref()
                            .is_some_and(|name| supply.unknown_templates.insert(name)),
                    };
                }
            }
        }
        supply
    }

    /// How many devices of `resource` there are at least. All there are of a kind count as enough.
    pub(crate) fn devices(&self, resource: &ResourceName) -> u64 {
        let counts = self.requests.iter().map(|request| {
            let count = request.devices(resource, self.classes);
            count.unwrap_or(u64::MAX)
        });
        counts.fold(0, u64::saturating_add)
    }

    /// Whether there is a DeviceClass of the name of `resource`.
    pub(crate) fn has_class(&self, resource: &ResourceName) -> bool {
        self.classes.get(resource.as_str()).is_some()
    }

    /// The networks whose devices come from a claim, where no container uses any. Which devices a claim gets is not known
    /// before its pod is scheduled, so one is enough.
    pub(crate) fn check(&self, attachments: &[Attachment<'_>]) -> Vec<Fault> {
        if self.uses_a_claim {
            return Vec::new();
        }
        attachments
            .iter()
            .filter(|attachment| attachment.supplier == Supplier::Claim)
            .map(|attachment| {
                Fault::Claim(ClaimFault::NoClaim {
                    place: attachment.place,
                    network: attachment.network().clone(),
                })
            })
            .collect()
    }
}

/// Which requests of a claim containers use.
enum Used<'a> {
    All,
    Requests(BTreeSet<&'a str>),
}

impl Used<'_> {
    fn contains(&self, request: &str) -> bool {
        match self {
            Self::All => true,
            Self::Requests(names) => names.contains(request),
        }
    }
}

fn used<'a>(pod: &'a Pod, claim: &str) -> Used<'a> {
    let mut requests = BTreeSet::new();
    let uses = holders(pod)
        .filter_map(|(_, container)| container.resources.as_ref())
        .flat_map(|resources| &resources.claims)
        .filter(|used| used.name == claim);
    for used in uses {
        match used.request.as_deref() {
            None | Some("") => return Used::All,
            Some(request) => requests.insert(request),
        };
    }
    Used::Requests(requests)
}

fn claimed<'a>(
    entry: &PodResourceClaim,
    namespace: &Namespace,
    view: View<'a>,
) -> Option<&'a Claimed> {
    let namespace = namespace.as_str();
    match (
        &entry.resource_claim_name,
        &entry.resource_claim_template_name,
    ) {
        (Some(name), _) => view.claim(namespace, name),
        (None, Some(name)) => view.template(namespace, name),
        (None, None) => None,
    }
}

fn unknown(entry: &PodResourceClaim) -> Warning {
    let what = match (
        &entry.resource_claim_name,
        &entry.resource_claim_template_name,
    ) {
        (Some(name), _) => format!("ResourceClaim {name}"),
        (None, Some(name)) => format!("ResourceClaimTemplate {name}"),
        (None, None) => "no ResourceClaim".to_owned(),
    };
    Warning::new(&format!(
        "{what} of claim {} is not known: its devices are not counted",
        entry.name
    ))
}
