//! What operators do to a node while pods start on it: an upgrade, a reboot, and the end.

mod agent;
mod reboot;
mod told;
mod uninstall;
mod upgrade;
mod versions;

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::scenario::Scenario;

pub(crate) fn scenarios() -> Vec<Scenario> {
    [
        upgrade::scenarios(),
        versions::scenarios(),
        reboot::scenarios(),
        told::scenarios(),
        uninstall::scenarios(),
    ]
    .concat()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn contains(file: &std::path::Path, bytes: &[u8]) -> bool {
    fs::read(file).is_ok_and(|found| found == bytes)
}
