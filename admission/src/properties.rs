//! Properties that hold for every pod: the patch does what the plan says, once, whoever else injects.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use spec::network::{CONTAINER, NETWORKS, RESERVE};

use super::*;
use crate::fixture::{cluster, decide, decide_by, namespace, pod, policy, read};

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

fn mounts() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!([])),
        Just(json!([{"name": "podnetinfo", "mountPath": "/etc/podnetinfo"}])),
        Just(json!([{"name": "mine", "mountPath": "/etc/podnetinfo"}])),
    ]
}

fn volumes() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!([{"name": "data", "emptyDir": {}}])),
        Just(json!([{"name": "podnetinfo", "emptyDir": {}}])),
        Just(json!([{"name": "podnetinfo", "downwardAPI": {"items": []}}])),
    ]
}

fn annotations() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let container = prop_oneof![
        Just(None),
        Just(Some("app")),
        Just(Some("a~b/c")),
        Just(Some("foo=app,foo2=istio-proxy")),
        Just(Some("istio-proxy, bar=app")),
        Just(Some("nobody")),
    ];
    let reserve = prop_oneof![
        Just(None),
        Just(Some("example.com/foo=1")),
        Just(Some("example.com/foo=0,example.com/bar=2")),
    ];
    (container, reserve).prop_map(|(container, reserve)| {
        let there = |key, text: Option<&'static str>| text.map(|text| (key, text));
        [there(CONTAINER, container), there(RESERVE, reserve)]
            .into_iter()
            .flatten()
            .collect()
    })
}

prop_compose! {
    fn any_pod()(
        selected in prop::collection::vec(prop_oneof![
            Just("foo"), Just("foo2"), Just("bar"), Just("noannot"), Just("eno3"), Just("eno4"), Just("gpu"),
        ], 0..6),
        containers in prop::collection::vec((container(), mounts()), 1..4),
        init_containers in prop::collection::vec(container(), 0..3),
        volumes in volumes(),
        node_selector in prop_oneof![Just(json!(null)), Just(json!({})), Just(json!({"master": "mine"})), Just(json!({"master": "eno3", "gpu": ""}))],
        annotations in annotations(),
        label in prop_oneof![Just(json!(null)), Just(json!({})), Just(json!({"inject": "True"}))],
        has_annotations in prop::bool::weighted(0.9),
    ) -> Value {
        let mut pod = pod(Some(&selected.join(",")), None);
        for (key, text) in annotations {
            pod["metadata"]["annotations"][key] = json!(text);
        }
        if !has_annotations {
            pod["metadata"].as_object_mut().unwrap().remove("annotations");
        }
        pod["metadata"]["labels"] = label;
        pod["spec"]["containers"] = containers
            .into_iter()
            .map(|(mut container, mounts)| {
                container["volumeMounts"] = mounts;
                container
            })
            .collect();
        pod["spec"]["initContainers"] = Value::Array(init_containers);
        pod["spec"]["volumes"] = volumes;
        pod["spec"]["nodeSelector"] = node_selector;
        pod
    }
}

/// Policies that differ in what is injected. Rules that a generated pod may break are relaxed, so that what is done then
/// is seen too.
fn any_policy() -> impl Strategy<Value = Policy> {
    let flags = [any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()];
    flags.prop_map(|[pod_net_info, hugepages, honor, user_defined]| {
        let user_defined = if user_defined {
            json!([{"label": "inject", "annotations": {NETWORKS: "bar,foo", "other": "x"}}])
        } else {
            json!([])
        };
        policy(json!({
            "injection": {
                "podNetInfo": pod_net_info,
                "hugepages": hugepages,
                "honorExistingResources": honor,
                "userDefined": user_defined,
            },
            "modes": [{"rules": ["target-container", "node-selector-conflict"], "mode": "monitor"}],
        }))
    })
}

/// The plan carried out by hand, without patches.
fn carried_out(pod: &Value, plan: &Plan) -> Value {
    fn push(list: &mut Value, element: Value) {
        if list.is_null() {
            *list = json!([]);
        }
        list.as_array_mut().unwrap().push(element);
    }
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
    for (key, text) in &plan.annotations {
        pod["metadata"]["annotations"][key] = json!(text);
    }
    for label in &plan.node_labels {
        pod["spec"]["nodeSelector"][label.key.as_str()] = json!(label.value);
    }
    let info = &plan.pod_net_info;
    for index in &info.mounts {
        let mount = json!({"name": "podnetinfo", "readOnly": true, "mountPath": "/etc/podnetinfo"});
        push(&mut pod["spec"]["containers"][index]["volumeMounts"], mount);
    }
    if !info.files.is_empty() {
        let items = info.files.iter().map(|file| match &file.source {
            DownwardSource::Field(field) => {
                json!({"path": file.path, "fieldRef": {"fieldPath": field}})
            }
            DownwardSource::Resource { .. } => panic!("no generated pod has hugepages"),
        });
        let items: Vec<Value> = items.collect();
        push(
            &mut pod["spec"]["volumes"],
            json!({"name": "podnetinfo", "downwardAPI": {"items": items}}),
        );
    }
    pod
}

proptest! {
    #[test]
    fn the_patch_gives_the_intended_pod_and_nothing_is_left_to_add(pod in any_pod(), policy in any_policy()) {
        let plan = decide_by(&pod, &policy).unwrap();
        let intended = carried_out(&pod, &plan);
        let given = patched(pod.clone(), &namespace("default"), &cluster(), &policy).unwrap();
        prop_assert_eq!(&given.object, &intended);
        prop_assert_eq!(given.patch.is_empty(), pod == intended);
        let paths: Vec<&str> = given.patch.iter().map(|operation| operation.path().as_str()).collect();
        prop_assert!(paths.is_sorted(), "{:?}", paths);
        let again = decide_by(&given.object, &policy).unwrap();
        prop_assert_eq!(&again.patch(&read(&given.object)).0, &[]);
        prop_assert!(again.needs.iter().all(|need| need.deficit() == 0));
        prop_assert!(review_final(&read(&given.object), &namespace("default"), &cluster(), &policy).is_ok());
    }

    #[test]
    fn every_pod_gets_exactly_what_it_lacks(pod in any_pod(), policy in any_policy()) {
        let plan = decide_by(&pod, &policy).unwrap();
        for need in &plan.needs {
            let added: u64 = plan.additions.iter().filter(|a| a.resource == need.resource).map(|a| a.add).sum();
            prop_assert_eq!(added, (need.wanted + need.reserved).saturating_sub(need.held));
        }
    }

    #[test]
    fn another_injector_does_no_harm(pod in any_pod(), policy in any_policy(), container in 0_usize..3, more in 1_u8..4, before in any::<bool>()) {
        let other = |mut pod: Value| {
            let count = pod["spec"]["containers"].as_array().unwrap().len();
            let container = &mut pod["spec"]["containers"][container % count];
            let there = api::quantity::whole(&container["resources"]["limits"][RESOURCES[0]]).unwrap_or(0);
            for list in ["requests", "limits"] {
                container["resources"][list][RESOURCES[0]] = json!(there + u64::from(more));
            }
            pod
        };
        let ours = |pod| patched(pod, &namespace("default"), &cluster(), &policy).unwrap().object;
        let counted = |pod: &Value| {
            let plan = decide_by(pod, &policy).unwrap();
            let need = plan.needs.into_iter().find(|need| need.resource.as_str() == RESOURCES[0]);
            need.map(|need| (need.wanted + need.reserved, need.held))
        };
        let (object, expected) = if before {
            let object = other(pod);
            let expected = counted(&object).map(|(needed, held)| needed.max(held));
            (ours(object), expected)
        } else {
            let object = ours(pod);
            let expected = counted(&object).map(|(_, held)| held + u64::from(more));
            (other(object), expected)
        };
        // In honor mode what the other has added is taken for the application's own.
        if !policy.injection.honor_existing_resources {
            prop_assert_eq!(counted(&object).map(|(_, held)| held), expected);
        }
        prop_assert_eq!(&ours(object.clone()), &object);
        prop_assert!(review_final(&read(&object), &namespace("default"), &cluster(), &policy).is_ok());
    }

    #[test]
    fn no_pod_panics(
        networks in prop_oneof![Just("foo,eno3b".to_owned()), "[\\PC]{0,40}"],
        default in prop::option::of("[\\PC]{0,20}"),
        texts in [prop::option::of("[\\PC,=/]{0,20}"), prop::option::of("[\\PC,=/]{0,20}"), prop::option::of("[\\PC]{0,5}")],
        containers in prop::collection::vec(container(), 0..3),
    ) {
        let mut pod = pod(Some(&networks), default.as_deref());
        for (key, text) in [CONTAINER, RESERVE, spec::network::INJECT].into_iter().zip(texts) {
            if let Some(text) = text {
                pod["metadata"]["annotations"][key] = json!(text);
            }
        }
        pod["spec"]["containers"] = Value::Array(containers);
        let decided = patched(pod.clone(), &namespace("default"), &cluster(), &Policy::default());
        prop_assert!(!matches!(decided, Err(Refusal::Patch(_))), "{:?}", decided);
        if let Err(denial) = decide(&pod) {
            prop_assert!(!denial.faults().is_empty());
            prop_assert!(denial.causes().all(|cause| !cause.message.is_empty() && !cause.field.is_empty()));
        }
    }
}
