//! The rounds of whoever renews: look at the store, tell the world, take the next step.

use std::{sync::Arc, time::Duration};

use certs::{
    lookout::Lookout,
    names::ServerNames,
    rotation::{Reason, Step},
    schedule::Schedule,
    store::{Bundle, Store},
    tend::{Action, TendError, Tended, tend},
};
use time::OffsetDateTime;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout_at},
};
use tracing::{error, info, warn};

use super::{lease::Lock, status::Status, with_causes, world::World};

/// The longest pause of a process that is alone: a machine that was suspended, or whose clock was set, is noticed.
const LONGEST: Duration = Duration::from_secs(600);

/// The shortest: whatever wakes a leader again and again does not keep it busy.
const SHORTEST: Duration = Duration::from_millis(100);

/// After a failure. Two thirds of its life are over when a certificate is renewed, so there is time for many attempts.
const RETRY: Duration = Duration::from_secs(2);

/// All that a leader needs.
#[derive(Debug)]
pub struct Leader<S, W> {
    /// What all replicas serve from.
    pub store: S,
    /// Who is told and asked.
    pub world: W,
    /// When what is due.
    pub schedule: Schedule,
    /// What certificates are issued for.
    pub names: ServerNames,
    /// Since when what is seen is so.
    pub lookout: Lookout,
    /// What this process serves.
    pub status: Arc<Status>,
    /// Until when nobody else leads; `None` for a process that is alone.
    pub until: Option<Instant>,
}

impl<S: Store, W: World> Leader<S, W> {
    /// One look and at most one step; what is stored then is served.
    ///
    /// # Errors
    /// The step was not taken.
    pub async fn round(&mut self, now: OffsetDateTime) -> Result<Tended, TendError<S::Error>> {
        let Self {
            store,
            world,
            schedule,
            names,
            lookout,
            status,
            until,
        } = self;
        let (store, until) = (&*store, *until);
        let last_good = status.last_good();
        let observe = async |bundle: &Bundle| {
            let is_current = async || {
                let stored = store.load().await;
                stored
                    .is_ok_and(|(stored, _)| stored.as_ref().unwrap_or(&Bundle::NOTHING) == bundle)
                    && until.is_none_or(|until| Instant::now() < until)
            };
            let published = world.publish(bundle, is_current).await;
            let served = world.serves(bundle, now).await;
            lookout.look(now, bundle, published, served)
        };
        let tended = tend(store, last_good.as_ref(), observe, schedule, names, now).await?;
        if let Some(bundle) = &tended.bundle
            && let Err(error) = status.take(bundle, now)
        {
            warn!(
                error = with_causes(&error),
                "What is stored is not served, the certificate before it is"
            );
        }
        Ok(tended)
    }

    /// Rounds of a process that is alone, for ever.
    pub async fn alone(mut self: Box<Self>) {
        loop {
            let pause = self.told_round().await;
            sleep(pause.min(LONGEST)).await;
        }
    }

    /// Rounds while this process holds the lease, often enough to keep it, and when `wake` says so.
    pub async fn among_replicas(mut self: Box<Self>, mut lock: Lock, wake: &Notify) {
        let longest = lock.round();
        loop {
            // Where the API server does not answer, another may lead by then.
            let leads = match timeout_at(lock.patience(), lock.hold()).await {
                Ok(Ok(leads)) => leads,
                Ok(Err(error)) => {
                    warn!(%error, "The Lease cannot be held, trying again");
                    false
                }
                Err(_) => {
                    warn!("The Lease cannot be held: no answer within its duration, trying again");
                    false
                }
            };
            self.lead(leads);
            self.until = lock.until();
            let pause = match leads {
                true => match timeout_at(lock.patience(), self.told_round()).await {
                    Ok(pause) => pause,
                    Err(_) => {
                        warn!(
                            "Looking after the certificate took longer than the Lease lasts, trying again"
                        );
                        self.lead(false);
                        longest
                    }
                },
                false => longest,
            };
            tokio::select! {
                () = sleep(pause.min(longest)) => {}
                () = wake.notified() => sleep(SHORTEST).await,
            }
        }
    }

    fn lead(&mut self, leads: bool) {
        if self.status.lead(leads) {
            info!(leads, "Leader among the replicas changed");
            // Another may have waited for other things meanwhile.
            self.lookout = Lookout::default();
        }
    }

    /// A round, what became of it in the log, and how long to pause.
    async fn told_round(&mut self) -> Duration {
        let now = OffsetDateTime::now_utc();
        let tended = match self.round(now).await {
            Ok(tended) => tended,
            Err(error) => {
                error!(%error, "Renewing the certificate failed, the old one is served on");
                return RETRY;
            }
        };
        for fault in &tended.faults {
            warn!(
                fault = with_causes(fault),
                "A part of what is stored cannot be used"
            );
        }
        match tended.action {
            Action::Step(Step::Wait { until, reason }) => {
                if reason == Reason::Clock {
                    error!(%until, "What is stored was written later than this machine's clock says now is; nothing is renewed");
                }
                Duration::try_from(until - now)
                    .unwrap_or_default()
                    .max(SHORTEST)
            }
            action => {
                info!(?action, "Certificates changed");
                SHORTEST
            }
        }
    }
}

#[cfg(test)]
mod tests;
