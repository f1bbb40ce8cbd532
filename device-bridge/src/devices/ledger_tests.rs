//! Who has a device, and when it is given to the next.

use serde_json::json;

use super::*;

fn pod(name: &str, uid: &str) -> PodRef {
    PodRef {
        namespace: "default".parse().unwrap(),
        name: name.parse().unwrap(),
        uid: Some(uid.to_owned()),
    }
}

fn used(resource: Option<&str>, id: &str) -> Used {
    Used {
        id: id.parse().unwrap(),
        resource: resource.map(str::to_owned),
        claimed: None,
    }
}

const ADDRESS: &str = "0000:03:02.1";

#[test]
fn one_device_one_pod() {
    let mut ledger = Ledger::new();
    let (a, b) = (pod("a", "u1"), pod("b", "u2"));
    let vf = used(Some("r"), ADDRESS);
    ledger.take(&a, std::slice::from_ref(&vf)).unwrap();
    // A retry of the same pod, whose runtime may not tell the UID.
    ledger.take(&a, std::slice::from_ref(&vf)).unwrap();
    let nameless = PodRef {
        uid: None,
        ..a.clone()
    };
    ledger.take(&nameless, std::slice::from_ref(&vf)).unwrap();
    ledger.take(&a, std::slice::from_ref(&vf)).unwrap();
    // All or none.
    let other = used(Some("r"), "0000:03:02.2");
    let hold = ledger.take(&b, &[other.clone(), vf.clone()]).unwrap_err();
    assert_eq!(
        (hold.pod.clone(), hold.used.clone()),
        (a.clone(), vf.clone())
    );
    ledger.take(&a, std::slice::from_ref(&other)).unwrap();
    // A successor of the same name is another pod.
    assert!(
        ledger
            .take(&pod("a", "u9"), std::slice::from_ref(&vf))
            .is_err()
    );
    ledger.release(&hold);
    ledger.release(&hold);
    ledger.take(&b, &[vf]).unwrap();
}

#[test]
fn addresses_are_the_same_in_all_resources_and_numbers_are_not() {
    let (a, b) = (pod("a", "u1"), pod("b", "u2"));
    for (first, second, is_refused) in [
        (used(Some("r"), ADDRESS), used(Some("s"), ADDRESS), true),
        (used(Some("r"), ADDRESS), used(None, ADDRESS), true),
        (used(Some("r"), "0"), used(Some("s"), "0"), false),
        (used(Some("r"), "0"), used(Some("r"), "0"), true),
        (
            used(None, "mlx5_core.sf.2"),
            used(Some("r"), "mlx5_core.sf.2"),
            true,
        ),
    ] {
        let mut ledger = Ledger::new();
        ledger.take(&a, std::slice::from_ref(&first)).unwrap();
        let taken = ledger.take(&b, std::slice::from_ref(&second));
        assert_eq!(taken.is_err(), is_refused, "{first:?} {second:?}");
    }
}

fn holding(name: &str, devices: &[&str]) -> Holding {
    let devices = devices.iter().map(|id| ("r".to_owned(), (*id).to_owned()));
    Holding {
        namespace: "default".to_owned(),
        name: name.to_owned(),
        devices: devices.collect(),
        claimed: Vec::new(),
    }
}

fn checkpoint(uid: &str) -> Checkpoint {
    let text = json!({"Data": {"PodDeviceEntries": [
        {"PodUID": uid, "ContainerName": "app", "ResourceName": "r", "DeviceIDs": {"0": [ADDRESS]}}]}});
    Checkpoint::parse(text.to_string().as_bytes()).unwrap()
}

#[test]
fn verdicts_on_another_pod() {
    let asker = pod("b", "u2");
    let hold = Hold {
        used: used(Some("r"), ADDRESS),
        pod: pod("a", "u1"),
    };
    let holdings = |all: &[Holding]| Some(Holdings(all.to_vec()));
    let cases = [
        (
            "gone",
            holdings(&[holding("b", &[ADDRESS])]),
            None,
            false,
            Ok(()),
        ),
        (
            "free",
            holdings(&[holding("a", &[]), holding("b", &[])]),
            None,
            false,
            Ok(()),
        ),
        (
            "held",
            holdings(&[holding("a", &[ADDRESS])]),
            None,
            false,
            Err(Why::Listed),
        ),
        // What the kubelet lists it holds, whatever the API server says.
        (
            "held",
            holdings(&[holding("a", &[ADDRESS])]),
            None,
            true,
            Err(Why::Listed),
        ),
        (
            "written",
            None,
            Some(checkpoint("u1")),
            false,
            Err(Why::Listed),
        ),
        ("written anew", None, Some(checkpoint("u2")), false, Ok(())),
        ("unknown", None, None, false, Err(Why::Unasked)),
        ("replaced", None, None, true, Ok(())),
    ];
    for (case, holdings, checkpoint, is_gone, wanted) in cases {
        let evidence = Evidence {
            holdings: holdings.as_ref(),
            checkpoint: checkpoint.as_ref(),
            is_settling: false,
            is_gone,
        };
        assert_eq!(
            verdict(&asker, &hold.used, &hold, evidence),
            wanted,
            "{case}"
        );
    }
}

#[test]
fn verdicts_on_a_pod_that_named_the_device_itself() {
    let hold = Hold {
        used: used(None, ADDRESS),
        pod: pod("a", "u1"),
    };
    let there = Holdings(vec![holding("a", &[])]);
    let gone = Holdings(Vec::new());
    for (holdings, is_gone, wanted) in [
        (&there, false, Err(Why::Named)),
        (&there, true, Ok(())),
        (&gone, false, Ok(())),
    ] {
        let evidence = Evidence {
            holdings: Some(holdings),
            checkpoint: None,
            is_settling: false,
            is_gone,
        };
        assert_eq!(
            verdict(&pod("b", "u2"), &hold.used, &hold, evidence),
            wanted
        );
    }
}

#[test]
fn verdicts_on_a_pod_of_the_same_name() {
    let asker = pod("a", "u2");
    let hold = Hold {
        used: used(Some("r"), ADDRESS),
        pod: pod("a", "u1"),
    };
    let one = Holdings(vec![holding("a", &[ADDRESS])]);
    let two = Holdings(vec![holding("a", &[ADDRESS]), holding("a", &[])]);
    for (holdings, checkpoint, is_gone, wanted) in [
        (Some(&one), None, true, Ok(())),
        (Some(&two), None, true, Err(Why::Namesake)),
        (None, None, false, Err(Why::Namesake)),
        // Such as one that named the device itself, on a node without the kubelet's socket.
        (None, None, true, Ok(())),
        (Some(&two), Some(checkpoint("u2")), true, Ok(())),
        (Some(&one), Some(checkpoint("u1")), true, Err(Why::Namesake)),
        (None, Some(checkpoint("u2")), true, Ok(())),
    ] {
        let evidence = Evidence {
            holdings,
            checkpoint: checkpoint.as_ref(),
            is_settling: false,
            is_gone,
        };
        assert_eq!(
            verdict(&asker, &hold.used, &hold, evidence),
            wanted,
            "{evidence:?}"
        );
    }
}

#[test]
fn holders_of_a_device_that_a_pod_names() {
    let used = used(None, ADDRESS);
    let holdings = Holdings(vec![holding("a", &[ADDRESS]), holding("c", &[])]);
    let none = Slices::default();
    let holder = holder_of(&used, &pod("b", "u2"), &holdings, &none).unwrap();
    assert_eq!(holder.to_string(), "default/a");
    // Its own may be named by the pod.
    assert!(holder_of(&used, &pod("a", "u1"), &holdings, &none).is_none());
}

#[test]
fn a_claim_is_seen_although_the_record_did_not_say_it() {
    let claimed = ClaimedId {
        driver: "d".to_owned(),
        pool: "n1".to_owned(),
        device: "vf-1".to_owned(),
    };
    let wanted = Used {
        claimed: Some(claimed.clone()),
        ..used(Some("r"), ADDRESS)
    };
    let hold = Hold {
        used: used(Some("r"), ADDRESS),
        pod: pod("a", "u1"),
    };
    let holder = Holding {
        claimed: vec![claimed],
        ..holding("a", &[])
    };
    let holdings = Holdings(vec![holder]);
    let evidence = Evidence {
        holdings: Some(&holdings),
        checkpoint: None,
        is_settling: false,
        is_gone: false,
    };
    let found = verdict(&pod("b", "u2"), &wanted, &hold, evidence);
    assert_eq!(found, Err(Why::Listed));
}

#[test]
fn a_kubelet_that_restarted_may_list_the_holder_yet() {
    let hold = Hold {
        used: used(Some("r"), ADDRESS),
        pod: pod("a", "u1"),
    };
    let none = Holdings::default();
    for (is_gone, wanted) in [(false, Err(Why::Settling)), (true, Ok(()))] {
        let evidence = Evidence {
            holdings: Some(&none),
            checkpoint: None,
            is_settling: true,
            is_gone,
        };
        let decided = verdict(&pod("b", "u2"), &hold.used, &hold, evidence);
        assert_eq!(decided, wanted);
    }
}

#[test]
fn what_is_written_down_needs_no_question() {
    let hold = |resource: Option<&str>, uid: &str| Hold {
        used: used(resource, ADDRESS),
        pod: pod("a", uid),
    };
    let asker = pod("b", "u2");
    for (hold, owner, wanted) in [
        (hold(Some("r"), "u1"), "u2", true),
        (hold(Some("r"), "u1"), "u1", false),
        (hold(Some("r"), "u1"), "u3", false),
        (hold(None, "u1"), "u2", false),
    ] {
        assert_eq!(is_written(&asker, &hold, &checkpoint(owner)), wanted);
    }
}

#[test]
fn devices_that_pods_named_are_forgotten_with_them() {
    let mut ledger = Ledger::new();
    ledger.take(&pod("a", "u1"), &[used(None, "x")]).unwrap();
    ledger.take(&pod("b", "u2"), &[used(None, "y")]).unwrap();
    ledger
        .take(&pod("c", "u3"), &[used(Some("r"), "z")])
        .unwrap();
    ledger.forget_named(|pod| pod.name.as_str() == "b");
    let asker = pod("d", "u4");
    let left = |id: &str| ledger.conflicts(&asker, &[used(None, id)]).count();
    assert_eq!([left("x"), left("y"), left("z")], [0, 1, 1]);
}
