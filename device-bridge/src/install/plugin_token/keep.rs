//! Keeps the plugin's token in supply.

use tokio::{sync::watch, time::sleep};

use super::{
    Credential, Supply,
    issuer::{IssueError, Issued, Issuer},
    timetable::{Moment, Next, Timetable},
};

/// Asks `issuer` when `timetable` says so, and gives what comes of it to `supply`. Ends when nobody looks at that any more.
pub async fn keep(issuer: impl Issuer, mut timetable: Timetable, supply: watch::Sender<Supply>) {
    tokio::select! {
        () = supply.closed() => {}
        () = async {
            loop {
                match timetable.next(&Moment::now()) {
                    Next::Wait(wait) => sleep(wait).await,
                    Next::Check => check(&issuer, &mut timetable, &supply).await,
                    Next::Ask => ask(&issuer, &mut timetable, &supply).await,
                }
            }
        } => {}
    }
}

async fn ask(issuer: &impl Issuer, timetable: &mut Timetable, supply: &watch::Sender<Supply>) {
    // It lives from some moment after this one on.
    let asked = Moment::now();
    match issuer.issue().await {
        Ok(Issued { token, life }) => {
            tracing::info!(life_seconds = life.as_secs(), "The plugin has a token");
            timetable.granted(asked, life);
            supply.send_replace(Supply {
                credential: Some(Credential::Bound(token)),
                problem: None,
            });
        }
        Err(IssueError::Unsupported(problem)) => {
            tracing::warn!(
                problem,
                "The plugin's kubeconfig gets this process's own token: the API server binds no tokens to Nodes, which it does from Kubernetes 1.31 on"
            );
            timetable.unsupported(Moment::now());
            supply.send_replace(Supply {
                credential: Some(Credential::Own),
                problem: None,
            });
        }
        Err(error) => {
            let now = Moment::now();
            let is_good = timetable.has_good(&now);
            timetable.failed(now);
            let problem = error.to_string();
            if is_good {
                tracing::warn!(problem, "The plugin's token is not renewed yet");
            }
            // What was in supply stays: it may be good again, as after a restart of the API server with the wrong key.
            supply.send_if_modified(|supply| {
                let told = (!is_good).then_some(problem);
                let is_news = supply.problem != told;
                supply.problem = told;
                is_news
            });
        }
    }
}

async fn check(issuer: &impl Issuer, timetable: &mut Timetable, supply: &watch::Sender<Supply>) {
    let Some(Credential::Bound(token)) = supply.borrow().credential.clone() else {
        return timetable.checked(Moment::now());
    };
    if issuer.takes(&token).await == Some(false) {
        tracing::warn!(
            "The API server does not take the plugin's token any more; the Node or the service account may have been made anew"
        );
        timetable.rejected();
    } else {
        timetable.checked(Moment::now());
    }
}

#[cfg(test)]
#[path = "keep_tests.rs"]
mod tests;
