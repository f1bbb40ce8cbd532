//! `install`, once or until it is stopped.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    error::InstallError,
    folder_watch::FolderWatch,
    keeper::{Keeper, Turn},
    leftovers,
    plugin_token::{self, PluginToken, Supply, issuer::ApiServer, timetable::Timetable},
    settings::{Install, Places},
    standing::Standing,
};

/// How long changes are let settle before they are looked at: a writer makes several.
const SETTLE: Duration = Duration::from_millis(100);

/// How often a folder is looked for that is not there yet.
const MISSING: Duration = Duration::from_secs(1);

/// How long `install --once` waits for the plugin's token.
const TOKEN: Duration = Duration::from_secs(30);

/// Installs once.
///
/// # Errors
/// Something is missing or wrong; what could be done is done.
pub async fn once(install: Install) -> Result<(), InstallError> {
    let mut asking = JoinSet::new();
    let supply = supply(install.plugin_token.as_ref(), &mut asking);
    let adopted = adopted(&install);
    let mut keeper = Keeper::new(install)?;
    if let Some(mut supply) = supply {
        tracing::warn!("Nobody renews the plugin's token after install --once");
        // Whatever there is then: the keeper tells what is missing.
        let first = supply.wait_for(|supply| supply.credential.is_some());
        drop(timeout(TOKEN, first).await);
        keeper = keeper.supplied_by(supply);
    }
    let turn = keeper.turn(Instant::now());
    if !turn.is_ready {
        return Err(InstallError::NotInstalled {
            problems: turn.problems,
        });
    }
    if let Some(places) = adopted
        && let Err(problem) = leftovers::undo(&places).await
    {
        tracing::warn!(
            problem,
            "What Multus left of pods that are gone is not undone; install --once tries once"
        );
    }
    Ok(())
}

/// The node, where Multus's place is taken: it may have left something.
fn adopted(install: &Install) -> Option<Places> {
    install.adopt_multus.then(|| install.places.clone())
}

/// What keeps the plugin's token in supply is among `asking`.
fn supply(
    settings: Option<&PluginToken>,
    asking: &mut JoinSet<()>,
) -> Option<watch::Receiver<Supply>> {
    let settings = settings?.clone();
    let (sender, supply) = watch::channel(Supply::default());
    let timetable = Timetable::new(settings.node.to_string(), settings.life);
    asking.spawn(plugin_token::keep::keep(
        ApiServer::new(settings),
        timetable,
        sender,
    ));
    Some(supply)
}

/// Installs, keeps it true until `stop` is true, and leaves everything where it is. `ready` says how things are; the first
/// time they are as they should be, `installed PATH` is printed on `announce`.
///
/// # Errors
/// It cannot begin. Later faults are told in the log and tried again.
pub async fn keep(
    install: Install,
    mut stop: watch::Receiver<bool>,
    ready: watch::Sender<Standing>,
    announce: &mut impl Write,
) -> Result<(), InstallError> {
    let path = install.places.conf_file();
    let mut asking = JoinSet::new();
    let mut supply = supply(install.plugin_token.as_ref(), &mut asking);
    let mut adopted = adopted(&install);
    let mut tidying = JoinSet::new();
    let mut keeper = Keeper::new(install)?;
    if let Some(supply) = &supply {
        keeper = keeper.supplied_by(supply.clone());
    }
    let watched = FolderWatch::new();
    if let Err(error) = &watched {
        tracing::warn!(%error, "Changes are not seen at once, but every --poll-interval");
    }
    let watched = watched.ok();
    let mut is_announced = false;
    loop {
        // Before the look: what changes after it is seen by the watch.
        let has_all = watched
            .as_ref()
            .is_some_and(|watched| watch_all(watched, &keeper));
        if let Some(supply) = &mut supply {
            supply.mark_unchanged();
        }
        // Files are forced to the disk; whoever else runs on this thread does not wait for that.
        let (returned, turn) = tokio::task::spawn_blocking(move || {
            let turn = keeper.turn(Instant::now());
            (keeper, turn)
        })
        .await
        .map_err(|error| InstallError::Ended(error.to_string()))?;
        keeper = returned;
        let standing = Standing::of(&turn);
        ready.send_if_modified(|before| {
            let is_other = *before != standing;
            *before = standing;
            is_other
        });
        if turn.is_ready
            && let Some(places) = adopted.take()
        {
            // It takes its time, and what keeps the configuration does not wait for that.
            tidying.spawn(leftovers::undo_all(places, leftovers::PAUSE));
        }
        if turn.is_ready && !is_announced {
            is_announced = true;
            let said =
                writeln!(announce, "installed {}", path.display()).and_then(|()| announce.flush());
            if let Err(error) = said {
                tracing::warn!(%error, "Nobody reads the line that says that it is installed");
            }
            tracing::info!(path = %path.display(), "Installed");
        }
        let wait = until_next(&turn, keeper.poll_interval(), has_all || watched.is_none());
        tokio::select! {
            stopped = stop.wait_for(|stopped| *stopped) => {
                // Whoever would stop us is gone: that is a stop, too.
                drop(stopped);
                tracing::info!("The configuration stays");
                return Ok(());
            }
            () = changed(watched.as_ref(), wait) => {}
            () = renewed(supply.as_mut()) => {}
            Some(ended) = asking.join_next() => {
                let why = ended.map_or_else(|error| error.to_string(), |()| "it is over".to_owned());
                return Err(InstallError::Ended(format!("what asks for the plugin's token: {why}")));
            }
        }
    }
}

/// Waits for another token of the plugin. Where that comes from is watched elsewhere.
async fn renewed(supply: Option<&mut watch::Receiver<Supply>>) {
    if let Some(supply) = supply
        && supply.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// Waits for a change, and for its end, or for `wait`.
async fn changed(watched: Option<&FolderWatch>, wait: Duration) {
    let Some(watched) = watched else {
        return sleep(wait).await;
    };
    match timeout(wait, watched.changed()).await {
        Ok(Ok(())) => sleep(SETTLE).await,
        Ok(Err(error)) => {
            tracing::warn!(%error, "A change was not seen");
            sleep(MISSING).await;
        }
        Err(_) => {}
    }
}

/// Whether every folder is there.
fn watch_all(watched: &FolderWatch, keeper: &Keeper) -> bool {
    let folders = keeper.folders();
    folders
        .iter()
        .map(|folder| watched.watch(folder).is_ok())
        .fold(true, |all, one| all & one)
}

fn until_next(turn: &Turn, poll: Duration, has_all: bool) -> Duration {
    let poll = if has_all { poll } else { poll.min(MISSING) };
    turn.again_in
        .map_or(poll, |again| again.max(Duration::from_millis(10)).min(poll))
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
