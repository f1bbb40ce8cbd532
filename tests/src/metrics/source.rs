//! What the programs can register, read from their source: what never happens in a test is a metric all the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use super::{catalogue::all, metric::Kind};
use crate::fixture::binaries::workspace;

/// Where the programs register, and how their registries begin names.
const PROGRAMS: [(&str, &str); 2] = [
    ("webhook/src", "polypod_"),
    ("device-bridge/src", "polypod_bridge_"),
];

/// Names that begin with no prefix, because other programs' dashboards ask for them.
const BORROWED: &str = "network_attachment_definition_";

/// What a name follows.
const CALLS: [&str; 5] = [
    ".register(",
    ".register_with_unit(",
    ".encode_descriptor(",
    "family(&mut encoder,",
    "family(\n            &mut encoder,",
];

pub(super) fn registers_what_the_catalogue_says() {
    let mut found = BTreeMap::new();
    for (folder, prefix) in PROGRAMS {
        for file in rust(&workspace().join(folder)) {
            let text = fs::read_to_string(&file).expect("it can be read");
            // What tests register is nobody's metric.
            let code = text.split("#[cfg(test)]\nmod tests").next();
            for name in registered(code.unwrap_or_default()) {
                let full = if name.starts_with(BORROWED) {
                    name
                } else {
                    format!("{prefix}{name}")
                };
                found.insert(full, file.clone());
            }
        }
    }
    let described: BTreeSet<String> = all()
        .map(|metric| match metric.kind {
            Kind::Counter => metric.name.trim_end_matches("_total").to_owned(),
            Kind::Gauge | Kind::Histogram => metric.name.to_owned(),
        })
        .collect();
    assert_eq!(
        described.len(),
        all().count(),
        "a metric is described twice"
    );
    for (name, file) in &found {
        assert!(
            described.contains(name),
            "{name}, of {}, is not described in tests/src/metrics",
            file.display()
        );
    }
    let unknown: Vec<_> = described
        .iter()
        .filter(|name| !found.contains_key(*name))
        .collect();
    assert!(unknown.is_empty(), "nobody registers {unknown:?}");
}

fn rust(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        let is_test = path
            .file_stem()
            .is_some_and(|name| name == "tests" || name.to_string_lossy().ends_with("_tests"));
        if path.is_dir() {
            files.extend(rust(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") && !is_test {
            files.push(path);
        }
    }
    files
}

/// The names in the calls of a text, with their units.
fn registered(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for call in CALLS {
        for (at, _) in code.match_indices(call) {
            let arguments = &code[at + call.len()..];
            // The name is the first of them; anything else is passed on, as to the caller of a function of ours.
            let Some(rest) = arguments.trim_start().strip_prefix('"') else {
                continue;
            };
            let Some((name, rest)) = rest.split_once('"') else {
                continue;
            };
            // Help, then the unit.
            let help = rest
                .split_once('"')
                .and_then(|(_, rest)| rest.split_once('"'));
            let after = help.map_or(rest, |(_, rest)| rest);
            let after = after.split(';').next().unwrap_or_default();
            let unit = after.trim_start_matches(',').trim_start();
            let is_seconds = ["Unit::Seconds", "Some(&Unit::Seconds)"]
                .iter()
                .any(|seconds| unit.starts_with(seconds));
            assert!(is_seconds || !after.contains("Unit::"), "{name}: {after}");
            names.push(format!(
                "{name}{}",
                if is_seconds { "_seconds" } else { "" }
            ));
        }
    }
    names
}
