//! What the manifests tell the programs is what the programs understand, and means what the rest of the manifest takes it for.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use clap::{ArgAction, Command, CommandFactory as _, Parser as _};
use device_bridge::{
    config::{Config as AgentConfig, Serve, Task},
    install::settings::Install,
};
use serde_json::Value;
use tempfile::TempDir;
use webhook::config::Config as WebhookConfig;

use super::objects::{items, of_kind, word};

/// The container of a pod that is one of ours.
pub(super) fn container<'a>(workload: &'a Value, image: &str) -> Option<&'a Value> {
    let containers = &workload["spec"]["template"]["spec"]["containers"];
    items(containers)
        .find(|container| word(&container["image"]).starts_with(&format!("localhost/{image}:")))
}

/// What the webhook would do as it is started there.
pub(super) fn of_webhook(objects: &[Value]) -> WebhookConfig {
    let workload =
        of_kind(objects, "Deployment").find(|object| container(object, WEBHOOK).is_some());
    let workload = workload.expect("there is a Deployment of the webhook");
    let told = Told::by(objects, workload, WEBHOOK, &webhook::args::Args::command());
    let arguments = told
        .arguments
        .iter()
        .cloned()
        // What a pod finds in its volume.
        .chain(["--cert-namespace=polypod-system".into()]);
    let args = webhook::args::Args::try_parse_from(arguments);
    let args = args.unwrap_or_else(|error| panic!("{:?}: {error}", told.arguments));
    let config = WebhookConfig::try_from(args);
    config.unwrap_or_else(|error| panic!("{:?}: {error}", told.arguments))
}

/// What the agent would do as it is started there.
pub(super) fn of_agent(objects: &[Value]) -> Task {
    let workload = agent(objects);
    let command = device_bridge::args::Args::command();
    let told = Told::by(objects, workload, AGENT, &command);
    let args = device_bridge::args::Args::try_parse_from(&told.arguments);
    let args = args.unwrap_or_else(|error| panic!("{:?}: {error}", told.arguments));
    let config = AgentConfig::try_from(args);
    let config = config.unwrap_or_else(|error| panic!("{:?}: {error}", told.arguments));
    config.task
}

/// What each container of what uninstalls would do, in their order.
pub(super) fn of_uninstall(set: &Value) -> Vec<Task> {
    let command = device_bridge::args::Args::command();
    let pod = &set["spec"]["template"]["spec"];
    let containers = items(&pod["initContainers"]).chain(items(&pod["containers"]));
    containers
        .map(|container| {
            let mut alone = set.clone();
            alone["spec"]["template"]["spec"]["containers"] = Value::from(vec![container.clone()]);
            let told = Told::by(&[], &alone, AGENT, &command);
            let args = device_bridge::args::Args::try_parse_from(&told.arguments);
            let args = args.unwrap_or_else(|error| panic!("{:?}: {error}", told.arguments));
            let config = AgentConfig::try_from(args);
            let config = config.unwrap_or_else(|error| panic!("{:?}: {error}", told.arguments));
            config.task
        })
        .collect()
}

/// The agent's DaemonSet.
pub(super) fn agent(objects: &[Value]) -> &Value {
    of_kind(objects, "DaemonSet")
        .find(|object| container(object, AGENT).is_some())
        .expect("there is a DaemonSet of the agent")
}

const WEBHOOK: &str = "polypod-webhook";
const AGENT: &str = "polypod-device-bridge";

/// A variable that no program reads: others have it in their values.
const NODE_ADDRESS: &str = "HOST_IP";

/// A command line, with what stands in the environment as flags, as the program would take it.
struct Told {
    arguments: Vec<OsString>,
    /// The files that its ConfigMaps are mounted as.
    _files: TempDir,
}

impl Told {
    fn by(objects: &[Value], workload: &Value, image: &str, command: &Command) -> Self {
        let container = container(workload, image).expect("the workload has such a container");
        let (files, mounts) = mounted(objects, workload, container);
        let arguments: Vec<String> = items(&container["args"]).map(word).collect();
        let mut arguments_at = arguments.iter().map(String::as_str);
        let known = match command.get_subcommands().next() {
            None => command,
            Some(_) => {
                let name = arguments_at.next().unwrap_or_default();
                let found = command.find_subcommand(name);
                found.unwrap_or_else(|| panic!("{image} has no command {name:?}"))
            }
        };
        let variables = items(&container["env"])
            .filter(|variable| variable["name"] != NODE_ADDRESS)
            .map(|variable| flag(known, variable));
        let mut all: Vec<OsString> = vec![image.into()];
        for argument in arguments.into_iter().chain(variables) {
            let moved = mounts.iter().find_map(|(path, at)| {
                let (flag, value) = argument.split_once('=')?;
                let rest = PathBuf::from(value);
                let rest = rest.strip_prefix(path).ok()?;
                Some(format!("{flag}={}", at.join(rest).display()))
            });
            all.push(moved.unwrap_or(argument).into());
        }
        // What every pod is told, and the agent asks for.
        const HOST: &str = "kubernetes-service-host";
        if known
            .get_arguments()
            .any(|argument| argument.get_long() == Some(HOST))
        {
            all.push(format!("--{HOST}=10.96.0.1").into());
        }
        Self {
            arguments: all,
            _files: files,
        }
    }
}

/// A variable as the flag that it stands for.
fn flag(command: &Command, variable: &Value) -> String {
    let name = word(&variable["name"]);
    let argument = command
        .get_arguments()
        .find(|argument| argument.get_env().is_some_and(|env| *env == *name));
    let argument =
        argument.unwrap_or_else(|| panic!("{} reads no variable {name}", command.get_name()));
    let long = argument.get_long().expect("every argument has a long name");
    let value = match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
        Some("spec.nodeName") => "node-1".to_owned(),
        Some(field) => panic!("{name} is {field}, of which the test knows nothing"),
        // The kubelet puts variables that come before it into a value.
        None => word(&variable["value"]).replace(&format!("$({NODE_ADDRESS})"), "192.0.2.1"),
    };
    match argument.get_action() {
        ArgAction::SetTrue => {
            assert_eq!(value, "true", "{name}");
            format!("--{long}")
        }
        _ => format!("--{long}={value}"),
    }
}

/// Writes ConfigMaps where a program can read them, and says what is mounted where.
fn mounted(
    objects: &[Value],
    workload: &Value,
    container: &Value,
) -> (TempDir, Vec<(String, PathBuf)>) {
    let files = tempfile::tempdir().expect("a temporary folder can be made");
    let mut mounts = Vec::new();
    for mount in items(&container["volumeMounts"]) {
        let volumes = &workload["spec"]["template"]["spec"]["volumes"];
        let volume = items(volumes).find(|volume| volume["name"] == mount["name"]);
        let name = &volume.expect("it is mounted")["configMap"]["name"];
        let map = of_kind(objects, "ConfigMap").find(|map| map["metadata"]["name"] == *name);
        let Some(data) = map.and_then(|map| map["data"].as_object()) else {
            continue;
        };
        let at = files.path().join(word(name));
        std::fs::create_dir_all(&at).expect("the folder is ours");
        for (key, text) in data {
            std::fs::write(at.join(key), word(text)).expect("the folder is ours");
        }
        mounts.push((word(&mount["mountPath"]), at));
    }
    (files, mounts)
}

/// The ports that the programs listen on are those that the manifest names.
pub(super) fn ports_are_told(objects: &[Value]) {
    let webhook = of_webhook(objects);
    let deployment = of_kind(objects, "Deployment").find_map(|object| container(object, WEBHOOK));
    let deployment = deployment.expect("there is a webhook");
    assert_eq!(port(deployment, "https"), Some(webhook.listen.port()));
    assert_eq!(
        port(deployment, "health"),
        Some(webhook.health_listen.port())
    );
    let pod = container(agent(objects), AGENT).expect("there is an agent");
    let told = match of_agent(objects) {
        Task::Serve(serve) => health(&serve).map(|address| address.port()),
        _ => None,
    };
    assert_eq!(port(pod, "health"), told);
    let told = match of_agent(objects) {
        Task::Serve(serve) => serve.health.metrics_listen.map(|address| address.port()),
        _ => None,
    };
    assert_eq!(port(pod, "metrics"), told);
}

fn health(serve: &Serve) -> Option<SocketAddr> {
    use device_bridge::health::HealthListen;

    match serve.health.health_listen {
        Some(HealthListen::At(address)) => Some(address),
        _ => None,
    }
}

fn port(container: &Value, name: &str) -> Option<u16> {
    let port = items(&container["ports"]).find(|port| port["name"] == name)?;
    port["containerPort"].as_u64()?.try_into().ok()
}

/// What is installed, by whichever command.
pub(super) fn install(task: Task) -> Box<Install> {
    match task {
        Task::Serve(serve) => serve.install.expect("the agent installs"),
        Task::Install { install, .. } => install,
        other => panic!("the agent neither serves nor installs: {other:?}"),
    }
}
