//! `manifests/uninstall.yaml` uninstalls what the agent of `manifests/base` has installed, where it has.

use std::collections::BTreeMap;

use clap::Parser as _;
use device_bridge::args::Args;
use serde_json::{Value, json};

use crate::{
    manifests::objects::{manifests, read},
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "lifecycle::handed_back::where_the_agent_has_installed",
        needs: &[],
        body: where_the_agent_has_installed,
    }]
}

/// The folders of the node by where a container sees them.
fn folders(pod: &Value, container: &Value) -> BTreeMap<String, Value> {
    let volumes = pod["volumes"].as_array().into_iter().flatten();
    let of_node: BTreeMap<String, &Value> = volumes
        .map(|volume| (volume["name"].to_string(), &volume["hostPath"]["path"]))
        .collect();
    let mounts = container["volumeMounts"].as_array().into_iter().flatten();
    mounts
        .filter_map(|mount| {
            let path = of_node.get(&mount["name"].to_string())?;
            Some((
                mount["mountPath"].to_string(),
                json!([path, mount["readOnly"]]),
            ))
        })
        .collect()
}

fn arguments(container: &Value) -> Vec<String> {
    let of_container = container["args"].as_array().into_iter().flatten();
    of_container
        .filter_map(|argument| argument.as_str().map(str::to_owned))
        .collect()
}

fn variable<'a>(container: &'a Value, name: &str) -> &'a Value {
    let mut env = container["env"].as_array().into_iter().flatten();
    env.find(|variable| variable["name"] == name)
        .map_or(&Value::Null, |variable| &variable["value"])
}

fn where_the_agent_has_installed() {
    let agent = read(&manifests("base/device-bridge/daemon-set.yaml")).remove(0);
    let uninstall = read(&manifests("uninstall.yaml")).remove(0);
    let namespace = &agent["metadata"]["namespace"];
    assert_eq!(&uninstall["metadata"]["namespace"], namespace);
    let [agent, uninstall] = [agent, uninstall].map(|set| set["spec"]["template"]["spec"].clone());
    for field in ["tolerations", "nodeSelector", "hostNetwork"] {
        assert_eq!(uninstall[field], agent[field], "{field}");
    }
    let installing = &agent["containers"][0];
    let install = arguments(installing);
    let known = folders(&agent, installing);
    for (container, is_last) in [
        (&uninstall["initContainers"][0], false),
        (&uninstall["containers"][0], true),
    ] {
        assert_eq!(container["image"], installing["image"]);
        assert_eq!(
            variable(container, "POLYPOD_INSTALL_PRESET"),
            variable(installing, "POLYPOD_INSTALL_PRESET")
        );
        let kubeconfig = variable(container, "POLYPOD_INSTALL_PLUGIN_KUBECONFIG");
        let kubeconfig = kubeconfig.as_str().unwrap_or_default();
        assert!(install.contains(&format!("--plugin-kubeconfig={kubeconfig}")));
        let own = folders(&uninstall, container);
        assert_eq!(own.len(), 4, "{own:?}");
        for (at, folder) in own {
            let known = known.get(&at).expect("the agent has it there");
            assert_eq!(known[0], folder[0], "{at}");
            assert_eq!(folder[1], Value::Null, "{at}: something in it is removed");
        }
        let arguments = arguments(container);
        assert_eq!(arguments.contains(&"--stay".to_owned()), is_last);
        let line = [vec!["polypod-device-bridge".to_owned()], arguments].concat();
        Args::try_parse_from(line).unwrap();
    }
}
