//! SIGTERM and SIGINT.

use std::io;

use tokio::{
    signal::unix::{SignalKind, signal as on},
    sync::watch as flag,
};

/// True from the first SIGTERM or SIGINT on.
pub(super) fn signal() -> io::Result<flag::Receiver<bool>> {
    let (mut terminate, mut interrupt) =
        (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
    let (sender, receiver) = flag::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("Stopping");
        sender.send_replace(true);
    });
    Ok(receiver)
}

/// Waits for it. Who would tell is gone when the runtime ends: then it is over too.
pub(super) async fn stopped(mut stop: flag::Receiver<bool>) {
    let _stopped = stop.wait_for(|stopped| *stopped).await;
}
