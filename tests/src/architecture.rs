//! The house of the design: who may depend on whom, and what the plugin may link.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::{fixture::binaries::workspace, scenario::Scenario};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "architecture::dependencies_point_one_way",
            needs: &[],
            body: dependencies_point_one_way,
        },
        Scenario {
            name: "architecture::the_plugin_links_no_more_than_it_may",
            needs: &[],
            body: the_plugin_links_no_more_than_it_may,
        },
        Scenario {
            name: "architecture::versions_stand_once",
            needs: &[],
            body: versions_stand_once,
        },
        Scenario {
            name: "architecture::rooms_are_small",
            needs: &[],
            body: rooms_are_small,
        },
        Scenario {
            name: "architecture::compatibility_names_scenarios_that_exist",
            needs: &[],
            body: compatibility_names_scenarios_that_exist,
        },
    ]
}

/// Every arrow of the design; what is not here must not be.
const ARROWS: [(&str, &[&str]); 10] = [
    ("spec", &[]),
    ("certs", &[]),
    ("api", &["spec"]),
    ("admission", &["api", "spec"]),
    ("scheduler", &["api", "spec"]),
    ("plugin", &["spec"]),
    ("telemetry", &["spec"]),
    ("device-bridge", &["api", "spec", "telemetry"]),
    (
        "webhook",
        &[
            "admission",
            "api",
            "certs",
            "scheduler",
            "spec",
            "telemetry",
        ],
    ),
    ("cli", &["admission", "api", "scheduler", "spec"]),
];

/// What the plugin must never link, however it gets there.
const NOT_IN_THE_PLUGIN: [&str; 12] = [
    "tokio",
    "futures",
    "hyper",
    "axum",
    "tonic",
    "kube",
    "kube_client",
    "kube_core",
    "k8s_openapi",
    "rustls",
    "ring",
    "clap",
];

/// Everything the plugin links today, ours left out. A new line here needs one in CHANGELOG.md.
const IN_THE_PLUGIN: &[&str] = &[
    "adler2",
    "base64",
    "bitflags",
    "bytes",
    "cfg_if",
    "crc32fast",
    "dlmalloc",
    "flate2",
    "humantime",
    "ipnet",
    "itoa",
    "libc",
    "linux_raw_sys",
    "log",
    "memchr",
    "miniz_oxide",
    "netlink_packet_core",
    "netlink_packet_route",
    "netlink_sys",
    "rustix",
    "serde",
    "serde_core",
    "serde_json",
    "simd_adler32",
    "thiserror",
    "zerocopy",
    "zmij",
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(workspace().join("Cargo.toml"))
        .other_options(vec![
            "--locked".to_owned(),
            "--filter-platform".to_owned(),
            "x86_64-unknown-linux-musl".to_owned(),
        ])
        .exec()
        .expect("cargo metadata runs")
}

/// The ordinary dependencies of a package by their ids; macros run on the builder's machine and are no part of a binary.
fn dependencies(metadata: &Metadata, of: &PackageId) -> Vec<PackageId> {
    let resolve = metadata.resolve.as_ref().expect("cargo metadata resolves");
    let node = resolve
        .nodes
        .iter()
        .find(|node| node.id == *of)
        .expect("every package is resolved");
    node.deps
        .iter()
        .filter(|dep| {
            dep.dep_kinds
                .iter()
                .any(|kind| kind.kind == DependencyKind::Normal)
        })
        .map(|dep| dep.pkg.clone())
        .filter(|id| {
            !metadata[id]
                .targets
                .iter()
                .any(cargo_metadata::Target::is_proc_macro)
        })
        .collect()
}

fn dependencies_point_one_way() {
    let metadata = metadata();
    let members: BTreeMap<String, PackageId> = metadata
        .workspace_packages()
        .iter()
        .map(|package| (package.name.to_string(), package.id.clone()))
        .collect();
    let known: BTreeSet<&str> = ARROWS
        .iter()
        .map(|(name, _)| *name)
        .chain(["tests"])
        .collect();
    let found: BTreeSet<&str> = members.keys().map(String::as_str).collect();
    assert_eq!(
        found, known,
        "the members of the workspace are those of the design"
    );
    for (name, allowed) in ARROWS {
        for id in dependencies(&metadata, &members[name]) {
            let dependency = metadata[&id].name.as_str();
            assert!(
                !members.contains_key(dependency) || allowed.contains(&dependency),
                "{name} must not depend on {dependency}"
            );
        }
    }
    for name in members.keys() {
        let package = &metadata[&members[name]];
        assert_eq!(
            package
                .manifest_path
                .parent()
                .and_then(|folder| folder.file_name()),
            Some(name.as_str()),
            "a package is named as its folder"
        );
    }
}

/// `cargo metadata` joins the features of the whole workspace; what is shipped is built by `-p plugin`, and that is what
/// `cargo tree` resolves.
fn the_plugin_links_no_more_than_it_may() {
    let output =
        std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "tree",
                "--locked",
                "-p",
                "plugin",
                "--edges",
                "normal,no-proc-macro",
                "--prefix",
                "none",
                "--format",
                "{lib}",
            ])
            .args(["--target", "x86_64-unknown-linux-musl"])
            .current_dir(workspace())
            .output()
            .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let mut linked: BTreeSet<&str> = text
        .lines()
        .map(|line| line.trim_end_matches(" (*)").trim())
        .filter(|line| !line.is_empty())
        .collect();
    for name in NOT_IN_THE_PLUGIN {
        assert!(!linked.contains(name), "the plugin links {name}");
    }
    linked.retain(|name| *name != "plugin" && *name != "spec");
    let linked: Vec<&str> = linked.into_iter().collect();
    assert_eq!(
        linked, IN_THE_PLUGIN,
        "what the plugin links has changed: a new dependency needs a reason in CHANGELOG.md"
    );
}

/// Versions stand in the workspace's table alone.
fn versions_stand_once() {
    for (name, _) in ARROWS.into_iter().chain([("tests", &[][..])]) {
        let file = workspace().join(name).join("Cargo.toml");
        let text = std::fs::read_to_string(&file).expect("every member has a manifest");
        for line in text.lines() {
            let value = line.split_once(" = ").map_or("", |(_, value)| value);
            let is_version = value.starts_with('"')
                && value[1..].starts_with(|c: char| c.is_ascii_digit() || "^~=<>".contains(c));
            assert!(
                !is_version && !line.contains("version = \""),
                "{name}/Cargo.toml: {line}"
            );
        }
    }
}

/// One concept a file: 500 lines are the end of any room.
fn rooms_are_small() {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "*.rs"])
        .current_dir(workspace())
        .output();
    let Ok(listed) = listed else { return };
    for file in String::from_utf8_lossy(&listed.stdout).lines() {
        let Ok(text) = std::fs::read_to_string(workspace().join(file)) else {
            continue;
        };
        assert!(
            text.lines().count() <= 500,
            "{file} has {} lines",
            text.lines().count()
        );
        let name = file.rsplit('/').next().unwrap_or_default();
        assert!(
            ![
                "utils.rs",
                "util.rs",
                "common.rs",
                "helpers.rs",
                "types.rs",
                "misc.rs"
            ]
            .contains(&name),
            "{file} has no name of its own"
        );
    }
}

/// A claim whose test was renamed is a claim that nobody tests.
fn compatibility_names_scenarios_that_exist() {
    let file = workspace().join("docs/compatibility.md");
    let text = std::fs::read_to_string(&file).expect("the table is there");
    let known: Vec<&str> = crate::scenarios().iter().map(|one| one.name).collect();
    let mut named = text
        .split("scenario `")
        .skip(1)
        .filter_map(|rest| rest.split('`').next());
    assert!(text.matches("scenario `").count() > 50);
    if let Some(unknown) = named.find(|name| !known.contains(name)) {
        panic!("{} names the scenario {unknown:?}", file.display());
    }
}
