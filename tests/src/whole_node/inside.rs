//! The test's part inside of the namespaces: brings the node up and tells the stories.

use std::{
    any::Any,
    io::Read as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::ExitCode,
    time::Instant,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    Story, all_stories, bringing_up,
    leaks::{self, Left},
    outside::FOLDER,
    table::{self, Row},
};
use crate::fixture::node::ip;

/// Names of stories, or parts of them, separated by commas: these alone are told.
const SELECTED: &str = "POLYPOD_WHOLE_NODE_STORIES";

/// Does the part inside if this process is the one that was executed for it.
pub(crate) fn inside() -> Option<ExitCode> {
    let folder = PathBuf::from(std::env::var_os(FOLDER)?);
    end_with_the_test();
    ip(&["link", "set", "lo", "up"]);
    let told = catch_unwind(AssertUnwindSafe(|| tell_all(&folder)));
    Some(match told {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    })
}

/// The test outside holds the other end of standard input for as long as it lives.
fn end_with_the_test() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = kill(Pid::this(), Signal::SIGKILL);
    });
}

/// Whether every story was true.
fn tell_all(folder: &std::path::Path) -> bool {
    let began = Instant::now();
    let mut cluster = bringing_up::bring_up(folder);
    let versions = cluster.versions();
    let mut rows = vec![Row {
        name: "bring-up",
        checks: "node Ready, webhook registered, configuration installed, devices allocatable",
        took: began.elapsed(),
        failed: None,
    }];
    let mut before = Left::now(&cluster);
    for story in selected() {
        let began = Instant::now();
        eprintln!("whole node: {}", story.name);
        let told = catch_unwind(AssertUnwindSafe(|| (story.tell)(&mut cluster)));
        let mut failed = told.err().map(|panic| words(&*panic));
        if failed.is_some() {
            eprintln!("{}", cluster.evidence());
            cluster.clear();
        }
        let left = leaks::wait_until_none(&cluster, &before);
        if let Err(left) = left {
            failed.get_or_insert(format!("left behind: {left}"));
            eprintln!("whole node: {}: left behind: {left}", story.name);
            // It is told once.
            before = Left::now(&cluster);
        }
        rows.push(Row {
            name: story.name,
            checks: story.checks,
            took: began.elapsed(),
            failed,
        });
        table::write(folder, &versions, &rows);
    }
    rows.iter().all(|row| row.failed.is_none())
}

fn selected() -> Vec<Story> {
    let mut stories = all_stories();
    if let Ok(names) = std::env::var(SELECTED) {
        stories.retain(|story| names.split(',').any(|name| story.name.contains(name)));
        assert!(!stories.is_empty(), "{SELECTED}={names} names no story");
    }
    stories
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "it panicked".to_owned())
}
