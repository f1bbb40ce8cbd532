//! A named test with what it needs, and the account of those that were skipped.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use libtest_mimic::{Completion, Trial};

use crate::fixture::needs::Need;

/// A test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// `module::name`.
    pub(crate) name: &'static str,
    /// What must be there.
    pub(crate) needs: &'static [Need],
    /// The test; it fails by panicking.
    pub(crate) body: fn(),
}

static SKIPPED: Mutex<BTreeMap<String, Vec<&'static str>>> = Mutex::new(BTreeMap::new());

/// Those that had what they need, whether they passed or not.
static RAN: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// What is proved on real components, and the names of its tests.
const REAL: [(&str, &str); 2] = [
    ("control plane", "cluster::"),
    ("whole node", "whole_node::"),
];

pub(crate) fn trials(scenarios: Vec<Scenario>) -> Vec<Trial> {
    scenarios
        .into_iter()
        .map(|Scenario { name, needs, body }| {
            Trial::ignorable_test(name, move || {
                match needs.iter().find_map(|need| need.missing()) {
                    None => {
                        RAN.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(name);
                        body();
                        Ok(Completion::Completed)
                    }
                    Some(reason) => {
                        let mut skipped = SKIPPED.lock().unwrap_or_else(PoisonError::into_inner);
                        skipped.entry(reason.clone()).or_default().push(name);
                        Ok(Completion::ignored_with(reason))
                    }
                }
            })
        })
        .collect()
}

/// Prints what ran on real components, how many tests were skipped, and why.
pub(crate) fn report_skipped() {
    let skipped = SKIPPED.lock().unwrap_or_else(PoisonError::into_inner);
    let count: usize = skipped.values().map(Vec::len).sum();
    let ran = RAN.lock().unwrap_or_else(PoisonError::into_inner);
    for (what, prefix) in REAL {
        let of = |names: &[&str]| names.iter().filter(|name| name.starts_with(prefix)).count();
        let skipped: usize = skipped.values().map(|names| of(names)).sum();
        println!("{what}: {} tests ran, {skipped} were skipped", of(&ran));
    }
    println!("skipped {count} tests{}", if count == 0 { "" } else { ":" });
    for (reason, names) in skipped.iter() {
        println!("  {} because {reason}: {}", names.len(), names.join(", "));
    }
}
