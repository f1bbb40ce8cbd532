//! The fuzz targets, with inputs made from valid ones: what must be true whatever a pod's author writes.
//!
//! Deterministic and bounded, so that the suite can run them; `POLYPOD_FUZZ_CASES=1000000` is the long run. The same
//! targets are libFuzzer's in `tests/fuzz`.

mod mutation;
#[allow(
    unreachable_pub,
    reason = "the package tests/fuzz builds the same files as a library"
)]
mod target;

use std::{
    env, fs,
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{fixture::binaries::workspace, scenario::Scenario};
use mutation::Mutation;

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "fuzz::admission_review",
            needs: &[],
            body: || run("admission_review", target::admission_review),
        },
        Scenario {
            name: "fuzz::annotation",
            needs: &[],
            body: || run("annotation", target::annotation),
        },
        Scenario {
            name: "fuzz::network_configuration",
            needs: &[],
            body: || run("network_configuration", target::network_configuration),
        },
    ]
}

/// How many cases a target gets in the suite.
const CASES: u32 = 2_000;

/// How often an input is changed at most: few changes keep it deep, many make it wild.
const MOST_MUTATIONS: usize = 6;

/// How long one case may take before it counts as hanging: far more than any needs on a machine that is busy.
const LONGEST: Duration = Duration::from_secs(10);

/// The first byte of inputs for the targets' strict world.
const STRICT: u8 = b'!';

fn run(name: &str, target: fn(&[u8])) {
    let seeds = seeds(name);
    let put = |input: &[u8], is_strict: bool| {
        let world: &[u8] = if is_strict { &[STRICT] } else { &[] };
        let begin = Instant::now();
        target(&[world, input].concat());
        assert!(begin.elapsed() < LONGEST, "a case takes {LONGEST:?}");
    };
    for seed in &seeds {
        put(seed, false);
        put(seed, true);
    }
    let cases = env::var("POLYPOD_FUZZ_CASES").map_or(CASES, |text| {
        text.parse()
            .expect("POLYPOD_FUZZ_CASES is a number of cases")
    });
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let input = (
        0..seeds.len(),
        prop::collection::vec(any::<Mutation>(), 0..=MOST_MUTATIONS),
        any::<bool>(),
    );
    let outcome =
        TestRunner::new_with_rng(config, rng).run(&input, |(seed, mutations, is_strict)| {
            let input = mutations
                .iter()
                .fold(seeds[seed].clone(), |input, mutation| {
                    mutation.apply(input, &seeds)
                });
            put(&input, is_strict);
            Ok(())
        });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    println!("fuzz::{name}: {cases} cases");
}

/// The valid inputs that all others are made from; libFuzzer starts with the same files.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = workspace().join("tests/fuzz/seeds").join(name);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    // The order of a folder is not the same everywhere, and the cases are to be.
    files.sort();
    let seeds: Vec<_> = files
        .iter()
        .map(|file| fs::read(file).expect("a seed can be read"))
        .collect();
    assert!(!seeds.is_empty(), "{} is empty", folder.display());
    seeds
}
