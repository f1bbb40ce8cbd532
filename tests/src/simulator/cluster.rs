//! The loop: pods arrive, the engine filters and scores, the best node is taken, its kubelet judges; agents report late,
//! pods end and go.

use std::{collections::BTreeMap, time::Duration};

use api::node_inventory::NodeInventory;
use scheduler::{
    align::Scratch,
    demand::PodDemand,
    engine::{Engine, Event, PodFacts},
    moment::Moment,
    placement::Refusal,
    policy::Policy,
};
use serde_json::{Value, json};

use super::{
    agent, counts, evidence,
    kubelet::{Kubelet, Rejection},
    machine::Machine,
    node::{Bound, Changes, SimNode},
    pod::{Amounts, SimPod},
    random::Random,
    run::{Rule, Run},
    schedule::Schedule,
    tally::Tally,
};

enum What {
    Arrive(Box<SimPod>, u32),
    Bound(usize),
    Started(String),
    End(String),
    Gone(String),
    Look(usize),
    Heartbeat(usize),
    Report(usize, Box<NodeInventory>, Changes),
}

/// A pod that the API server knows.
struct Known {
    pod: SimPod,
    node: usize,
    demand: PodDemand,
}

pub(crate) struct Cluster {
    run: Run,
    random: Random,
    /// The kubelets' own.
    chance: Random,
    engine: Engine,
    pub(crate) nodes: Vec<SimNode>,
    allocatable: Vec<Amounts>,
    pods: BTreeMap<String, Known>,
    schedule: Schedule<What>,
    is_over: bool,
    /// All pods that came, in their order.
    pub(crate) arrived: Vec<SimPod>,
    pub(crate) tally: Tally,
}

const HEARTBEAT: u64 = 60_000;
const ATTEMPTS: u32 = 3;

impl Cluster {
    /// A cluster that has reported, without pods.
    pub(crate) fn new(run: Run) -> Self {
        let mut random = Random::new(run.seed);
        let machines: Vec<Machine> = (0..run.nodes)
            .map(|number| Machine::any(number, run.fleet, &mut random))
            .collect();
        let allocatable = machines.iter().map(Machine::allocatable).collect();
        let mut cluster = Self {
            run,
            chance: random.branch(),
            engine: Engine::new(Policy::default()),
            nodes: machines
                .into_iter()
                .enumerate()
                .map(|(at, machine)| SimNode::new(Kubelet::new(machine), 1 + at as u64))
                .collect(),
            allocatable,
            pods: BTreeMap::new(),
            schedule: Schedule::new(),
            is_over: false,
            arrived: Vec::new(),
            tally: Tally::default(),
            random,
        };
        for node in 0..run.nodes {
            let event = Event::NodeSeen {
                name: cluster.name(node).into(),
                allocatable: cluster.allocatable[node]
                    .iter()
                    .map(|(resource, amount)| ((*resource).into(), i64::try_from(*amount).unwrap()))
                    .collect(),
            };
            cluster.tell(event);
            let (object, changes) = cluster.look(node);
            cluster.reported(node, &object, changes);
            let beat = cluster.random.of(0..=HEARTBEAT);
            // The largest clusters are simulated for a minute only.
            if run.nodes <= 1000 {
                cluster.schedule.after(beat, What::Heartbeat(node));
            }
        }
        cluster
    }

    /// Lets all pods arrive and most of them end, until nothing happens any more.
    pub(crate) fn play(&mut self) {
        let mut time = 0;
        for number in 0..self.run.pods {
            time += self.random.of(0..=self.run.between);
            let pod = self.run.demand.pod(number, &mut self.random);
            self.arrived.push(pod.clone());
            self.schedule.at(time, What::Arrive(Box::new(pod), 1));
        }
        let arrived_all = time + 30_000;
        while let Some(what) = self.schedule.next() {
            self.is_over = self.schedule.now() > arrived_all;
            self.happen(what);
        }
        for node in 0..self.nodes.len() {
            if !self.nodes[node].pods.is_empty() || !self.nodes[node].is_quiet() {
                let (object, changes) = self.look(node);
                self.reported(node, &object, changes);
            }
        }
        self.tell(Event::Tick);
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Arrive(pod, attempt) => self.arrive(*pod, attempt),
            What::Bound(node) => self.bound(node),
            What::Started(uid) => self.tell_of(&uid, &status("Running", true)),
            What::End(uid) => self.end(&uid),
            What::Gone(uid) => self.gone(&uid),
            What::Look(node) => {
                self.nodes[node].is_looking = false;
                self.send(node);
            }
            What::Heartbeat(node) => {
                if !self.is_over {
                    self.send(node);
                    self.schedule.after(HEARTBEAT, What::Heartbeat(node));
                }
            }
            What::Report(node, object, changes) => self.reported(node, &object, changes),
        }
    }

    fn name(&self, node: usize) -> &str {
        &self.nodes[node].kubelet.machine.name
    }

    fn now(&self) -> Moment {
        Moment::after(Duration::from_millis(self.schedule.now()))
    }

    fn tell(&mut self, event: Event) {
        let now = self.now();
        self.engine.apply(event, now);
    }

    fn facts(&self, pod: &SimPod, node: Option<usize>, status: &Value) -> PodFacts {
        let object = pod.object(node.map(|node| self.name(node)), status);
        match Event::of_object("v1", "Pod", &object, "sim") {
            Ok(Some(Event::PodSeen(facts))) => *facts,
            other => panic!("{other:?} of {object}"),
        }
    }

    fn tell_of(&mut self, uid: &str, status: &Value) {
        if let Some(known) = self.pods.get(uid) {
            let facts = self.facts(&known.pod, Some(known.node), status);
            self.tell(Event::PodSeen(Box::new(facts)));
        }
    }

    fn arrive(&mut self, pod: SimPod, attempt: u32) {
        self.tally.arrived += usize::from(attempt == 1);
        let demand = self.facts(&pod, None, &status("Pending", false)).demand;
        let start = self.random.below(self.nodes.len());
        let around = (start..self.nodes.len()).chain(0..start);
        let candidates: Vec<usize> = around
            .filter(|node| self.nodes[*node].fits(&pod, &self.allocatable[*node]))
            .take(self.run.sampled)
            .collect();
        let Some((node, is_certain)) = self.choose(&pod, &demand, &candidates) else {
            if attempt < ATTEMPTS {
                let again = What::Arrive(Box::new(pod), attempt + 1);
                self.schedule.after(10_000, again);
            } else {
                self.tally.unplaced += 1;
            }
            return;
        };
        let chosen = &mut self.nodes[node];
        chosen.request(&pod);
        chosen.pessimistic.bind(&pod);
        chosen.bound.push_back(Bound {
            pod: pod.clone(),
            is_certain,
            is_told: chosen.told.ends == chosen.changes.ends,
            ends: chosen.changes.ends,
        });
        let seen = self.schedule.now() + self.random.of(0..=self.run.delays.kubelet);
        chosen.seen_at = chosen.seen_at.max(seen);
        let seen = chosen.seen_at;
        self.schedule.at(seen, What::Bound(node));
        let uid = pod.uid.clone();
        self.pods.insert(uid.clone(), Known { pod, node, demand });
        self.tell_of(&uid, &status("Pending", false));
    }

    /// The best node of those that the engine leaves, and whether it is certain of the zones.
    fn choose(
        &mut self,
        pod: &SimPod,
        demand: &PodDemand,
        candidates: &[usize],
    ) -> Option<(usize, bool)> {
        let question = self.engine.question(demand, self.now());
        let mut scratch = Scratch::default();
        let mut left = Vec::new();
        let mut refused = Vec::new();
        for node in candidates {
            match question.filter(self.name(*node), &mut scratch) {
                Ok(()) => left.push((*node, scratch.placement.is_certain)),
                Err(refusal) => refused.push((*node, refusal)),
            }
        }
        self.tally.answers += candidates.len();
        if self.run.rule == Rule::Pessimistic {
            left.retain(|(node, _)| {
                let node = &self.nodes[*node];
                node.pessimistic.fits(pod, node.kubelet.machine.scope)
            });
        }
        let best = left
            .iter()
            .map(|(node, is_certain)| {
                let score = question.score(self.name(*node), &mut scratch);
                assert!((0..=10).contains(&score), "a score of {score}");
                (score, *node, *is_certain)
            })
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        let reasons: Vec<(usize, Refusal, String)> = refused
            .into_iter()
            .filter(|(node, _)| self.is_open_to_appeal(*node, pod))
            .take(self.run.appeals)
            .map(|(node, refusal)| (node, refusal, question.reason(refusal).to_string()))
            .collect();
        for (node, refusal, reason) in reasons {
            self.appeal(node, pod, refusal, &reason);
        }
        best.map(|(_, node, is_certain)| (node, is_certain))
    }

    /// Whether the kubelet's decision is known to whoever knows what was told.
    fn is_open_to_appeal(&self, node: usize, pod: &SimPod) -> bool {
        let is_fuzzy = |name: &str| self.engine.node(name).is_some_and(|node| node.is_fuzzy);
        let node = &self.nodes[node];
        let is_by_chance = node.kubelet.machine.has_wide_devices() && pod.containers.len() > 1;
        node.is_quiet() && !is_by_chance && !is_fuzzy(&node.kubelet.machine.name)
    }

    /// A refusal is a false one if the kubelet would have run the pod.
    fn appeal(&mut self, node: usize, pod: &SimPod, refusal: Refusal, reason: &str) {
        if matches!(refusal, Refusal::SetAside | Refusal::Stale) {
            return;
        }
        self.tally.appeals += 1;
        let mut judge = self.nodes[node].kubelet.clone();
        if judge.admit(pod, &mut self.chance.clone()).is_ok() {
            let what = format!("a false refusal ({refusal:?}: {reason})");
            self.problem(what, node, pod);
        }
    }

    /// The kubelet sees the next pod that is bound to it.
    fn bound(&mut self, node: usize) {
        let Some(bound) = self.nodes[node].bound.pop_front() else {
            return;
        };
        let uid = bound.pod.uid.clone();
        if !self.pods.contains_key(&uid) {
            return;
        }
        let admitted = self.nodes[node].kubelet.admit(&bound.pod, &mut self.chance);
        match admitted {
            Ok(()) => {
                self.tally.admitted += 1;
                self.nodes[node].changes.all += 1;
                let start = self.random.of(100..=3000);
                self.schedule.after(start, What::Started(uid.clone()));
                let life = self.random.of(1000..=self.run.life * 1000);
                // A fifth stays, so that in the end there is something to count.
                if !self.random.percent(20) {
                    self.schedule.after(start + life, What::End(uid));
                }
                self.changed(node);
            }
            Err(rejection) => self.refused(node, &bound, rejection),
        }
    }

    fn refused(&mut self, node: usize, bound: &Bound, rejection: Rejection) {
        let policy = self.nodes[node].kubelet.machine.policy;
        let is_told = bound.is_told && bound.ends == self.nodes[node].changes.ends;
        if is_told && bound.is_certain && self.run.rule == Rule::Ours {
            let what = format!("the kubelet refused what was certain ({rejection:?})");
            self.problem(what, node, &bound.pod);
        }
        let key = (policy.as_str(), bound.is_certain, is_told);
        *self.tally.refused.entry(key).or_default() += 1;
        let reason = match rejection {
            Rejection::TopologyAffinity => "TopologyAffinityError".to_owned(),
            Rejection::UnexpectedAdmission => "UnexpectedAdmissionError".to_owned(),
            Rejection::OutOf(resource) => format!("OutOf{resource}"),
        };
        let status = json!({"phase": "Failed", "reason": reason, "message": "Pod was rejected"});
        let uid = bound.pod.uid.clone();
        self.tell_of(&uid, &status);
        self.nodes[node].release(&bound.pod);
        self.schedule.after(5000, What::Gone(uid));
    }

    fn problem(&mut self, what: String, node: usize, pod: &SimPod) {
        let machine = &self.nodes[node].kubelet.machine;
        let what = format!(
            "{what}, seed {}, {} ms, {} ({}, {}), {}",
            self.run.seed,
            self.schedule.now(),
            machine.name,
            machine.policy,
            machine.scope,
            pod.name
        );
        let evidence = self.evidence(node, pod);
        self.tally.problems.push((what, evidence));
    }

    /// Fails if anything was that must not be.
    pub(crate) fn check(&self) {
        let problems = &self.tally.problems;
        if let Some(folder) = std::env::var_os("POLYPOD_SIMULATOR_EVIDENCE") {
            for (at, (what, evidence)) in problems.iter().enumerate() {
                let path = std::path::Path::new(&folder).join(format!("{}-{at}", self.run.seed));
                std::fs::write(path, format!("{what}\n{evidence}")).expect("the folder is there");
            }
        }
        let Some((_, evidence)) = problems.first() else {
            return;
        };
        let all: Vec<&str> = problems.iter().map(|(what, _)| what.as_str()).collect();
        panic!("{}\nof the first:\n{evidence}", all.join("\n"));
    }

    /// All that has to be known to see what went wrong.
    fn evidence(&self, node: usize, pod: &SimPod) -> String {
        let view = self.engine.node(self.name(node));
        let node = &self.nodes[node];
        let bound = node.bound.iter().map(|bound| evidence::pod(&bound.pod));
        format!(
            "{}\n{}\nbound {:?}\nthe engine: {}",
            evidence::pod(pod),
            evidence::kubelet(&node.kubelet),
            bound.collect::<Vec<_>>(),
            view.map_or_else(String::new, |view| evidence::view(view, &self.engine)),
        )
    }

    fn end(&mut self, uid: &str) {
        let Some(known) = self.pods.get(uid) else {
            return;
        };
        let node = known.node;
        if self.nodes[node].kubelet.end(uid) {
            self.nodes[node].changes.all += 1;
            self.nodes[node].changes.ends += 1;
            self.changed(node);
        }
        if self.random.percent(50) {
            self.tell_of(uid, &status("Succeeded", true));
            let known = &self.pods[uid];
            self.nodes[node].release(&known.pod);
        }
        let gone = self.random.of(0..=2000);
        self.schedule.after(gone, What::Gone(uid.to_owned()));
    }

    fn gone(&mut self, uid: &str) {
        if let Some(known) = self.pods.remove(uid) {
            self.nodes[known.node].release(&known.pod);
            let uid = known.demand.uid;
            self.tell(Event::PodGone { uid });
        }
    }

    /// Something changed: the agent will look.
    fn changed(&mut self, node: usize) {
        if !std::mem::replace(&mut self.nodes[node].is_looking, true) {
            let pause = self.random.of(0..=self.run.delays.look);
            self.schedule.after(pause, What::Look(node));
        }
    }

    fn look(&mut self, node: usize) -> (NodeInventory, Changes) {
        let is_restarted = self.random.of(0..=999) < self.run.delays.restarts;
        let is_slow = self.random.percent(5);
        let of = &mut self.nodes[node];
        if is_restarted {
            of.epoch += 1_000_000;
            of.sequence = 0;
        }
        of.sequence += 1;
        let known = |uid: &str| !is_slow || uid.ends_with(['0', '2', '4', '6', '8']);
        let object = agent::report(&of.kubelet, of.epoch, of.sequence, known);
        (object, of.changes)
    }

    fn send(&mut self, node: usize) {
        let (object, changes) = self.look(node);
        if self.random.percent(self.run.delays.lost) {
            return;
        }
        let arrives = self.schedule.now() + self.random.of(0..=self.run.delays.report);
        let of = &mut self.nodes[node];
        of.reported_at = of.reported_at.max(arrives);
        let arrives = of.reported_at;
        let report = What::Report(node, Box::new(object), changes);
        self.schedule.at(arrives, report);
    }

    fn reported(&mut self, node: usize, object: &NodeInventory, changes: Changes) {
        self.tally.reports += 1;
        let event = Event::of_inventory(object).expect("a report that can be read");
        self.tell(event);
        let of = &mut self.nodes[node];
        of.told = changes;
        of.pessimistic.report(object, &of.pods);
    }

    /// The engine's view of every node, beside the judge's.
    pub(crate) fn check_counts(&mut self) {
        for at in 0..self.nodes.len() {
            let view = self.engine.node(self.name(at));
            if let Some(what) = counts::difference(view, &self.nodes[at], &self.engine) {
                self.problem(what, at, &SimPod::nobody());
            }
        }
        self.check();
    }
}

fn status(phase: &str, has_container: bool) -> Value {
    if has_container {
        json!({"phase": phase, "containerStatuses": [{
            "name": "c0", "containerID": "containerd://1", "started": true, "ready": true, "restartCount": 0,
            "image": "app", "imageID": "app", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        }]})
    } else {
        json!({"phase": phase})
    }
}
