use std::collections::BTreeSet;

use certs::memory::Memory;
use serde_json::{Value, json};

use super::*;
use crate::{
    certificate::{
        configurations::Configurations,
        secret::SecretStore,
        world::{CertFile, Cluster},
    },
    fake_api_server::{FakeApiServer, refusal},
    readiness::Readiness,
};

const SECRET: &str = "/api/v1/namespaces/ns/secrets/s";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/ns/leases/s";
const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/ns/leases";
const CONFIGURATION: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/c";

/// Long enough for a test, and renewed at a quarter of it.
const LEASE_DURATION: Duration = Duration::from_secs(15);

fn names(name: &str) -> ServerNames {
    ServerNames::new([name.parse().unwrap()]).unwrap()
}

fn alone(store: Memory, name: &str) -> Leader<Memory, CertFile> {
    let names = names(name);
    Leader {
        store,
        world: CertFile::new(None),
        schedule: Schedule::DEFAULT,
        names: names.clone(),
        lookout: Lookout::default(),
        status: Arc::new(Status::new(names, time::Duration::MINUTE)),
        until: None,
    }
}

async fn made() -> Bundle {
    let mut leader = alone(Memory::default(), "a.svc");
    let tended = leader.round(OffsetDateTime::now_utc()).await.unwrap();
    tended.bundle.unwrap()
}

fn secret(bundle: &Bundle) -> Value {
    let data = [
        ("ca.crt", Some(&bundle.ca_crt)),
        ("ca.key", bundle.ca_key.as_ref()),
        ("tls.crt", Some(&bundle.tls_crt)),
        ("tls.key", Some(&bundle.tls_key)),
    ];
    let data: serde_json::Map<String, Value> = data
        .into_iter()
        .filter_map(|(key, text)| {
            let bytes = k8s_openapi::ByteString(text?.clone().into_bytes());
            Some((key.to_owned(), serde_json::to_value(bytes).unwrap()))
        })
        .collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "resourceVersion": "1"}, "data": data})
}

/// How many patches a round makes whose configuration has no `caBundle`, when the Secret then is as in `then`.
async fn patches(first: &Bundle, then: &Bundle, until: Option<Instant>) -> usize {
    let fake = FakeApiServer::default();
    for bundle in [first, then] {
        fake.answer(&format!("GET {SECRET}"), 200, secret(bundle));
    }
    let webhook = json!({"name": "a.b.c", "clientConfig": {"url": "https://127.0.0.1:1/"}});
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "c", "resourceVersion": "7"}, "webhooks": [webhook],
    });
    for method in ["GET", "PATCH"] {
        let request = format!("{method} {CONFIGURATION}");
        fake.answer(&request, 200, configuration.clone());
    }
    let client = fake.client();
    let status = Arc::new(Status::new(names("a.svc"), time::Duration::MINUTE));
    let now = OffsetDateTime::now_utc();
    status.take(first, now).unwrap();
    let readiness = Arc::new(Readiness::default());
    readiness.begin();
    let mut leader = Leader {
        store: SecretStore::new(&client, "ns", "s"),
        world: Cluster {
            configurations: Some(Configurations::new(&client, &["c".to_owned()])),
            client,
            readiness,
            status: Arc::clone(&status),
            unknown: BTreeSet::new(),
        },
        schedule: Schedule::DEFAULT,
        names: names("a.svc"),
        lookout: Lookout::default(),
        status,
        until,
    };
    leader.round(now).await.unwrap();
    let requests = fake.requests();
    let read = requests.iter().position(|r| r.ends_with(CONFIGURATION));
    let asked = requests.iter().rposition(|r| r.ends_with(SECRET));
    assert!(read < asked, "the Secret is looked at again: {requests:?}");
    let patch = requests.iter().filter(|r| r.starts_with("PATCH "));
    patch.count()
}

#[tokio::test]
async fn a_leader_that_was_stopped_does_not_publish_what_is_past() {
    let (first, successors) = (made().await, made().await);
    let hour = Instant::now() + Duration::from_secs(3600);
    assert_eq!(patches(&first, &first, None).await, 1);
    assert_eq!(patches(&first, &first, Some(hour)).await, 1);
    let past = Instant::now();
    assert_eq!(patches(&first, &first, Some(past)).await, 0, "no lease");
    assert_eq!(patches(&first, &successors, Some(hour)).await, 0);
}

/// Two versions of the webhook, as during an update.
#[tokio::test]
async fn replicas_with_other_names_share_a_certificate_and_each_leader_renews_it_once() {
    let now = OffsetDateTime::now_utc();
    let mut old = alone(Memory::default(), "a.svc");
    let first = old.round(now).await.unwrap().bundle.unwrap();

    let follower = Status::new(names("b.svc"), time::Duration::MINUTE);
    assert!(follower.take(&first, now).unwrap());
    assert_eq!(follower.obstacle(now), None, "it is ready");
    assert!(follower.is_misnamed());

    let mut new = alone(old.store, "b.svc");
    new.status.take(&first, now).unwrap();
    let tended = new.round(now).await.unwrap();
    assert_eq!(tended.action, Action::Step(Step::RenewLeaf));
    assert!(!new.status.is_misnamed());
    let second = tended.bundle.unwrap();
    assert_eq!(second.ca_crt, first.ca_crt);
    let waits = new.round(now).await.unwrap().action;
    assert!(
        matches!(waits, Action::Step(Step::Wait { .. })),
        "{waits:?}"
    );
    assert!(follower.take(&second, now).unwrap());
    assert!(!follower.is_misnamed());
    assert_eq!(follower.reload_errors(), 0);
}

/// Its rounds never end.
struct Stuck;

impl World for Stuck {
    async fn publish(&mut self, _: &Bundle, _: impl AsyncFn() -> bool) -> bool {
        std::future::pending().await
    }

    async fn serves(&mut self, _: &Bundle, _: OffsetDateTime) -> bool {
        true
    }
}

/// Rounds with a lease that nobody else wants, as long as somebody looks at the status.
async fn rounds<W: World>(fake: &FakeApiServer, world: W, look: impl AsyncFnOnce(&Status)) {
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "s", "resourceVersion": "1"},
        "spec": {"holderIdentity": "me", "leaseDurationSeconds": LEASE_DURATION.as_secs()},
    });
    fake.answer(&format!("GET {LEASE}"), 404, refusal(404, "none"));
    fake.answer(&format!("GET {LEASE}"), 200, lease.clone());
    fake.answer(&format!("POST {LEASES}"), 201, lease.clone());
    fake.answer(&format!("PUT {LEASE}"), 200, lease);
    let names = names("a.svc");
    let status = Arc::new(Status::new(names.clone(), time::Duration::MINUTE));
    let leader = Box::new(Leader {
        store: Memory::default(),
        world,
        schedule: Schedule::DEFAULT,
        names,
        lookout: Lookout::default(),
        status: Arc::clone(&status),
        until: None,
    });
    let me = "me".to_owned();
    let lock = Lock::new(&fake.client(), "ns", "s", me, LEASE_DURATION);
    let wake = Notify::new();
    tokio::select! {
        () = leader.among_replicas(lock, &wake) => {}
        () = look(&status) => {}
    }
}

async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn who_hears_nothing_from_the_api_server_leads_no_longer_than_its_lease() {
    let fake = FakeApiServer::default();
    let look = async |status: &Status| {
        seconds(3).await;
        assert!(status.is_leader());
        seconds(60).await;
        assert!(status.is_leader(), "it is kept");
        fake.hang();
        seconds(16).await;
        assert!(!status.is_leader());
    };
    rounds(&fake, CertFile::new(None), look).await;
}

#[tokio::test(start_paused = true)]
async fn a_round_that_does_not_end_ends_with_the_lease() {
    let look = async |status: &Status| {
        seconds(1).await;
        assert!(status.is_leader());
        seconds(15).await;
        assert!(!status.is_leader(), "another may take it");
        seconds(6).await;
        assert!(status.is_leader(), "nobody did");
    };
    rounds(&FakeApiServer::default(), Stuck, look).await;
}
