//! Whose turn it is: bounded, fair, and in order for every pod.
//!
//! A pod that asks has at most one request at work; its others wait behind it in the order in which they came. Pods take turns in
//! the order in which their foremost requests came, so that nobody who asks a hundred times holds up somebody who asks once.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicI64},
};

use prometheus_client::metrics::gauge::Gauge;
use spec::network::{Namespace, ObjectName};
use tokio::sync::oneshot;

/// A pod: of requests about one name the order matters whatever the UID is.
pub(crate) type Key = (Namespace, ObjectName);

/// Who is at work and who waits.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    at_once: usize,
    at_most_waiting: usize,
    /// Told how many wait.
    gauge: Gauge<i64, AtomicI64>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Pods of which a request is at work.
    busy: BTreeSet<Key>,
    /// The requests that wait, by pod.
    lines: BTreeMap<Key, VecDeque<oneshot::Sender<Turn>>>,
    /// Pods that wait and are not busy, the longest first.
    next: VecDeque<Key>,
    waiting: usize,
}

/// The right to work; given back when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    pod: Option<Key>,
}

/// Too many wait already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Turns {
    /// `at_once` requests at work, and `at_most_waiting` more that wait, of whose number `gauge` is told.
    pub(crate) fn new(
        at_once: usize,
        at_most_waiting: usize,
        gauge: Gauge<i64, AtomicI64>,
    ) -> Self {
        Self {
            at_once,
            at_most_waiting,
            gauge,
            state: Arc::default(),
        }
    }

    /// Waits for a turn. Whoever drops the future gives up its place.
    pub(crate) async fn take(&self, pod: Key) -> Result<Turn, Full> {
        let turn = self.queue(pod)?;
        Ok(turn
            .await
            .expect("a line is only dropped with those who wait in it"))
    }

    fn queue(&self, pod: Key) -> Result<oneshot::Receiver<Turn>, Full> {
        let mut state = self.lock();
        if state.waiting >= self.at_most_waiting {
            state.forget_who_left();
            if state.waiting >= self.at_most_waiting {
                return Err(Full);
            }
        }
        let (sender, receiver) = oneshot::channel();
        let is_first = !state.lines.contains_key(&pod);
        if is_first && !state.busy.contains(&pod) {
            state.next.push_back(pod.clone());
        }
        state.lines.entry(pod).or_default().push_back(sender);
        state.waiting += 1;
        self.hand_out(&mut state);
        Ok(receiver)
    }

    fn hand_out(&self, state: &mut State) {
        while state.busy.len() < self.at_once
            && let Some(pod) = state.next.pop_front()
        {
            while let Some(sender) = state.take_foremost(&pod) {
                let turn = Turn {
                    turns: self.clone(),
                    pod: Some(pod.clone()),
                };
                match sender.send(turn) {
                    Ok(()) => {
                        state.busy.insert(pod);
                        break;
                    }
                    // Nobody waits there any more, and it is no turn that is to be given back.
                    Err(mut turn) => turn.pod = None,
                }
            }
        }
        self.gauge
            .set(i64::try_from(state.waiting).unwrap_or(i64::MAX));
    }

    fn give_back(&self, pod: Key) {
        let mut state = self.lock();
        state.busy.remove(&pod);
        if state.lines.contains_key(&pod) {
            state.next.push_back(pod);
        }
        self.hand_out(&mut state);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_foremost(&mut self, pod: &Key) -> Option<oneshot::Sender<Turn>> {
        let line = self.lines.get_mut(pod)?;
        let foremost = line.pop_front();
        if line.is_empty() {
            self.lines.remove(pod);
        }
        self.waiting -= usize::from(foremost.is_some());
        foremost
    }

    fn forget_who_left(&mut self) {
        for line in self.lines.values_mut() {
            line.retain(|sender| !sender.is_closed());
        }
        self.lines.retain(|_, line| !line.is_empty());
        let lines = &self.lines;
        self.next.retain(|pod| lines.contains_key(pod));
        self.waiting = self.lines.values().map(VecDeque::len).sum();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(pod) = self.pod.take() {
            self.turns.give_back(pod);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use proptest::prelude::*;

    use super::*;

    fn pod(name: &str) -> Key {
        ("default".parse().unwrap(), name.parse().unwrap())
    }

    /// Whoever has a turn among those who queued.
    fn taken(receiver: &mut oneshot::Receiver<Turn>) -> Option<Turn> {
        receiver.try_recv().ok()
    }

    #[test]
    fn one_pods_requests_are_in_order_and_others_pass_them() {
        let turns = Turns::new(2, 10, Gauge::default());
        let queue = |name| turns.queue(pod(name)).unwrap();
        let (mut a1, mut a2, mut a3, mut b, mut c) =
            (queue("a"), queue("a"), queue("a"), queue("b"), queue("c"));
        let first = taken(&mut a1).unwrap();
        let other = taken(&mut b).unwrap();
        assert!(taken(&mut a2).is_none() && taken(&mut c).is_none());
        drop(first);
        let third = taken(&mut c).unwrap();
        assert!(taken(&mut a2).is_none());
        drop(other);
        let second = taken(&mut a2).unwrap();
        drop(third);
        assert!(taken(&mut a3).is_none());
        drop(second);
        drop(taken(&mut a3).unwrap());
        assert_eq!(turns.gauge.get(), 0);
        assert!(turns.lock().lines.is_empty() && turns.lock().busy.is_empty());
    }

    #[test]
    fn who_left_is_passed_over_and_does_not_fill_the_queue() {
        let turns = Turns::new(1, 2, Gauge::default());
        let first = turns.take(pod("a")).now_or_never().unwrap().unwrap();
        let left = turns.queue(pod("b")).unwrap();
        let mut stays = turns.queue(pod("b")).unwrap();
        assert_eq!(turns.queue(pod("c")).err(), Some(Full));
        drop(left);
        let mut comes = turns.queue(pod("c")).unwrap();
        drop(first);
        drop(taken(&mut stays).unwrap());
        drop(taken(&mut comes).unwrap());
        // A turn that is handed out to somebody who has left at that instant goes on to the next.
        let first = turns.take(pod("a")).now_or_never().unwrap().unwrap();
        let given = turns.queue(pod("a")).unwrap();
        let mut after = turns.queue(pod("d")).unwrap();
        drop(first);
        drop(taken(&mut after).unwrap());
        drop(given);
        assert!(turns.lock().busy.is_empty());
    }

    proptest! {
        #[test]
        fn everybody_gets_a_turn_in_order(
            at_once in 1usize..4,
            steps in proptest::collection::vec((0usize..4, 0usize..3), 1..60),
        ) {
            let turns = Turns::new(at_once, 100, Gauge::default());
            let mut waiting: Vec<(usize, usize, oneshot::Receiver<Turn>)> = Vec::new();
            let mut working: Vec<(usize, usize, Turn)> = Vec::new();
            let mut served = [0usize; 4];
            for (number, (of, what)) in steps.iter().enumerate() {
                match what {
                    0 if !working.is_empty() => drop(working.remove(of % working.len())),
                    1 if !waiting.is_empty() => drop(waiting.remove(of % waiting.len())),
                    _ => waiting.push((*of, number, turns.queue(pod(&format!("p{of}"))).unwrap())),
                }
                let mut still = Vec::new();
                for (of, number, mut receiver) in waiting {
                    match taken(&mut receiver) {
                        Some(turn) => {
                            prop_assert!(number >= served[of]);
                            served[of] = number;
                            prop_assert!(working.iter().all(|(other, ..)| *other != of));
                            working.push((of, number, turn));
                        }
                        None => still.push((of, number, receiver)),
                    }
                }
                waiting = still;
                prop_assert!(working.len() <= at_once);
                // Nobody waits while there is room and the pod is not at work.
                prop_assert!(working.len() == at_once
                    || waiting.iter().all(|(of, ..)| working.iter().any(|(other, ..)| other == of)));
            }
            while !working.is_empty() || !waiting.is_empty() {
                working.clear();
                let before = waiting.len();
                waiting.retain_mut(|(of, number, receiver)| match taken(receiver) {
                    Some(turn) => { working.push((*of, *number, turn)); false }
                    None => true,
                });
                prop_assert!(working.is_empty() == (before == 0));
            }
            prop_assert_eq!(turns.gauge.get(), 0);
        }
    }
}
