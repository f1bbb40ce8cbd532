//! Every number of the contract stands in a table, or in a named test.

use std::{collections::BTreeSet, path::Path};

use super::{
    default_network, definitions, features, injection, isolation, left_alone, placement, selections,
};
use crate::fixture::binaries::workspace;

/// The scenarios of the rows that are no entries of tables, or not in tables alone.
const SCENARIOS: &[(&str, &str)] = &[
    ("25", "conformance::networks_that_are_not_known"),
    ("26", "conformance::a_warm_store_asks_nobody"),
    ("48", "cluster::admission_as_registered"),
    ("54", "conformance::refused_at_load"),
    ("64", "conformance::requests"),
    ("65", "conformance::requests"),
    ("66", "conformance::content_type"),
    ("67", "conformance::requests"),
    ("68", "conformance::requests"),
    ("69", "conformance::requests"),
    ("70", "conformance::a_warm_store_asks_nobody"),
    ("N17", "cluster::admission_of_definitions_in_use"),
];

/// How many rows about certificates there are. Time is an argument there, and the tests are functions named for their rows,
/// such as `c4_a_leader_killed_in_each_phase_is_succeeded`.
const CERTIFICATES: std::ops::RangeInclusive<usize> = 1..=7;

pub(super) fn every_number_is_covered() {
    let mut covered: BTreeSet<String> = BTreeSet::new();
    for row in [
        selections::rows(),
        injection::rows(),
        default_network::rows(),
        placement::rows(),
        features::rows(),
        left_alone::rows(),
        left_alone::rows_relaxed(),
        definitions::rows(),
        isolation::rows(),
    ]
    .concat()
    {
        covered.insert(row.number.to_owned());
    }
    let scenarios: BTreeSet<&str> = crate::scenarios().iter().map(|one| one.name).collect();
    for (number, name) in SCENARIOS {
        assert!(scenarios.contains(name), "row {number}: there is no {name}");
        covered.insert((*number).to_owned());
    }
    let functions = functions();
    for number in CERTIFICATES {
        let prefix = format!("c{number}_");
        if functions.iter().any(|name| name.starts_with(&prefix)) {
            covered.insert(format!("C{number}"));
        }
    }
    let all: BTreeSet<String> = (1..=70)
        .map(|number| number.to_string())
        .chain((1..=20).map(|number| format!("N{number}")))
        .chain(CERTIFICATES.map(|number| format!("C{number}")))
        .collect();
    let missing: Vec<&String> = all.difference(&covered).collect();
    let unknown: Vec<&String> = covered.difference(&all).collect();
    assert!(missing.is_empty(), "rows that no test covers: {missing:?}");
    assert!(unknown.is_empty(), "numbers that no row has: {unknown:?}");
}

/// The names of all functions of the crates that know certificates.
fn functions() -> Vec<String> {
    let mut names = Vec::new();
    for folder in ["certs", "webhook/src", "tests/src"] {
        read(&workspace().join(folder), &mut names);
    }
    names
}

fn read(folder: &Path, names: &mut Vec<String>) {
    let entries = std::fs::read_dir(folder).expect("the workspace can be read");
    for entry in entries {
        let path = entry.expect("the workspace can be read").path();
        if path.is_dir() {
            read(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("sources are text");
            let functions = text.lines().filter_map(|line| line.split_once("fn "));
            names.extend(functions.map(|(_, rest)| rest.to_owned()));
        }
    }
}
