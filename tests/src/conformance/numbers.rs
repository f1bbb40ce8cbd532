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

/// The rows about certificates. Time is an argument there, and their tests are functions and scenarios that are named for
/// them, such as `c4_a_leader_killed_in_each_phase_is_succeeded`.
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
    let of_scenarios = scenarios.iter().filter_map(|name| name.rsplit("::").next());
    let of_functions = functions();
    let names = of_scenarios.chain(of_functions.iter().map(String::as_str));
    covered.extend(names.flat_map(certificate_rows));
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

/// The rows that a name begins with, such as C1 and C2 of `c1_c2_a_mounted_secret_is_reloaded`.
fn certificate_rows(name: &str) -> impl Iterator<Item = String> {
    let number = |part: &str| part.strip_prefix('c')?.parse::<usize>().ok();
    let numbers = name.split('_').map_while(number);
    numbers.map(|number| format!("C{number}"))
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
