//! Which delegates a sandbox has, and where their configurations are: in the answer, in the plugin's configuration, or in a
//! file of the node.

use spec::{
    bridge::{Answer, Attachment, ConfSource},
    cni::NetworkConf,
};

use crate::{
    auxiliary_chain, cluster_network, conf_dir,
    error::Error,
    net_conf::{Cluster, NetConf},
    plan::{Delegate, Delegates},
    source,
};

/// Finds the delegates: the cluster network, the others of the configuration, the default networks, the pod's networks, and
/// the auxiliary chain.
///
/// `default_networks` are the names that the question was about, of which the answer knows those that are
/// NetworkAttachmentDefinitions.
///
/// # Errors
/// A configuration is not to be found, or is broken.
pub fn find(
    conf: &NetConf,
    default_networks: &[String],
    answer: Answer,
) -> Result<Delegates, Error> {
    let first_number = match &conf.cluster {
        Cluster::Named(_) => 1,
        Cluster::Delegates { first_number, .. } => *first_number,
    };
    let mut all = of_cluster(conf, &answer)?;
    let mut answered = answer.default_networks.into_iter();
    // Only names that may be objects were asked about.
    for named in default_networks {
        let object = source::object_name(named).and_then(|_| answered.next().flatten());
        all.push(match object {
            Some(attachment) => with_conf(conf, attachment)?,
            None => default_network(named, conf)?,
        });
    }
    for attachment in answer.networks {
        all.push(with_conf(conf, attachment)?);
    }
    all.extend(auxiliary(conf)?);
    Ok(Delegates { all, first_number })
}

/// The cluster network, and the other delegates that the configuration lists beside it.
fn of_cluster(conf: &NetConf, answer: &Answer) -> Result<Vec<Delegate>, Error> {
    let chosen = answer
        .cluster_network
        .as_deref()
        .map(|attachment| with_conf(conf, attachment.clone()))
        .transpose()?;
    match (&conf.cluster, chosen) {
        (Cluster::Named(_), Some(chosen)) => Ok(vec![chosen]),
        (Cluster::Named(named), None) => {
            let found = cluster_network::find(named, &conf.conf_dir)?;
            Ok(vec![of_conf(found.named(&conf.name))])
        }
        (Cluster::Delegates { .. }, Some(chosen)) if answer.instead_of_delegates => {
            Ok(vec![chosen])
        }
        (Cluster::Delegates { confs, .. }, None) if confs.is_empty() => Err(Error::Key {
            key: "delegates",
            problem: "at least one delegate/clusterNetwork must be specified, or the pod must have the annotation \"networks\", whose first network is its primary one".to_owned(),
        }),
        (Cluster::Delegates { confs, .. }, chosen) => {
            let skipped = usize::from(chosen.is_some());
            let others = confs.iter().skip(skipped).cloned().map(of_conf);
            Ok(chosen.into_iter().chain(others).collect())
        }
    }
}

fn of_conf(conf: NetworkConf) -> Delegate {
    Delegate {
        attachment: None,
        conf,
    }
}

/// A configuration of the node. Where it has no name of its own it gets one that no other network has: two networks of one
/// name would share their addresses in host-local's files.
fn default_network(named: &str, conf: &NetConf) -> Result<Delegate, Error> {
    let found = cluster_network::find_default_network(named, &conf.conf_dir)?;
    let file = named.rsplit('/').next().unwrap_or(named);
    let name = format!("{}-{file}", conf.name)
        .parse()
        .map_err(|problem: spec::NameError| Error::Key {
            key: "defaultNetworks",
            problem: problem.to_string(),
        })?;
    Ok(of_conf(found.named(&name)))
}

fn with_conf(conf: &NetConf, attachment: Attachment) -> Result<Delegate, Error> {
    let found = match &attachment.conf {
        ConfSource::Inline(text) => NetworkConf::parse(text)
            .map_err(|problem| Error::DelegateConf { network: attachment.name.clone(), problem })?,
        ConfSource::ConfDir(name) => conf_dir::find(&conf.conf_dir, name).map_err(|problem| Error::NoConf {
            wanted: format!("NetworkAttachmentDefinition {:?} has no spec.config, so that a CNI configuration {:?} of this node is meant", attachment.name, name.as_str()),
            problem,
        })?,
    };
    Ok(Delegate {
        attachment: Some(attachment),
        conf: found,
    })
}

/// The auxiliary chain, if there is one.
pub(crate) fn auxiliary(conf: &NetConf) -> Result<Option<Delegate>, Error> {
    let Some(name) = &conf.auxiliary_chain else {
        return Ok(None);
    };
    let cluster_network = match &conf.cluster {
        Cluster::Named(named) => named.as_str(),
        Cluster::Delegates { .. } => "",
    };
    auxiliary_chain::find(cluster_network, name, conf.version).map(|found| found.map(of_conf))
}
