//! What is shipped: the Containerfiles fit what `cargo dist` lays out and what the manifests name, and each SBOM names what
//! its program links.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use crate::{fixture::binaries::workspace, scenario::Scenario};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "images::containerfiles_hold_the_program_and_nothing_of_a_distribution",
            needs: &[],
            body: containerfiles_hold_the_program_and_nothing_of_a_distribution,
        },
        Scenario {
            name: "images::the_manifests_name_images_that_are_made",
            needs: &[],
            body: the_manifests_name_images_that_are_made,
        },
        Scenario {
            name: "images::an_sbom_names_what_its_program_links",
            needs: &[],
            body: an_sbom_names_what_its_program_links,
        },
        Scenario {
            name: "images::a_panic_of_a_daemon_ends_its_task_alone",
            needs: &[],
            body: a_panic_of_a_daemon_ends_its_task_alone,
        },
    ]
}

/// Package, the programs its image holds, and who they run as.
const IMAGES: [(&str, &[&str], &str); 4] = [
    ("plugin", &["polypod"], "65532:65532"),
    ("webhook", &["polypod-webhook"], "65532:65532"),
    (
        "device-bridge",
        &["polypod-device-bridge", "polypod"],
        "0:0",
    ),
    ("cli", &["kubectl-polypod"], "65532:65532"),
];

/// The labels of every image; what differs between builds is given to the build.
const LABELS: [(&str, &str); 3] = [
    ("org.opencontainers.image.version", "$VERSION"),
    ("org.opencontainers.image.revision", "$REVISION"),
    ("org.opencontainers.image.licenses", "Apache-2.0"),
];

/// The instructions of a Containerfile, in their order, as they stand on one line.
fn instructions(package: &str) -> Vec<(String, String)> {
    let file = workspace().join(package).join("Containerfile");
    let text = std::fs::read_to_string(&file).expect("every image has a Containerfile");
    text.replace("\\\n", " ")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let (instruction, rest) = line.split_once(' ').expect("an instruction says more");
            (instruction.to_owned(), rest.trim().to_owned())
        })
        .collect()
}

fn containerfiles_hold_the_program_and_nothing_of_a_distribution() {
    for (package, programs, user) in IMAGES {
        let instructions = instructions(package);
        let of = |name: &str| -> Vec<&str> {
            instructions
                .iter()
                .filter(|(instruction, _)| instruction == name)
                .map(|(_, rest)| rest.as_str())
                .collect()
        };
        assert_eq!(of("FROM"), ["scratch"], "{package}");
        assert_eq!(of("USER"), [user], "{package}");
        assert_eq!(
            of("ENTRYPOINT"),
            [format!("[\"/{}\"]", programs[0])],
            "{package}"
        );
        let copied: Vec<String> = programs
            .iter()
            .flat_map(|program| [(*program).to_owned(), format!("{program}.cdx.json")])
            .map(|name| format!("${{TARGETARCH}}/{name}"))
            .chain(["/".to_owned()])
            .collect();
        assert_eq!(of("COPY"), [copied.join(" ")], "{package}");
        let labels = of("LABEL").join(" ");
        let title = format!("org.opencontainers.image.title=\"{}\"", programs[0]);
        assert!(labels.contains(&title), "{package}: {labels}");
        assert!(
            labels.contains("org.opencontainers.image.description=\"Polypod's ")
                || labels.contains("org.opencontainers.image.description=\"What "),
            "{package}: {labels}"
        );
        for (name, value) in LABELS {
            assert!(
                labels.contains(&format!("{name}=\"{value}\"")),
                "{package}: {labels}"
            );
        }
        assert!(!labels.contains("://"), "{package} names a host: {labels}");
        let known = ["FROM", "ARG", "LABEL", "COPY", "USER", "ENTRYPOINT"];
        let other = instructions
            .iter()
            .find(|(instruction, _)| !known.contains(&instruction.as_str()));
        assert_eq!(other, None, "{package}: nothing can be run in FROM scratch");
    }
}

fn the_manifests_name_images_that_are_made() {
    let version = version();
    let mut named = BTreeSet::new();
    let mut folders = vec![workspace().join("manifests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the manifests are there") {
            let path = entry.expect("an entry of a folder").path();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a manifest is text");
            named.extend(
                text.lines()
                    .filter_map(|line| {
                        line.trim()
                            .trim_start_matches("- ")
                            .strip_prefix("image: localhost/")
                    })
                    .map(str::to_owned),
            );
        }
    }
    let made: BTreeSet<String> = IMAGES
        .iter()
        .map(|(_, programs, _)| format!("{}:{version}", programs[0]))
        .collect();
    assert!(named.len() >= 2, "webhook and agent: {named:?}");
    assert!(
        named.is_subset(&made),
        "{named:?} are named and {made:?} are made"
    );
    let chart = std::fs::read_to_string(workspace().join("manifests/chart/Chart.yaml"))
        .expect("the chart is there");
    let chart: Value = serde_yaml_ng::from_str(&chart).expect("it is YAML");
    assert_eq!(
        (&chart["version"], &chart["appVersion"]),
        (&version.clone().into(), &version.into())
    );
}

/// The version of the workspace.
fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

fn an_sbom_names_what_its_program_links() {
    let locked = locked();
    for (package, programs, _) in IMAGES {
        let file = workspace()
            .join(package)
            .join(format!("{}.cdx.json", programs[0]));
        let text = std::fs::read_to_string(&file).expect("every program has an SBOM");
        for foreign in ["/home", "/root", "/tmp", "file:"] {
            assert!(!text.contains(foreign), "{} has {foreign}", file.display());
        }
        let sbom: Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(sbom["bomFormat"], "CycloneDX");
        let own = &sbom["metadata"]["component"];
        assert_eq!(
            (&own["name"], &own["version"]),
            (&programs[0].into(), &version().into())
        );
        let listed: BTreeSet<(String, String)> = sbom["components"]
            .as_array()
            .expect("it has components")
            .iter()
            .map(|component| {
                let word = |key: &str| component[key].as_str().expect("it is named").to_owned();
                let (name, version) = (word("name"), word("version"));
                let purl = component["purl"].as_str();
                match locked.get(&(name.clone(), version.clone())) {
                    Some(true) => assert_eq!(purl, Some(&*format!("pkg:cargo/{name}@{version}"))),
                    Some(false) => {
                        assert_eq!(purl, None, "{name} is ours, and not that of crates.io");
                    }
                    None => panic!(
                        "{} names {name} {version}, which Cargo.lock does not: cargo dist sbom",
                        file.display()
                    ),
                }
                (name, version)
            })
            .collect();
        assert_eq!(
            listed,
            linked(package),
            "{}: make it again by cargo dist sbom",
            file.display()
        );
    }
}

/// What a program links, as cargo resolves it for the machines it is built for.
fn linked(package: &str) -> BTreeSet<(String, String)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut all = BTreeSet::new();
    for target in ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"] {
        let output = Command::new(&cargo)
            .args(["tree", "--locked", "--package", package, "--target", target])
            .args(["--edges", "normal,no-proc-macro", "--prefix", "none"])
            .args(["--format", "{p}"])
            .current_dir(workspace())
            .output()
            .expect("cargo runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let mut words = line.split(' ');
            let (Some(name), Some(version)) = (words.next(), words.next()) else {
                continue;
            };
            if name != package {
                all.insert((name.to_owned(), version.trim_start_matches('v').to_owned()));
            }
        }
    }
    assert!(!all.is_empty(), "{package} links something");
    all
}

/// Every package of Cargo.lock, and whether it is of crates.io.
fn locked() -> BTreeMap<(String, String), bool> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(workspace().join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned()])
        .exec()
        .expect("cargo metadata runs");
    metadata
        .packages
        .iter()
        .map(|package| {
            (
                (package.name.to_string(), package.version.to_string()),
                package.source.is_some(),
            )
        })
        .collect()
}

/// The plugin is gone after one panic in any case; a webhook or an agent has other requests to answer.
fn a_panic_of_a_daemon_ends_its_task_alone() {
    let manifest = std::fs::read_to_string(workspace().join("Cargo.toml")).expect("it is there");
    let profile = |name: &str| -> Vec<String> {
        manifest
            .lines()
            .skip_while(|line| *line != format!("[profile.{name}]"))
            .skip(1)
            .take_while(|line| !line.starts_with('['))
            .filter(|line| line.contains(" = "))
            .map(str::to_owned)
            .collect()
    };
    assert!(profile("dist").contains(&"panic = \"abort\"".to_owned()));
    assert!(profile("dist-daemon").contains(&"panic = \"unwind\"".to_owned()));
    let shipped = std::fs::read_to_string(workspace().join("dist/src/shipped.rs"))
        .expect("what is shipped stands there");
    for (package, programs, _) in IMAGES {
        let profile = if package == "plugin" {
            "dist"
        } else {
            "dist-daemon"
        };
        let wanted = format!(
            "package: \"{package}\",\n        program: \"{}\",\n        profile: \"{profile}\",",
            programs[0]
        );
        assert!(
            shipped.contains(&wanted),
            "dist/src/shipped.rs lacks {wanted}"
        );
    }
}
