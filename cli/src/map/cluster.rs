//! A cluster as its API server tells of it, and what changes in it.

mod following;
mod watched;

use std::time::SystemTime;

use futures::{StreamExt as _, stream};
use tokio::time::{Instant, sleep_until};

use self::following::Following;
use super::{
    document::Document,
    seen::{Kind, Seen},
    snapshot::Sender,
};
use crate::cluster::{Access, Cause, Cluster, Listed, Scope, Selection, Unseen};

/// Pods that hold something.
const NOT_ENDED: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// What came of reading a cluster.
#[derive(Debug, Default)]
pub(super) struct Read {
    seen: Seen,
    unseen: Vec<(Kind, Unseen)>,
    /// Whether no kind could be listed, not in part either.
    is_blind: bool,
}

/// What people are told of where it is from.
pub(super) fn label(access: &Access, cluster: &Cluster) -> String {
    let mut label = match &access.context {
        Some(context) => format!("context {context}"),
        None => "the kubeconfig's cluster".to_owned(),
    };
    if let Some(namespace) = &access.namespace {
        label = format!("{label}, namespace {namespace}");
    }
    if !cluster.version.is_empty() {
        label = format!("{label}, Kubernetes {}", cluster.version);
    }
    label
}

/// Which objects of a kind are looked at: all, unless a namespace is named; what has none is everybody's.
fn scope(kind: Kind, namespace: Option<&str>) -> Scope<'_> {
    match namespace {
        Some(namespace) if kind.is_namespaced() => Scope::Namespace(namespace),
        _ => Scope::Cluster,
    }
}

/// Reads a cluster once.
pub(super) async fn read(cluster: &Cluster, namespace: Option<&str>) -> Read {
    let listed = Kind::ALL.map(|kind| async move {
        let selection = Selection {
            fields: (kind == Kind::Pod).then_some(NOT_ENDED),
            ..Selection::default()
        };
        let mut seen = Seen::default();
        let scope = scope(kind, namespace);
        let keep = |object| seen.see(kind, &object);
        let Listed { unseen, .. } = cluster
            .list_each(kind.source(), scope, selection, keep)
            .await;
        (kind, seen, unseen)
    });
    let mut read = Read {
        is_blind: true,
        ..Read::default()
    };
    for (kind, mut seen, unseen) in futures::future::join_all(listed).await {
        read.is_blind &= unseen.is_some() && seen.is_empty();
        read.seen.replace(kind, &mut seen);
        read.unseen.extend(unseen.map(|one| (kind, one)));
    }
    read
}

/// Whether it matters that a kind is not seen: nobody has to have NodeResourceTopologies, and an API server that serves no
/// claims is none the worse for it until a pod has some.
fn is_told(kind: Kind, unseen: &Unseen, seen: &Seen) -> bool {
    match kind {
        _ if unseen.cause != Cause::NotServed => true,
        Kind::NodeResourceTopology => false,
        Kind::ResourceClaim | Kind::ResourceSlice => seen.has_claims(),
        _ => true,
    }
}

impl Read {
    /// The document of what was read.
    pub(super) fn document(&self) -> Document {
        let told = self.told().map(ToString::to_string);
        self.seen.document(Some(SystemTime::now()), told.collect())
    }

    /// What cannot be seen, where that is everything.
    pub(super) fn blind(&self) -> Option<String> {
        self.is_blind
            .then(|| self.told().map(|one| format!("\n  {one}")).collect())
    }

    fn told(&self) -> impl Iterator<Item = &Unseen> {
        let unseen = self.unseen.iter();
        let told = unseen.filter(|(kind, one)| is_told(*kind, one, &self.seen));
        told.map(|(_, one)| one)
    }
}

/// Publishes the document again and again as the cluster changes. While the API server does not answer it says so.
pub(super) async fn follow(
    cluster: Cluster,
    namespace: Option<String>,
    read: Read,
    sender: Sender,
) {
    let kinds = Kind::ALL.into_iter();
    let mut changes = stream::select_all(
        kinds
            .map(|kind| watched::changes(&cluster, kind, namespace.as_deref()))
            .chain([watched::probes(&cluster)]),
    );
    let mut following = Following::from(read);
    loop {
        let due = following.due();
        tokio::select! {
            change = changes.next() => match change {
                Some(change) => following.take(change, Instant::now()),
                None => return,
            },
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                following.publish(&sender, SystemTime::now());
            }
            () = sender.closed() => return,
        }
    }
}
