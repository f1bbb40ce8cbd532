//! The pod of a sandbox, and the question what it gets.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use spec::{
    TraceContext,
    bridge::{Answer, PodRef, Question},
    cni::{Args, Invocation, InvocationError},
};

use crate::{
    bridge::{Bridge, LOOK},
    error::Error,
    net_conf::{Cluster, NetConf},
    source::{self, Source},
};

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

/// How long apart it is asked again whether a token is taken that nobody has replaced: the API server may have been at fault.
const SAME_TOKEN: Duration = Duration::from_secs(2);

/// Asks what the sandbox gets, and says who was asked, because the report goes there too. A device-bridge that is expected and
/// away is waited for, as long as `bridgeTimeout` says, and so is one that renews a token which the API server does not take.
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
    loop {
        // Before it is asked: what is replaced meanwhile is asked with at once.
        let kubeconfig = written(conf);
        match ask_once(conf, pod, &agent, &question, until) {
            // An agent that is being started again is no reason to fail a pod, which the kubelet would try again much later.
            Err(error) if error.may_pass() && Instant::now() + LOOK < back_by => {
                std::thread::sleep(LOOK);
                if matches!(error, Error::NotAuthenticated(_)) {
                    wait_for_another_token(conf, kubeconfig.as_ref(), back_by);
                }
            }
            decided => return decided,
        }
    }
}

/// The agent, or whoever stands in for it at this moment.
fn ask_once(
    conf: &NetConf,
    pod: &PodRef,
    agent: &Bridge,
    question: &Question,
    until: Instant,
) -> Result<Asked, Error> {
    let absence = match agent.ask(question.clone(), until)? {
        Ok(answer) => return Ok(asked(answer, Some(agent.clone()))),
        Err(absence) => absence,
    };
    match source::without_bridge(conf, has_kubeconfig(conf), pod, absence)? {
        Source::Conf => Ok(asked(Answer::default(), None)),
        Source::Resolver { kubeconfig } => {
            let resolver = resolver(conf, kubeconfig);
            // A process is always there, or executing it is an error.
            let answer = resolver.ask(question.clone(), until)?.unwrap_or_default();
            Ok(asked(answer, Some(resolver)))
        }
    }
}

/// Device, inode and time of the last change: whoever writes a kubeconfig puts a new file in its place.
type Written = (u64, u64, i64, i64);

fn written(conf: &NetConf) -> Option<Written> {
    let found = std::fs::metadata(conf.kubeconfig.as_deref()?).ok()?;
    Some((found.dev(), found.ino(), found.mtime(), found.mtime_nsec()))
}

fn wait_for_another_token(conf: &NetConf, refused: Option<&Written>, back_by: Instant) {
    let again = back_by.min(Instant::now() + SAME_TOKEN);
    while written(conf).as_ref() == refused && Instant::now() + LOOK < again {
        std::thread::sleep(LOOK);
    }
}

/// Nobody was asked; somebody is told all the same, so that the pod's network-status has the cluster network at least.
fn to_be_told(conf: &NetConf, agent: Bridge) -> Option<Bridge> {
    if conf.bridge_expected || conf.bridge_socket.exists() {
        return Some(agent);
    }
    without_agent(conf)
}

/// Whether the kubeconfig of the configuration is there: the agent writes it.
pub(crate) fn has_kubeconfig(conf: &NetConf) -> bool {
    conf.kubeconfig.as_deref().is_some_and(Path::exists)
}

/// Who is told where there is no agent.
pub(crate) fn without_agent(conf: &NetConf) -> Option<Bridge> {
    let kubeconfig = conf.kubeconfig.clone()?;
    Some(resolver(conf, kubeconfig))
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
        pod_traceparent: conf.pod_traceparent(),
        ..Question::about(
            pod.clone(),
            invocation.container_id.clone(),
            conf.system_namespace.clone(),
        )
    }
}

/// The process that answers once.
pub(crate) fn resolver(conf: &NetConf, kubeconfig: PathBuf) -> Bridge {
    const NAME: &str = "polypod-device-bridge";
    let program = conf.resolver.clone().unwrap_or_else(|| {
        let beside = std::env::current_exe()
            .ok()
            .and_then(|own| own.parent().map(|folder| folder.join(NAME)));
        beside.unwrap_or_else(|| PathBuf::from(NAME))
    });
    Bridge::Resolver {
        program,
        kubeconfig,
        pod_resources_socket: conf.pod_resources_socket.clone(),
    }
}
