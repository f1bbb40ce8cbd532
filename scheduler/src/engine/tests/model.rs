//! A cluster that lives its life, and an engine that hears of it in another order, twice, and after restarts. However it
//! hears of it: when it has heard of everything, it counts what there is.

use std::collections::BTreeMap;

use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use super::fixture::*;
use crate::{
    align::Scratch,
    engine::{Engine, Event},
    node::Node,
};

const NODES: [&str; 2] = ["n1", "n2"];
const ZONES: usize = 2;
const DEVICES: usize = 4;

/// What happens.
#[derive(Clone, Debug)]
enum Step {
    /// A pod that asks for so many devices is bound to a node, whether it fits or not.
    Bind(Index, u32),
    /// A kubelet admits, or refuses, the first pod that waits for it.
    Admit(Index),
    /// A pod ends, and its kubelet lets go of what it had.
    End(Index),
    /// A pod's object goes, of one that has ended or not.
    Delete(Index),
    /// A node reports.
    Report(Index),
    /// A node's agent starts anew.
    Restart(Index),
}

fn a_step() -> impl Strategy<Value = Step> {
    let any = any::<Index>;
    prop_oneof![
        3 => (any(), 1_u32..4).prop_map(|(node, devices)| Step::Bind(node, devices)),
        3 => any().prop_map(Step::Admit),
        1 => any().prop_map(Step::End),
        1 => any().prop_map(Step::Delete),
        4 => any().prop_map(Step::Report),
        1 => any().prop_map(Step::Restart),
    ]
}

#[derive(Clone, Debug)]
struct Pod {
    uid: String,
    node: usize,
    devices: u32,
    /// What its kubelet gave it.
    held: Vec<String>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Bound,
    Running,
    Over,
    Gone,
}

/// What is true, and what was said of each object, in order.
#[derive(Debug, Default)]
struct World {
    pods: Vec<Pod>,
    numbers: [(u64, u64); 2],
    /// Whom the last report of each node lists.
    listed: [Vec<String>; 2],
    said: BTreeMap<String, Vec<Event>>,
}

impl World {
    fn new() -> Self {
        let mut world = Self::default();
        for (at, name) in NODES.iter().enumerate() {
            world.say(name, node(name, json!({NIC: ZONES * DEVICES})));
            world.report(at);
        }
        world
    }

    fn say(&mut self, object: &str, event: Event) {
        self.said.entry(object.to_owned()).or_default().push(event);
    }

    fn say_pod(&mut self, at: usize) {
        let known = &self.pods[at];
        let described = pod(&known.uid, known.devices).on(NODES[known.node]);
        let event = match known.stage {
            Stage::Bound => described.seen(),
            Stage::Running => described.started().seen(),
            Stage::Over => described.ended().seen(),
            Stage::Gone => pod_gone(&known.uid),
        };
        let object = known.uid.clone();
        self.say(&object, event);
    }

    /// The kubelet's choice: the lowest zone that has enough.
    fn give(&self, node: usize, devices: u32) -> Option<Vec<String>> {
        let holders = self.pods.iter().filter(|pod| pod.node == node);
        let taken: Vec<&String> = holders.flat_map(|pod| &pod.held).collect();
        (0..ZONES).find_map(|zone| {
            let ids = (0..DEVICES).map(|number| format!("{zone}-{number}"));
            let free: Vec<String> = ids.filter(|id| !taken.contains(&id)).collect();
            let devices = usize::try_from(devices).unwrap();
            (free.len() >= devices).then(|| free[..devices].to_vec())
        })
    }

    fn report(&mut self, at: usize) {
        self.numbers[at].1 += 1;
        let (epoch, sequence) = self.numbers[at];
        let groups = |ids: &[String]| -> Vec<Value> {
            let of = |zone: usize| {
                let own = ids.iter().filter(|id| id.starts_with(&zone.to_string()));
                json!({"resource": NIC, "zones": [zone], "ids": own.collect::<Vec<_>>()})
            };
            (0..ZONES).map(of).collect()
        };
        let all: Vec<String> = (0..ZONES)
            .flat_map(|zone| (0..DEVICES).map(move |number| format!("{zone}-{number}")))
            .collect();
        let holders = self
            .pods
            .iter()
            .filter(|pod| pod.node == at && !pod.held.is_empty());
        let holders: Vec<Pod> = holders.cloned().collect();
        let allocations: Vec<Value> = holders
            .iter()
            .map(|pod| {
                json!({"podUID": pod.uid, "namespace": "ns", "name": format!("pod-{}", pod.uid),
                    "containers": [{"name": "c0", "devices": groups(&pod.held)}]})
            })
            .collect();
        self.listed[at] = holders.into_iter().map(|pod| pod.uid).collect();
        let object = json!({
            "metadata": {"name": NODES[at]}, "epoch": epoch, "sequence": sequence,
            "topologyManager": {"policy": "single-numa-node", "scope": "container"},
            "zones": [{"id": 0}, {"id": 1}],
            "devices": groups(&all),
            "allocations": allocations,
        });
        self.say(&format!("report of {}", NODES[at]), reported(&object));
    }

    fn live(&mut self, step: &Step) {
        let chosen = |index: &Index, pods: &[Pod], is_meant: fn(Stage) -> bool| {
            let all = (0..pods.len()).filter(|at| is_meant(pods[*at].stage));
            let all: Vec<usize> = all.collect();
            (!all.is_empty()).then(|| *index.get(&all))
        };
        match step {
            Step::Bind(node, devices) => {
                self.pods.push(Pod {
                    uid: format!("u{}", self.pods.len()),
                    node: node.index(NODES.len()),
                    devices: *devices,
                    held: Vec::new(),
                    stage: Stage::Bound,
                });
                self.say_pod(self.pods.len() - 1);
            }
            Step::Admit(index) => {
                let waiting = |stage| stage == Stage::Bound;
                if let Some(at) = chosen(index, &self.pods, waiting) {
                    match self.give(self.pods[at].node, self.pods[at].devices) {
                        Some(held) => {
                            self.pods[at].held = held;
                            self.pods[at].stage = Stage::Running;
                        }
                        None => self.pods[at].stage = Stage::Over,
                    }
                    self.say_pod(at);
                }
            }
            Step::End(index) => {
                let running = |stage| stage == Stage::Running;
                if let Some(at) = chosen(index, &self.pods, running) {
                    self.pods[at].held.clear();
                    self.pods[at].stage = Stage::Over;
                    self.say_pod(at);
                }
            }
            Step::Delete(index) => {
                let there = |stage| stage != Stage::Gone;
                if let Some(at) = chosen(index, &self.pods, there) {
                    self.pods[at].held.clear();
                    self.pods[at].stage = Stage::Gone;
                    self.say_pod(at);
                }
            }
            Step::Report(node) => self.report(node.index(NODES.len())),
            Step::Restart(node) => {
                let at = node.index(NODES.len());
                self.numbers[at] = (self.numbers[at].0 + 1, 0);
                self.report(at);
            }
        }
    }

    /// Every pod that waits is admitted or refused, and every node reports.
    fn come_to_rest(&mut self) {
        for pod in 0..self.pods.len() {
            if self.pods[pod].stage == Stage::Bound {
                let held = self.give(self.pods[pod].node, self.pods[pod].devices);
                self.pods[pod].stage = held.as_ref().map_or(Stage::Over, |_| Stage::Running);
                self.pods[pod].held = held.unwrap_or_default();
                self.say_pod(pod);
            }
        }
        for node in 0..NODES.len() {
            self.report(node);
        }
    }

    /// What is free of a node by all that was said of it: what its last report has, less what those want that are bound to
    /// it and not in the report.
    fn free(&self, at: usize) -> i64 {
        let is_there = |pod: &&Pod| matches!(pod.stage, Stage::Bound | Stage::Running);
        let own = self.pods.iter().filter(|pod| pod.node == at);
        let assumed = own
            .filter(is_there)
            .filter(|pod| !self.listed[at].contains(&pod.uid));
        let assumed: i64 = assumed.map(|pod| i64::from(pod.devices)).sum();
        i64::try_from(ZONES * DEVICES).unwrap() - self.reported(at) - assumed
    }

    /// How many devices the last report of a node has as held.
    fn reported(&self, at: usize) -> i64 {
        let listed = self
            .pods
            .iter()
            .filter(|pod| self.listed[at].contains(&pod.uid));
        listed.map(|pod| i64::from(pod.devices)).sum()
    }
}

/// Tells an engine everything, objects in any order, older events again now and then, and begins with another engine
/// after `restart` events, which is told what the API server has by then.
fn tell(world: &World, order: &[Index], restart: usize) -> Engine {
    let mut engine = Engine::default();
    let mut told: BTreeMap<&String, usize> = world.said.keys().map(|object| (object, 0)).collect();
    let mut order = order.iter().cycle();
    for count in 0.. {
        if count == restart {
            engine = Engine::default();
            for (object, told) in &told {
                // Of what is gone there is no object.
                let last = told.checked_sub(1).map(|last| &world.said[*object][last]);
                if let Some(event) = last.filter(|event| !matches!(event, Event::PodGone { .. })) {
                    engine.apply(event.clone(), at(1));
                }
            }
        }
        let waiting = told
            .iter()
            .filter(|(object, told)| **told < world.said[**object].len());
        let waiting: Vec<&String> = waiting.map(|(object, _)| *object).collect();
        let (Some(chosen), false) = (order.next(), waiting.is_empty()) else {
            break;
        };
        let object = *chosen.get(&waiting);
        let next = told[object];
        let events = &world.said[object];
        // What was said before, once more.
        if next > 0 && chosen.index(3) == 0 {
            engine.apply(events[chosen.index(next)].clone(), at(1));
        }
        engine.apply(events[next].clone(), at(1));
        engine.apply(Event::Tick, at(1));
        told.insert(object, next + 1);
    }
    engine
}

/// An engine that is told of what there is, and of nothing before; pods in the order in which `like` has them, and all of
/// them before any report: whoever is in a report and not known is thought to be gone.
fn told_of_the_end_alone(world: &World, like: &Engine) -> Engine {
    let mut engine = Engine::default();
    let last = |object: &String| world.said[object].last().unwrap().clone();
    for name in NODES {
        for entry in &like.sites[name].ledger {
            engine.apply(last(&entry.uid.to_string()), at(1));
        }
    }
    for object in world.said.keys().filter(|object| !object.starts_with('u')) {
        engine.apply(last(object), at(1));
    }
    engine
}

fn seen(engine: &Engine, name: &str) -> Node {
    engine.node(name).unwrap().clone()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn what_is_counted_in_the_end_does_not_depend_on_how_it_was_heard(
        steps in prop::collection::vec(a_step(), 0..40),
        order in prop::collection::vec(any::<Index>(), 60),
        restart in 0_usize..80,
    ) {
        let mut world = World::new();
        for step in &steps {
            world.live(step);
        }
        let mut engine = tell(&world, &order, restart);
        let fresh = told_of_the_end_alone(&world, &engine);
        let id = engine.resources().get(NIC).unwrap();
        for (index, name) in NODES.iter().enumerate() {
            let node = seen(&engine, name);
            let of_fresh = seen(&fresh, name);
            let stock = node.stock(id).unwrap();
            prop_assert_eq!(stock.free, world.free(index), "{}", name);
            // Who has heard of the past knows where pods may be because of it.
            for (cell, of_fresh) in node.cells.iter().zip(&of_fresh.cells) {
                prop_assert!(cell.free <= of_fresh.free && cell.free <= cell.allocatable);
            }
            if !node.is_fuzzy {
                prop_assert_eq!(&node, &of_fresh, "{}", name);
            }
        }
        // Whoever is bound is known to be, and nobody else.
        for pod in &world.pods {
            let is_bound = matches!(pod.stage, Stage::Bound | Stage::Running);
            prop_assert_eq!(engine.node_of(&pod.uid), is_bound.then_some(NODES[pod.node]));
        }
        // Once every kubelet has decided and every node has reported, nothing is left of what was only possible.
        let said: BTreeMap<String, usize> = world.said.iter().map(|(object, said)| (object.clone(), said.len())).collect();
        world.come_to_rest();
        for (object, events) in &world.said {
            for event in &events[said[object]..] {
                engine.apply(event.clone(), at(1));
            }
        }
        let fresh = told_of_the_end_alone(&world, &engine);
        for name in NODES {
            let node = seen(&engine, name);
            prop_assert!(!node.is_fuzzy);
            prop_assert_eq!(&node, &seen(&fresh, name), "{}", name);
        }
    }

    /// While a node's reports are up to date, a pod that is let in is one that its kubelet admits.
    #[test]
    fn nobody_is_let_in_whom_the_kubelet_refuses(
        wanted in prop::collection::vec((0_usize..NODES.len(), 1_u32..5, any::<bool>(), any::<Option<Index>>()), 1..40),
    ) {
        let mut world = World::new();
        let mut engine = Engine::default();
        let mut heard: BTreeMap<String, usize> = BTreeMap::new();
        let mut listen = |engine: &mut Engine, world: &World| {
            for (object, said) in &world.said {
                let heard = heard.entry(object.clone()).or_default();
                for event in &said[*heard..] {
                    engine.apply(event.clone(), at(1));
                }
                *heard = said.len();
            }
        };
        listen(&mut engine, &world);
        for (node, devices, reports, ends) in wanted {
            let demand = pod("asking", devices).demand();
            let fits = engine.question(&demand, at(1)).filter(NODES[node], &mut Scratch::default());
            prop_assert_eq!(fits.is_ok(), world.give(node, devices).is_some(), "{:?}", fits);
            if fits.is_ok() {
                let at = world.pods.len();
                let held = world.give(node, devices).unwrap();
                world.pods.push(Pod { uid: format!("u{at}"), node, devices, held, stage: Stage::Running });
                world.say_pod(at);
            }
            if let Some(index) = ends {
                world.live(&Step::End(index));
                // Until its node reports, nobody can know which devices it had.
                world.report(0);
                world.report(1);
            } else if reports {
                world.report(node);
            }
            listen(&mut engine, &world);
        }
    }
}
