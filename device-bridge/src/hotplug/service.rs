//! From a request to its reply: whose turn it is, what the plugin is given, and what came of it.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use kube::Client;
use spec::{TraceContext, bridge::PodRef, cni::Args};
use tokio::{
    sync::{OwnedMutexGuard, Semaphore, watch},
    task::JoinHandle,
};
use tracing::Instrument as _;

use super::{
    enter::find,
    execute::{Executor, Finished},
    overlay::{Overlay, folders},
    reply::Reply,
    request::{Endpoint, Request, RequestError},
    times::{Change, tell},
    turns::Turns,
};
use crate::{
    lookup::Lookup,
    metrics::Metrics,
    telemetry::{self, Above, join_below},
};

/// Executions at the same time. Each is a plugin and its delegates, in the memory of the agent's own cgroup.
const AT_ONCE: usize = 8;

/// Requests that are there at the same time, waiting ones included: those of all connections, and of some that were hung up.
const ROOM: usize = 640;

/// Where plugins are as a rule.
const USUAL_FOLDER: &str = "/opt/cni/bin";

/// What requests are answered with.
pub struct Service {
    overlay: Overlay,
    client: Option<Client>,
    lookup: Option<Lookup>,
    plugin: Option<PathBuf>,
    installed: Option<String>,
    executor: Executor,
    turns: Turns,
    at_once: Semaphore,
    room: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    stopping: watch::Receiver<bool>,
}

impl Service {
    /// `plugin` is the path of polypod, where it is not to be searched; `installed` the folder that this process puts it
    /// into, as the executor's host sees it. `stopping` is true from SIGTERM on.
    #[must_use]
    pub fn new(
        overlay: Overlay,
        plugin: Option<PathBuf>,
        installed: Option<&Path>,
        executor: Executor,
        metrics: Arc<Metrics>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            overlay,
            client: None,
            lookup: None,
            plugin,
            installed: installed.map(|folder| folder.display().to_string()),
            executor,
            turns: Turns::default(),
            at_once: Semaphore::new(AT_ONCE),
            room: Arc::new(Semaphore::new(ROOM)),
            metrics,
            stopping,
        }
    }

    /// The same, which keeps the pods' annotations with the times of attachments true.
    #[must_use]
    pub fn telling(mut self, client: Option<Client>) -> Self {
        self.client = client;
        self
    }

    /// The same, which finds the pods' traces there.
    #[must_use]
    pub fn knowing(mut self, lookup: Lookup) -> Self {
        self.lookup = Some(lookup);
        self
    }

    /// Whether new requests should be sent here.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !*self.stopping.borrow()
    }

    /// How many requests are being answered.
    #[must_use]
    pub fn requests(&self) -> usize {
        ROOM - self.room.available_permits()
    }

    /// Answers a request. What is begun is carried through, even if the client hangs up.
    pub async fn answer(self: &Arc<Self>, endpoint: Endpoint, body: &[u8]) -> Reply {
        let verb = match endpoint {
            Endpoint::Cni => "cni",
            Endpoint::Delegate => "delegate",
        };
        let begun = Instant::now();
        let (reply, outcome) = match Request::read(endpoint, body) {
            Err(error) => (refused(&error), "refused"),
            Ok(request) => match self.begin(request) {
                None => (
                    Reply::busy(
                        "polypod-device-bridge has too many requests to answer; try again later",
                    ),
                    "busy",
                ),
                Some(task) => task.await.map_or_else(
                    |_| (Reply::text("polypod-device-bridge is stopping"), "failed"),
                    |reply| {
                        let outcome = if reply.status == 200 { "ok" } else { "failed" };
                        (reply, outcome)
                    },
                ),
            },
        };
        self.metrics.count_request(verb, outcome);
        self.metrics.observe(verb, "all", begun.elapsed());
        reply
    }

    fn begin(self: &Arc<Self>, request: Request) -> Option<JoinHandle<Reply>> {
        let room = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let span = span(&request, &self.above(&request));
        let service = Arc::clone(self);
        let carrying_out = async move {
            let reply = service.carry_out(request).await;
            drop(room);
            if reply.status == 200 {
                tracing::info!("Done");
            } else {
                tracing::warn!(problem = reply.body.trim_end(), "Failed");
            }
            reply
        };
        Some(tokio::spawn(carrying_out.instrument(span)))
    }

    /// What the spans of a request are below.
    fn above(&self, request: &Request) -> Above {
        let runtime = traceparent(request);
        let pod = telemetry::sending().and_then(|_| {
            let known = self.lookup.as_ref()?.known_pod(&pod_of(request)?)?;
            known.traceparent.clone()
        });
        Above { pod, runtime }
    }

    async fn carry_out(&self, request: Request) -> Reply {
        let request = &Arc::new(request);
        let stdin = match request.endpoint {
            Endpoint::Cni => self.overlay.over(&request.conf),
            Endpoint::Delegate => self.overlay.around(&request.conf, &request.attributes),
        };
        let stdin = match stdin {
            Ok(stdin) => stdin,
            Err(error) => return Reply::text(&error.to_string()),
        };
        let searched = self.searched(request);
        let found = self.plugin.clone();
        let Some(program) = found.or_else(|| find(self.executor.host_pid, &searched)) else {
            let problem = format!(
                "there is no plugin polypod in {}; install it, or say where it is with --plugin-path",
                searched.join(", ")
            );
            return Reply::errored(request, &problem);
        };
        let turn = match &request.pod {
            Some(pod) => Some(self.turns.wait(pod.clone()).await),
            None => None,
        };
        let _one_of_few = self.at_once.acquire().await;
        let mut environment = request.environment.clone();
        if request.variable("CNI_PATH").is_empty() {
            environment.insert("CNI_PATH".to_owned(), searched.join(":"));
        }
        if let Some(own) = telemetry::current() {
            put_into(&own, &mut environment);
        }
        match self
            .executor
            .execute(&program, environment, stdin.into_bytes())
            .await
        {
            Ok(finished) => {
                self.tell(request, &finished, turn);
                Reply::of(request, &finished)
            }
            Err(error) => Reply::errored(request, &error.to_string()),
        }
    }

    /// Has written what a request changed of the times. The client does not wait for it; the pod's next request does.
    fn tell(&self, request: &Arc<Request>, finished: &Finished, turn: Option<OwnedMutexGuard<()>>) {
        let change = Change::of(request, finished);
        let (Some(change), Some(client)) = (change, self.client.clone()) else {
            return;
        };
        let request = Arc::clone(request);
        let telling = async move {
            tell(&client, &request, &change).await;
            drop(turn);
        };
        tokio::spawn(telling.in_current_span());
    }

    /// The folders with plugins. Controllers give none, as Multus knows its own.
    fn searched(&self, request: &Request) -> Vec<String> {
        let mut searched = self.overlay.bin_folders();
        searched.extend(self.installed.clone());
        searched.extend(folders(request.variable("CNI_PATH")));
        searched.push(USUAL_FOLDER.to_owned());
        searched
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

fn refused(error: &RequestError) -> Reply {
    tracing::warn!(%error, "A request is refused");
    Reply::text(&error.to_string())
}

/// The pod of a request, if it is about one.
fn pod_of(request: &Request) -> Option<PodRef> {
    let (namespace, name) = request.pod.as_ref()?;
    let args = Args::parse(request.variable("CNI_ARGS")).ok()?;
    Some(PodRef {
        namespace: namespace.parse().ok()?,
        name: name.parse().ok()?,
        uid: args.get("K8S_POD_UID").map(str::to_owned),
    })
}

fn traceparent(request: &Request) -> Option<TraceContext> {
    request.variable("TRACEPARENT").parse().ok()
}

/// Has the plugin, and its delegates, be below our span. What the client says of its own trace in `TRACESTATE` is true of that
/// alone.
fn put_into(own: &TraceContext, environment: &mut BTreeMap<String, String>) {
    let told = environment.insert("TRACEPARENT".to_owned(), own.to_string());
    let told = told.and_then(|told| told.parse::<TraceContext>().ok());
    if told.is_none_or(|told| told.trace_id() != own.trace_id()) {
        environment.remove("TRACESTATE");
    }
}

fn span(request: &Request, above: &Above) -> tracing::Span {
    let (namespace, pod) = request.pod.clone().unzip();
    let span = tracing::info_span!(
        "hotplug",
        endpoint = ?request.endpoint,
        command = request.command,
        namespace,
        pod,
        container_id = request.variable("CNI_CONTAINERID"),
        interface = request.variable("CNI_IFNAME"),
        trace_id = above.parent().map(TraceContext::trace_id),
    );
    join_below(&span, above);
    span
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::json;

    use super::*;

    #[test]
    fn the_plugin_is_put_into_our_trace() {
        const THEIRS: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for (told, own, keeps_state) in [
            (Some(THEIRS), THEIRS.replace("-b7", "-c8"), true),
            (Some(THEIRS), THEIRS.replace("-0af", "-1af"), false),
            (Some("wrong"), THEIRS.to_owned(), false),
            (None, THEIRS.to_owned(), false),
        ] {
            let mut environment = BTreeMap::from([("TRACESTATE".to_owned(), "a=b".to_owned())]);
            let told = told.map(|told| ("TRACEPARENT".to_owned(), told.to_owned()));
            environment.extend(told);
            put_into(&own.parse().unwrap(), &mut environment);
            assert_eq!(environment["TRACEPARENT"], own);
            assert_eq!(environment.contains_key("TRACESTATE"), keeps_state, "{own}");
        }
    }

    #[test]
    fn where_plugins_are_searched() {
        let searched = |overlay: &str, installed: Option<&str>, path: &str| {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("daemon-config.json");
            std::fs::write(&file, overlay).unwrap();
            let executor = Executor {
                host_pid: None,
                timeout: Duration::from_secs(60),
            };
            let service = Service::new(
                Overlay::read(&file).unwrap(),
                None,
                installed.map(Path::new),
                executor,
                Arc::new(Metrics::new()),
                watch::channel(false).1,
            );
            let body = json!({
                "env": {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": "c1", "CNI_NETNS": "/run/netns/x", "CNI_PATH": path,
                        "CNI_ARGS": "K8S_POD_NAMESPACE=default;K8S_POD_NAME=p"},
                "config": STANDARD.encode("{}")});
            let request = Request::read(Endpoint::Cni, body.to_string().as_bytes()).unwrap();
            service.searched(&request).join(":")
        };
        assert_eq!(searched("{}", None, ""), "/opt/cni/bin");
        // As with the manifests' configuration on k3s, CRI-O and OpenShift.
        assert_eq!(
            searched("{}", Some("/var/lib/cni/bin"), ""),
            "/var/lib/cni/bin:/opt/cni/bin"
        );
        assert_eq!(
            searched(r#"{"binDir":"/a"}"#, Some("/b"), "/c:/d"),
            "/a:/b:/c:/d:/opt/cni/bin"
        );
    }
}
