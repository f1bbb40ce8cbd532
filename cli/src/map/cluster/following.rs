//! What is known of a cluster while it is watched: no I/O.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use super::{Cause, Kind, Read, Seen, Sender, Unseen, is_told, watched::Change};

/// How long changes are gathered.
const GATHER: Duration = Duration::from_millis(300);

/// So much time is between two documents, at least: a cluster of thousands of nodes never stands still.
const PACE: Duration = Duration::from_secs(1);

/// After so many failures in a row a kind counts as unseen, whatever the reason.
const FAILURES: u32 = 3;

/// A kind whose watch fails.
#[derive(Clone, Copy, Debug)]
struct Failing {
    /// How often in a row.
    times: u32,
    /// A watch that works is silent until something changes: without another failure until then it works.
    until: Instant,
}

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Following {
    seen: Seen,
    /// Lists that have not ended yet: until they have, what was known holds.
    listed: BTreeMap<Kind, Seen>,
    unseen: BTreeMap<Kind, Unseen>,
    failing: BTreeMap<Kind, Failing>,
    /// Since when and why the API server does not answer.
    lost: Option<String>,
    /// When there is to be a document.
    due: Option<Instant>,
    /// When the last one was.
    published: Option<Instant>,
}

impl From<Read> for Following {
    fn from(Read { seen, unseen, .. }: Read) -> Self {
        Self {
            seen,
            unseen: unseen.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl Following {
    /// When there is to be a document, if something may have changed.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes what was told.
    pub(super) fn take(&mut self, change: Change, now: Instant) {
        match change {
            Change::Begun(kind) => {
                self.listed.insert(kind, Seen::default());
                return;
            }
            Change::Listed(kind, object) => {
                self.listed.entry(kind).or_default().see(kind, &object);
                return;
            }
            Change::Complete(kind) => {
                let mut listed = self.listed.remove(&kind).unwrap_or_default();
                self.seen.replace(kind, &mut listed);
                self.works(kind);
            }
            Change::Seen(kind, object) => {
                self.seen.see(kind, &object);
                self.works(kind);
            }
            Change::Gone(kind, object) => {
                self.seen.gone(kind, &object);
                self.works(kind);
            }
            Change::Failed(kind, unseen, again) => self.fails(kind, unseen, now, again),
            Change::Probed(Ok(())) => {
                self.lost = None;
                self.settle(now);
            }
            Change::Probed(Err(why)) => {
                let since = humantime::format_rfc3339_seconds(SystemTime::now());
                let words = || format!("the API server does not answer since {since}: {why}");
                self.lost.get_or_insert_with(words);
            }
        }
        let earliest = self.published.map_or(now, |last| last + PACE);
        self.due.get_or_insert((now + GATHER).max(earliest));
    }

    fn works(&mut self, kind: Kind) {
        self.unseen.remove(&kind);
        self.failing.remove(&kind);
    }

    /// Takes back what was told of kinds that would have failed again by now. One whose list has not ended is not watched
    /// yet, and its list tells.
    fn settle(&mut self, now: Instant) {
        let failing = self.failing.iter();
        let settled = failing
            .filter(|(kind, failing)| failing.until <= now && !self.listed.contains_key(kind));
        let settled: Vec<Kind> = settled.map(|(kind, _)| *kind).collect();
        for kind in settled {
            self.works(kind);
        }
    }

    fn fails(&mut self, kind: Kind, unseen: Unseen, now: Instant, again: Duration) {
        let until = now + again;
        let first = Failing { times: 0, until };
        let failing = self.failing.entry(kind).or_insert(first);
        // Failures that are far apart are not in a row.
        if failing.until < now {
            *failing = first;
        }
        failing.times += 1;
        failing.until = until;
        let is_final = matches!(
            unseen.cause,
            Cause::Unauthorized | Cause::Forbidden | Cause::NotServed
        );
        // One that is away altogether is told of once, for all kinds.
        let counts = failing.times >= FAILURES && unseen.cause != Cause::Unreachable;
        if is_final || counts {
            self.unseen.insert(kind, unseen);
        }
    }

    /// Publishes what is known, as of a moment.
    pub(super) fn publish(&mut self, sender: &Sender, now: SystemTime) {
        self.due = None;
        self.published = Some(Instant::now());
        let told = self.unseen.iter();
        let told = told.filter(|(kind, one)| is_told(**kind, one, &self.seen));
        let told = told.map(|(_, one)| one.to_string());
        let document = self.seen.document(Some(now), told.collect());
        sender.publish(document, self.lost.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::map::{document::Document, snapshot};

    fn node(name: &str) -> serde_json::Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    }

    /// The names of the nodes, what is unseen, and whether it is stale.
    fn published(following: &mut Following) -> (Vec<String>, usize, bool) {
        let (sender, snapshots) = snapshot::channel(Document::default(), String::new());
        following.publish(&sender, SystemTime::now());
        let snapshot = snapshots.borrow();
        let nodes = snapshot.document.nodes.iter();
        (
            nodes.map(|node| node.name.clone()).collect(),
            snapshot.document.unseen.len(),
            snapshot.stale.is_some(),
        )
    }

    /// In this time a watch would have failed again.
    const AGAIN: Duration = Duration::from_secs(10);

    fn failed(kind: Kind, cause: Cause) -> Change {
        let unseen = Unseen {
            what: "nodes".to_owned(),
            cause,
            why: String::new(),
            what_to_do: String::new(),
        };
        Change::Failed(kind, unseen, AGAIN)
    }

    #[test]
    fn a_list_holds_when_it_is_complete() {
        let mut following = Following::default();
        let now = Instant::now();
        for change in [
            Change::Begun(Kind::Node),
            Change::Listed(Kind::Node, node("a")),
            Change::Complete(Kind::Node),
            Change::Seen(Kind::Node, node("b")),
            Change::Gone(Kind::Node, node("a")),
            Change::Begun(Kind::Node),
            Change::Listed(Kind::Node, node("c")),
        ] {
            following.take(change, now);
        }
        assert_eq!(published(&mut following).0, ["b"]);
        following.take(Change::Complete(Kind::Node), now);
        assert_eq!(published(&mut following).0, ["c"]);
    }

    #[test]
    fn what_fails_is_told_until_it_works_again() {
        let mut following = Following::default();
        let now = Instant::now();
        for good in [
            Change::Seen(Kind::Node, node("a")),
            Change::Gone(Kind::Node, node("a")),
            Change::Complete(Kind::Node),
        ] {
            following.take(failed(Kind::Node, Cause::Forbidden), now);
            assert_eq!(published(&mut following).1, 1);
            following.take(good, now);
            assert_eq!(published(&mut following).1, 0);
        }
        for count in [0, 0, 1] {
            following.take(failed(Kind::Pod, Cause::Failed), now);
            assert_eq!(published(&mut following).1, count);
        }
        for kind in [
            Kind::NodeResourceTopology,
            Kind::ResourceClaim,
            Kind::ResourceSlice,
        ] {
            following.take(failed(kind, Cause::NotServed), now);
            assert_eq!(published(&mut following).1, 1);
        }
        // That there are no claims is news as soon as a pod has one.
        let pod = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "a",
            "resourceClaims": [{"name": "gpu", "resourceClaimName": "gpu"}]}});
        following.take(Change::Seen(Kind::Pod, pod), now);
        assert_eq!(published(&mut following).1, 2);
    }

    #[test]
    fn a_watch_that_fails_no_more_is_seen_again_though_nothing_changes() {
        let mut following = Following::default();
        let now = Instant::now();
        let answers = || Change::Probed(Ok(()));
        following.take(Change::Complete(Kind::Node), now);
        following.take(failed(Kind::Node, Cause::Forbidden), now);
        following.take(answers(), now + AGAIN / 2);
        assert_eq!(published(&mut following).1, 1, "it may fail again");
        following.take(failed(Kind::Node, Cause::Forbidden), now + AGAIN / 2);
        following.take(answers(), now + AGAIN);
        assert_eq!(published(&mut following).1, 1, "it has failed again");
        following.take(answers(), now + AGAIN * 2);
        assert_eq!(published(&mut following).1, 0);
    }

    #[test]
    fn a_list_that_fails_is_not_seen_until_it_is_complete() {
        let mut following = Following::default();
        let now = Instant::now();
        following.take(Change::Begun(Kind::Node), now);
        following.take(failed(Kind::Node, Cause::Forbidden), now);
        following.take(Change::Begun(Kind::Node), now);
        following.take(Change::Probed(Ok(())), now + AGAIN * 2);
        assert_eq!(published(&mut following).1, 1);
        following.take(Change::Complete(Kind::Node), now + AGAIN * 2);
        assert_eq!(published(&mut following).1, 0);
    }

    #[test]
    fn failures_that_are_far_apart_are_not_in_a_row() {
        let mut following = Following::default();
        let mut now = Instant::now();
        for _ in 0..2 * FAILURES {
            following.take(failed(Kind::Pod, Cause::Failed), now);
            assert_eq!(published(&mut following).1, 0);
            now += AGAIN * 2;
        }
    }

    #[test]
    fn a_lost_cluster_is_stale_until_it_answers() {
        let mut following = Following::default();
        let now = Instant::now();
        following.take(Change::Probed(Err("gone".to_owned())), now);
        assert!(published(&mut following).2);
        following.take(Change::Probed(Ok(())), now);
        assert!(!published(&mut following).2);
    }

    #[test]
    fn changes_are_gathered_and_paced() {
        let mut following = Following::default();
        let now = Instant::now();
        let (sender, _snapshots) = snapshot::channel(Document::default(), String::new());
        assert_eq!(following.due(), None);
        following.take(Change::Seen(Kind::Node, node("a")), now);
        assert_eq!(following.due(), Some(now + GATHER));
        following.take(Change::Seen(Kind::Node, node("b")), now + GATHER / 2);
        assert_eq!(following.due(), Some(now + GATHER));
        following.publish(&sender, SystemTime::now());
        assert_eq!(following.due(), None);
        following.take(Change::Seen(Kind::Node, node("c")), now);
        assert!(following.due() >= Some(now + PACE));
    }
}
