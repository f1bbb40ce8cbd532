//! The one engine: asked by every request, told by whoever watches.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use scheduler::{
    engine::{Engine, Event, Outcome},
    moment::Moment,
    policy::Policy,
    tentative::Tentative,
};
use tokio::{
    sync::{broadcast, watch},
    time::{MissedTickBehavior, interval, sleep},
};
use tracing::{debug, info};

use super::{counts::Counts, demands::Demands};

/// How many batches of outcomes may wait for who listens.
const BACKLOG: usize = 1024;

/// How many events are learnt before questions have their turn again.
const BATCH: usize = 256;

/// How long questions have their turn. A question that was woken must have had the time to begin: the lock is not fair, and
/// who takes it again at once has it before all others.
const TURN: Duration = Duration::from_millis(1);

/// How often the engine is told that time passes.
const TICK: Duration = Duration::from_secs(1);

/// The engine, and all that is around it in a process.
///
/// A question takes microseconds for each node and holds no lock over an `await`, so a plain lock is enough.
#[derive(Debug)]
pub struct Scheduling {
    engine: RwLock<Engine>,
    /// Nodes that pods may be about to be bound to.
    tentative: Mutex<Tentative>,
    begin: Instant,
    /// The kinds that have not been listed yet, a bit each.
    awaited: watch::Sender<u8>,
    /// The kinds that are not waited for any longer.
    waived: AtomicU8,
    outcomes: broadcast::Sender<Arc<[Outcome]>>,
    /// What pods demand.
    pub demands: Demands,
    /// What is counted.
    pub counts: Counts,
}

/// A kind of objects that the engine learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Nodes.
    Nodes,
    /// Pods.
    Pods,
    /// Our device-bridge's reports.
    Inventories,
    /// The reports of others.
    Topologies,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nodes, Self::Pods, Self::Inventories, Self::Topologies];

    /// Its name in logs and on `/readyz`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nodes => "Nodes",
            Self::Pods => "Pods",
            Self::Inventories => "NodeInventories",
            Self::Topologies => "NodeResourceTopologies",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Scheduling {
    /// An engine that knows nothing, and awaits these kinds before it is asked anything.
    #[must_use]
    pub fn awaiting(kinds: &[Kind], policy: Policy) -> Self {
        let awaited = kinds.iter().fold(0, |bits, kind| bits | kind.bit());
        Self {
            tentative: Mutex::new(Tentative::new(policy.tentative_for)),
            engine: RwLock::new(Engine::new(policy)),
            begin: Instant::now(),
            awaited: watch::Sender::new(awaited),
            waived: AtomicU8::new(0),
            outcomes: broadcast::channel(BACKLOG).0,
            demands: Demands::default(),
            counts: Counts::default(),
        }
    }

    /// The time, as the engine is told it.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment::after(self.begin.elapsed())
    }

    /// The first kind that has not been listed yet, and is waited for.
    #[must_use]
    pub fn awaited(&self) -> Option<Kind> {
        let awaited = *self.awaited.borrow() & !self.waived.load(Ordering::Acquire);
        let mut kinds = Kind::ALL.into_iter();
        kinds.find(|kind| awaited & kind.bit() != 0)
    }

    /// Whether a kind has been listed.
    #[must_use]
    pub fn is_listed(&self, kind: Kind) -> bool {
        *self.awaited.borrow() & kind.bit() == 0
    }

    /// Notes that all objects of a kind have been learnt of.
    pub fn listed(&self, kind: Kind) {
        let awaited = *self.awaited.borrow();
        if awaited == kind.bit() {
            self.learn([Event::AllListed]);
        }
        self.awaited.send_modify(|awaited| *awaited &= !kind.bit());
    }

    /// Answers questions without a kind that has not been listed yet.
    pub fn waive(&self, kind: Kind) {
        self.waived.fetch_or(kind.bit(), Ordering::AcqRel);
    }

    /// Waits until all objects of a kind have been learnt of.
    pub async fn until_listed(&self, kind: Kind) {
        let mut awaited = self.awaited.subscribe();
        // It fails when nobody can change it any more, which is when nobody waits.
        let _changed = awaited.wait_for(|awaited| awaited & kind.bit() == 0).await;
    }

    /// Asks the engine.
    pub fn read<T>(&self, ask: impl FnOnce(&Engine, Moment) -> T) -> T {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        ask(&engine, self.now())
    }

    /// The nodes that pods may be about to be bound to, those that may still be.
    pub fn tentative(&self) -> MutexGuard<'_, Tentative> {
        let tentative = self.tentative.lock();
        let mut tentative = tentative.unwrap_or_else(PoisonError::into_inner);
        tentative.expire(self.now());
        tentative
    }

    /// Notes that a node was offered to a pod, and no other is as good.
    pub fn offered(&self, uid: &str, node: &str) {
        let now = self.now();
        self.tentative().note(uid, node, now);
    }

    /// Tells the engine of a few events, in this order, and everybody who listens what came of it.
    pub fn learn(&self, events: impl IntoIterator<Item = Event>) {
        let mut events = events.into_iter().peekable();
        while events.peek().is_some() {
            self.learn_batch(&mut events);
        }
    }

    /// The same of many events, such as a list is: between batches whoever asks has a turn.
    pub async fn learn_by_turns(&self, events: impl IntoIterator<Item = Event>) {
        let mut events = events.into_iter().peekable();
        while events.peek().is_some() {
            self.learn_batch(&mut events);
            if events.peek().is_some() {
                sleep(TURN).await;
            }
        }
    }

    fn learn_batch(&self, events: &mut impl Iterator<Item = Event>) {
        let mut outcomes = Vec::new();
        {
            let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
            let now = self.now();
            for event in events.take(BATCH) {
                self.settle(&event);
                self.demands.learn(&event);
                outcomes.extend(engine.apply(event, now));
            }
        }
        self.tell(outcomes);
    }

    /// A pod that is bound or gone will not be bound any more.
    fn settle(&self, event: &Event) {
        let uid = match event {
            Event::PodSeen(pod) if pod.node.is_some() => &pod.demand.uid,
            Event::PodGone { uid } => uid,
            _ => return,
        };
        self.tentative().gone(uid);
    }

    /// What comes of events from here on, a batch at a time. Who listens too slowly is told that he missed some: anything
    /// may have happened then.
    #[must_use]
    pub fn outcomes(&self) -> broadcast::Receiver<Arc<[Outcome]>> {
        self.outcomes.subscribe()
    }

    /// Tells the engine that time passes, for ever.
    pub async fn tick(&self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.learn([Event::Tick]);
        }
    }

    fn tell(&self, outcomes: Vec<Outcome>) {
        if outcomes.is_empty() {
            return;
        }
        for outcome in &outcomes {
            self.counts.count(outcome);
            log(outcome);
        }
        // Nobody may be listening.
        let _listeners = self.outcomes.send(outcomes.into());
    }
}

/// Above debug nothing is told of a pod.
fn log(outcome: &Outcome) {
    match outcome {
        Outcome::Freed { .. } => {}
        Outcome::Mispredicted {
            node,
            namespace,
            name,
            predicted,
            actual,
            ..
        } => {
            info!(
                node,
                ?predicted,
                ?actual,
                "A pod is in other zones than was predicted"
            );
            debug!(node, namespace, name, "The pod that is in other zones");
        }
        Outcome::SetAside {
            node,
            namespace,
            name,
        } => {
            info!(
                node,
                "The kubelet refused a pod; the node is set aside for pods of its owner"
            );
            debug!(node, namespace, name, "The pod that was refused");
        }
        Outcome::Ignored { reason } => debug!(reason, "Passed over"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_awaited_one_by_one() {
        let scheduling = Scheduling::awaiting(&Kind::ALL, Policy::default());
        for kind in Kind::ALL {
            assert_eq!(scheduling.awaited(), Some(kind));
            assert!(!scheduling.is_listed(kind));
            scheduling.listed(kind);
            assert!(scheduling.is_listed(kind));
        }
        assert_eq!(scheduling.awaited(), None);
        let scheduling = Scheduling::awaiting(&[Kind::Pods], Policy::default());
        assert_eq!(scheduling.awaited(), Some(Kind::Pods));
    }

    #[tokio::test]
    async fn a_long_list_leaves_others_their_turn() {
        let scheduling = Scheduling::awaiting(&[], Policy::default());
        let node = |number| {
            let node = serde_json::json!({
                "metadata": {"name": format!("n{number}")},
                "status": {"allocatable": {"intel.com/sriov": "2"}},
            });
            Event::of_node(&node).unwrap()
        };
        let known = || scheduling.read(Engine::census).nodes;
        let seen = std::cell::Cell::new(0);
        let look = async {
            // On one thread: whoever looks can do so while the list is learnt, or not at all.
            while known() < 4 * BATCH {
                seen.set(seen.get() + usize::from(known() > 0));
                tokio::task::yield_now().await;
            }
        };
        let learn = scheduling.learn_by_turns((0..4 * BATCH).map(node));
        tokio::join!(learn, look);
        assert!(seen.get() > 2, "{seen:?}");
    }
}
