//! Pods that were let go and are on no node in time.

use std::collections::HashMap;

use scheduler::{moment::Moment, promises::Promise};

/// How often what was promised is kept once more for a pod that is still on its way.
const RENEWALS: u32 = 10;

/// Pods to which a promise was not kept in time, by UID. They are looked at until they are on a node or gone.
#[derive(Debug, Default)]
pub(super) struct Overdue(HashMap<Box<str>, Row>);

#[derive(Debug)]
struct Row {
    nodes: Vec<Box<str>>,
    /// When it is looked at; not while it is promised something.
    next: Option<Moment>,
    renewed: u32,
    is_stranded: bool,
}

/// What follows when a pod was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is on its way still: what was promised is kept for it.
    Renew,
    /// None of its nodes can take it any more.
    Stranded,
    /// Nothing new.
    Nothing,
}

impl Overdue {
    /// Notes that the time of a promise is over; the pod is looked at next.
    pub(super) fn note(&mut self, promise: &Promise, now: Moment) {
        let row = self.0.entry(promise.demand.uid.clone());
        let row = row.or_insert_with(|| Row {
            nodes: Vec::new(),
            next: None,
            renewed: 0,
            is_stranded: false,
        });
        row.nodes.clone_from(&promise.nodes);
        row.next = Some(now);
    }

    /// The pods that are to be looked at, and the nodes that were chosen for them.
    pub(super) fn due(&self, now: Moment) -> Vec<(Box<str>, Vec<Box<str>>)> {
        let due = self.0.iter();
        let due = due.filter(|(_, row)| row.next.is_some_and(|next| next <= now));
        let due = due.map(|(uid, row)| (uid.clone(), row.nodes.clone()));
        let mut due: Vec<_> = due.collect();
        due.sort();
        due
    }

    /// Notes whether one of its nodes can take a pod, which is looked at `again` then.
    pub(super) fn looked(&mut self, uid: &str, can_go: bool, again: Moment) -> Verdict {
        let Some(row) = self.0.get_mut(uid) else {
            return Verdict::Nothing;
        };
        row.next = Some(again);
        let was_stranded = std::mem::replace(&mut row.is_stranded, !can_go);
        if !can_go {
            return match was_stranded {
                true => Verdict::Nothing,
                false => Verdict::Stranded,
            };
        }
        if row.renewed == RENEWALS {
            return Verdict::Nothing;
        }
        row.renewed += 1;
        row.next = None;
        Verdict::Renew
    }

    /// Whether a promise to the pod was not kept in time.
    pub(super) fn is_known(&self, uid: &str) -> bool {
        self.0.contains_key(uid)
    }

    /// Forgets a pod.
    pub(super) fn forget(&mut self, uid: &str) {
        self.0.remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use scheduler::unbound::Unbound;
    use serde_json::json;

    use super::*;

    const fn at(seconds: u64) -> Moment {
        Moment::after(Duration::from_secs(seconds))
    }

    fn promise(uid: &str) -> Promise {
        let pod = json!({"metadata": {"uid": uid, "name": uid}, "spec": {"containers": [
            {"name": "c", "resources": {"limits": {"intel.com/sriov": 1}}}]}});
        Promise {
            demand: Unbound::of(&pod).unwrap().unwrap().demand,
            nodes: vec!["n1".into()],
            until: at(1),
        }
    }

    #[test]
    fn what_was_promised_is_kept_so_often_and_not_for_ever() {
        let mut overdue = Overdue::default();
        for n in 0..RENEWALS {
            overdue.note(&promise("u"), at(n.into()));
            assert_eq!(overdue.due(at(n.into())).len(), 1);
            assert_eq!(overdue.looked("u", true, at(100)), Verdict::Renew);
            assert_eq!(overdue.due(at(1000)), [], "it is promised");
        }
        overdue.note(&promise("u"), at(60));
        assert_eq!(overdue.looked("u", true, at(100)), Verdict::Nothing);
        assert_eq!(
            (overdue.due(at(99)).len(), overdue.due(at(100)).len()),
            (0, 1)
        );
        assert_eq!(overdue.looked("u", false, at(200)), Verdict::Stranded);
        assert!(overdue.is_known("u"));
        overdue.forget("u");
        assert!(!overdue.is_known("u") && overdue.due(at(1000)).is_empty());
        assert_eq!(overdue.looked("u", false, at(200)), Verdict::Nothing);
    }

    #[test]
    fn each_stranding_is_told_once() {
        let mut overdue = Overdue::default();
        overdue.note(&promise("u"), at(1));
        assert_eq!(overdue.looked("u", false, at(2)), Verdict::Stranded);
        assert_eq!(overdue.looked("u", false, at(3)), Verdict::Nothing);
        assert_eq!(overdue.looked("u", true, at(4)), Verdict::Renew);
        overdue.note(&promise("u"), at(5));
        assert_eq!(overdue.looked("u", false, at(6)), Verdict::Stranded);
    }
}
