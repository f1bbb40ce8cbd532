//! Properties that hold for every pod: the patch does what the plan says, once, whoever else injects.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::fixture::{cluster, decide, namespace, pod, read};

const RESOURCES: [&str; 2] = ["example.com/foo", "example.com/bar"];

fn quantities() -> impl Strategy<Value = [Option<u8>; 2]> {
    [prop::option::of(0_u8..4), prop::option::of(0_u8..4)]
}

/// The `resources` of a container: absent, null, or with requests and limits where those of devices do not differ.
fn resources() -> impl Strategy<Value = Option<Value>> {
    let lists = (quantities(), any::<bool>(), any::<bool>(), any::<bool>());
    let some = lists.prop_map(|(quantities, in_requests, in_limits, as_text)| {
        let mut list = Map::new();
        list.insert("cpu".to_owned(), json!("100m"));
        for (resource, quantity) in RESOURCES.into_iter().zip(quantities) {
            if let Some(quantity) = quantity {
                let value = if as_text {
                    json!(quantity.to_string())
                } else {
                    json!(quantity)
                };
                list.insert(resource.to_owned(), value);
            }
        }
        let mut resources = Map::new();
        for (name, is_there) in [("requests", in_requests), ("limits", in_limits)] {
            if is_there {
                resources.insert(name.to_owned(), Value::Object(list.clone()));
            }
        }
        Some(Value::Object(resources))
    });
    prop_oneof![
        Just(None),
        Just(Some(Value::Null)),
        Just(Some(json!({}))),
        some
    ]
}

fn container() -> impl Strategy<Value = Value> {
    let name = prop_oneof![Just("app"), Just("istio-proxy"), Just("a~b/c")];
    let policy = prop_oneof![Just(None), Just(Some("Always"))];
    (name, policy, resources()).prop_map(|(name, policy, resources)| {
        let mut container = json!({"name": name, "image": "x"});
        if let Some(policy) = policy {
            container["restartPolicy"] = json!(policy);
        }
        if let Some(resources) = resources {
            container["resources"] = resources;
        }
        container
    })
}

prop_compose! {
    fn any_pod()(
        selected in prop::collection::vec(prop_oneof![Just("foo"), Just("foo2"), Just("bar"), Just("noannot")], 0..6),
        containers in prop::collection::vec(container(), 1..4),
        init_containers in prop::collection::vec(container(), 0..3),
    ) -> Value {
        let mut pod = pod(Some(&selected.join(",")), None);
        pod["spec"]["containers"] = Value::Array(containers);
        pod["spec"]["initContainers"] = Value::Array(init_containers);
        pod
    }
}

/// The plan carried out by hand, without patches.
fn carried_out(pod: &Value, plan: &Plan) -> Value {
    let mut pod = pod.clone();
    for addition in &plan.additions {
        let list = addition.container.list();
        let container = &mut pod["spec"][list][addition.container.index];
        for name in ["requests", "limits"] {
            let quantity = &mut container["resources"][name][addition.resource.as_str()];
            if api::quantity::whole(quantity) != Ok(addition.total) {
                *quantity = json!(addition.total.to_string());
            }
        }
    }
    pod
}

proptest! {
    #[test]
    fn the_patch_gives_the_intended_pod_and_nothing_is_left_to_add(pod in any_pod()) {
        let plan = decide(&pod).unwrap();
        let intended = carried_out(&pod, &plan);
        let given = patched(pod.clone(), &namespace("default"), &cluster(), &Policy::default()).unwrap();
        prop_assert_eq!(&given.object, &intended);
        prop_assert_eq!(given.patch.is_empty(), pod == intended);
        let again = decide(&given.object).unwrap();
        prop_assert_eq!(&again.additions, &[]);
        prop_assert!(again.needs.iter().all(|need| need.deficit() == 0));
        prop_assert!(review_final(&read(&given.object), &namespace("default"), &cluster(), &Policy::default()).is_ok());
    }

    #[test]
    fn every_pod_gets_exactly_what_it_lacks(pod in any_pod()) {
        let plan = decide(&pod).unwrap();
        for need in &plan.needs {
            let added: u64 = plan.additions.iter().filter(|a| a.resource == need.resource).map(|a| a.add).sum();
            prop_assert_eq!(added, need.wanted.saturating_sub(need.held));
        }
    }

    #[test]
    fn another_injector_before_ours_does_no_harm(pod in any_pod(), container in 0_usize..3, more in 1_u8..4) {
        let mut pod = pod;
        let count = pod["spec"]["containers"].as_array().unwrap().len();
        let resources = json!({"requests": {RESOURCES[0]: more}, "limits": {RESOURCES[0]: more}});
        pod["spec"]["containers"][container % count]["resources"] = resources;
        let given = patched(pod, &namespace("default"), &cluster(), &Policy::default()).unwrap();
        prop_assert_eq!(&decide(&given.object).unwrap().additions, &[]);
    }

    #[test]
    fn no_pod_panics(networks in "[\\PC]{0,40}", default in prop::option::of("[\\PC]{0,20}"), containers in prop::collection::vec(container(), 0..3)) {
        let mut pod = pod(Some(&networks), default.as_deref());
        pod["spec"]["containers"] = Value::Array(containers);
        if let Err(denial) = decide(&pod) {
            prop_assert!(!denial.faults().is_empty());
            prop_assert!(denial.causes().all(|cause| !cause.message.is_empty() && !cause.field.is_empty()));
        }
    }
}
