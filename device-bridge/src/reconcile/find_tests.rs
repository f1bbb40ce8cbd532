use std::path::PathBuf;

use spec::bridge::Device;

use super::*;
use crate::{
    fixture,
    reconcile::sandbox::{Had, Unreadable},
};

const GRACE: Duration = Duration::from_secs(60);

/// A sandbox of pod default/p with the UID, old enough to be judged; `networks` are attached.
fn sandbox(id: &str, uid: &str, networks: &[&str]) -> Sandbox {
    Sandbox {
        container_id: id.parse().unwrap(),
        pod: Some(PodRef {
            namespace: "default".parse().unwrap(),
            name: "p".parse().unwrap(),
            uid: Some(uid.to_owned()),
        }),
        attachments: networks
            .iter()
            .map(|network| Had {
                network: (*network).to_owned(),
                default: false,
                attached: true,
                device: None,
                named_device: None,
            })
            .collect(),
        state: State::Alive,
        age: GRACE,
    }
}

fn with_device(mut sandbox: Sandbox, name: &str, device: &str) -> Sandbox {
    if let Some(pod) = &mut sandbox.pod {
        pod.name = name.parse().unwrap();
    }
    sandbox.attachments.push(Had {
        network: "default/sriov".to_owned(),
        default: false,
        attached: false,
        device: Some(Device {
            resource: "intel.com/sriov".parse().unwrap(),
            id: device.parse().unwrap(),
        }),
        named_device: None,
    });
    sandbox
}

/// Sandboxes, pods, and what is found.
type Case = (Vec<Sandbox>, Vec<Arc<PodFacts>>, Vec<&'static str>);

/// The configuration of default/b is called b-conf.
fn cni_name(network: &NetworkRef) -> Option<String> {
    (network.name.as_str() == "b").then(|| "b-conf".to_owned())
}

const RULES: Rules<'_> = Rules {
    grace: GRACE,
    tells_status: true,
    cni_name: &cni_name,
};

fn kinds(seen: &[Seen], pods: &[Arc<PodFacts>]) -> Vec<String> {
    find(Some(seen), pods, RULES)
        .into_iter()
        .map(|finding| match finding {
            Finding::NetworksMissing { networks, .. } => format!("missing {networks:?}"),
            Finding::NoRecord { networks, .. } => format!("none {networks:?}"),
            Finding::RecordWithoutSandbox { pod_is_gone, .. } => {
                format!("gone {pod_is_gone}")
            }
            Finding::DeviceClaimedTwice {
                device,
                first,
                second,
            } => format!("{device} {first} {second}"),
            Finding::UnreadableRecord(Unreadable { problem, .. }) => problem,
            Finding::StatusMissing { .. } => "status".to_owned(),
            Finding::LeftByMultus { pod_is_gone, .. } => format!("multus {pod_is_gone}"),
        })
        .collect()
}

#[test]
fn what_multus_left() {
    let of = |uid: &str, is_gone, age| OfMultus {
        container_id: "c1".parse().unwrap(),
        pod: Some(spec::bridge::PodRef {
            uid: Some(uid.to_owned()),
            ..fixture::bare_question().pod
        }),
        is_gone,
        age,
        attached: Vec::new(),
    };
    let pods = [Arc::new(fixture::pod("u1", ""))];
    for (sandbox, wanted) in [
        (of("u1", true, GRACE), Some(false)),
        (of("u2", true, GRACE), Some(true)),
        (of("u2", false, GRACE), None),
        (of("u2", true, Duration::ZERO), None),
    ] {
        let found = left_by_multus(&[sandbox], &pods, GRACE);
        let told = found.first().map(|finding| match finding {
            Finding::LeftByMultus { pod_is_gone, .. } => *pod_is_gone,
            other => panic!("{other:?}"),
        });
        assert_eq!(told, wanted);
    }
}

#[test]
fn pods_and_their_sandboxes() {
    let pod = |networks: &str| Arc::new(fixture::pod("u1", networks));
    let told = |networks: &str| {
        Arc::new(PodFacts {
            has_status: true,
            ..fixture::pod("u1", networks)
        })
    };
    let young = |sandbox: Sandbox| Sandbox {
        age: Duration::ZERO,
        ..sandbox
    };
    let gone = |sandbox: Sandbox| Sandbox {
        state: State::Gone,
        ..sandbox
    };
    let unknown = |sandbox: Sandbox| Sandbox {
        state: State::Unknown,
        ..sandbox
    };
    let half = || {
        let mut sandbox = sandbox("c", "u1", &["default/a"]);
        sandbox.attachments[0].attached = false;
        sandbox
    };
    let a = || sandbox("c", "u1", &["default/a"]);
    let cases: Vec<Case> = vec![
        (vec![a()], vec![told("a")], vec![]),
        (vec![a()], vec![pod("a")], vec!["status"]),
        (
            vec![a()],
            vec![told("a,a, b")],
            vec![r#"missing ["default/a", "default/b"]"#],
        ),
        (
            vec![half()],
            vec![told("a")],
            vec![r#"missing ["default/a"]"#],
        ),
        (vec![young(half())], vec![told("a")], vec![]),
        (vec![unknown(a())], vec![told("a")], vec![]),
        (
            vec![],
            vec![pod("b,a")],
            vec![r#"none ["default/a", "default/b"]"#],
        ),
        // Somebody else has attached it.
        (vec![], vec![told("b,a")], vec![]),
        // Plugged in while it ran.
        (
            vec![sandbox("c", "u1", &["default/a", "b-conf"])],
            vec![told("b,a")],
            vec![],
        ),
        (vec![], vec![told("")], vec![]),
        (vec![], vec![told("[broken")], vec![]),
        // A predecessor's sandbox is not the pod's.
        (
            vec![gone(sandbox("c", "u0", &["default/a"]))],
            vec![pod("a")],
            vec!["gone true", r#"none ["default/a"]"#],
        ),
        (vec![gone(a()), a()], vec![told("a")], vec!["gone false"]),
        (vec![gone(a())], vec![], vec!["gone true"]),
        (vec![young(gone(a()))], vec![], vec![]),
    ];
    for (sandboxes, pods, wanted) in cases {
        let seen: Vec<Seen> = sandboxes.into_iter().map(Ok).collect();
        assert_eq!(kinds(&seen, &pods), wanted, "{seen:?} {pods:?}");
    }
    let untold = Rules {
        tells_status: false,
        ..RULES
    };
    assert!(find(Some(&[Ok(a())]), &[pod("a")], untold).is_empty());
    assert!(find(None, &[pod("a")], RULES).is_empty());
}

#[test]
fn devices_of_two() {
    let one =
        |id: &str, name: &str, device: &str| Ok(with_device(sandbox(id, name, &[]), name, device));
    assert_eq!(
        kinds(
            &[
                one("c1", "q", "0000:03:02.1"),
                one("c2", "p", "0000:03:02.1")
            ],
            &[]
        ),
        ["0000:03:02.1 default/p default/q"]
    );
    // The sandbox of one pod made anew, and devices of their own.
    assert!(
        kinds(
            &[
                one("c1", "p", "a"),
                one("c2", "p", "a"),
                one("c3", "q", "b")
            ],
            &[]
        )
        .is_empty()
    );
    // Ids that are no addresses are of their resource.
    let mut other = with_device(sandbox("c4", "x", &[]), "x", "b");
    other.attachments[0].device.as_mut().unwrap().resource = "example.com/other".parse().unwrap();
    assert!(kinds(&[Ok(other), one("c3", "q", "b")], &[]).is_empty());
    let young = Sandbox {
        age: Duration::ZERO,
        ..with_device(sandbox("c5", "y", &[]), "y", "b")
    };
    assert!(kinds(&[Ok(young), one("c3", "q", "b")], &[]).is_empty());
    let gone = with_device(sandbox("c1", "q", &[]), "q", "a");
    let gone = Ok(Sandbox {
        state: State::Gone,
        age: Duration::ZERO,
        ..gone
    });
    assert!(kinds(&[gone, one("c2", "p", "a")], &[]).is_empty());
}

#[test]
fn what_cannot_be_read_is_told() {
    let unreadable = Err(Unreadable {
        file: PathBuf::from("/x.json"),
        problem: "it is torn".to_owned(),
    });
    assert_eq!(kinds(&[unreadable], &[]), ["it is torn"]);
}

#[test]
fn events_name_what_to_do() {
    let pod = sandbox("c", "u", &[]).pod.unwrap();
    let networks = vec!["default/a".to_owned()];
    for finding in [
        Finding::NetworksMissing {
            pod: pod.clone(),
            networks: networks.clone(),
        },
        Finding::NoRecord {
            pod: pod.clone(),
            networks,
        },
    ] {
        let [event] = &finding.events()[..] else {
            panic!("one event");
        };
        assert!(event.message.contains("default/a") && event.message.contains("delete the pod"));
        assert_eq!(event.reason, "NetworksMissing");
    }
    let twice = Finding::DeviceClaimedTwice {
        device: "a".parse().unwrap(),
        first: pod.clone(),
        second: pod,
    };
    assert_eq!(twice.events().len(), 2);
}
