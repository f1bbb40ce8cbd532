//! Single calls of the kubelet: each within its time, its outcome counted, and made again once where an old connection
//! turns out to be dead.

use std::sync::Arc;

use prost::Message;
use tokio::time::timeout;
use tonic::{Request, Status, client::Grpc, codegen::http::uri::PathAndQuery};
use tonic_prost::ProstCodec;

use super::{
    client::CALL,
    connection::{Connection, Open},
    error::PodResourcesError,
    limiter::Limiter,
    node_list::{AllocatableList, NodeList},
    status::Meaning,
};
use crate::{
    metrics::Metrics,
    proto::{
        AllocatableResourcesRequest, GetPodResourcesRequest, GetPodResourcesResponse,
        ListPodResourcesRequest, PodResources,
    },
};

/// The largest answer that is read, in bytes. `List` is the whole node: 4.7 MB were seen, and tonic stops at 4 MiB.
const LARGEST_ANSWER: usize = 64 << 20;

/// No pod has this name or namespace, because the API server takes neither.
const NO_POD: &str = "polypod_probe";

/// What makes calls.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) connection: Connection,
    pub(crate) limiter: Limiter,
    pub(crate) metrics: Arc<Metrics>,
}

/// What `Get` gave.
#[derive(Debug)]
pub(crate) enum Got {
    /// The pod.
    Pod(PodResources),
    /// The kubelet does not know it. `may_come`: it restarted a moment ago, and may not have its pods yet.
    Unknown { may_come: bool },
    /// The kubelet has no `Get`.
    NoMethod,
}

struct Method {
    name: &'static str,
    path: &'static str,
}

const GET: Method = Method {
    name: "Get",
    path: "/v1.PodResourcesLister/Get",
};
const LIST: Method = Method {
    name: "List",
    path: "/v1.PodResourcesLister/List",
};
const ALLOCATABLE: Method = Method {
    name: "GetAllocatableResources",
    path: "/v1.PodResourcesLister/GetAllocatableResources",
};

/// A call's result, and the connection that it came over in the end.
struct Reply<T> {
    open: Option<Open>,
    result: Result<T, PodResourcesError>,
}

impl Caller {
    /// `Get`. The first answer on a connection says whether the kubelet has it; where that stays open, the kubelet is
    /// asked for a pod that cannot exist.
    pub(crate) async fn get(&self, namespace: &str, name: &str) -> Result<Got, PodResourcesError> {
        let Reply { open, result } = self.get_once(namespace, name).await;
        let Some(open) = open else {
            return result.map(|_| Got::NoMethod);
        };
        let error = match result {
            Ok(answer) => {
                open.note_get(true);
                let pod = answer.pod_resources;
                return Ok(pod.map_or_else(|| unknown(&open), Got::Pod));
            }
            Err(error) => error,
        };
        match error.meaning() {
            Some(Meaning::NoPod) => {
                open.note_get(true);
                Ok(unknown(&open))
            }
            Some(Meaning::NoGet) => Ok(without_get(&open, &error)),
            Some(Meaning::Final) if open.has_get().is_none() => {
                self.limiter.acquire().await;
                let probed = self.get_once(NO_POD, NO_POD).await.result.err();
                match probed {
                    // One that does not answer says nothing of what it has.
                    Some(probed) if probed.is_passing() || probed.meaning().is_none() => {
                        Err(probed)
                    }
                    Some(probed) if probed.meaning() != Some(Meaning::NoPod) => {
                        Ok(without_get(&open, &probed))
                    }
                    Some(_) | None => {
                        open.note_get(true);
                        Err(error)
                    }
                }
            }
            Some(_) | None => Err(error),
        }
    }

    async fn get_once(&self, namespace: &str, name: &str) -> Reply<GetPodResourcesResponse> {
        let request = GetPodResourcesRequest {
            pod_name: name.to_owned(),
            pod_namespace: namespace.to_owned(),
        };
        self.call(&GET, request).await
    }

    /// `List`, and whether the kubelet restarted a moment ago and may not have all pods yet.
    pub(crate) async fn list(&self) -> Result<(NodeList, bool), PodResourcesError> {
        let Reply { open, result } = self.call(&LIST, ListPodResourcesRequest {}).await;
        let is_settling = open.is_some_and(|open| open.is_settling());
        result.map(|list| (list, is_settling))
    }

    /// `GetAllocatableResources`.
    pub(crate) async fn allocatable(&self) -> Result<AllocatableList, PodResourcesError> {
        let request = AllocatableResourcesRequest {};
        self.call(&ALLOCATABLE, request).await.result
    }

    async fn call<Q, A>(&self, method: &Method, request: Q) -> Reply<A>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let mut may_be_old = true;
        loop {
            let open = match self.connection.open().await {
                Ok(open) => open,
                Err(error) => {
                    self.metrics
                        .count_kubelet_call(method.name, "not_connected");
                    return Reply {
                        open: None,
                        result: Err(error),
                    };
                }
            };
            let answered = timeout(CALL, unary(&open, method, request.clone())).await;
            let socket = || self.connection.socket().to_owned();
            let result = match answered {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(status)) => Err(PodResourcesError::Call {
                    socket: socket(),
                    method: method.name,
                    status: Box::new(status),
                }),
                Err(_) => Err(PodResourcesError::Silent {
                    socket: socket(),
                    method: method.name,
                }),
            };
            let outcome = outcome(result.as_ref().err());
            self.metrics.count_kubelet_call(method.name, outcome);
            let is_broken =
                result.as_ref().err().and_then(PodResourcesError::meaning) == Some(Meaning::Broken);
            if is_broken {
                self.connection.forget(&open).await;
                if may_be_old && !open.is_new {
                    may_be_old = false;
                    continue;
                }
            }
            return Reply {
                open: Some(open),
                result,
            };
        }
    }
}

async fn unary<Q, A>(open: &Open, method: &Method, request: Q) -> Result<A, Status>
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    let mut grpc = Grpc::new(open.channel.clone()).max_decoding_message_size(LARGEST_ANSWER);
    grpc.ready()
        .await
        .map_err(|error| Status::from_error(Box::new(error)))?;
    let path = PathAndQuery::from_static(method.path);
    let codec = ProstCodec::<Q, A>::default();
    let response = grpc.unary(Request::new(request), path, codec).await?;
    Ok(response.into_inner())
}

fn unknown(open: &Open) -> Got {
    Got::Unknown {
        may_come: open.is_settling(),
    }
}

fn without_get(open: &Open, error: &PodResourcesError) -> Got {
    if open.has_get().is_none() {
        tracing::info!(answer = %error, "This kubelet has no Get, its pods are listed");
    }
    open.note_get(false);
    Got::NoMethod
}

/// The outcome as metrics name it.
fn outcome(error: Option<&PodResourcesError>) -> &'static str {
    match error {
        None => "ok",
        Some(PodResourcesError::Silent { .. }) => "silent",
        Some(error) => match error.meaning() {
            Some(Meaning::Throttled) => "throttled",
            Some(Meaning::Broken) => "broken",
            Some(Meaning::NotReady) => "not_ready",
            Some(Meaning::NoGet) => "no_method",
            Some(Meaning::NoPod) => "no_pod",
            Some(Meaning::Final) | None => "error",
        },
    }
}
