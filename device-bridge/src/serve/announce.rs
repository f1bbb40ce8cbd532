//! Lines for whoever started the daemon.

use std::{io::Write, path::Path};

/// Says that the first request can be answered.
pub(super) fn ready(announce: &mut impl Write, socket: &Path) {
    say(announce, &format!("serving unix://{}", socket.display()));
    tracing::info!(socket = %socket.display(), "Serving");
}

/// Prints a line.
pub(super) fn say(announce: &mut (impl Write + ?Sized), line: &str) {
    let said = writeln!(announce, "{line}").and_then(|()| announce.flush());
    if let Err(error) = said {
        tracing::warn!(%error, "Nobody reads the line that says where it serves");
    }
}
