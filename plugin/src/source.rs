//! Who says what a sandbox gets: the configuration alone, or somebody who can ask the API server.

use std::path::PathBuf;

use spec::{
    bridge::PodRef,
    network::{Namespace, ObjectName},
};

use crate::{
    bridge::Absence,
    error::Error,
    net_conf::{Cluster, NetConf},
};

/// Where the answer comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The configuration alone.
    Conf,
    /// The one-shot resolver, with this kubeconfig.
    Resolver {
        /// The kubeconfig.
        kubeconfig: PathBuf,
    },
}

/// Whether anybody has to be asked. A pod whose annotations are known and ask for nothing never waits for the agent, nor
/// does a sandbox that belongs to no pod.
#[must_use]
pub fn must_ask(conf: &NetConf, pod: Option<&PodRef>) -> bool {
    let may_ask_for_networks = conf
        .annotations
        .as_ref()
        .is_none_or(|annotations| !annotations.ask_for_nothing());
    pod.is_some_and(|pod| may_ask_for_networks || an_object_may_be_meant(conf, &pod.namespace))
}

/// Checks that annotations which ask for networks come with a pod to ask about, and are not of a release that the
/// configuration may, or may not, be of.
///
/// # Errors
/// They ask, and the runtime names no pod; they ask as Multus v1 read them.
pub fn check_annotations(conf: &NetConf, pod: Option<&PodRef>) -> Result<(), Error> {
    let asks = conf
        .annotations
        .as_ref()
        .is_some_and(|annotations| !annotations.ask_for_nothing());
    if conf.perhaps_v1 && conf.asks_multus_v1_alone {
        Err(Error::PerhapsV1)
    } else if asks && pod.is_none() {
        Err(Error::HalfAPod)
    } else {
        Ok(())
    }
}

/// The NetworkAttachmentDefinition that an element of `clusterNetwork` or `defaultNetworks` may name: none where it is a
/// path, or a CNI name that no object can have.
#[must_use]
pub fn object_name(named: &str) -> Option<ObjectName> {
    named.parse().ok()
}

fn an_object_may_be_meant(conf: &NetConf, namespace: &Namespace) -> bool {
    let cluster = match &conf.cluster {
        Cluster::Named(name) => Some(name),
        Cluster::Delegates { .. } => None,
    };
    cluster
        .into_iter()
        .chain(conf.default_networks_of(Some(namespace)))
        .any(|name| object_name(name).is_some())
}

/// Who answers when there is no device-bridge at its socket. `has_kubeconfig` says whether the file is there.
///
/// # Errors
/// Nobody, although the pod asked for networks, or a device-bridge is expected on this node: its socket is written in the
/// configuration, or is there without a listener, or it ended while it was asked. A pod is never started silently without its
/// networks.
pub fn without_bridge(
    conf: &NetConf,
    has_kubeconfig: bool,
    pod: &PodRef,
    absence: Absence,
) -> Result<Source, Error> {
    let socket = conf.bridge_socket.display();
    let refuse = |problem, passing| {
        Err(Error::NoAnswer {
            pod: pod.to_string(),
            problem,
            passing,
        })
    };
    let was_there = absence != Absence::NoSocket;
    if let Some(kubeconfig) = &conf.kubeconfig {
        // The agent writes it, and after a boot neither is there for a while.
        if conf.bridge_expected && !has_kubeconfig {
            let kubeconfig = kubeconfig.display();
            return refuse(
                format!(
                    "nothing answers at the bridgeSocket {socket}, and there is no kubeconfig {kubeconfig} to look them up without it; is polypod-device-bridge running on this node?"
                ),
                true,
            );
        }
        return Ok(Source::Resolver {
            kubeconfig: kubeconfig.clone(),
        });
    }
    if conf.bridge_expected || was_there {
        return refuse(
            format!(
                "nothing answers at the bridgeSocket {socket}; is polypod-device-bridge running on this node?"
            ),
            true,
        );
    }
    if conf
        .annotations
        .as_ref()
        .is_some_and(|annotations| !annotations.ask_for_nothing())
    {
        return refuse(
            format!(
                "nothing answers at {socket} and the network configuration has no \"kubeconfig\"; start polypod-device-bridge or set \"kubeconfig\""
            ),
            false,
        );
    }
    Ok(Source::Conf)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(extra: &str) -> NetConf {
        let text = format!(r#"{{"name":"n",{extra}"type":"polypod"}}"#);
        NetConf::parse(text.as_bytes()).unwrap()
    }

    fn pod() -> PodRef {
        PodRef {
            namespace: "default".parse().unwrap(),
            name: "p".parse().unwrap(),
            uid: None,
        }
    }

    const DELEGATES: &str = r#""delegates":[{"type":"a"}],"#;
    const NOTHING: &str = r#""runtimeConfig":{"io.kubernetes.cri.pod-annotations":{}},"#;
    const NETWORKS: &str = r#""runtimeConfig":{"io.kubernetes.cri.pod-annotations":{"k8s.v1.cni.cncf.io/networks":"x"}},"#;

    #[test]
    fn who_waits() {
        let pod = pod();
        assert!(must_ask(&conf(DELEGATES), Some(&pod)));
        assert!(!must_ask(&conf(DELEGATES), None));
        assert!(!must_ask(
            &conf(&format!("{DELEGATES}{NOTHING}")),
            Some(&pod)
        ));
        assert!(must_ask(
            &conf(&format!("{DELEGATES}{NETWORKS}")),
            Some(&pod)
        ));
        assert!(must_ask(
            &conf(&format!(r#""clusterNetwork":"net-a",{NOTHING}"#)),
            Some(&pod)
        ));
        assert!(!must_ask(
            &conf(&format!(
                r#""clusterNetwork":"/etc/cni/net.d/10-a.conf",{NOTHING}"#
            )),
            Some(&pod)
        ));
    }

    #[test]
    fn nobody_is_started_silently_without_networks() {
        let pod = pod();
        assert_eq!(
            without_bridge(&conf(DELEGATES), false, &pod, Absence::NoSocket).unwrap(),
            Source::Conf
        );
        let thin = without_bridge(
            &conf(&format!(r#"{DELEGATES}"kubeconfig":"/k","#)),
            false,
            &pod,
            Absence::NoSocket,
        )
        .unwrap();
        assert_eq!(
            thin,
            Source::Resolver {
                kubeconfig: "/k".into()
            }
        );
        let asked = without_bridge(
            &conf(&format!("{DELEGATES}{NETWORKS}")),
            false,
            &pod,
            Absence::NoSocket,
        )
        .unwrap_err();
        assert_eq!(asked.code(), 101);
        let expected = without_bridge(
            &conf(&format!(r#"{DELEGATES}"bridgeSocket":"/b","#)),
            false,
            &pod,
            Absence::NoSocket,
        )
        .unwrap_err();
        assert_eq!(expected.code(), 11);
        let both = conf(&format!(
            r#"{DELEGATES}"bridgeSocket":"/b","kubeconfig":"/k","#
        ));
        assert_eq!(
            without_bridge(&both, true, &pod, Absence::NoSocket).unwrap(),
            thin
        );
        let booting = without_bridge(&both, false, &pod, Absence::NoSocket).unwrap_err();
        assert!(booting.may_pass(), "the agent brings both");
        for fallen in [Absence::NobodyListens, Absence::Ended] {
            let fallen = without_bridge(&conf(DELEGATES), false, &pod, fallen).unwrap_err();
            assert_eq!(fallen.code(), 11);
            assert!(fallen.may_pass());
        }
        assert!(expected.may_pass());
        assert!(!asked.may_pass(), "nobody is expected who could come");
    }
}
