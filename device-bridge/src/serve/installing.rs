//! Installing, alone or beside the answers.

use std::io::{self, Write};

use tokio::sync::watch as flag;

use super::{ServeError, stop};
use crate::install::{self, settings::Install};

/// `install` as a daemon of its own, until SIGTERM or SIGINT.
///
/// # Errors
/// It cannot begin.
pub async fn install_alone(install: Install, announce: &mut impl Write) -> Result<(), ServeError> {
    let stop = stop::signal().map_err(ServeError::Signal)?;
    let (ready, _) = flag::channel(false);
    Ok(install::run::keep(install, stop, ready, announce).await?)
}

/// Installs beside the answers. Its faults are told in the log; the answers do not depend on it.
pub(super) fn keep_installed(install: Install, stop: flag::Receiver<bool>) -> flag::Receiver<bool> {
    let (ready, is_ready) = flag::channel(false);
    tokio::spawn(async move {
        if let Err(error) = install::run::keep(install, stop, ready, &mut io::sink()).await {
            tracing::error!(%error, "Not installed");
        }
    });
    is_ready
}
