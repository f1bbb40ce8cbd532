//! The certificate this process proves itself with: where it comes from, how it stays valid, who is told to trust it.
//!
//! Everything is decided by [`certs`]; here are the three places it lives in ([`Mode`]), and the leader among replicas.
//! `docs/certificates.md` tells operators about it.

pub mod args;
pub mod configurations;
pub mod endpoints;
pub mod files;
pub mod leader;
pub mod lease;
pub mod metrics;
pub mod mode;
pub mod secret;
pub mod status;
pub mod told;
pub mod world;

#[cfg(test)]
mod rotation_under_load;

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context, Result, bail};
use certs::{lookout::Lookout, memory::Memory};
use kube::Client;
use tokio::sync::Notify;

use self::{
    configurations::Configurations,
    leader::Leader,
    lease::Lock,
    mode::{Mode, Plan},
    secret::SecretStore,
    status::Status,
    world::{CertFile, Cluster},
};
use crate::readiness::Readiness;

/// An error of [`certs`] with what caused it: its sources are not part of its text.
pub(crate) fn with_causes(error: &certs::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// How the certificate is kept, put together but not yet begun.
#[derive(Debug)]
pub struct Certificates {
    status: Arc<Status>,
    work: Work,
    configurations: Option<Configurations>,
    wake: Arc<Notify>,
}

#[derive(Debug)]
enum Work {
    Memory(Box<Leader<Memory, CertFile>>),
    Secret {
        leader: Box<Leader<SecretStore, Cluster>>,
        lock: Box<Lock>,
    },
    Files(files::Folder),
}

impl Certificates {
    /// What the plan asks for. In memory and from files there is a certificate when this returns, if there can be one.
    ///
    /// # Errors
    /// A CA of this process's own cannot be made or written to its file, or there is no API server for what needs one.
    pub async fn begin(
        plan: Plan,
        client: Option<Client>,
        readiness: &Arc<Readiness>,
    ) -> Result<Self> {
        let Plan {
            mode,
            names,
            given_names,
            configurations,
            schedule,
        } = plan;
        let status = Arc::new(Status::new(names.clone(), schedule.propagation()));
        readiness.awaits(Arc::clone(&status));
        let need = || {
            client
                .clone()
                .context("--cert-secret and --webhook-configuration need an API server")
        };
        let configurations = match configurations.as_slice() {
            [] => None,
            named => Some(Configurations::new(&need()?, named)),
        };
        let wake = Arc::new(Notify::new());
        let work = match mode {
            Mode::Memory { out } => {
                let mut leader = Leader {
                    store: Memory::default(),
                    world: CertFile::new(out),
                    schedule,
                    names,
                    lookout: Lookout::default(),
                    status: Arc::clone(&status),
                    until: None,
                };
                // The first round makes the certificate, the second writes the file.
                for _ in 0..2 {
                    leader.round(time::OffsetDateTime::now_utc()).await?;
                }
                if let Some(fault) = leader.world.fault() {
                    bail!(fault);
                }
                Work::Memory(Box::new(leader))
            }
            Mode::Secret {
                name,
                namespace,
                lease: duration,
            } => {
                let client = need()?;
                let store = SecretStore::new(&client, &namespace, &name);
                let lock = Lock::new(&client, &namespace, &name, lease::identity(), duration);
                let world = Cluster {
                    configurations: configurations.clone(),
                    client,
                    readiness: Arc::clone(readiness),
                    status: Arc::clone(&status),
                    unknown: BTreeSet::new(),
                };
                let leader = Box::new(Leader {
                    store,
                    world,
                    schedule,
                    names,
                    lookout: Lookout::default(),
                    status: Arc::clone(&status),
                    until: None,
                });
                Work::Secret {
                    leader,
                    lock: Box::new(lock),
                }
            }
            Mode::Files { folder } => {
                let mut folder = files::Folder::new(folder, given_names);
                folder.look(&status, time::OffsetDateTime::now_utc());
                Work::Files(folder)
            }
        };
        Ok(Self {
            status,
            work,
            configurations,
            wake,
        })
    }

    /// What is served, and what is known of those who are to accept it.
    #[must_use]
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status)
    }

    /// Gives up the lease if this process holds it, so that the next leader need not wait for its end.
    pub fn resignation(&self) -> impl Future<Output = ()> + use<> {
        let lock = match &self.work {
            Work::Secret { lock, .. } => Some(Box::clone(lock)),
            Work::Memory(_) | Work::Files(_) => None,
        };
        async move {
            if let Some(lock) = lock {
                lock.resign().await;
            }
        }
    }

    /// Keeps the certificate valid and clients informed, for ever.
    pub async fn keep(self) {
        let Self {
            status,
            work,
            configurations,
            wake,
        } = self;
        let told = told::watch(configurations.as_ref(), &status, &wake);
        match work {
            Work::Memory(leader) => {
                tokio::join!(leader.alone(), told);
            }
            Work::Files(folder) => {
                tokio::join!(folder.follow(&status), told);
            }
            Work::Secret { leader, lock } => {
                let followed = leader.store.clone();
                let followed = followed.follow(&status, &wake);
                tokio::join!(leader.among_replicas(*lock, &wake), followed, told);
            }
        }
    }
}
