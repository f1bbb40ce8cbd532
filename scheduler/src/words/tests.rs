use proptest::prelude::*;

use super::*;
use crate::{
    demand::{ContainerDemand, Qos},
    need::{ContainerNeed, Role},
};

fn demand(container: &str) -> PodDemand {
    PodDemand {
        uid: "u".into(),
        namespace: "default".into(),
        name: "p".into(),
        owner: None,
        qos: Qos::Guaranteed,
        containers: vec![ContainerDemand {
            name: container.into(),
            role: Role::App,
            amounts: [].into(),
        }],
        total: [].into(),
        has_pod_level_resources: false,
        spread: None,
    }
}

fn need(aligned: &[(ResourceId, i64)]) -> Need {
    let aligned = aligned.to_vec();
    Need {
        containers: vec![ContainerNeed {
            role: Role::App,
            aligned: aligned.clone(),
        }],
        aligned,
        unknown: vec!["a.b/c".into()],
        ..Need::default()
    }
}

fn all(resource: ResourceId, amounts: (i64, i64)) -> Vec<Refusal> {
    vec![
        Refusal::UnknownNode,
        Refusal::NoReport,
        Refusal::Stale,
        Refusal::Faulty,
        Refusal::NoSuchResource,
        Refusal::Short {
            resource,
            free: amounts.0,
            needed: amounts.1,
        },
        Refusal::Container {
            index: 0,
            resource: Some(resource),
        },
        Refusal::Container {
            index: 0,
            resource: None,
        },
        Refusal::Container {
            index: 9,
            resource: None,
        },
        Refusal::Pod {
            resource: Some(resource),
        },
        Refusal::Pod { resource: None },
        Refusal::Spread {
            found: 1,
            wanted: u16::MAX,
        },
        Refusal::LinkDown { resource },
        Refusal::SetAside,
    ]
}

#[test]
fn a_person_understands_them() {
    let mut resources = Resources::default();
    let sriov = resources.intern("intel.com/sriov").unwrap();
    let aligned = [
        (ResourceId::CPU, 4000),
        (ResourceId::MEMORY, 1 << 30),
        (sriov, 2),
    ];
    let (demand, need) = (demand("app"), need(&aligned));
    let mut reasons = String::new();
    for refusal in all(sriov, (1, 2)) {
        let reason = Reason {
            refusal,
            demand: &demand,
            need: &need,
            resources: &resources,
        };
        writeln!(reasons, "{}: {reason}", refusal.as_str()).unwrap();
    }
    insta::assert_snapshot!(reasons, @r"
    unknownNode: the node is not known yet
    noReport: no inventory of this node yet
    stale: the node's inventory is too old
    faulty: the node's inventory contradicts itself
    noSuchResource: no node has any a.b/c
    short: intel.com/sriov: 1 free, 2 needed
    container: no zone has enough intel.com/sriov for container app
    container: no zone has cpu, memory and intel.com/sriov together for container app
    container: no zone has what it needs together for container 
    pod: no zone has enough intel.com/sriov for the pod
    pod: no zone has cpu, memory and intel.com/sriov together for the pod
    spread: physical functions with a free device: 1, 65535 wanted
    linkDown: intel.com/sriov: no free device has a link
    setAside: its kubelet refused a pod of this owner a moment ago
    ");
}

#[test]
fn switches_are_called_so() {
    let mut demand = demand("app");
    demand.spread = Some(Spread::Switch);
    let reason = Reason {
        refusal: Refusal::Spread {
            found: 1,
            wanted: 2,
        },
        demand: &demand,
        need: &Need::default(),
        resources: &Resources::default(),
    };
    assert_eq!(
        reason.to_string(),
        "switches with a free device: 1, 2 wanted"
    );
}

#[test]
fn amounts_are_written_as_kubernetes_writes_them() {
    for (kind, amount, wanted) in [
        (Kind::Cpu, 4000, "4"),
        (Kind::Cpu, 1500, "1500m"),
        (Kind::Memory, 0, "0"),
        (Kind::Memory, 1 << 30, "1Gi"),
        (Kind::Memory, 3 << 29, "1536Mi"),
        (Kind::HugePages, 1000, "1000"),
        (Kind::HostLevel, 1 << 60, "1Ei"),
        (Kind::Memory, i64::MAX, "9223372036854775807"),
        (Kind::Device, 2048, "2048"),
    ] {
        assert_eq!(Amount(kind, amount).to_string(), wanted);
    }
}

proptest! {
    #[test]
    fn they_are_short_and_on_one_line(
        container in "\\PC{0,70}|[\\x00-\\x1f\\x7f]{1,5}",
        name in "\\PC{0,300}|[a-z\\n]{1,9}/[a-z\\x1b]{1,60}",
        amounts in any::<(i64, i64)>(),
        more in 0_usize..9,
    ) {
        let mut resources = Resources::default();
        let resource = resources.intern(&name).unwrap();
        let mut aligned = vec![(ResourceId::CPU, 1000), (resource, amounts.1)];
        for n in 0..more {
            aligned.push((resources.intern(&format!("a.b/{n}")).unwrap(), 1));
        }
        let (demand, mut need) = (demand(&container), need(&aligned));
        need.unknown = vec![name.into()];
        for refusal in all(resource, amounts) {
            let reason = Reason { refusal, demand: &demand, need: &need, resources: &resources };
            let reason = reason.to_string();
            prop_assert!(reason.chars().count() <= LONGEST, "{}", reason);
            prop_assert!(!reason.chars().any(char::is_control), "{:?}", reason);
        }
    }
}
