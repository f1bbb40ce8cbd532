//! Who of the replicas writes: a Lease of coordination.k8s.io, as Kubernetes' own components hold one.
//!
//! Two leaders at once do no harm, only get in each other's way: a write of the Secret names the revision it replaces, and
//! a write of a `caBundle` names the revision of a configuration that was read before the Secret was seen to be unchanged.
//! So nothing here compares clocks of two machines: a lease ends when it has not been seen to change for its duration.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use tokio::time::timeout;
use tracing::debug;

/// What share of its duration a lease has lasted when it is renewed.
const RENEWAL: u32 = 4;

/// How long giving it up may take: the process is ending.
const PATIENCE: Duration = Duration::from_secs(2);

/// A lease as it was seen last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Who holds it; nobody once it was given up.
    pub holder: Option<String>,
    /// Changes with each renewal.
    pub version: String,
    /// Since when that version has been seen here.
    pub since: Instant,
    /// How long it lasts.
    pub duration: Duration,
}

/// What to do about a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// There is none: make it.
    Create,
    /// Nobody holds it, or its holder has not been heard of for its duration: take it.
    Take,
    /// It is ours and due.
    Renew,
    /// It is ours and fresh.
    Keep,
    /// It is another's.
    Follow,
}

/// What `me` is to do about a lease at `now`.
#[must_use]
pub fn decide(now: Instant, lease: Option<&Seen>, me: &str) -> Decision {
    let Some(lease) = lease else {
        return Decision::Create;
    };
    let age = now.saturating_duration_since(lease.since);
    match lease.holder.as_deref() {
        Some(holder) if holder == me && age < lease.duration / RENEWAL => Decision::Keep,
        Some(holder) if holder == me => Decision::Renew,
        Some(holder) if !holder.is_empty() && age < lease.duration => Decision::Follow,
        _ => Decision::Take,
    }
}

/// A name for this process that no other has: the pod's, and what tells apart two that run on one machine.
#[must_use]
pub fn identity() -> String {
    let pod = std::env::var("HOSTNAME").unwrap_or_else(|_| "polypod-webhook".to_owned());
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.unwrap_or_default().as_millis();
    format!("{pod}_{}_{since}", std::process::id())
}

/// The lease, and what this process knows of it.
#[derive(Clone, Debug)]
pub struct Lock {
    api: Api<Lease>,
    name: String,
    me: String,
    duration: Duration,
    seen: Option<Seen>,
    until: Option<tokio::time::Instant>,
}

impl Lock {
    /// Nothing is known yet. In the hands of `me` it lasts `duration` after each renewal, which is told in whole seconds.
    #[must_use]
    pub fn new(
        client: &Client,
        namespace: &str,
        name: &str,
        me: String,
        duration: Duration,
    ) -> Self {
        Self {
            api: Api::namespaced(client.clone(), namespace),
            name: name.to_owned(),
            me,
            duration,
            seen: None,
            until: None,
        }
    }

    /// Until when nobody else takes it, by this machine's clock: counted from before it was written last.
    #[must_use]
    pub fn until(&self) -> Option<tokio::time::Instant> {
        self.until
    }

    /// Until when to wait for answers: until another may take it, or, where this process does not hold it, for its duration.
    #[must_use]
    pub fn patience(&self) -> tokio::time::Instant {
        let now = tokio::time::Instant::now();
        let until = self.until.filter(|until| now < *until);
        until.unwrap_or(now + self.duration)
    }

    /// How often to look at it at least, so that it is renewed in time.
    #[must_use]
    pub fn round(&self) -> Duration {
        self.duration / (RENEWAL - 1)
    }

    /// Looks at the lease, takes or renews it if that is due, and says whether this process holds it.
    ///
    /// # Errors
    /// The API server does not answer, or refuses; nobody knows then, and nothing should be written.
    pub async fn hold(&mut self) -> kube::Result<bool> {
        let found = self.api.get_opt(&self.name).await?;
        self.seen = found.as_ref().map(|lease| self.see(lease, Instant::now()));
        let decision = decide(Instant::now(), self.seen.as_ref(), &self.me);
        let asked = tokio::time::Instant::now();
        let written = match decision {
            // One whose renewal was not answered may be older than it seems.
            Decision::Keep if self.until.is_some_and(|until| asked < until) => return Ok(true),
            Decision::Follow => {
                self.until = None;
                return Ok(false);
            }
            Decision::Create => {
                let lease = self.mine(None);
                self.api.create(&PostParams::default(), &lease).await
            }
            Decision::Take | Decision::Renew | Decision::Keep => {
                let lease = self.mine(found);
                self.api
                    .replace(&self.name, &PostParams::default(), &lease)
                    .await
            }
        };
        match written {
            Ok(lease) => {
                debug!(?decision, "Lease held");
                self.seen = Some(self.see(&lease, Instant::now()));
                self.until = Some(asked + self.duration);
                Ok(true)
            }
            // Another was quicker.
            Err(kube::Error::Api(status)) if status.code == 409 => {
                self.until = None;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Gives it up, if it is this process's. A failure only means that the next leader waits for its end.
    pub async fn resign(&self) {
        let given_up = timeout(PATIENCE, async {
            let Some(mut lease) = self.api.get_opt(&self.name).await? else {
                return Ok(());
            };
            let spec = lease.spec.get_or_insert_default();
            if spec.holder_identity.as_deref() == Some(&self.me) {
                spec.holder_identity = None;
                self.api
                    .replace(&self.name, &PostParams::default(), &lease)
                    .await?;
            }
            Ok::<(), kube::Error>(())
        });
        match given_up.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%error, "Lease not given up"),
            Err(_) => debug!("Lease not given up: no answer within {PATIENCE:?}"),
        }
    }

    fn see(&self, lease: &Lease, now: Instant) -> Seen {
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let spec = lease.spec.as_ref();
        let seconds = spec.and_then(|spec| spec.lease_duration_seconds);
        let duration = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let known = self.seen.as_ref().filter(|seen| seen.version == version);
        Seen {
            holder: spec.and_then(|spec| spec.holder_identity.clone()),
            version,
            since: known.map_or(now, |seen| seen.since),
            duration: duration.map_or(self.duration, Duration::from_secs),
        }
    }

    /// The lease in this process's hands, in place of what was found.
    fn mine(&self, found: Option<Lease>) -> Lease {
        let now = Some(MicroTime(Timestamp::now()));
        let mut lease = found.unwrap_or_else(|| Lease {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                ..ObjectMeta::default()
            },
            spec: None,
        });
        let old = lease.spec.take().unwrap_or_default();
        let is_mine = old.holder_identity.as_deref() == Some(&self.me);
        lease.spec = Some(LeaseSpec {
            acquire_time: if is_mine {
                old.acquire_time
            } else {
                now.clone()
            },
            lease_transitions: match (is_mine, old.lease_transitions) {
                (false, transitions) => Some(transitions.unwrap_or(-1).saturating_add(1)),
                (true, transitions) => transitions,
            },
            holder_identity: Some(self.me.clone()),
            lease_duration_seconds: i32::try_from(self.duration.as_secs()).ok(),
            renew_time: now,
            ..LeaseSpec::default()
        });
        lease
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_hold_it() {
        let begin = Instant::now();
        let seen = |holder: Option<&str>| Seen {
            holder: holder.map(str::to_owned),
            version: "7".to_owned(),
            since: begin,
            duration: Duration::from_secs(16),
        };
        assert_eq!(decide(begin, None, "me"), Decision::Create);
        let table = [
            (None, 0, Decision::Take),
            (Some(""), 0, Decision::Take),
            (Some("me"), 0, Decision::Keep),
            (Some("me"), 3, Decision::Keep),
            (Some("me"), 4, Decision::Renew),
            // Nobody else has taken it meanwhile.
            (Some("me"), 60, Decision::Renew),
            (Some("other"), 0, Decision::Follow),
            (Some("other"), 15, Decision::Follow),
            (Some("other"), 16, Decision::Take),
        ];
        for (holder, after, wanted) in table {
            let now = begin + Duration::from_secs(after);
            let found = decide(now, Some(&seen(holder)), "me");
            assert_eq!(found, wanted, "{holder:?} after {after} s");
        }
    }
}
