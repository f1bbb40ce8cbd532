//! What is left to the runtime, at every step.

use serde_json::{Value, json};

use super::*;

const OURS: &str = "00-polypod.conflist";
const A: &str = r#"{"name":"a","type":"bridge"}"#;
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
) -> Result<Vec<Step>, NothingLeft> {
    steps(&folder(files, aside), None, OURS, |_| runs, false)
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
fn what_was_moved_aside_comes_back_first_where_it_runs() {
    let own = ours(&json!({"name": "a", "type": "bridge"}));
    let files = [(OURS, own.as_str()), ("10-a.conf", A)];
    let aside = [("00-multus.conf", MULTUS)];
    let back = Step::PutBack("00-multus.conf".to_owned());
    assert_eq!(
        planned(&files, &aside, true),
        Ok(vec![back.clone(), Step::RemoveOurs])
    );
    assert_eq!(planned(&files, &aside, false), Ok(vec![Step::RemoveOurs]));
    assert_eq!(
        planned(&files[1..], &aside, true),
        Ok(vec![back]),
        "killed after ours was removed"
    );
    let both = [("00-multus.conf", MULTUS), (OURS, own.as_str())];
    assert_eq!(
        planned(&both, &aside, true),
        Ok(vec![Step::RemoveOurs]),
        "a newer one is there"
    );
}

#[test]
fn a_primary_that_is_gone_is_written_from_what_was_inlined() {
    let single = ours(&json!({"name": "a", "type": "bridge"}));
    let list = ours(&json!({"name": "l", "cniVersion": "1.0.0", "plugins": [{"type": "x"}]}));
    for (own, name) in [(&single, "10-a.conf"), (&list, "10-l.conflist")] {
        for others in [
            &[][..],
            &[("10-b.conf", "{")],
            &[("99-multus.conf", MULTUS)],
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
    let files = [(OURS, own.as_str()), ("10-b.conf", "{")];
    let NothingLeft(faults) = planned(&files, &[], false).unwrap_err();
    assert!(faults[0].starts_with("10-b.conf: "), "{faults:?}");
    let forced = steps(&folder(&files, &[]), None, OURS, |_| false, true);
    assert_eq!(forced, Ok(vec![Step::RemoveOurs]));
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
        let planned = steps(&begin, None, OURS, |_| true, false).unwrap();
        for killed_after in 0..=planned.len() {
            let mut node = begin.clone();
            for step in &planned[..killed_after] {
                carry_out(&mut node, step);
                assert!(
                    node.files.iter().any(|file| file.conf.is_ok()),
                    "{others:?} {step:?}"
                );
            }
            for step in steps(&node, None, OURS, |_| true, false).unwrap() {
                carry_out(&mut node, &step);
            }
            assert!(node.file(OURS).is_none());
            assert!(
                node.files.iter().any(|file| file.conf.is_ok()),
                "{others:?}"
            );
            assert_eq!(node.file("00-multus.conf").is_some(), !aside.is_empty());
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
