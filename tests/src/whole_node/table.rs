//! The table of what was told on the node.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// A story that was told.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) checks: &'static str,
    pub(super) took: Duration,
    /// Why it failed.
    pub(super) failed: Option<String>,
}

/// How much of a reason is in the table; all of it stands above.
const WORDS: usize = 300;

/// The table of the last run, until it is printed.
static TABLE: Mutex<Option<String>> = Mutex::new(None);

/// Writes it for the process outside, which prints it.
pub(super) fn write(folder: &Path, versions: &[String], rows: &[Row]) {
    fs::write(folder.join("table"), text(versions, rows)).expect("the folder is ours");
}

/// Keeps what was written until the end of all tests.
pub(super) fn take(folder: &Path) {
    let text = fs::read_to_string(folder.join("table"));
    let text = text.unwrap_or_else(|_| "the node did not come up\n".to_owned());
    *TABLE.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
}

/// Prints the table, if the whole node was there.
pub(crate) fn report() {
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = table.take() {
        println!("\nwhole node:\n\n{text}");
    }
}

fn text(versions: &[String], rows: &[Row]) -> String {
    let mut text = String::new();
    for version in versions {
        let _ = writeln!(text, "- {version}");
    }
    text.push_str("\n| story | what is checked, besides that nothing is left afterwards | seconds | result |\n| --- | --- | --- | --- |\n");
    for row in rows {
        let result = match &row.failed {
            None => "right".to_owned(),
            // A row is a line.
            Some(why) => {
                let line: String = why
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take(WORDS)
                    .collect();
                format!("**failed**: {}", line.replace('|', "\\|"))
            }
        };
        let _ = writeln!(
            text,
            "| {} | {} | {:.0} | {result} |",
            row.name,
            row.checks,
            row.took.as_secs_f64()
        );
    }
    text
}
