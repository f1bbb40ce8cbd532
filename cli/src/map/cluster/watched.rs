//! What watches tell, kind by kind, and whether anybody answers at all.

use std::time::Duration;

use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use kube::{
    Api, Error,
    api::{ApiResource, DynamicObject, GroupVersionKind},
    runtime::watcher::{self, watcher},
};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{Cause, Cluster, Kind, NOT_ENDED, Scope, Unseen, scope};

/// So many objects of a list at a time.
const PAGE: u32 = 500;

/// How long a watch that failed waits: where nobody answers, and where it was refused.
const AGAIN: Duration = Duration::from_secs(2);
const REFUSED: Duration = Duration::from_secs(30);

/// What a failure may come late by on a busy machine.
const LATE: Duration = Duration::from_secs(5);

/// How often it is asked whether the API server is there: a watch without changes is as silent as one that is dead.
const PROBE: Duration = Duration::from_secs(3);

/// Something that was told.
#[derive(Debug)]
pub(super) enum Change {
    /// A kind is listed from here on.
    Begun(Kind),
    /// One of the objects of a list.
    Listed(Kind, Value),
    /// The list has ended.
    Complete(Kind),
    /// An object is there, new or changed.
    Seen(Kind, Value),
    /// An object is gone.
    Gone(Kind, Value),
    /// A kind could not be watched. It is tried again, and would have failed again within this time.
    Failed(Kind, Unseen, Duration),
    /// The API server answered, or why it did not.
    Probed(Result<(), String>),
}

/// What changes among the objects of a kind. It goes on after every failure.
pub(super) fn changes(
    cluster: &Cluster,
    kind: Kind,
    namespace: Option<&str>,
) -> BoxStream<'static, Change> {
    let source = kind.source();
    let named = GroupVersionKind::gvk(source.group, source.version, source.kind);
    let resource = ApiResource::from_gvk_with_plural(&named, source.plural);
    let client = cluster.client().clone();
    let api: Api<DynamicObject> = match scope(kind, namespace) {
        Scope::Namespace(namespace) => Api::namespaced_with(client, namespace, &resource),
        Scope::Cluster => Api::all_with(client, &resource),
    };
    // A watch is silent for as long as nothing changes, and the connection is not given longer than a request has.
    let limit = u32::try_from(cluster.request_timeout.as_secs() / 2);
    let mut config = watcher::Config::default()
        .page_size(PAGE)
        .timeout(limit.unwrap_or(u32::MAX).clamp(1, 290));
    if kind == Kind::Pod {
        config = config.fields(NOT_ENDED);
    }
    // A request may take its time twice: until there is a connection, and until there is an answer.
    let request = cluster.request_timeout * 2;
    let told = watcher(api, config).boxed();
    stream::unfold(
        (told, Duration::ZERO),
        move |(mut told, pause)| async move {
            sleep(pause).await;
            match told.next().await? {
                Ok(event) => Some((change(kind, event), (told, Duration::ZERO))),
                Err(error) => {
                    let unseen = failed(kind, error);
                    let pause = pause_after(unseen.cause);
                    let again = pause + request + LATE;
                    Some((Change::Failed(kind, unseen, again), (told, pause)))
                }
            }
        },
    )
    .boxed()
}

const fn pause_after(cause: Cause) -> Duration {
    match cause {
        Cause::Forbidden | Cause::NotServed => REFUSED,
        _ => AGAIN,
    }
}

fn change(kind: Kind, event: watcher::Event<DynamicObject>) -> Change {
    // What came as JSON is JSON again; what could not be is no object, and is told of as one without a name.
    let value = |object| serde_json::to_value(object).unwrap_or_default();
    match event {
        watcher::Event::Init => Change::Begun(kind),
        watcher::Event::InitApply(object) => Change::Listed(kind, value(object)),
        watcher::Event::InitDone => Change::Complete(kind),
        watcher::Event::Apply(object) => Change::Seen(kind, value(object)),
        watcher::Event::Delete(object) => Change::Gone(kind, value(object)),
    }
}

fn failed(kind: Kind, error: watcher::Error) -> Unseen {
    let error = match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => error,
        watcher::Error::WatchError(status) => Error::Api(status),
        watcher::Error::NoResourceVersion => {
            return Unseen {
                what: kind.source().resource(),
                cause: Cause::Failed,
                why: "the API server told no resourceVersion to watch them from".to_owned(),
                what_to_do: "see what stands between here and kube-apiserver".to_owned(),
            };
        }
    };
    Unseen::of(kind.source(), "watch", "of the cluster", &error)
}

/// Whether the API server answers, again and again.
pub(super) fn probes(cluster: &Cluster) -> BoxStream<'static, Change> {
    let client = cluster.client().clone();
    let limit = cluster.request_timeout;
    stream::unfold(client, move |client| async move {
        sleep(PROBE).await;
        let answered = match timeout(limit, client.apiserver_version()).await {
            // Whatever it answers, it is there.
            Ok(Ok(_) | Err(Error::Api(_) | Error::SerdeError(_))) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer in {limit:?}")),
        };
        Some((Change::Probed(answered), client))
    })
    .boxed()
}
