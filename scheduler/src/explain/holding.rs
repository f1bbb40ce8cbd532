//! Who has what the pod demands.

use serde::Serialize;

use super::node::numbers;
use crate::{
    engine::{Account, Holding, Standing},
    resource::{ResourceId, Resources},
    words::Amount,
};

/// A pod that holds something of what is demanded, or will hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldBy {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `assumed`: bound, and not in the report yet. `confirmed`: in the report. `released`: in no report any more.
    /// `gone`: known to the report alone.
    pub state: &'static str,
    /// Whether its zones are certain.
    pub is_certain: bool,
    /// What it holds, or is taken to hold.
    pub held: Vec<Held>,
}

/// So much of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// The resource.
    pub resource: String,
    /// How much.
    pub amount: String,
    /// The kernel's numbers of the zones it is in, or may be in.
    pub zones: Vec<u32>,
    /// The PCI address of the physical function behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
}

impl HeldBy {
    /// What a pod holds of these resources, which are sorted; nothing where that is nothing.
    pub(super) fn of(
        holding: &Holding<'_>,
        account: &Account<'_>,
        relevant: &[ResourceId],
        resources: &Resources,
    ) -> Option<Self> {
        let is_relevant = |resource| relevant.binary_search(&resource).is_ok();
        let held = holding
            .held
            .iter()
            .filter(|held| is_relevant(held.resource));
        let held: Vec<Held> = held
            .map(|held| Held {
                resource: resources.name(held.resource).to_owned(),
                amount: Amount(resources.kind(held.resource), held.amount).to_string(),
                zones: numbers(account.node(), held.zones),
                function: held.function.map(str::to_owned),
            })
            .collect();
        (!held.is_empty()).then(|| Self {
            namespace: holding.namespace.to_owned(),
            name: holding.name.to_owned(),
            uid: holding.uid.map(str::to_owned),
            state: state(holding.standing),
            is_certain: holding.is_certain,
            held,
        })
    }
}

const fn state(standing: Option<Standing>) -> &'static str {
    match standing {
        Some(Standing::Assumed) => "assumed",
        Some(Standing::Confirmed) => "confirmed",
        Some(Standing::Released) => "released",
        None => "gone",
    }
}
