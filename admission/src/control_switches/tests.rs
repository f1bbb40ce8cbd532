//! The injector's own cases for its ConfigMap, with what is better here.

use serde_json::json;
use spec::network::{DEFAULT_NETWORK, NETWORKS};

use super::*;

/// Hugepages and honor, as they are configured and as they are with the ConfigMap.
fn features(text: &str, configured: (bool, bool)) -> (bool, bool) {
    let injection = Injection {
        hugepages: configured.0,
        honor_existing_resources: configured.1,
        ..Injection::default()
    };
    let switched = ControlSwitches::parse(text).unwrap().apply(&injection);
    (switched.hugepages, switched.honor_existing_resources)
}

#[test]
fn features_that_are_named_are_switched_and_others_stay() {
    let flags = [(false, false), (true, false), (false, true), (true, true)];
    for configured in flags {
        for text in [
            "{}",
            r#"{"features": {}}"#,
            r#"{"user-defined-injections": {}}"#,
            r#"{"features": {"enableHugePageDownApi": null}}"#,
        ] {
            assert_eq!(features(text, configured), configured, "{text}");
        }
        for wanted in flags {
            let text = json!({"features": {"enableHugePageDownApi": wanted.0, "enableHonorExistingResources": wanted.1}});
            assert_eq!(features(&text.to_string(), configured), wanted, "{text}");
            let partial = json!({"features": {"enableHugePageDownApi": wanted.0}});
            assert_eq!(
                features(&partial.to_string(), configured),
                (wanted.0, configured.1)
            );
        }
    }
}

#[test]
fn injections_are_taken_whole_and_the_next_text_takes_their_place() {
    let injected = |text: &str| {
        let configured = Injection {
            user_defined: serde_json::from_value(
                json!([{"label": "z", "annotations": {"a": "b"}}]),
            )
            .unwrap(),
            ..Injection::default()
        };
        let switched = ControlSwitches::parse(text).unwrap().apply(&configured);
        let all = switched.user_defined.into_iter();
        all.map(|one| {
            let annotations: Vec<String> = one
                .annotations
                .iter()
                .map(|(key, text)| format!("{key}={text}"))
                .collect();
            format!("{} {}", one.label, annotations.join(" "))
        })
        .collect::<Vec<_>>()
    };
    let entry = |value: serde_json::Value| json!({"op": "add", "path": "/metadata/annotations", "value": value});
    let both = json!({"user-defined-injections": {
        "example.com/b": entry(json!({DEFAULT_NETWORK: "net-b"})),
        "a": entry(json!({NETWORKS: "net-a", "other": ""})),
    }});
    assert_eq!(
        injected(&both.to_string()),
        [
            "z a=b".to_owned(),
            format!("a {NETWORKS}=net-a other="),
            format!("example.com/b {DEFAULT_NETWORK}=net-b")
        ]
    );
    for none in ["{}", r#"{"user-defined-injections": {}}"#] {
        assert_eq!(injected(none), ["z a=b"], "{none}");
    }
    let replace = json!({"user-defined-injections": {"a": {"op": "replace", "path": "/metadata/annotations", "value": {"c": "d"}}}});
    assert_eq!(injected(&replace.to_string()), ["z a=b", "a c=d"]);
}

#[test]
fn vector_54_what_cannot_be_carried_out_is_refused_with_its_place() {
    let entry = |text: &str| format!("{{\"user-defined-injections\":\n {{\"a\": {text}}}}}");
    let errors: Vec<String> = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{\"features\": [true, true]}".to_owned(),
        entry(r#"["add", "/metadata/annotations", {}]"#),
        "{\"features\": {\n\"enableHugePageDownApi\": tru}}".to_owned(),
        "{\"features\": {\n\"enableHugePageDownApi\": \"true\"}}".to_owned(),
        "{\"features\": {\n\"enableHugePagesDownApi\": true}}".to_owned(),
        "{\"feature\": {}}".to_owned(),
        entry(r#"{"op": "add", "path": "/metadata/annotations", "value": "x"}"#),
        entry(r#"{"op": "add", "path": "/metadata/annotations", "value": {"b": 5}}"#),
        entry(r#"{"op": "add", "path": "/metadata/annotations", "value": {"b c": "d"}}"#),
        entry(r#"{"op": "add", "path": "/metadata/annotations"}"#),
        entry(r#"{"op": "add", "value": {}}"#),
        entry(r#"{"op": 5, "path": "/metadata/annotations", "value": {}}"#),
        entry(r#"{"op": "remove", "path": "/metadata/annotations", "value": {}}"#),
        entry(r#"{"op": "add", "path": "/metadata/supprise", "value": {}}"#),
        "{\"user-defined-injections\": {\"a b\": {}}}".to_owned(),
    ]
    .iter()
    .map(|text| ControlSwitches::parse(text).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(errors.join("\n"));
}
