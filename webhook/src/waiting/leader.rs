//! Who of several replicas works.

use std::{convert::Infallible, pin::pin, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};
use tracing::{info, warn};

use super::counts::Counts;
use crate::certificate::lease::Lock;

/// After a failure to hold the lease.
const RETRY: Duration = Duration::from_secs(2);

/// Works while this process leads, for ever; always, without a lock. The work is dropped when another may lead, and begun
/// anew when this process leads again.
pub async fn lead<W: Future<Output = Infallible>>(
    lock: Option<Lock>,
    counts: &Counts,
    work: impl Fn() -> W,
) -> Infallible {
    let Some(mut lock) = lock else {
        counts.leader.set(1);
        return work().await;
    };
    loop {
        if !holds(&mut lock).await {
            sleep(lock.round()).await;
            continue;
        }
        info!("Helping pods without a node, among the replicas");
        counts.leader.set(1);
        let mut work = pin!(work());
        loop {
            let renewed = async {
                sleep(lock.round()).await;
                holds(&mut lock).await
            };
            tokio::select! {
                never = &mut work => return never,
                still = renewed => {
                    if !still {
                        break;
                    }
                }
            }
        }
        counts.leader.set(0);
        counts.set_waiting(0, 0);
        counts.promises.set(0);
        info!("Another replica helps pods without a node");
    }
}

/// Whether this process holds the lease. One that cannot be renewed is held until its end, and no longer.
async fn holds(lock: &mut Lock) -> bool {
    loop {
        match timeout_at(lock.patience(), lock.hold()).await {
            Ok(Ok(leads)) => return leads,
            Ok(Err(error)) => {
                warn!(%error, "The Lease of scheduling cannot be held, trying again; without the Role polypod-webhook-scheduling-writes nobody is helped");
            }
            Err(_) => {
                warn!(
                    "The Lease of scheduling cannot be held: no answer within its duration, trying again"
                );
                return false;
            }
        }
        if lock
            .until()
            .is_none_or(|until| Instant::now() + RETRY >= until)
        {
            return false;
        }
        sleep(RETRY).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fake_api_server::FakeApiServer;

    const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/ns/leases/l";
    const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/ns/leases";

    fn lease(holder: &str, version: &str) -> Value {
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l", "namespace": "ns", "resourceVersion": version},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15}})
    }

    async fn led_for(api: &FakeApiServer, seconds: u64) -> i64 {
        let counts = Counts::default();
        let lock = Lock::new(
            &api.client(),
            "ns",
            "l",
            "me".to_owned(),
            Duration::from_secs(15),
        );
        let work = || std::future::pending();
        let led = tokio::time::timeout(
            Duration::from_secs(seconds),
            lead(Some(lock), &counts, work),
        );
        assert!(led.await.is_err());
        counts.leader.get()
    }

    #[tokio::test(start_paused = true)]
    async fn one_replica_works() {
        let api = FakeApiServer::default();
        api.answer(&format!("GET {LEASE}"), 200, lease("other", "1"));
        assert_eq!(led_for(&api, 10).await, 0);
        let api = FakeApiServer::default();
        api.answer(&format!("POST {LEASES}"), 201, lease("me", "1"));
        assert_eq!(led_for(&api, 10).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_answer_the_lease_ends() {
        let api = FakeApiServer::default();
        api.answer(&format!("POST {LEASES}"), 201, lease("me", "1"));
        let counts = Counts::default();
        let lock = Lock::new(
            &api.client(),
            "ns",
            "l",
            "me".to_owned(),
            Duration::from_secs(15),
        );
        let led = lead(Some(lock), &counts, std::future::pending);
        let hanging = async {
            sleep(Duration::from_secs(2)).await;
            assert_eq!(counts.leader.get(), 1);
            api.hang();
            sleep(Duration::from_secs(40)).await;
            assert_eq!(counts.leader.get(), 0);
        };
        tokio::select! {
            never = led => match never {},
            () = hanging => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn alone_it_always_works() {
        let counts = Counts::default();
        let work = || async {
            sleep(Duration::from_secs(1)).await;
            std::future::pending().await
        };
        let led = tokio::time::timeout(Duration::from_secs(5), lead(None, &counts, work));
        assert!(led.await.is_err());
        assert_eq!(counts.leader.get(), 1);
    }
}
