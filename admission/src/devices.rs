//! What a pod's containers lack of the devices that its networks need.

use std::collections::BTreeMap;

use api::pod::Pod;
use spec::network::{NetworkRef, RESERVE};

use crate::{
    Addition, ContainerRef, Need, Plan, Policy, Warning, distribution::spread, findings::Findings,
    holding, holding::Holding, reserve, reserve::Reserve, stage::Stage, target, target::Targets,
};

/// Counts what is held of each need of `plan`, and plans to add what is missing.
pub(crate) fn add_what_is_missing(
    plan: &mut Plan,
    pod: &Pod,
    targets: &Targets,
    reserve: &Reserve,
    stage: Stage,
    policy: &Policy,
    findings: &mut Findings<'_>,
) {
    let Some(first) = target::first(pod, &policy.injection.sidecars) else {
        return;
    };
    let mut first_is_used = false;
    let mut all_that_is_held = BTreeMap::new();
    for need in &mut plan.needs {
        let holdings = match holding::of(pod, &need.resource) {
            Ok(holdings) => holdings,
            Err(fault) => {
                findings.add(fault);
                continue;
            }
        };
        need.held = holdings
            .iter()
            .map(Holding::devices)
            .fold(0, u64::saturating_add);
        all_that_is_held.insert(need.resource.clone(), need.held);
        // A pod that nothing is added to any more has had its chance: what it does not say it does not reserve.
        if stage == Stage::Created || *reserve != Reserve::AllThatIsHeld {
            need.reserved = reserve.of(&need.resource, need.held);
        }
        let of = |network: &NetworkRef| targets.of(network).unwrap_or(&first);
        let given = spread(need, &holdings, of);
        let is_unnamed = |network: &NetworkRef| targets.of(network).is_none();
        first_is_used |= given.get(&first).is_some_and(|count| *count > 0)
            && need.networks.iter().any(is_unnamed);
        plan.additions.extend(
            holdings
                .into_iter()
                .filter_map(|holding| addition(need, holding, &given)),
        );
    }
    if first_is_used && policy.injection.sidecars.contains(&first.name) {
        plan.warnings.push(Warning::new(&format!(
            "container {:?} gets the devices of the pod's networks, as every container is a known sidecar",
            first.name
        )));
    }
    if *reserve == Reserve::AllThatIsHeld && !all_that_is_held.is_empty() {
        let text = reserve::print(&all_that_is_held);
        plan.annotations.insert(RESERVE.to_owned(), text);
    }
}

/// What is to be written for one container: what it is given, and a missing limit.
fn addition(
    need: &Need,
    holding: Holding,
    given: &BTreeMap<&ContainerRef, u64>,
) -> Option<Addition> {
    let add = given.get(&holding.container).copied().unwrap_or(0);
    let lacks_limit = holding.request.is_some() && holding.limit.is_none();
    (add > 0 || lacks_limit).then(|| Addition {
        add,
        total: holding.devices().saturating_add(add),
        container: holding.container,
        resource: need.resource.clone(),
    })
}
