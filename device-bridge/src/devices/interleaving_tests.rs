//! A device is never in two answers: pods come, go and come again under their names, ask and ask again, kubelet and agent
//! restart, and all of it in any order.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;
use tonic::Status;

use super::*;
use crate::{
    answer::resolve,
    fake_api_server::FakeApiServer,
    fixture::{networks, pod_resources, question},
    kubelet::fake::{self, Behaviour, FakeKubelet},
    live::Live,
    pod_facts::PodFacts,
    proto::PodResources,
    store::Store,
};

const RESOURCE: &str = "intel.com/sriov";

/// What happens. Pods are told by the number in their name.
#[derive(Clone, Debug)]
enum Event {
    /// A pod is bound and admitted, with so many devices.
    Start(u8, usize),
    /// Its sandbox is made, or made once more.
    Ask(u8),
    /// The same for a pod that names a device itself.
    Name(u8, u8),
    /// Its object is gone by force. Its containers run on.
    Delete(u8),
    /// The containers of a deleted pod have ended: the one that was deleted first.
    End,
    /// The kubelet writes its checkpoint, which it does not when a pod ends.
    Write,
    RestartKubelet,
    RestartAgent,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (0_u8..3, 0_usize..3).prop_map(|(pod, count)| Event::Start(pod, count)),
        6 => (0_u8..3).prop_map(Event::Ask),
        2 => (0_u8..3, 0_u8..5).prop_map(|(pod, device)| Event::Name(pod, device)),
        3 => (0_u8..3).prop_map(Event::Delete),
        2 => Just(Event::End),
        1 => Just(Event::Write),
        1 => Just(Event::RestartKubelet),
        1 => Just(Event::RestartAgent),
    ];
    prop::collection::vec(event, 1..40)
}

/// What kind of node it is.
#[derive(Clone, Copy, Debug)]
struct Kind {
    has_get: bool,
    /// Where it is not, `Get` never gives a predecessor's entry: nobody could tell.
    has_checkpoint: bool,
}

/// A device of an answer, and its resource unless the pod named it.
type Told = (Option<ResourceName>, DeviceId);

#[derive(Clone, Debug)]
struct Running {
    uid: String,
    name: String,
    devices: Vec<String>,
    is_deleted: bool,
}

struct World {
    kind: Kind,
    folder: TempDir,
    kubelet: Option<FakeKubelet>,
    agent: Devices,
    /// In the order of their coming.
    running: Vec<Running>,
    born: usize,
    /// What each pod was told, which is what its record on the node says.
    told: BTreeMap<String, (PodRef, Vec<Told>)>,
}

impl World {
    fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kubelet = kubelet(&folder, kind, &[]);
        let agent = agent(&folder);
        Self {
            kind,
            folder,
            kubelet: Some(kubelet),
            agent,
            running: Vec::new(),
            born: 0,
            told: BTreeMap::new(),
        }
    }

    async fn happen(&mut self, event: &Event) {
        match event {
            Event::Start(pod, count) => self.start(*pod, *count),
            Event::Ask(pod) => {
                if let Some(pod) = self.live(*pod) {
                    let selection = vec!["sriov-a"; pod.devices.len()].join(",");
                    self.ask(&pod, &selection, Lookup::in_files(Arc::default()))
                        .await;
                }
            }
            Event::Name(pod, device) => {
                if let Some(pod) = self.live(*pod).filter(|pod| pod.devices.is_empty()) {
                    let device = address(*device);
                    let selection = format!(r#"[{{"name":"macvlan","deviceID":"{device}"}}]"#);
                    self.ask(&pod, &selection, Lookup::in_files(Arc::default()))
                        .await;
                }
            }
            Event::Delete(pod) => {
                let name = name(*pod);
                let live = self.running.iter_mut();
                for pod in live.filter(|pod| pod.name == name) {
                    pod.is_deleted = true;
                }
            }
            Event::End => {
                if let Some(at) = self.running.iter().position(|pod| pod.is_deleted) {
                    let ended = self.running.remove(at);
                    self.told.remove(&ended.uid);
                }
            }
            Event::Write => self.write(),
            Event::RestartKubelet => {
                drop(self.kubelet.take());
                self.kubelet = Some(kubelet(&self.folder, self.kind, &self.running));
            }
            Event::RestartAgent => {
                self.agent = agent(&self.folder);
                for (pod, devices) in self.told.values() {
                    for (resource, device) in devices {
                        self.agent.remember(pod, resource.as_ref(), device);
                    }
                }
            }
        }
        let entries = entries(&self.running);
        *self
            .kubelet
            .as_ref()
            .unwrap()
            .behaviour
            .pods
            .lock()
            .unwrap() = entries;
    }

    fn live(&self, pod: u8) -> Option<Running> {
        let mut live = self.running.iter().filter(|running| !running.is_deleted);
        live.find(|running| running.name == name(pod)).cloned()
    }

    /// The kubelet gives what nobody who runs holds.
    fn start(&mut self, pod: u8, count: usize) {
        if self.live(pod).is_some() {
            return;
        }
        let held: Vec<&String> = self.running.iter().flat_map(|pod| &pod.devices).collect();
        let free = (0..5).map(address).filter(|id| !held.contains(&id));
        let devices: Vec<String> = free.take(count).collect();
        self.born += 1;
        self.running.push(Running {
            uid: format!("uid-{}", self.born),
            name: name(pod),
            devices,
            is_deleted: false,
        });
        self.write();
    }

    fn write(&self) {
        if !self.kind.has_checkpoint {
            return;
        }
        let entries: Vec<_> = self
            .running
            .iter()
            .map(|pod| {
                json!({"PodUID": pod.uid, "ContainerName": "app", "ResourceName": RESOURCE, "DeviceIDs": {"-1": pod.devices}})
            })
            .collect();
        let text = json!({"Data": {"PodDeviceEntries": entries}, "Checksum": 0}).to_string();
        let path = self.folder.path().join("kubelet_internal_checkpoint");
        std::fs::write(path, text).unwrap();
    }

    /// Once those who were deleted are gone, everybody gets what nobody named for himself.
    async fn settle(&mut self) {
        while self.running.iter().any(|pod| pod.is_deleted) {
            self.happen(&Event::End).await;
        }
        self.happen(&Event::Write).await;
        for pod in self.running.clone() {
            let is_named = |id: &String| {
                let mut told = self.told.values().flat_map(|(_, devices)| devices);
                told.any(|(resource, device)| resource.is_none() && device.as_str() == id)
            };
            if !pod.devices.is_empty() && !pod.devices.iter().any(is_named) {
                let selection = vec!["sriov-a"; pod.devices.len()].join(",");
                let lookup = self.api_server();
                assert!(
                    self.ask(&pod, &selection, lookup).await,
                    "{pod:?} is refused"
                );
            }
        }
    }

    /// The pods as the API server has them when nobody is being deleted. Before that it is not asked: what it would say of two
    /// pods of one name depends on how the first was deleted, and in doubt a pod is there.
    fn api_server(&self) -> Lookup {
        let store = Store::default();
        for pod in &self.running {
            let facts = PodFacts::new("default", &pod.name, &pod.uid, &BTreeMap::new());
            store.apply_pod(facts.unwrap());
        }
        // What is not in the store it does not know either.
        let live = Live::new(FakeApiServer::default().client());
        Lookup::watched(Arc::new(store), live)
    }

    /// Whether the pod was given what it asks for.
    async fn ask(&mut self, pod: &Running, selection: &str, lookup: Lookup) -> bool {
        let mut question = question(selection);
        question.pod.name = pod.name.parse().unwrap();
        question.pod.uid = Some(pod.uid.clone());
        let resolved = resolve(&question, None, &networks()).unwrap();
        let Ok(answer) = self.agent.assign(&question, resolved, &lookup).await else {
            return false;
        };
        let of_answer = used(&answer, &Allocation::default());
        let told: Vec<Told> = of_answer
            .into_iter()
            .map(|used| (used.resource.map(|name| name.parse().unwrap()), used.id))
            .collect();
        let ids: Vec<&str> = told.iter().map(|(_, id)| id.as_str()).collect();
        if !pod.devices.is_empty() {
            assert_eq!(ids, pod.devices, "{} gets what is its own", pod.uid);
        }
        for (other, (_, devices)) in &self.told {
            let both = devices.iter().find(|(_, id)| ids.contains(&id.as_str()));
            assert!(
                *other == pod.uid || both.is_none(),
                "{both:?} is in the answers to {other} and {}",
                pod.uid
            );
        }
        let told_before = self
            .told
            .entry(pod.uid.clone())
            .or_insert((question.pod, Vec::new()));
        if !pod.devices.is_empty() && !told_before.1.is_empty() {
            assert_eq!(told_before.1, told, "a retry gets the same");
        }
        for one in told {
            if !told_before.1.contains(&one) {
                told_before.1.push(one);
            }
        }
        true
    }
}

fn address(device: u8) -> String {
    format!("0000:03:02.{device}")
}

fn name(pod: u8) -> String {
    format!("web-{pod}")
}

fn agent(folder: &TempDir) -> Devices {
    let socket = folder.path().join("kubelet.sock");
    let checkpoint = fake::settings(&socket).checkpoint;
    let claims = ClaimSource::Files(Arc::default());
    Devices::new(fake::client(&socket), checkpoint, claims)
}

fn kubelet(folder: &TempDir, kind: Kind, running: &[Running]) -> FakeKubelet {
    let behaviour = Behaviour {
        get: (!kind.has_get).then(|| Status::unimplemented("unknown method Get")),
        newest_only: kind.has_get && !kind.has_checkpoint,
        ..Behaviour::of(entries(running))
    };
    FakeKubelet::start(folder.path(), behaviour)
}

fn entries(running: &[Running]) -> Vec<PodResources> {
    let entry = |pod: &Running| {
        let ids: Vec<&str> = pod.devices.iter().map(String::as_str).collect();
        PodResources {
            name: pod.name.clone(),
            ..pod_resources(&[("app", &[(RESOURCE, &ids)])])
        }
    };
    running.iter().map(entry).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_device_is_never_in_two_answers(
        has_get in any::<bool>(),
        has_checkpoint in any::<bool>(),
        events in events(),
    ) {
        run(Kind { has_get, has_checkpoint }, &events);
    }
}

/// Asked for while its predecessor still runs, by a kubelet that may tell of either.
#[test]
fn a_name_that_comes_again() {
    let again = [Event::Start(0, 1), Event::Delete(0), Event::Start(0, 1)];
    let asks = [const { Event::Ask(0) }; 6];
    let events = [again.as_slice(), asks.as_slice()].concat();
    for has_get in [true, false] {
        for has_checkpoint in [true, false] {
            run(
                Kind {
                    has_get,
                    has_checkpoint,
                },
                &events,
            );
        }
    }
}

fn run(kind: Kind, events: &[Event]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut world = World::new(kind);
        for event in events {
            world.happen(event).await;
        }
        world.settle().await;
    });
}
