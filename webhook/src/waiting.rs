//! Pods without a node are helped to one: refused ones are tried again when what they lack is released, and gated ones get
//! nodes chosen and their gate lifted.
//!
//! What to do is decided by [`scheduler::waiting`], [`scheduler::choice`] and [`scheduler::narrowing`]; here are the watches
//! that feed them and the writes that follow. Of several replicas one does it, by a Lease: all answer schedulers, and each
//! knows all there is to know, so that the next leader begins with nothing but what the API server has.

pub mod args;
pub mod budget;
pub mod counts;
pub mod leader;
mod overdue;
pub mod plan;
mod round;
mod state;
mod told;
mod work;
mod write;

#[cfg(test)]
mod tests;

use std::{convert::Infallible, sync::Arc};

use kube::Client;

use self::{counts::Counts, plan::WaitingPlan};
use crate::{
    certificate::lease::{self, Lock},
    extender::scheduling::Scheduling,
};

/// What is needed to help pods, put together but not yet begun.
#[derive(Clone)]
pub struct Helper {
    plan: WaitingPlan,
    client: Client,
    scheduling: Arc<Scheduling>,
    counts: Counts,
    lock: Option<Box<Lock>>,
}

impl std::fmt::Debug for Helper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Helper")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

impl Helper {
    /// Helps pods as `plan` says, by what `scheduling` knows.
    #[must_use]
    pub fn new(plan: WaitingPlan, client: Client, scheduling: Arc<Scheduling>) -> Self {
        let lock = plan.lease.as_ref().map(|place| {
            let (namespace, name) = (&place.namespace, &place.name);
            let duration = plan::LEASE_DURATION;
            Box::new(Lock::new(
                &client,
                namespace,
                name,
                lease::identity(),
                duration,
            ))
        });
        Self {
            plan,
            client,
            scheduling,
            counts: Counts::default(),
            lock,
        }
    }

    /// What is counted.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Gives up the lease if this process holds it, so that the next leader need not wait for its end.
    pub fn resignation(&self) -> impl Future<Output = ()> + use<> {
        let lock = self.lock.clone();
        async move {
            if let Some(lock) = lock {
                lock.resign().await;
            }
        }
    }

    /// Helps, for ever, while no other replica does.
    pub async fn help(self) -> Infallible {
        let lock = self.lock.as_deref().cloned();
        leader::lead(lock, &self.counts, || work::work(&self)).await
    }
}
