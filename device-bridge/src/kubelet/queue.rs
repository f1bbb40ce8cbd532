//! Who waits for the kubelet, and which call serves them next: a function of who waits and of the time.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use tokio::time::Instant;

/// As many pods are asked for one by one; of more, one `List` serves all. It costs the kubelet more than one `Get`, but
/// only calls are rationed.
const ONE_BY_ONE: usize = 4;

/// The first pause before the same is asked again; each is twice the one before it.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wanted {
    /// What the pods of the whole node hold.
    Node,
    /// What the pods of this name hold.
    Pod {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
    },
}

/// Those who want the same.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    since: Instant,
    not_before: Instant,
    pause: Duration,
    pub(crate) takers: Vec<T>,
}

/// Who waits. A call serves those who waited when it began, and nobody who came later.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    waiting: BTreeMap<Wanted, Waiting<T>>,
    /// No call is made before this time: the kubelet throttles or restarts.
    hold: Option<Instant>,
}

/// The next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// None: nobody waits.
    Nothing,
    /// None before this time.
    At(Instant),
    /// One `Get`.
    Get,
    /// One `List`, for all.
    List,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            hold: None,
        }
    }
}

impl<T> Queue<T> {
    /// One more who wants something.
    pub(crate) fn push(&mut self, wanted: Wanted, taker: T, now: Instant) {
        let waiting = self.waiting.entry(wanted).or_insert_with(|| Waiting {
            since: now,
            not_before: now,
            pause: FIRST_PAUSE,
            takers: Vec::new(),
        });
        waiting.takers.push(taker);
    }

    /// Forgets those who wait no more.
    pub(crate) fn retain(&mut self, still_waits: impl Fn(&T) -> bool) {
        self.waiting.retain(|_, waiting| {
            waiting.takers.retain(&still_waits);
            !waiting.takers.is_empty()
        });
    }

    /// The call that is to be made now. `has_get` is whether the kubelet has `Get`, if that is known.
    pub(crate) fn next(&self, has_get: Option<bool>, now: Instant) -> Next {
        let Some(earliest) = self.waiting.values().map(|one| one.not_before).min() else {
            return Next::Nothing;
        };
        let earliest = self.hold.map_or(earliest, |hold| hold.max(earliest));
        if earliest > now {
            return Next::At(earliest);
        }
        let due = self.waiting.iter().filter(|(_, one)| one.not_before <= now);
        let (pods, node) = due.fold((0, false), |(pods, node), (wanted, _)| match wanted {
            Wanted::Node => (pods, true),
            Wanted::Pod { .. } => (pods + 1, node),
        });
        if node || pods > ONE_BY_ONE || has_get == Some(false) {
            Next::List
        } else {
            Next::Get
        }
    }

    /// Takes the pod that waits for the longest, for a `Get`.
    pub(crate) fn take_one(&mut self, now: Instant) -> Option<(Wanted, Waiting<T>)> {
        let due = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.not_before <= now);
        let first = due.min_by_key(|(_, waiting)| waiting.since)?.0.clone();
        self.waiting.remove_entry(&first)
    }

    /// Takes all whose time has come, for a `List`.
    pub(crate) fn take_all(&mut self, now: Instant) -> BTreeMap<Wanted, Waiting<T>> {
        let all = std::mem::take(&mut self.waiting);
        let (due, later) = all
            .into_iter()
            .partition(|(_, waiting)| waiting.not_before <= now);
        self.waiting = later;
        due
    }

    /// Puts back who was not served, to be asked for at once.
    pub(crate) fn put_back(&mut self, wanted: Wanted, waiting: Waiting<T>) {
        match self.waiting.entry(wanted) {
            Entry::Vacant(place) => {
                place.insert(waiting);
            }
            // Who came meanwhile joins those who wait for longer.
            Entry::Occupied(mut place) => {
                let later = std::mem::replace(place.get_mut(), waiting).takers;
                place.get_mut().takers.extend(later);
            }
        }
    }

    /// Puts back who was not served, to be asked for after a pause. Gives them back when their patience is at its end.
    pub(crate) fn postpone(
        &mut self,
        wanted: Wanted,
        mut waiting: Waiting<T>,
        patience: Duration,
        now: Instant,
    ) -> Option<Vec<T>> {
        let again = now + waiting.pause;
        if again > waiting.since + patience {
            return Some(waiting.takers);
        }
        waiting.not_before = again;
        waiting.pause = LONGEST_PAUSE.min(waiting.pause * 2);
        self.put_back(wanted, waiting);
        None
    }

    /// No call before those who were postponed last are asked for again.
    pub(crate) fn hold(&mut self, now: Instant) {
        let later = self.waiting.values().map(|one| one.not_before);
        self.hold = later.filter(|at| *at > now).min();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str) -> Wanted {
        Wanted::Pod {
            namespace: "default".to_owned(),
            name: name.to_owned(),
        }
    }

    fn queue(pods: &[&str], now: Instant) -> Queue<u8> {
        let mut queue = Queue::default();
        for (taker, name) in (0..).zip(pods) {
            queue.push(pod(name), taker, now);
        }
        queue
    }

    #[test]
    fn few_are_asked_for_one_by_one_and_many_at_once() {
        let now = Instant::now();
        assert_eq!(queue(&[], now).next(Some(true), now), Next::Nothing);
        assert_eq!(queue(&["a"], now).next(None, now), Next::Get);
        assert_eq!(queue(&["a"], now).next(Some(false), now), Next::List);
        // Four who want the same are one.
        let same = ["a", "a", "a", "a", "a", "b"];
        assert_eq!(queue(&same, now).next(Some(true), now), Next::Get);
        let many = ["a", "b", "c", "d", "e"];
        assert_eq!(queue(&many, now).next(Some(true), now), Next::List);
        let mut node = queue(&["a"], now);
        node.push(Wanted::Node, 9, now);
        assert_eq!(node.next(Some(true), now), Next::List);
        assert_eq!(node.take_all(now).len(), 2);
    }

    #[test]
    fn the_longest_waiting_first() {
        let now = Instant::now();
        let mut queue = queue(&["b"], now);
        let later = now + Duration::from_millis(1);
        queue.push(pod("a"), 9, later);
        assert_eq!(queue.take_one(later).unwrap().0, pod("b"));
        assert_eq!(queue.take_one(later).unwrap().0, pod("a"));
        assert!(queue.take_one(later).is_none());
    }

    #[test]
    fn pauses_grow_and_patience_ends() {
        let mut now = Instant::now();
        let patience = Duration::from_secs(1);
        let mut queue = queue(&["a"], now);
        let mut pauses = Vec::new();
        loop {
            let (wanted, waiting) = queue.take_one(now).unwrap();
            if let Some(takers) = queue.postpone(wanted, waiting, patience, now) {
                assert_eq!(takers, [0]);
                break;
            }
            let Next::At(again) = queue.next(None, now) else {
                panic!("not postponed");
            };
            pauses.push((again - now).as_millis());
            now = again;
        }
        assert_eq!(pauses, [50, 100, 200, 400]);
    }

    #[test]
    fn a_held_queue_lets_nobody_through() {
        let now = Instant::now();
        let mut queue = queue(&["a"], now);
        let (wanted, waiting) = queue.take_one(now).unwrap();
        let patience = Duration::from_secs(1);
        assert!(queue.postpone(wanted, waiting, patience, now).is_none());
        queue.hold(now);
        queue.push(pod("b"), 1, now);
        let again = now + FIRST_PAUSE;
        assert_eq!(queue.next(None, now), Next::At(again));
        assert_eq!(queue.next(None, again), Next::Get);
    }

    #[test]
    fn who_comes_during_a_call_joins_who_was_not_served() {
        let now = Instant::now();
        let mut queue = queue(&["a"], now);
        let (wanted, waiting) = queue.take_one(now).unwrap();
        queue.push(pod("a"), 7, now);
        queue.put_back(wanted, waiting);
        assert_eq!(queue.take_one(now).unwrap().1.takers, [0, 7]);
        queue.push(pod("a"), 8, now);
        queue.retain(|taker| *taker != 8);
        assert_eq!(queue.next(None, now), Next::Nothing);
    }
}
