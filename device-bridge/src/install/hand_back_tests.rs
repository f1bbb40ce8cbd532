//! What is left to the runtime, at every step.

use serde_json::{Value, json};

use super::*;

const OURS: &str = "00-polypod.conflist";
const A: &str = r#"{"name":"a","type":"bridge"}"#;
const LOOPBACK: &str = r#"{"cniVersion":"0.3.1","type":"loopback"}"#;
const MULTUS: &str = r#"{"name":"m","type":"multus","clusterNetwork":"/x"}"#;

fn ours(delegate: &Value) -> String {
    json!({"name": "a", "plugins": [{"type": "polypod", "delegates": [delegate]}]}).to_string()
}

fn folder(files: &[(&str, &str)], aside: &[(&str, &str)]) -> ConfFolder {
    let found = |files: &[(&str, &str)]| {
        files
            .iter()
            .map(|(name, text)| FoundConf::of(name, text))
            .collect()
    };
    ConfFolder {
        files: found(files),
        aside: found(aside),
    }
}

fn planned(
    files: &[(&str, &str)],
    aside: &[(&str, &str)],
    runs: bool,
) -> Result<Vec<Step>, Refusal> {
    let multus = if runs {
        Program::Foreign
    } else {
        Program::Missing
    };
    steps(
        &folder(files, aside),
        None,
        OURS,
        |_| multus,
        |_| false,
        false,
    )
}

#[test]
fn the_primary_stays_and_ours_goes() {
    let own = ours(&json!({"name": "a", "type": "bridge"}));
    assert_eq!(
        planned(&[(OURS, &own), ("10-a.conf", A)], &[], false),
        Ok(vec![Step::RemoveOurs])
    );
    assert_eq!(
        planned(&[("10-a.conf", A)], &[], false),
        Ok(vec![]),
        "it was done before"
    );
    assert_eq!(planned(&[], &[], false), Ok(vec![]));
}

#[test]
fn what_multus_made_from_ours_is_not_left_first() {
    let own = ours(&json!({"name": "a", "type": "bridge"}));
    let on_ours = r#"{"name":"m","type":"multus-shim","clusterNetwork":"/host/etc/cni/net.d/00-polypod.conflist"}"#;
    let files = [
        ("00-multus.conf", on_ours),
        (OURS, own.as_str()),
        ("10-a.conf", A),
    ];
    let refused = planned(&files, &[], true).unwrap_err();
    assert!(
        matches!(&refused, Refusal::BrokenFirst { name, fault } if name == "00-multus.conf" && fault.contains(OURS)),
        "{refused:?}"
    );
    assert_eq!(
        planned(&files[1..], &files[..1], true),
        Ok(vec![Step::RemoveOurs]),
        "nor is it put back"
    );
}

const THICK: &str = r#"{"name":"m","type":"multus-shim","clusterNetwork":"/x"}"#;

#[test]
fn multus_is_not_put_back_where_somebody_else_has_the_cluster_network() {
    let own = ours(&json!({"name": "a", "type": "bridge"}));
    let files = [(OURS, own.as_str()), ("10-a.conf", A)];
    for aside in [MULTUS, THICK] {
        let aside = [("00-multus.conf", aside)];
        for runs in [false, true] {
            assert_eq!(planned(&files, &aside, runs), Ok(vec![Step::RemoveOurs]));
            assert_eq!(
                planned(&files[1..], &aside, runs),
                Ok(vec![]),
                "killed after ours was removed"
            );
            let written = planned(&files[..1], &aside, runs).unwrap();
            assert!(
                matches!(&written[..], [Step::Write { name, .. }, Step::RemoveOurs] if name == "10-a.conf"),
                "{written:?}"
            );
            let stays = folder(&files, &aside);
            let left: Vec<&str> = left_aside(&stays, &written).collect();
            assert_eq!(left, ["00-multus.conf"], "and is told of");
        }
    }
    let both = [("00-multus.conf", MULTUS), (OURS, own.as_str())];
    assert_eq!(
        planned(&both, &[("00-multus.conf", MULTUS)], true),
        Ok(vec![Step::RemoveOurs]),
        "a newer one is there"
    );
}

#[test]
fn multus_is_put_back_where_it_alone_has_the_cluster_network_and_runs() {
    let own = json!({"name": "a", "plugins": [{"type": "polypod", "clusterNetwork": "/gone"}]})
        .to_string();
    let of_ours = [(OURS, own.as_str())];
    let back = Step::PutBack("00-multus.conf".to_owned());
    let thin = [("00-multus.conf", MULTUS)];
    assert_eq!(
        planned(&of_ours, &thin, true),
        Ok(vec![back.clone(), Step::RemoveOurs])
    );
    assert_eq!(planned(&[], &thin, true), Ok(vec![back.clone()]));
    assert_eq!(planned(&[], &thin, false), Ok(vec![]));
    let thick = folder(&of_ours, &[("00-multus.conf", THICK)]);
    let thick = |listens: bool| {
        let program = |_: &str| Program::Foreign;
        let is_it = |socket: &Path| socket == Path::new("/run/multus/multus.sock");
        steps(
            &thick,
            None,
            OURS,
            program,
            |socket| listens && is_it(socket),
            false,
        )
    };
    assert_eq!(thick(true), Ok(vec![back.clone(), Step::RemoveOurs]));
    assert!(matches!(thick(false), Err(Refusal::NothingLeft(_))));
    let put_back = [back];
    assert_eq!(left_aside(&folder(&[], &thin), &put_back).count(), 0);
}

/// One that ours has hidden is looked at; one before ours is what the runtime has, whatever is seen of its daemon from here.
#[test]
fn a_client_whose_daemon_is_silent_is_not_left_first() {
    let own = ours(&json!({"name": "a", "type": "bridge"}));
    let hidden = [
        (OURS, own.as_str()),
        ("05-multus.conf", THICK),
        ("10-a.conf", A),
    ];
    let refused = planned(&hidden, &[], true).unwrap_err();
    assert!(
        matches!(&refused, Refusal::BrokenFirst { name, fault } if name == "05-multus.conf" && fault.contains("/run/multus/multus.sock")),
        "{refused:?}"
    );
    let in_force = [
        ("00-multus.conf", THICK),
        (OURS, own.as_str()),
        ("10-a.conf", A),
    ];
    assert_eq!(planned(&in_force, &[], true), Ok(vec![Step::RemoveOurs]));
}

#[test]
fn a_primary_that_is_gone_is_written_from_what_was_inlined() {
    let single = ours(&json!({"name": "a", "type": "bridge"}));
    let list = ours(&json!({"name": "l", "cniVersion": "1.0.0", "plugins": [{"type": "x"}]}));
    for (own, name) in [(&single, "10-a.conf"), (&list, "10-l.conflist")] {
        for others in [
            &[][..],
            &[("20-b.conf", "{")],
            &[("99-multus.conf", MULTUS)],
            &[("200-loopback.conf", LOOPBACK)],
        ] {
            let files = [&[(OURS, own.as_str())][..], others].concat();
            let steps = planned(&files, &[], false).unwrap();
            let [
                Step::Write {
                    name: written,
                    text,
                },
                Step::RemoveOurs,
            ] = &steps[..]
            else {
                panic!("{steps:?}");
            };
            assert_eq!(written, name);
            assert!(FoundConf::of(written, text).is_plain(), "{text}");
        }
    }
}

#[test]
fn a_primary_in_another_folder_is_copied() {
    let own = ours(&json!({"name": "old", "type": "bridge"}));
    let primary = folder(&[("10-ovn.conf", A)], &[]);
    let steps = steps(
        &folder(&[(OURS, &own)], &[]),
        Some(&primary),
        OURS,
        |_| Program::Missing,
        |_| false,
        false,
    )
    .unwrap();
    assert!(
        matches!(&steps[0], Step::Write { name, .. } if name == "10-ovn.conf"),
        "{steps:?}"
    );
}

#[test]
fn a_node_is_not_left_without_any() {
    let own = json!({"name": "a", "plugins": [{"type": "polypod", "clusterNetwork": "/gone"}]})
        .to_string();
    let files = [
        (OURS, own.as_str()),
        ("10-b.conf", "{"),
        ("20-multus.conf", MULTUS),
        ("200-loopback.conf", LOOPBACK),
    ];
    let Err(Refusal::NothingLeft(faults)) = planned(&files, &[], false) else {
        panic!("it is left without any");
    };
    assert!(faults[0].starts_with("10-b.conf: "), "{faults:?}");
    assert_eq!(
        faults[1..],
        [
            "20-multus.conf: it executes multus, which is not installed",
            "200-loopback.conf: it makes the loopback interface alone"
        ]
    );
    let forced = steps(
        &folder(&files, &[]),
        None,
        OURS,
        |_| Program::Missing,
        |_| false,
        true,
    );
    assert_eq!(forced, Ok(vec![Step::RemoveOurs]));
}

/// Ours has hidden it, as it sorted before.
#[test]
fn a_first_file_that_does_not_work_is_refused() {
    let own = ours(&json!({"name": "a", "type": "bridge"}));
    for (text, program, words) in [
        ("{", Program::Foreign, "JSON"),
        (LOOPBACK, Program::Foreign, "loopback"),
        (MULTUS, Program::Missing, "executes multus"),
    ] {
        for (others, aside) in [
            (&[("10-a.conf", A)][..], &[][..]),
            (&[("10-a.conf", A)], &[("06-c.conf", A)]),
            (&[], &[]),
        ] {
            let first = ("05-b.conf", text);
            let files = [&[(OURS, own.as_str()), first][..], others].concat();
            let files = folder(&files, aside);
            let refused = steps(&files, None, OURS, |_| program, |_| false, false);
            assert!(
                matches!(&refused, Err(Refusal::BrokenFirst { name, fault }) if name == "05-b.conf" && fault.contains(words)),
                "{text} {refused:?}"
            );
            let forced = steps(&files, None, OURS, |_| program, |_| false, true).unwrap();
            assert_eq!(forced.last(), Some(&Step::RemoveOurs));
        }
    }
    let files = [(OURS, own.as_str()), ("05-b.conf", "{"), ("10-a.conf", A)];
    let before = planned(&files, &[("04-c.conf", A)], false).unwrap();
    let back = Step::PutBack("04-c.conf".to_owned());
    assert_eq!(before, [back, Step::RemoveOurs], "what comes back is first");
    let files = [
        (OURS, own.as_str()),
        ("05-b.conf", MULTUS),
        ("10-a.conf", A),
    ];
    let stays = steps(
        &folder(&files, &[]),
        None,
        OURS,
        |_| Program::Ours,
        |_| false,
        false,
    );
    assert_eq!(stays, Ok(vec![Step::RemoveOurs]), "as the plugin does then");
}

/// Killed after any step, the runtime still has a configuration that works, and calling it again finishes the work.
#[test]
fn every_step_leaves_a_configuration_that_works() {
    let own = ours(&json!({"name": "a", "type": "bridge"}));
    let multus = ("00-multus.conf", MULTUS);
    for (others, aside) in [
        (&[("10-a.conf", A)][..], &[][..]),
        (&[("10-a.conf", A)], &[multus]),
        (&[], &[multus]),
        (&[], &[]),
        (&[("10-b.conf", "{")], &[]),
    ] {
        let begin = folder(&[&[(OURS, own.as_str())][..], others].concat(), aside);
        let planned = steps(&begin, None, OURS, |_| Program::Foreign, |_| false, false).unwrap();
        for killed_after in 0..=planned.len() {
            let mut node = begin.clone();
            for step in &planned[..killed_after] {
                carry_out(&mut node, step);
                assert!(
                    node.files.iter().any(|file| file.conf.is_ok()),
                    "{others:?} {step:?}"
                );
            }
            for step in steps(&node, None, OURS, |_| Program::Foreign, |_| false, false).unwrap() {
                carry_out(&mut node, &step);
            }
            assert!(node.file(OURS).is_none());
            assert!(
                node.files.iter().any(|file| file.conf.is_ok()),
                "{others:?}"
            );
            assert_eq!(node.aside.len(), aside.len(), "Multus stays aside");
        }
    }
}

fn carry_out(node: &mut ConfFolder, step: &Step) {
    match step {
        Step::PutBack(name) => {
            let at = node
                .aside
                .iter()
                .position(|file| file.name == *name)
                .unwrap();
            let file = node.aside.remove(at);
            node.files.push(file);
        }
        Step::Write { name, text } => {
            node.files.retain(|file| file.name != *name);
            node.files.push(FoundConf::of(name, text));
        }
        Step::RemoveOurs => node.files.retain(|file| file.name != OURS),
    }
}
