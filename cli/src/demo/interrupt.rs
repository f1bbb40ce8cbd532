//! Ctrl-C and SIGTERM end the demo through its ordinary way out.
//!
//! Without this, a signal would leave the temporary folder and the daemons behind.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

/// A signal is sent to the process, so the process has one flag.
static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Begins to listen, on a thread of its own that ends with the process.
pub(super) fn listen() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .context("cannot make a runtime to listen for signals")?;
    let (mut interrupt, mut terminate) = {
        let _entered = runtime.enter();
        (
            signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?,
            signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
        )
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        REQUESTED.store(true, Ordering::Relaxed);
    });
    Ok(())
}

/// Fails if somebody wants the demo to end. Every wait calls this.
pub(super) fn check() -> Result<()> {
    if REQUESTED.load(Ordering::Relaxed) {
        bail!("interrupted by a signal");
    }
    Ok(())
}
