//! STATUS: whether an ADD would find what it needs, without waiting for anything.

use std::time::{Duration, Instant};

use spec::cni::NetworkConf;

use crate::{
    bridge::Bridge,
    chain, cluster_network,
    delegate::Executor,
    error::Error,
    net_conf::{Cluster, NetConf},
    readiness, source,
};

/// How long delegates may take to say how they are.
const PATIENCE: Duration = Duration::from_secs(10);

/// Checks that the configuration can be carried out: its readiness file is there, the device-bridge reachable where it is
/// needed, the delegates of the configuration installed and, where they know STATUS, content.
///
/// # Errors
/// What is missing, with code 50; a delegate's own code where it gave one.
pub fn status(conf: &NetConf, path: &[String]) -> Result<(), Error> {
    readiness::check(conf.readiness_file.as_deref())?;
    check_bridge(conf)?;
    let until = Instant::now() + PATIENCE.min(conf.state.timeout);
    let executor = Executor::new(&conf.state, None, path, until);
    for delegate in of_node(conf)? {
        let network = delegate.name().map(ToString::to_string).unwrap_or_default();
        executor
            .check_plugins(&network, &delegate)
            .map_err(unavailable)?;
        chain::status(&executor, &network, &delegate)?;
    }
    Ok(())
}

/// The device-bridge is needed where the configuration names it, or leaves something to it that nobody else can answer.
fn check_bridge(conf: &NetConf) -> Result<(), Error> {
    let is_object = matches!(&conf.cluster, Cluster::Named(named)
        if source::object_name(named).is_some() && cluster_network::find(named, &conf.conf_dir).is_err());
    if conf.kubeconfig.is_some() || !(conf.bridge_expected || is_object) {
        return Ok(());
    }
    let agent = Bridge::Agent {
        socket: conf.bridge_socket.clone(),
    };
    agent.is_reachable().map_err(unavailable)
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

fn unavailable(problem: Error) -> Error {
    Error::NotAvailable(Box::new(problem))
}
