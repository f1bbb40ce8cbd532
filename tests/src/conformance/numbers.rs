//! Every number of the contract stands in a table, or in a named test.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    default_network, definitions, features, injection, isolation, left_alone, placement, selections,
};

/// Where the rows are that are no entries of tables.
const ELSEWHERE: &[(&str, Test)] = &[
    (
        "25",
        Test::Scenario("conformance::networks_that_are_not_known"),
    ),
    (
        "26",
        Test::Scenario("conformance::a_warm_store_asks_nobody"),
    ),
    ("29", Test::Scenario("conformance::injection")),
    ("48", Test::Scenario("cluster::admission_as_registered")),
    ("54", Test::Scenario("conformance::refused_at_load")),
    ("64", Test::Scenario("conformance::requests")),
    ("65", Test::Scenario("conformance::requests")),
    ("66", Test::Scenario("conformance::content_type")),
    ("67", Test::Scenario("conformance::requests")),
    ("68", Test::Scenario("conformance::requests")),
    ("69", Test::Scenario("conformance::requests")),
    (
        "70",
        Test::Scenario("conformance::a_warm_store_asks_nobody"),
    ),
    (
        "N17",
        Test::Scenario("cluster::admission_of_definitions_in_use"),
    ),
];

/// A test that covers a row.
enum Test {
    Scenario(&'static str),
}

pub(super) fn every_number_is_covered() {
    let mut covered: BTreeMap<String, usize> = BTreeMap::new();
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
        *covered.entry(row.number.to_owned()).or_default() += 1;
    }
    let scenarios: BTreeSet<&str> = crate::scenarios().iter().map(|one| one.name).collect();
    for (number, test) in ELSEWHERE {
        match test {
            Test::Scenario(name) => assert!(scenarios.contains(name), "row {number}: no {name}"),
        }
        *covered.entry((*number).to_owned()).or_default() += 1;
    }
    let all: BTreeSet<String> = (1..=70)
        .map(|number| number.to_string())
        .chain((1..=20).map(|number| format!("N{number}")))
        .chain((1..=7).map(|number| format!("C{number}")))
        .collect();
    let found: BTreeSet<String> = covered.into_keys().collect();
    let missing: Vec<&String> = all.difference(&found).collect();
    let unknown: Vec<&String> = found.difference(&all).collect();
    assert!(missing.is_empty(), "rows that no test covers: {missing:?}");
    assert!(unknown.is_empty(), "numbers that no row has: {unknown:?}");
}
