//! Every key of every configuration, as the programs read them.

use std::collections::{BTreeMap, BTreeSet};

use admission::{Policy, configuration, control_switches::ControlSwitches};
use device_bridge::install::{keys, multus_keys};
use serde_json::{Value, json};

use super::{
    of_plugin::KEYS,
    of_policy::{KUBELET, Key, POLICY, SWITCHES},
    page::{Page, code, words},
    sources::{of, texts},
};
use crate::fixture::binaries::workspace;

const ABOUT: &str = "\
Every key of every configuration that Polypod reads. What is a flag or a variable is in [reference-flags.md](reference-flags.md), what is an annotation in [reference-annotations.md](reference-annotations.md).
";

const OF_THE_PLUGIN: &str = "\
The CNI configuration of type `polypod`, as the container runtime hands it over. The node agent writes it ([install.md](install.md)); `--conf-keys FILE` adds keys.
Keys are matched in any case, unknown keys are passed over, `null` means unset, and of a key that occurs twice the last one counts.
[configuration.md](configuration.md) tells what belongs together.
";

const OF_THE_INSTALLER: &str = "\
Keys that `--conf-keys` may not have, because `install` decides them.
";

const OF_MULTUS: &str = "\
Every key of Multus's own configuration and of its `daemon-config.json`, and what becomes of it with `--adopt-multus` ([migrating-from-multus.md](migrating-from-multus.md)).
An unknown key is passed on, and the plugin passes it over.
";

const OF_THE_WEBHOOK: &str = "\
`AdmissionConfiguration` of `polypod.dev/v1alpha1`: the file of `--config`, a ConfigMap's as a rule, read again when it changes. A key that is none is refused, and the last good file stays in force.
[admission-server.md](admission-server.md#configuration) has an example. The file is taken by `kubectl-polypod lint`, `render` and `policies`, too.
";

const OF_SWITCHES: &str = "\
The text under `config.json` of the ConfigMap of `--control-switches`, laid over the former: the network resources injector's.
";

const OF_THE_KUBELET: &str = "\
What the node agent reads of the kubelet's own file (`--kubelet-config`); everything else of it is passed over.
";

const OF_THE_CHART: &str = "\
`manifests/chart/values.yaml`; [helm.md](helm.md) says what goes together. `values.schema.json` refuses keys that are none.
";

pub(super) fn is_that_of_the_programs() {
    plugin_reads_what_is_described();
    policy_takes_what_is_described();
    switches_take_what_is_described();
    kubelet_is_read_as_described();
    let mut page = Page::new(
        "reference-configuration.md",
        "Configuration keys",
        "references::the_configuration_is_that_of_the_programs",
        ABOUT,
    );
    page.section("The plugin", OF_THE_PLUGIN);
    let wanted: BTreeMap<&str, &str> = keys::known().collect();
    let rows = KEYS.iter().map(|key| {
        let value = wanted.get(key.key).copied().unwrap_or(key.value);
        let from = if key.of_multus { "Multus" } else { "Polypod" };
        [
            code(key.key),
            value.to_owned(),
            code(key.default),
            from.to_owned(),
            key.meaning.to_owned(),
        ]
    });
    page.table(["key", "value", "default", "from", "meaning"], rows);
    page.section("Keys that are generated", OF_THE_INSTALLER);
    page.table(
        ["key", "comes from"],
        keys::generated().map(|(key, from)| [code(key), words(from)]),
    );
    page.section("Keys of Multus", OF_MULTUS);
    page.table(
        ["key", "what becomes of it"],
        multus_keys::described().map(|(key, fate)| [code(key), words(fate)]),
    );
    page.section("The webhook", OF_THE_WEBHOOK);
    let defaults = configuration::document(&Policy::default(), &BTreeMap::new());
    let defaults = defaults.expect("a policy can be written");
    keys_table(&mut page, POLICY, &defaults);
    page.section("The injector's switches", OF_SWITCHES);
    keys_table(&mut page, SWITCHES, &Value::Null);
    page.section("The kubelet's configuration", OF_THE_KUBELET);
    page.table(
        ["key", "meaning"],
        KUBELET
            .iter()
            .map(|[key, meaning]| [code(key), (*meaning).to_owned()]),
    );
    page.section("The Helm chart", OF_THE_CHART);
    page.table(["value", "default", "meaning"], values());
    page.compare();
}

fn keys_table(page: &mut Page, keys: &[Key], defaults: &Value) {
    let rows = keys.iter().map(|key| {
        let has_members = keys.iter().any(|other| {
            other
                .path
                .strip_prefix(key.path)
                .is_some_and(|rest| rest.starts_with('.'))
        });
        let default = match defaults.pointer(&format!("/{}", key.path.replace('.', "/"))) {
            _ if !key.default.is_empty() => words(key.default),
            Some(value) if !has_members => code(value),
            _ => String::new(),
        };
        [
            code(key.path),
            key.value.to_owned(),
            default,
            key.meaning.to_owned(),
        ]
    });
    page.table(["key", "value", "default", "meaning"], rows);
}

/// How the plugin reads a key.
const READS: [&str; 7] = [
    ".text(",
    ".path(",
    ".get(",
    ".switch(",
    ".seconds(",
    ".has(",
    "number(",
];

/// What the plugin reads of its configuration is described, and what is described is read by somebody.
fn plugin_reads_what_is_described() {
    let described: BTreeSet<&str> = KEYS
        .iter()
        .map(|key| key.key.split('.').next_back().unwrap_or(key.key))
        .collect();
    let mut read = BTreeSet::new();
    for (file, code) in of("plugin") {
        if !code.contains("&Keys") {
            continue;
        }
        // With the type that is wanted, or without.
        let code = code.split(".get::<").collect::<Vec<_>>();
        let plain = code.iter().enumerate().map(|(at, part)| match at {
            0 => (*part).to_owned(),
            _ => format!(
                ".get({}",
                part.split_once(">(").map_or("", |(_, rest)| rest)
            ),
        });
        let code: String = plain.collect();
        for call in READS {
            for rest in code.split(call).skip(1) {
                let Some(rest) = rest.trim_start().strip_prefix('"') else {
                    continue;
                };
                let key = rest.split('"').next().unwrap_or_default();
                assert!(
                    described.contains(key),
                    "{key}, which {file} reads, is not in of_plugin.rs"
                );
                read.insert(key.to_owned());
            }
        }
    }
    assert!(read.len() > 30, "the plugin reads keys: {read:?}");
    for (key, _) in keys::known() {
        assert!(described.contains(key), "{key} is not in of_plugin.rs");
    }
    let texts: BTreeSet<String> = texts(&["plugin", "device-bridge", "spec"])
        .into_iter()
        .map(|text| text.text)
        .collect();
    for key in KEYS {
        let last = key.key.split('.').next_back().unwrap_or(key.key);
        assert!(texts.contains(last), "nobody has the key {}", key.key);
        let wanted = keys::known().any(|(known, _)| known == key.key);
        assert_ne!(wanted, !key.value.is_empty(), "the value of {}", key.key);
        if let Ok(Value::String(default)) = serde_json::from_str(key.default)
            && default.starts_with('/')
        {
            assert!(
                texts.contains(&default),
                "nobody has {default} for {}",
                key.key
            );
        }
        let multus = multus_keys::described().any(|(known, _)| known == key.key);
        let top = !key.key.contains('.');
        if top {
            assert_eq!(key.of_multus, multus, "is {} a key of Multus?", key.key);
        }
    }
}

/// The keys that are described directly below a path.
fn below<'k>(keys: &'k [Key], path: &str) -> BTreeSet<&'k str> {
    let members = keys.iter().filter_map(|key| match path {
        "" => Some(key.path),
        path => key.path.strip_prefix(path)?.strip_prefix('.'),
    });
    members
        .filter(|rest| !rest.contains('.') && !rest.is_empty())
        .collect()
}

/// Every path that has members.
fn parents(keys: &[Key]) -> BTreeSet<&str> {
    let mut parents: BTreeSet<&str> = keys
        .iter()
        .filter_map(|key| Some(key.path.rsplit_once('.')?.0))
        .collect();
    parents.insert("");
    parents
}

/// A document with something unknown at a path.
fn with_unknown(path: &str) -> Value {
    let mut value = json!({ UNKNOWN: 1 });
    for part in path.rsplit('.').filter(|part| !part.is_empty()) {
        value = match part.strip_suffix("[]") {
            Some(list) => json!({ list: [value] }),
            None => json!({ part.replace(['<', '>'], ""): value }),
        };
    }
    value
}

const UNKNOWN: &str = "unknownToEverybody";

/// The keys that an error about an unknown one offers.
fn offered(error: &str) -> BTreeSet<&str> {
    let (_, offered) = error
        .split_once(&format!("unknown field `{UNKNOWN}`, expected "))
        .unwrap_or_else(|| panic!("an unknown key is refused: {error}"));
    offered.split('`').skip(1).step_by(2).collect()
}

fn policy_takes_what_is_described() {
    for path in parents(POLICY) {
        let mut document = with_unknown(path);
        document["apiVersion"] = configuration::API_VERSION.into();
        document["kind"] = configuration::KIND.into();
        let error = configuration::parse(&document.to_string(), "f").expect_err("it is refused");
        let error = error.to_string();
        assert_eq!(offered(&error), below(POLICY, path), "keys of {path:?}");
    }
}

fn switches_take_what_is_described() {
    for path in parents(SWITCHES) {
        // Labels may be any, so that nothing below it is unknown.
        if path == "user-defined-injections" {
            continue;
        }
        let text = with_unknown(path).to_string();
        let error = ControlSwitches::parse(&text).expect_err("it is refused");
        let error = error.to_string();
        let mut described = below(SWITCHES, path);
        described.retain(|key| !key.starts_with('<'));
        assert_eq!(offered(&error), described, "keys of {path:?}");
    }
}

fn kubelet_is_read_as_described() {
    let sources = of("device-bridge");
    let (_, code) = sources
        .iter()
        .find(|(file, _)| file.ends_with("topology/kubelet_config.rs"))
        .expect("it is there");
    let read: BTreeSet<&str> = code
        .split("text(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .chain(
            code.split(".pointer(\"/")
                .skip(1)
                .filter_map(|rest| rest.split(['/', '"']).next()),
        )
        .collect();
    let described: BTreeSet<&str> = KUBELET.iter().map(|key| key[0]).collect();
    assert_eq!(read, described, "keys of the kubelet's file");
}

/// The chart's values with the comments above them.
fn values() -> Vec<[String; 3]> {
    let file = workspace().join("manifests/chart/values.yaml");
    let text = std::fs::read_to_string(file).expect("the values are there");
    let parsed: Value = serde_yaml_ng::from_str(&text).expect("they are YAML");
    let (mut rows, mut path, mut comment) = (Vec::new(), Vec::<&str>::new(), String::new());
    for line in text.lines() {
        let indented = line.trim_start();
        if let Some(words) = indented.strip_prefix('#') {
            comment.push_str(words);
            continue;
        }
        let Some((key, _)) = indented.split_once(':') else {
            // An empty line: what stood above it was about the file.
            comment.clear();
            continue;
        };
        path.truncate((line.len() - indented.len()) / 2);
        path.push(key);
        let value = parsed.pointer(&format!("/{}", path.join("/")));
        let value = value.unwrap_or_else(|| panic!("{} is a value", path.join(".")));
        let is_parent = value.as_object().is_some_and(|all| !all.is_empty());
        if !is_parent || !comment.is_empty() {
            let default = if is_parent {
                String::new()
            } else {
                code(value)
            };
            rows.push([code(path.join(".")), default, words(&comment)]);
        }
        comment.clear();
    }
    assert!(rows.len() > 50, "the chart has values: {}", rows.len());
    rows
}
