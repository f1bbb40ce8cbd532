//! ADD: ask, plan, record, execute; on failure undo in reverse.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use spec::{
    bridge::{Answer, Attachment, ConfSource, PodRef, Question, Report},
    cni::{AddResult, Args, Invocation, NetworkConf},
    network::statuses,
};

use crate::{
    bridge::Bridge,
    chain, cluster_network, conf_dir,
    delegate::Executor,
    error::Error,
    lock::Lock,
    net_conf::{Cluster, NetConf},
    netns,
    plan::{Delegates, Planned, plan},
    record::Record,
    record_store::RecordStore,
    source::{self, Source},
};

/// Attaches the sandbox to its networks. Gives back the result of the cluster network.
///
/// # Errors
/// Whatever keeps the sandbox from one of its networks. Then nothing of it is left, or the record says what.
pub fn add(conf: &NetConf, invocation: &Invocation) -> Result<AddResult, Error> {
    let store = RecordStore::new(&conf.cni_dir);
    check_is_new(&store, invocation)?;
    let pod = pod(&invocation.args)?;
    source::check_pod_is_named(conf, pod.as_ref())?;
    let was_asked = source::must_ask(conf, pod.as_ref());
    let (answer, bridge) = ask(conf, invocation, pod.as_ref())?;
    let planned = plan(conf, invocation, find_delegates(conf, answer)?)?;
    let executor = Executor::new(invocation, &conf.bin_dir, conf.delegate_timeout);
    for attachment in &planned {
        executor.check_plugins(&attachment.name, &attachment.conf)?;
    }
    netns::check_interfaces_are_free(invocation.netns.as_deref().unwrap_or_default(), &planned)?;
    // Nothing has been written so far. Another ADD of this sandbox may have come as far as this one.
    let lock = Lock::take(&store, &invocation.container_id, conf.delegate_timeout)?;
    check_is_new(&store, invocation)?;
    let mut record = Record::intend(
        invocation.container_id.clone(),
        invocation.netns.clone(),
        pod.clone(),
        &planned,
    );
    record.path.clone_from(&invocation.path);
    store.save(&record)?;
    let results = attach(&executor, &store, record, &planned)?;
    // All is written; a DEL need not wait for a slow agent.
    drop(lock);
    if let (Some(pod), Some(bridge)) = (pod, bridge) {
        report(&bridge, was_asked, pod, invocation, &planned, &results);
    }
    Ok(results.into_iter().next().unwrap_or_default())
}

fn check_is_new(store: &RecordStore, invocation: &Invocation) -> Result<(), Error> {
    match store.load(&invocation.container_id)? {
        None => Ok(()),
        Some(_) => Err(Error::AlreadyAttached {
            container: invocation.container_id.to_string(),
            path: store.path(&invocation.container_id),
        }),
    }
}

/// The pod of a sandbox: none where the runtime names none.
fn pod(args: &Args) -> Result<Option<PodRef>, Error> {
    let (namespace, name) = match (args.get("K8S_POD_NAMESPACE"), args.get("K8S_POD_NAME")) {
        (Some(namespace), Some(name)) => (namespace, name),
        (None, None) => return Ok(None),
        (Some(_), None) | (None, Some(_)) => return Err(Error::HalfAPod),
    };
    let wrong = |problem| spec::cni::InvocationError::Name {
        variable: "CNI_ARGS",
        problem,
    };
    Ok(Some(PodRef {
        namespace: namespace.parse().map_err(wrong)?,
        name: name.parse().map_err(wrong)?,
        uid: args.get("K8S_POD_UID").map(str::to_owned),
    }))
}

/// Asks what the sandbox gets, and says who was asked, because the report goes there too.
fn ask(
    conf: &NetConf,
    invocation: &Invocation,
    pod: Option<&PodRef>,
) -> Result<(Answer, Option<Bridge>), Error> {
    let Some(pod) = pod.filter(|pod| source::must_ask(conf, Some(pod))) else {
        let agent = Bridge::Agent {
            socket: conf.bridge_socket.clone(),
        };
        // Not asked, but told, where it is there: the pod's network-status has the cluster network at least.
        let is_there = conf.bridge_expected || conf.bridge_socket.exists();
        return Ok((Answer::default(), is_there.then_some(agent)));
    };
    let cluster_network = match &conf.cluster {
        Cluster::Named(name) if source::cluster_may_be_an_object(conf) => name.parse().ok(),
        Cluster::Named(_) | Cluster::Delegates { .. } => None,
    };
    let question = Question {
        annotations: conf.annotations.clone(),
        cluster_network,
        ..Question::about(
            pod.clone(),
            invocation.container_id.clone(),
            conf.system_namespace.clone(),
        )
    };
    let agent = Bridge::Agent {
        socket: conf.bridge_socket.clone(),
    };
    let absence = match agent.ask(question.clone())? {
        Ok(answer) => return Ok((answer, Some(agent))),
        Err(absence) => absence,
    };
    match source::without_bridge(conf, pod, absence)? {
        Source::Conf => Ok((Answer::default(), None)),
        Source::Resolver { kubeconfig } => {
            let resolver = Bridge::Resolver {
                program: resolver(conf),
                kubeconfig,
            };
            // A process is always there, or executing it is an error.
            let answer = resolver.ask(question)?.unwrap_or_default();
            Ok((answer, Some(resolver)))
        }
    }
}

fn resolver(conf: &NetConf) -> PathBuf {
    const NAME: &str = "polypod-device-bridge";
    conf.resolver.clone().unwrap_or_else(|| {
        let beside = std::env::current_exe()
            .ok()
            .and_then(|own| own.parent().map(|folder| folder.join(NAME)));
        beside.unwrap_or_else(|| PathBuf::from(NAME))
    })
}

/// Finds the configuration of every delegate: in the answer, in the plugin's configuration, or in a file.
fn find_delegates(conf: &NetConf, answer: Answer) -> Result<Delegates, Error> {
    let cluster_network = answer
        .cluster_network
        .map(|attachment| with_conf(conf, *attachment))
        .transpose()?;
    let (of_conf, first_number) = match &conf.cluster {
        Cluster::Delegates {
            confs,
            first_number,
        } => (confs.clone(), *first_number),
        Cluster::Named(_) if cluster_network.is_some() => (Vec::new(), 1),
        Cluster::Named(name) => (
            vec![cluster_network::find(name, &conf.conf_dir)?.named(&conf.name)],
            1,
        ),
    };
    let networks = answer
        .networks
        .into_iter()
        .map(|attachment| with_conf(conf, attachment))
        .collect::<Result<_, _>>()?;
    Ok(Delegates {
        of_conf,
        cluster_network,
        networks,
        first_number,
    })
}

fn with_conf(conf: &NetConf, attachment: Attachment) -> Result<(Attachment, NetworkConf), Error> {
    let found = match &attachment.conf {
        ConfSource::Inline(text) => NetworkConf::parse(text)
            .map_err(|problem| Error::DelegateConf { network: attachment.name.clone(), problem })?,
        ConfSource::ConfDir(name) => conf_dir::find(&conf.conf_dir, name).map_err(|problem| Error::NoConf {
            wanted: format!("NetworkAttachmentDefinition {:?} has no spec.config, so that a CNI configuration {:?} of this node is meant", attachment.name, name.as_str()),
            problem,
        })?,
    };
    Ok((attachment, found))
}

/// Executes the delegates one after another, as the specification wants it for one container.
fn attach(
    executor: &Executor,
    store: &RecordStore,
    mut record: Record,
    planned: &[Planned],
) -> Result<Vec<AddResult>, Error> {
    let mut results = Vec::new();
    for (index, attachment) in planned.iter().enumerate() {
        let attached =
            chain::add(executor, &attachment.conf, &record.attachments[index]).and_then(|result| {
                record.attachments[index].attached(&result);
                store.save(&record).map(|()| result)
            });
        match attached {
            Ok(result) => results.push(result),
            Err(cause) => {
                // What was not begun has nothing to undo; the one that failed may have made half of it.
                record.attachments.truncate(index + 1);
                return Err(undo(executor, store, record, cause));
            }
        }
    }
    Ok(results)
}

fn undo(executor: &Executor, store: &RecordStore, record: Record, cause: Error) -> Error {
    match crate::del::detach(executor, store, record) {
        Ok(()) => cause,
        Err(left) => Error::NotUndone {
            cause: Box::new(cause),
            left: vec![left],
        },
    }
}

/// A pod is not kept from starting by its status; the agent finds out what was not reported.
fn report(
    bridge: &Bridge,
    was_asked: bool,
    pod: PodRef,
    invocation: &Invocation,
    planned: &[Planned],
    results: &[AddResult],
) {
    let statuses = planned
        .iter()
        .zip(results)
        .flat_map(|(attachment, result)| {
            let device_info = attachment.device.as_ref().and_then(|device| device.id.pci_address()).map(|address| {
                serde_json::json!({"type": "pci", "version": "1.1.0", "pci": {"pci-address": address}})
            });
            statuses(&attachment.name, attachment.interface.as_str(), attachment.default, result, device_info.as_ref())
        })
        .collect();
    let report = Report {
        pod,
        container_id: invocation.container_id.clone(),
        statuses,
        added: Vec::new(),
        traceparent: None,
    };
    if let Err(error) = bridge.report(report, was_asked) {
        // Where nobody reads standard error there is nobody to tell.
        let _ = writeln!(
            io::stderr(),
            "polypod: network-status was not reported: {error}"
        );
    }
}
