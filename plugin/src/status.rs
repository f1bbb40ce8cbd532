//! STATUS: whether an ADD would find what it needs. Only for what an ADD would wait for it waits, and not as long.

use std::time::{Duration, Instant};

use spec::cni::{Command, NetworkConf, NetworkName};

use crate::{
    bridge::{Bridge, LOOK},
    chain, cluster_network,
    delegate::Executor,
    delegates,
    error::Error,
    log::{Field, Log},
    net_conf::{Cluster, NetConf},
    question, readiness, source,
};

/// How long delegates may take to say how they are, and how long a device-bridge is waited for that is being started again: a
/// node whose network is said not to be ready is taken for broken, with all pods that run on it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Checks that the configuration can be carried out: its readiness file is there, the device-bridge reachable where it is
/// needed, the delegates of the configuration installed and, where they know STATUS, content.
///
/// # Errors
/// What is missing, with code 50; a delegate's own code where it gave one.
pub fn status(conf: &NetConf, path: &[String], log: &Log<'_>) -> Result<(), Error> {
    readiness::check(conf.readiness_file.as_deref())?;
    check_bridge(conf)?;
    let until = Instant::now() + PATIENCE.min(conf.state.timeout);
    let executor = Executor::new(&conf.state, None, path, until);
    for delegate in of_node(conf)?.into_iter().chain(besides(conf)?) {
        let network = delegate.name().map_or("", NetworkName::as_str);
        if delegate.takes(Command::Status) {
            log.verbose(
                "network is asked for its status",
                &[("network", Field::Text(network))],
            );
        }
        executor
            .check_plugins(network, &delegate)
            .and_then(|()| chain::status(&executor, network, &delegate))
            .map_err(|problem| match problem {
                said @ Error::Delegate { .. } if said.is_said() => said,
                other => unavailable(other),
            })?;
    }
    Ok(())
}

/// Somebody who can ask the API server is needed where the configuration names the device-bridge, or leaves something to
/// it that nobody else can answer.
fn check_bridge(conf: &NetConf) -> Result<(), Error> {
    let is_object = matches!(&conf.cluster, Cluster::Named(named)
        if source::object_name(named).is_some() && cluster_network::find(named, &conf.conf_dir).is_err());
    if conf.kubeconfig.is_none() && !conf.bridge_expected && !is_object {
        return Ok(());
    }
    let agent = Bridge::Agent {
        socket: conf.bridge_socket.clone(),
    };
    let mut reachable = agent.is_reachable();
    let back_by = Instant::now() + PATIENCE.min(conf.bridge_timeout).min(conf.state.timeout);
    let is_expected = conf.bridge_expected || conf.kubeconfig.is_none();
    while reachable.is_err()
        && is_expected
        && !question::has_kubeconfig(conf)
        && Instant::now() < back_by
    {
        std::thread::sleep(LOOK);
        reachable = agent.is_reachable();
    }
    match &conf.kubeconfig {
        Some(kubeconfig) if reachable.is_err() => {
            let resolver = question::resolver(conf, kubeconfig.clone());
            resolver.is_reachable().map_err(unavailable)
        }
        Some(_) | None => reachable.map_err(unavailable),
    }
}

/// The delegates that are configured on the node. Those of NetworkAttachmentDefinitions are known when a pod asks for them.
pub(crate) fn of_node(conf: &NetConf) -> Result<Vec<NetworkConf>, Error> {
    match &conf.cluster {
        Cluster::Delegates { confs, .. } => Ok(confs.clone()),
        Cluster::Named(named) => match cluster_network::find(named, &conf.conf_dir) {
            Ok(found) => Ok(vec![found.named(&conf.name)]),
            // It is an object of the API server then.
            Err(_) if source::object_name(named).is_some() => Ok(Vec::new()),
            Err(error) => Err(unavailable(error)),
        },
    }
}

/// What every pod gets besides: `defaultNetworks` in files, and the auxiliary chain.
fn besides(conf: &NetConf) -> Result<Vec<NetworkConf>, Error> {
    let mut found = Vec::new();
    for named in &conf.default_networks {
        match cluster_network::find_default_network(named, &conf.conf_dir) {
            Ok(default_network) => found.push(default_network),
            Err(_) if source::object_name(named).is_some() => {}
            Err(error) => return Err(unavailable(error)),
        }
    }
    let chain = delegates::auxiliary(conf).map_err(unavailable)?;
    found.extend(chain.map(|chain| chain.conf));
    Ok(found)
}

fn unavailable(problem: Error) -> Error {
    Error::NotAvailable(Box::new(problem))
}
