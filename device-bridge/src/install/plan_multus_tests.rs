//! The way from Multus.

use super::*;

#[test]
fn multus_is_replaced_step_by_step() {
    let fresher = A.replace("bridge", "ptp");
    let files = [
        ("00-multus.conf", MULTUS),
        ("05-b.conf", B),
        ("10-a.conf", fresher.as_str()),
    ];
    for steps in 0..=2 {
        let mut node = Node::new(&["--adopt-multus"], &files);
        node.turn(steps);
        let taken = node.runtime_takes();
        assert!(taken.conf.is_ok());
        assert_eq!(taken.name == OURS, steps == 2);
        // Killed there, and started again.
        node.memory = Memory::default();
        assert!(node.settle().is_ready);
        assert_eq!(node.runtime_takes().name, OURS);
        assert_eq!(
            node.ours()["name"],
            "multus-cni-network",
            "pods are known by it"
        );
        assert_eq!(node.ours()["plugins"][0]["namespaceIsolation"], true);
        assert_eq!(node.ours()["plugins"][0]["compat"], "multus");
        assert_eq!(
            node.delegate()["name"],
            "a",
            "Multus's, though another file is the first"
        );
        assert_eq!(
            node.delegate()["type"],
            "ptp",
            "and as its file has it by now"
        );
        // And again: what was moved aside still says it.
        node.memory = Memory::default();
        let plan = node.settle();
        assert!(plan.steps.is_empty(), "{plan:?}");
    }
}

/// Somebody removes ours again and again, and is left alone; Multus's file is all that there is then.
#[test]
fn nothing_is_moved_as_long_as_ours_is_not_there() {
    let files = [("00-multus.conf", MULTUS), ("10-a.conf", A)];
    for (left, is_removed) in [(None, true), (Some("{"), false), (Some(B), false)] {
        let mut node = Node::new(&["--adopt-multus"], &files);
        assert!(node.settle().is_ready);
        // Calm again.
        node.wait(1000);
        let contended = (0..10).find_map(|_| {
            node.wait(1);
            match left {
                Some(text) => node.put(OURS, text),
                None => drop(node.files.remove(OURS)),
            }
            Some(node.settle()).filter(|plan| plan.steps.is_empty())
        });
        let contended = contended.expect("it is left alone at some time");
        assert!(matches!(&contended.notices[..], [Notice::Contended { .. }]));
        node.put("00-multus.conf", MULTUS);
        let plan = node.settle();
        assert!(
            matches!(&plan.steps[..], [Step::Write(_), Step::MoveAside(_)]),
            "{left:?} {plan:?}"
        );
        assert_eq!(node.runtime_takes().name, OURS);
        assert_eq!(node.delegate()["type"], "bridge");
        assert!(
            matches!(&plan.notices[..], [Notice::TakenOver { removed, .. }] if *removed == is_removed),
            "{plan:?}"
        );
        assert!(plan.is_ready);
    }
}

#[test]
fn multus_alone_gives_the_primary() {
    let mut node = Node::new(&[], &[("00-multus.conf", MULTUS)]);
    let plan = node.settle();
    assert!(!node.files.contains_key(OURS));
    assert!(
        plan.notices[0].to_string().contains("--adopt-multus"),
        "{:?}",
        plan.notices
    );
    let mut node = Node::new(&["--adopt-multus"], &[("00-multus.conf", MULTUS)]);
    assert!(node.settle().is_ready);
    assert_eq!(node.delegate()["type"], "bridge");
    // Its daemon comes back, again and again.
    let mut moved = 0;
    for _ in 0..300 {
        node.put("00-multus.conf", MULTUS);
        moved += node.settle().steps.len();
        node.wait(1);
    }
    assert!((3..15).contains(&moved), "{moved} times");
}

#[test]
fn operators_keys_win_over_those_of_multus() {
    let arguments = [
        "--adopt-multus",
        "--network-name",
        "own",
        "--global-namespaces",
        "x",
    ];
    let mut node = Node::new(
        &arguments,
        &[(
            "00-multus.conf",
            &MULTUS.replace("true,", r#"true,"globalNamespaces":"y","socketDir":"/s","#),
        )],
    );
    let plan = node.settle();
    assert_eq!(node.ours()["name"], "own");
    assert_eq!(node.ours()["plugins"][0]["globalNamespaces"], "x");
    assert!(plan.notices.is_empty(), "{:?}", plan.notices);
    let told: Vec<String> = plan.adopted.iter().map(ToString::to_string).collect();
    assert!(
        told.iter()
            .any(|told| told.starts_with("socketDir means nothing here")),
        "{told:?}"
    );
    assert_eq!(node.ours()["plugins"][0]["compat"], "multus");
    assert!(plan.is_ready);
}

#[test]
fn multus_keeps_its_cluster_network_and_its_word() {
    let shim = r#"{"name":"m","type":"multus-shim","cniDir":"/own","clusterNetwork":"/host/etc/cni/net.d/20-b.conf"}"#;
    let files = [("00-multus.conf", shim), ("10-a.conf", A), ("20-b.conf", B)];
    let mut node = Node::new(&["--adopt-multus", "--compat", "none"], &files);
    let plan = node.settle();
    assert!(plan.is_ready, "{plan:?}");
    assert_eq!(node.delegate()["type"], "ptp", "not the first by name");
    assert_eq!(node.ours()["plugins"][0].get("compat"), None);
    assert_eq!(node.ours()["plugins"][0]["cniDir"], "/own");
    assert!(
        matches!(&plan.notices[..], [Notice::OtherCniDir { ours: None, .. }]),
        "{plan:?}"
    );
    node.files.remove("20-b.conf");
    node.settle();
    assert_eq!(node.delegate()["type"], "ptp", "it may come back");
    node.wait(16);
    let plan = node.settle();
    assert_eq!(node.delegate()["type"], "bridge");
    assert!(
        plan.notices
            .iter()
            .any(|notice| matches!(notice, Notice::OtherPrimary { .. }))
    );
}

#[test]
fn what_multus_makes_from_ours_changes_nothing() {
    let shim = |file: &str| {
        format!(
            r#"{{"name":"m","type":"multus-shim","globalNamespaces":"x","clusterNetwork":"/host/etc/cni/net.d/{file}"}}"#
        )
    };
    let (good, on_ours) = (shim("20-b.conf"), shim(OURS));
    let files = [
        ("00-multus.conf", good.as_str()),
        ("10-a.conf", A),
        ("20-b.conf", B),
    ];
    let mut node = Node::new(&["--adopt-multus"], &files);
    node.settle();
    for is_killed in [false, true] {
        // Else it is a writer that goes on.
        node.wait(1000);
        node.put("00-multus.conf", &on_ours);
        if is_killed {
            node.memory = Memory::default();
        }
        assert!(node.settle().is_ready);
        assert_eq!(node.delegate()["type"], "ptp", "Multus's, as before");
        assert_eq!(node.runtime_takes().name, OURS);
        assert_eq!(node.files["00-multus.conf.polypod-backup"], good);
    }
    // Where there is nothing better, its keys are.
    let files = [("00-multus.conf", on_ours.as_str()), ("10-a.conf", A)];
    let mut node = Node::new(&["--adopt-multus"], &files);
    assert!(node.settle().is_ready);
    assert_eq!(node.ours()["plugins"][0]["globalNamespaces"], "x");
    assert_eq!(node.delegate()["type"], "bridge");
    assert_eq!(node.files["00-multus.conf.polypod-backup"], on_ours);
}

#[test]
fn nothing_of_multus_is_told_of_and_waited_for() {
    let mut node = Node::new(&["--adopt-multus"], &[("10-a.conf", A)]);
    let plan = node.settle();
    assert!(plan.steps.is_empty() && !plan.is_ready, "{plan:?}");
    let told = plan.notices[0].to_string();
    let words = [
        "--multus-daemon-config",
        "--multus-may-be-absent",
        "namespaceIsolation",
    ];
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
    // It comes; and once it was seen, what it removes later is of no matter, nor what a process knew.
    node.put("00-multus.conf", MULTUS);
    assert!(node.settle().is_ready);
    node.files.remove("00-multus.conf.polypod-backup");
    assert!(node.settle().is_ready);
    node.memory = Memory::default();
    assert!(node.settle().is_ready);
    node.files.remove(OURS);
    assert!(node.settle().is_ready, "{:?}", node.files);

    // The daemon's own configuration is enough.
    let mut node = Node::new(&["--adopt-multus"], &[("10-a.conf", A)]);
    let text = r#"{"cniVersion":"0.3.1","namespaceIsolation":true}"#;
    node.daemon = Some(DaemonConf::parse("daemon-config.json".as_ref(), text).unwrap());
    assert!(node.settle().is_ready);
    assert_eq!(node.ours()["plugins"][0]["namespaceIsolation"], true);

    let fresh = ["--adopt-multus", "--multus-may-be-absent"];
    let mut node = Node::new(&fresh, &[("10-a.conf", A)]);
    assert!(node.settle().is_ready);
    assert_eq!(node.delegate()["type"], "bridge");
}

#[test]
fn malformed_multus_is_refused_and_nothing_changes() {
    let wrong = MULTUS.replace(
        r#""namespaceIsolation":true"#,
        r#""namespaceIsolation":"yes""#,
    );
    for (text, words) in [
        ("", "00-multus.conf"),
        ("{", "00-multus.conf"),
        (wrong.as_str(), "namespaceIsolation"),
    ] {
        let files = [("00-multus.conf", text), ("10-b.conf", B)];
        let mut node = Node::new(&["--adopt-multus"], &files);
        let plan = node.settle();
        assert!(plan.steps.is_empty() && !plan.is_ready, "{text}: {plan:?}");
        let told = plan.notices[0].to_string();
        assert!(
            told.contains("nothing is changed") && told.contains(words),
            "{told}"
        );
        // It was being written.
        node.put("00-multus.conf", MULTUS);
        assert!(node.settle().is_ready);
        // Later what was moved aside says what the broken file does not.
        node.put("00-multus.conf", "");
        assert!(node.settle().steps.is_empty());
        assert_eq!(node.ours()["name"], "multus-cni-network");
    }
}
