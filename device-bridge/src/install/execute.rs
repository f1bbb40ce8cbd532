//! Executes the plugin as a runtime does: a configuration on standard input.

use std::{
    ffi::OsStr,
    io::{self, Write as _},
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// Executes `program` with `conf` on standard input, and waits for its end.
///
/// # Errors
/// It cannot be executed; in words.
pub(super) fn execute<'a>(
    program: &Path,
    arguments: &[&str],
    variables: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
    conf: &Value,
) -> Result<Output, String> {
    let failed = |error: io::Error| format!("{} cannot be executed: {error}", program.display());
    let mut child = Command::new(program)
        .args(arguments)
        .envs(variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends before it has read says why.
        let _ = stdin.write_all(conf.to_string().as_bytes());
    }
    child.wait_with_output().map_err(failed)
}
