//! C3 of the conformance vectors: CA and certificate are rotated while clients call all the time, and none is refused.
//!
//! The clock is the test's, for those who rotate and for the clients who verify: weeks pass between two requests. One
//! replica leads, another follows and sees each change late; one client has the latest `caBundle`, another that of a while
//! ago.

use std::{
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use axum_server::tls_rustls::RustlsConfig;
use certs::{
    ca_bundle::CaBundle,
    lookout::Lookout,
    memory::Memory,
    names::ServerNames,
    rotation::{Reason, Step},
    schedule::Schedule,
    state::State,
    store::Bundle,
    tend::Action,
};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::{
    pki_types::{ServerName, UnixTime},
    time_provider::TimeProvider,
};
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{leader::Leader, status::Status, world::World};
use crate::{fixture, server};

/// The latest change of anything is seen by everybody after this time; a rotation waits somewhat longer.
const LAG: Duration = Duration::seconds(50);

/// How many CAs follow each other.
const ROTATIONS: usize = 3;

#[derive(Debug)]
struct Clock(AtomicI64);

impl Clock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.load(Ordering::SeqCst)).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            seconds,
        )))
    }
}

/// What was written at which moment.
type History = Arc<Mutex<Vec<(OffsetDateTime, Bundle)>>>;

fn note(history: &History, now: OffsetDateTime, bundle: &Bundle) {
    let mut history = history.lock().unwrap();
    if history.last().is_none_or(|(_, last)| last != bundle) {
        history.push((now, bundle.clone()));
    }
}

fn seen(history: &History, moment: OffsetDateTime) -> Option<Bundle> {
    let history = history.lock().unwrap();
    let mut latest_first = history.iter().rev();
    latest_first
        .find(|(since, _)| *since <= moment)
        .map(|(_, bundle)| bundle.clone())
}

/// A webhook configuration with one `caBundle`.
struct Configuration {
    clock: Arc<Clock>,
    history: History,
    replicas: [Arc<Status>; 2],
}

impl World for Configuration {
    async fn publish(&mut self, bundle: &Bundle, _: impl AsyncFn() -> bool) -> bool {
        if bundle.ca_crt.is_empty() {
            return false;
        }
        note(&self.history, self.clock.now(), bundle);
        true
    }

    async fn serves(&mut self, bundle: &Bundle, now: OffsetDateTime) -> bool {
        let issuing = State::read(bundle).authority;
        let issuing = issuing.as_ref().map(CaBundle::from);
        let serves =
            |status: &Arc<Status>| issuing.as_ref().is_some_and(|ca| status.satisfies(ca, now));
        self.replicas.iter().all(serves)
    }
}

/// Serves reviews until the test ends.
fn serve(status: &Status) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = certs::tls::server_config(status.resolver()).unwrap();
    let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(tls)).unwrap();
    let router = server::router(fixture::webhook());
    drop(tokio::spawn(server.serve(router.into_make_service())));
    port
}

/// A client on a new connection.
struct Caller {
    clock: Arc<Clock>,
    history: History,
    lag: Duration,
    port: u16,
    answered: Arc<AtomicU64>,
}

impl Caller {
    /// A call that began in one moment and was refused in a later one says nothing: it is made again.
    async fn call(&self) -> Value {
        loop {
            let begun = self.clock.now();
            match self.try_call().await {
                Ok(answer) => return answer,
                Err(_) if self.clock.now() != begun => {}
                Err(error) => panic!("at {begun}: {error}"),
            }
        }
    }

    async fn try_call(&self) -> std::io::Result<Value> {
        let trusted = loop {
            match seen(&self.history, self.clock.now() - self.lag) {
                Some(bundle) => break CaBundle::from_pem(&bundle.ca_crt).unwrap(),
                None => tokio::task::yield_now().await,
            }
        };
        let clock: Arc<dyn TimeProvider> = Arc::clone(&self.clock) as _;
        let tls = certs::tls::client_config_at(&trusted, clock).unwrap();
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let name = ServerName::try_from("polypod.kube-system.svc").unwrap();
        let stream = TlsConnector::from(tls).connect(name, stream).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let review = fixture::creation(Some("sriov-net-a")).to_string();
        let request = Request::post("/mutate?timeout=10s")
            .header("host", "polypod.kube-system.svc")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(review)))
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        connection.abort();
        Ok(serde_json::from_slice(&body).unwrap())
    }

    async fn call_for_ever(self) {
        loop {
            let answer = self.call().await;
            assert_eq!(answer["response"]["allowed"], true, "{answer}");
            self.answered.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[tokio::test]
async fn c3_rotations_under_constant_load_fail_no_request() {
    let clock = Arc::new(Clock(AtomicI64::new(1_800_000_000)));
    let names = ServerNames::for_service("polypod", "kube-system").unwrap();
    let schedule = Schedule::new(Duration::days(40), Duration::days(6), Duration::MINUTE).unwrap();
    let replica = || Arc::new(Status::new(names.clone(), Duration::MINUTE));
    let replicas = [replica(), replica()];
    let (stored, published) = (History::default(), History::default());
    let mut leader = Leader {
        store: Memory::default(),
        world: Configuration {
            clock: Arc::clone(&clock),
            history: Arc::clone(&published),
            replicas: replicas.clone(),
        },
        schedule,
        names: names.clone(),
        lookout: Lookout::default(),
        status: Arc::clone(&replicas[0]),
        until: None,
    };

    // Everybody has a certificate and a caBundle before the first call.
    let first = leader.round(clock.now()).await.unwrap().bundle.unwrap();
    note(&stored, clock.now(), &first);
    leader.round(clock.now()).await.unwrap();
    clock.0.fetch_add(LAG.whole_seconds(), Ordering::SeqCst);
    replicas[1].take(&first, clock.now()).unwrap();
    let callers: Vec<_> = replicas
        .iter()
        .flat_map(|status| {
            let port = serve(status);
            [Duration::ZERO, LAG].map(|lag| (port, lag))
        })
        .map(|(port, lag)| {
            let answered = Arc::new(AtomicU64::new(0));
            let caller = Caller {
                clock: Arc::clone(&clock),
                history: Arc::clone(&published),
                lag,
                port,
                answered: Arc::clone(&answered),
            };
            (answered, tokio::spawn(caller.call_for_ever()))
        })
        .collect();

    let (mut dropped, mut renewed) = (0, 0);
    while dropped < ROTATIONS {
        let tended = leader.round(clock.now()).await.unwrap();
        note(&stored, clock.now(), &tended.bundle.unwrap());
        let late = seen(&stored, clock.now() - LAG).unwrap();
        replicas[1].take(&late, clock.now()).unwrap();
        // Each client calls in this moment, and comes to an end in it.
        for (answered, caller) in &callers {
            let before = answered.load(Ordering::SeqCst);
            while answered.load(Ordering::SeqCst) < before + 2 {
                assert!(!caller.is_finished(), "a client was refused");
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        }
        match tended.action {
            Action::Step(Step::DropOld) => dropped += 1,
            Action::Step(Step::RenewLeaf) => renewed += 1,
            _ => {}
        }
        let is_quiet = matches!(
            tended.action,
            Action::Step(Step::Wait {
                reason: Reason::Due,
                ..
            })
        );
        let pause = if is_quiet {
            Duration::DAY
        } else {
            Duration::seconds(20)
        };
        clock.0.fetch_add(pause.whole_seconds(), Ordering::SeqCst);
    }
    let answered: u64 = callers
        .iter()
        .map(|(answered, _)| answered.load(Ordering::SeqCst))
        .sum();
    for (_, caller) in callers {
        caller.abort();
        let ended = caller.await.unwrap_err();
        assert!(ended.is_cancelled(), "{ended}");
    }
    assert!(renewed >= 3 * ROTATIONS, "{renewed} leaves");
    assert!(answered > 500, "{answered} requests");
    assert_eq!(replicas.map(|status| status.reload_errors()), [0, 0]);
}
