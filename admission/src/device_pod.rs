//! Which pods demand devices, and which scheduler they get for it.

use api::pod::{Container, Pod};
use serde_json::Value;
use spec::{
    device::ResourceName,
    network::{SPREAD, Spread},
    scheduler_name::SchedulerName,
};

use crate::{
    Plan, Warning,
    device_claim::ClassIndex,
    placement_fault::shown,
    policy::{DEFAULT_SCHEDULER, Scheduling},
};

/// Whether device plugins have to give something to `pod`, as it will be after `plan`, and nobody else has to: extended
/// resources of its networks or of its own. Where devices of claims and of DeviceClasses are kube-scheduler alone knows; no
/// node reports them, so that a pod with one of them would be refused everywhere.
pub(crate) fn demands_devices(pod: &Pod, plan: &Plan, classes: &ClassIndex) -> bool {
    let additions = plan.additions.iter().filter(|addition| addition.total > 0);
    let added = additions.map(|addition| addition.resource.as_str());
    let mut devices = added.chain(requested(pod)).peekable();
    devices.peek().is_some() && !devices.any(|resource| classes.give(resource))
}

/// Whether a container of the pod requests an extended resource.
#[must_use]
pub fn requests_devices(pod: &Pod) -> bool {
    requested(pod).next().is_some()
}

/// The extended resources that containers of the pod request.
fn requested(pod: &Pod) -> impl Iterator<Item = &str> {
    let containers = pod.spec.containers.iter().chain(&pod.spec.init_containers);
    containers.flat_map(devices)
}

fn devices(container: &Container) -> impl Iterator<Item = &str> {
    let resources = container.resources.iter();
    let lists = resources.flat_map(|resources| [&resources.requests, &resources.limits]);
    let quantities = lists.flatten().flatten();
    let devices = quantities.filter(|(name, quantity)| is_device(name) && !is_zero(quantity));
    devices.map(|(name, _)| name.as_str())
}

/// Whether a device plugin may have it. Of Kubernetes's own names there is one that [`ResourceName`] takes: a DeviceClass by
/// its name (KEP-5004).
fn is_device(name: &str) -> bool {
    let is_extended = name
        .parse()
        .is_ok_and(|name: ResourceName| name.is_extended_resource());
    let domain = name.split_once('/').map_or("", |(domain, _)| domain);
    is_extended && !domain.ends_with(".kubernetes.io")
}

/// A quantity that cannot be read is the API server's to refuse.
fn is_zero(quantity: &Value) -> bool {
    api::quantity::whole(quantity) == Ok(0)
}

/// Says what is wrong with the annotation [`SPREAD`] of a pod that demands devices: no node is found for it.
pub(crate) fn warn_of_spread(pod: &Pod, plan: &mut Plan, classes: &ClassIndex) {
    let written = pod.metadata.annotations.get(SPREAD);
    let Some(found) = written.or_else(|| plan.annotations.get(SPREAD)) else {
        return;
    };
    if Spread::parse(found).is_none() && demands_devices(pod, plan, classes) {
        let warning = Warning::new(&format!(
            "annotation {SPREAD} is {:?}; write physical-function or switch; no node is chosen for the pod",
            shown(found)
        ));
        plan.warnings.push(warning);
    }
}

/// The scheduler that is to be written into `pod`. One that chose another scheduler than the default one keeps it, and so
/// does one that is bound already.
pub(crate) fn scheduler_name(
    pod: &Pod,
    plan: &Plan,
    scheduling: &Scheduling,
    classes: &ClassIndex,
) -> Option<SchedulerName> {
    let wanted = scheduling.scheduler_name.as_ref()?;
    let found = pod.spec.scheduler_name.as_str();
    let is_default = found.is_empty() || found == DEFAULT_SCHEDULER;
    let is_to_be_written = is_default
        && wanted.as_str() != DEFAULT_SCHEDULER
        && pod.spec.node_name.is_empty()
        && demands_devices(pod, plan, classes);
    is_to_be_written.then(|| wanted.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fixture::{decide_by, patched_by, pod, pod_with, policy};

    fn polypod_scheduler() -> crate::Policy {
        policy(json!({"scheduling": {"schedulerName": "polypod-scheduler"}}))
    }

    #[test]
    fn pods_that_demand_devices_get_the_scheduler() {
        let own = |resources| json!({"containers": [{"name": "a"}, {"name": "b", "resources": resources}]});
        let of_nothing = json!({"containers": [{"name": "a"}]});
        for (name, networks, spec, is_given) in [
            ("its network's", "foo", of_nothing.clone(), true),
            ("of no network", "noannot", of_nothing, false),
            (
                "its own",
                "noannot",
                own(json!({"limits": {"example.com/gpu": 1}})),
                true,
            ),
            (
                "requests",
                "",
                own(json!({"requests": {"example.com/gpu": "2"}})),
                true,
            ),
            (
                "none of it",
                "",
                own(json!({"limits": {"example.com/gpu": "0"}})),
                false,
            ),
            (
                "native",
                "",
                own(json!({"limits": {"cpu": "2", "hugepages-2Mi": "4Mi"}})),
                false,
            ),
            (
                "Kubernetes's",
                "",
                own(json!({"limits": {"a.kubernetes.io/x": "1"}})),
                false,
            ),
            (
                "an init container's",
                "",
                json!({"containers": [{"name": "a"}], "initContainers": [{"name": "i", "resources": {"limits": {"example.com/gpu": 1}}}]}),
                true,
            ),
            (
                "without a network of its own",
                "",
                json!({"hostNetwork": true, "containers": [{"name": "a", "resources": {"limits": {"example.com/gpu": 1}}}]}),
                true,
            ),
        ] {
            let (object, _) = patched_by(&pod_with(networks, &[], spec), &polypod_scheduler());
            let wanted = is_given.then_some("polypod-scheduler");
            assert_eq!(object["spec"]["schedulerName"].as_str(), wanted, "{name}");
        }
    }

    #[test]
    fn a_choice_of_the_author_stays() {
        for (spec, wanted) in [
            (json!({"schedulerName": "default-scheduler"}), true),
            (json!({"schedulerName": ""}), true),
            (json!({"schedulerName": null}), true),
            (json!({"schedulerName": "batch"}), false),
            (json!({"nodeName": "n1"}), false),
        ] {
            let mut object = spec.clone();
            object["containers"] = json!([{"name": "a"}]);
            let plan = decide_by(&pod_with("foo", &[], object), &polypod_scheduler()).unwrap();
            assert_eq!(plan.scheduler_name.is_some(), wanted, "{spec}");
        }
        let untouched = pod_with(
            "foo",
            &[(spec::network::INJECT, "false")],
            json!({"containers": [{"name": "a", "resources": {"limits": {"example.com/foo": 1}}}]}),
        );
        let plan = decide_by(&untouched, &polypod_scheduler()).unwrap();
        assert_eq!(plan.scheduler_name, None, "nothing is to be injected");
    }

    #[test]
    fn the_gate_is_for_the_scheduler_that_it_gets() {
        let gates = |gates| {
            let scheduling = json!({"schedulerName": "polypod-scheduler", "gates": gates});
            let policy = policy(json!({"scheduling": scheduling}));
            let (pod, _) = patched_by(&pod(Some("foo"), None), &policy);
            pod["spec"]["schedulingGates"].is_array()
        };
        assert!(!gates(json!({"enabled": true})));
        assert!(gates(
            json!({"enabled": true, "schedulerNames": ["polypod-scheduler"]})
        ));
    }

    #[test]
    fn without_a_word_of_the_administrator_nothing_is_written() {
        for fields in [
            json!({}),
            json!({"scheduling": {"schedulerName": "default-scheduler"}}),
        ] {
            let plan = decide_by(&pod(Some("foo"), None), &policy(fields)).unwrap();
            assert_eq!(plan.scheduler_name, None);
        }
    }
}
