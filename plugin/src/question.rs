//! The pod of a sandbox, and the question what it gets.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use spec::{
    TraceContext,
    bridge::{Answer, PodRef, Question},
    cni::{Args, Invocation, InvocationError},
};

use crate::{
    bridge::Bridge,
    error::Error,
    net_conf::{Cluster, NetConf},
    source::{self, Source},
};

/// How often it is looked whether a device-bridge is back.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// What came of asking.
#[derive(Debug)]
pub struct Asked {
    /// The answer; nothing where nobody had to be asked.
    pub answer: Answer,
    /// Who is to be told what the sandbox got, if anybody.
    pub bridge: Option<Bridge>,
    /// Whether anybody was asked.
    pub was_asked: bool,
}

/// The pod of a sandbox: none where the runtime names none.
///
/// # Errors
/// It is named by half, or by no name of Kubernetes.
pub fn pod(args: &Args) -> Result<Option<PodRef>, Error> {
    let (namespace, name) = match (args.get("K8S_POD_NAMESPACE"), args.get("K8S_POD_NAME")) {
        (Some(namespace), Some(name)) => (namespace, name),
        (None, None) => return Ok(None),
        (Some(_), None) | (None, Some(_)) => return Err(Error::HalfAPod),
    };
    let wrong = |problem| InvocationError::Name {
        variable: "CNI_ARGS",
        problem,
    };
    Ok(Some(PodRef {
        namespace: namespace.parse().map_err(wrong)?,
        name: name.parse().map_err(wrong)?,
        uid: args.get("K8S_POD_UID").map(str::to_owned),
    }))
}

/// Asks what the sandbox gets, and says who was asked, because the report goes there too. A device-bridge that is expected and
/// away is waited for, as long as `bridgeTimeout` says.
///
/// # Errors
/// Nobody can say, or the request cannot be met.
pub fn ask(
    conf: &NetConf,
    invocation: &Invocation,
    pod: Option<&PodRef>,
    trace: Option<&TraceContext>,
    until: Instant,
) -> Result<Asked, Error> {
    let agent = Bridge::Agent {
        socket: conf.bridge_socket.clone(),
    };
    let Some(pod) = pod.filter(|pod| source::must_ask(conf, Some(pod))) else {
        return Ok(Asked {
            answer: Answer::default(),
            bridge: to_be_told(conf, agent),
            was_asked: false,
        });
    };
    let question = question(conf, invocation, pod, trace);
    let back_by = until.min(Instant::now() + conf.bridge_timeout);
    let source = loop {
        let absence = match agent.ask(question.clone(), until)? {
            Ok(answer) => return Ok(asked(answer, Some(agent))),
            Err(absence) => absence,
        };
        let has_kubeconfig = conf.kubeconfig.as_deref().is_some_and(Path::exists);
        match source::without_bridge(conf, has_kubeconfig, pod, absence) {
            // An agent that is being started again is no reason to fail a pod, which the kubelet would try again much later.
            Err(error) if error.may_pass() && Instant::now() + LOOK < back_by => {
                std::thread::sleep(LOOK);
            }
            decided => break decided?,
        }
    };
    match source {
        Source::Conf => Ok(asked(Answer::default(), None)),
        Source::Resolver { kubeconfig } => {
            let resolver = Bridge::Resolver {
                program: resolver(conf),
                kubeconfig,
            };
            // A process is always there, or executing it is an error.
            let answer = resolver.ask(question, until)?.unwrap_or_default();
            Ok(asked(answer, Some(resolver)))
        }
    }
}

/// Nobody was asked; somebody is told all the same, so that the pod's network-status has the cluster network at least.
fn to_be_told(conf: &NetConf, agent: Bridge) -> Option<Bridge> {
    if conf.bridge_expected || conf.bridge_socket.exists() {
        return Some(agent);
    }
    without_agent(conf)
}

/// Who is told where there is no agent.
pub(crate) fn without_agent(conf: &NetConf) -> Option<Bridge> {
    conf.kubeconfig.clone().map(|kubeconfig| Bridge::Resolver {
        program: resolver(conf),
        kubeconfig,
    })
}

const fn asked(answer: Answer, bridge: Option<Bridge>) -> Asked {
    Asked {
        answer,
        bridge,
        was_asked: true,
    }
}

fn question(
    conf: &NetConf,
    invocation: &Invocation,
    pod: &PodRef,
    trace: Option<&TraceContext>,
) -> Question {
    let cluster_network = match &conf.cluster {
        Cluster::Named(name) => source::object_name(name),
        Cluster::Delegates { .. } => None,
    };
    let default_networks = conf
        .default_networks_of(Some(&pod.namespace))
        .iter()
        .filter_map(|name| source::object_name(name))
        .collect();
    Question {
        annotations: conf.annotations.clone(),
        cluster_network,
        default_networks,
        isolation: conf.isolation.clone(),
        legacy: conf.legacy,
        perhaps_v1: conf.perhaps_v1,
        traceparent: trace.cloned(),
        ..Question::about(
            pod.clone(),
            invocation.container_id.clone(),
            conf.system_namespace.clone(),
        )
    }
}

/// The executable that answers once.
pub(crate) fn resolver(conf: &NetConf) -> PathBuf {
    const NAME: &str = "polypod-device-bridge";
    conf.resolver.clone().unwrap_or_else(|| {
        let beside = std::env::current_exe()
            .ok()
            .and_then(|own| own.parent().map(|folder| folder.join(NAME)));
        beside.unwrap_or_else(|| PathBuf::from(NAME))
    })
}
