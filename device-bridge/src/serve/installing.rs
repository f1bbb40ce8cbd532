//! Installing, alone or beside the answers.

use std::io::{self, Write};

use tokio::sync::watch as flag;

use super::{ServeError, stop};
use crate::{
    install::{
        self,
        settings::{Install, Uninstall},
        standing::Standing,
    },
    sole::Sole,
};

/// `install` as a daemon of its own, until SIGTERM or SIGINT.
///
/// # Errors
/// It cannot begin.
pub async fn install_alone(install: Install, announce: &mut impl Write) -> Result<(), ServeError> {
    let stop = stop::signal().map_err(ServeError::Signal)?;
    // So that whoever uninstalls sees it.
    let _sole = match install::alone::socket_to_hold(&install) {
        Some(socket) => tokio::select! {
            sole = Sole::wait(&socket) => Some(sole?),
            () = stop::stopped(stop.clone()) => return Ok(()),
        },
        None => None,
    };
    let (ready, _) = flag::channel(Standing::default());
    Ok(install::run::keep(install, stop, ready, announce).await?)
}

/// `uninstall`, and with `--stay` the wait for SIGTERM or SIGINT after it: a DaemonSet's containers do not end.
///
/// # Errors
/// It could not be done, or something has to stay for now.
pub async fn uninstall(uninstall: &Uninstall) -> Result<(), ServeError> {
    let stop = uninstall.stay.then(stop::signal).transpose();
    let stop = stop.map_err(ServeError::Signal)?;
    install::uninstall::run(uninstall)?;
    if let Some(stop) = stop {
        tracing::info!("Uninstalled");
        stop::stopped(stop).await;
    }
    Ok(())
}

/// Installs beside the answers. Its faults are told in the log; the answers do not depend on it.
pub(super) fn keep_installed(
    install: Install,
    stop: flag::Receiver<bool>,
) -> flag::Receiver<Standing> {
    let (ready, standing) = flag::channel(Standing::default());
    tokio::spawn(async move {
        if let Err(error) = install::run::keep(install, stop, ready.clone(), &mut io::sink()).await
        {
            tracing::error!(%error, "Not installed");
            ready.send_modify(|standing| {
                *standing = std::mem::take(standing).ended(error.to_string());
            });
        }
    });
    standing
}
