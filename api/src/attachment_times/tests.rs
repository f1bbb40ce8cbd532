use spec::bridge::Stage;

use super::*;

fn stage(name: &str, took_us: u64) -> Stage {
    Stage {
        name: name.to_owned(),
        took_us,
        ..Stage::default()
    }
}

fn times(attachments: usize) -> Times {
    let question = Stage {
        parts: vec![stage("lookup", 310), stage("devices", 2250)],
        ..stage("question", 4120)
    };
    let attachment = |index: usize| bridge::AttachmentTimes {
        network: format!("default/macvlan-{index}"),
        interface: format!("net{index}").parse().unwrap(),
        device: None,
        after_us: 5000,
        took_us: 40_199,
        delegates: vec![stage("macvlan", 30_000), stage("tuning", 9_050)],
    };
    Times {
        began_us: 1_767_225_600_000_000,
        took_us: 85_299,
        stages: vec![stage("configuration", 210), question],
        attachments: (1..=attachments).map(attachment).collect(),
    }
}

#[test]
fn what_a_plugin_reports_as_an_annotation() {
    let annotation = AttachmentTimes::of(&times(1));
    let text = annotation.clone().print().unwrap();
    insta::assert_snapshot!(text, @r#"{"version":1,"sandbox":{"began":"2026-01-01T00:00:00.000000Z","ms":85.2,"stages":[{"name":"configuration","ms":0.2},{"name":"question","ms":4.1,"parts":[{"name":"lookup","ms":0.3},{"name":"devices","ms":2.2}]}]},"attachments":[{"interface":"net1","network":"default/macvlan-1","began":"2026-01-01T00:00:00.005000Z","ms":40.1,"delegates":[{"type":"macvlan","ms":30},{"type":"tuning","ms":9}]}]}"#);
    assert_eq!(AttachmentTimes::parse(&text).unwrap(), annotation);
}

#[test]
fn detail_goes_before_attachments() {
    let printed = |count| AttachmentTimes::of(&times(count)).print().unwrap();
    let mut before = [true; 3];
    for count in (1..120).step_by(7).chain([300]) {
        let text = printed(count);
        assert!(text.len() <= LARGEST, "{count}: {}", text.len());
        let read = AttachmentTimes::parse(&text).unwrap();
        assert_eq!(read.attachments.len() + read.left_out, count);
        // Parts of stages, delegates, all attachments.
        let detail = [
            text.contains("lookup"),
            text.contains("tuning"),
            read.left_out == 0,
        ];
        assert!(detail <= before, "{before:?} {detail:?}");
        assert!(
            matches!(
                detail,
                [true, true, true] | [false, _, true] | [false, false, false]
            ),
            "{detail:?}"
        );
        before = detail;
    }
    assert_eq!(before, [false; 3]);
    assert!(
        AttachmentTimes::parse(&printed(40)).unwrap().attachments[39]
            .delegates
            .len()
            == 2
    );
}

#[test]
fn what_fits_in_no_way_is_not_written() {
    let mut huge = times(1);
    huge.stages[0].name = "x".repeat(LARGEST);
    let text = AttachmentTimes::of(&huge).print().unwrap();
    assert_eq!(AttachmentTimes::parse(&text).unwrap().sandbox, None);
    // A clock that is far off is no reason to lose the rest.
    huge.began_us = u64::MAX;
    huge.stages.clear();
    assert!(
        AttachmentTimes::of(&huge)
            .print()
            .unwrap()
            .contains("1970-01-01")
    );
}

#[test]
fn what_is_plugged_in_and_out() {
    let annotation = AttachmentTimes::of(&times(2));
    let again = AttachmentTime {
        network: "default/other".to_owned(),
        ..annotation.attachments[0].clone()
    };
    let names = |times: &AttachmentTimes| -> Vec<String> {
        times
            .attachments
            .iter()
            .map(|one| format!("{} {}", one.interface, one.network))
            .collect()
    };
    let with = annotation.with(again);
    assert_eq!(
        names(&with),
        ["net2 default/macvlan-2", "net1 default/other"]
    );
    assert_eq!(
        names(&with.without("net2").without("net9")),
        ["net1 default/other"]
    );
    assert_eq!(
        AttachmentTimes::unknown().print().unwrap(),
        r#"{"version":1,"attachments":[]}"#
    );
}

#[test]
fn others_are_told_apart() {
    for (text, words) in [
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        (r#"{"attachments":[]}"#, "version"),
        (r#"{"version":2,"attachments":{"new":1}}"#, "version 2"),
        (
            r#"{"version":1,"attachments":[{"interface":"net1"}]}"#,
            "cannot be read",
        ),
        (
            r#"{"version":1,"attachments":[{"interface":"n","network":"n","began":"yesterday","ms":1}]}"#,
            "cannot be read",
        ),
    ] {
        let error = AttachmentTimes::parse(text).unwrap_err().to_string();
        assert!(
            error.contains(words) && error.contains("polypod.dev/attachments"),
            "{error}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = AttachmentTimes::parse(&text);
        let _ = AttachmentTimes::parse(&format!(r#"{{"version":1,"attachments":{text}}}"#));
    }
}
