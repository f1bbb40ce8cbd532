use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::multus::golden::{CLUSTER, Runtime, SRIOV, base64, cached, put, scratch};

fn nothing_cached(_: &Conf, _: &InterfaceName) -> Result<Option<Entry>, String> {
    Ok(None)
}

fn parse_text(text: &[u8]) -> Result<Imported, String> {
    parse(text, &Runtime::new().sandbox(), &nothing_cached)
}

fn one(delegate: Value) -> Imported {
    parse_text(json!([delegate]).to_string().as_bytes()).unwrap()
}

#[test]
fn a_sandbox_of_multus() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new();
    assert_eq!(read(folder.path(), &runtime.sandbox()), Ok(None));
    put(folder.path(), "c1", scratch().to_string());
    put(
        folder.path(),
        "results/sriov-a-c1-net1",
        cached().to_string(),
    );

    let imported = read(folder.path(), &runtime.sandbox()).unwrap().unwrap();
    assert_eq!((imported.lost, imported.notes), (vec![], vec![]));
    let [cluster, sriov] = imported.attachments.try_into().unwrap();

    assert_eq!(cluster.name, "cbr0");
    assert!(cluster.default);
    assert_eq!(cluster.interface.as_str(), "eth0");
    assert_eq!(cluster.conf, CLUSTER);
    assert_eq!(cluster.args, "IgnoreUnknown=1;K8S_POD_NAME=p1;IP=10.9.9.9");
    assert_eq!(cluster.runtime_config, Map::new());
    assert_eq!((cluster.result, cluster.device_info), (None, None));

    assert_eq!(sriov.name, "default/sriov-a");
    assert!(!sriov.default);
    assert_eq!(sriov.interface.as_str(), "net1");
    assert_eq!(sriov.conf, SRIOV);
    assert_eq!(
        sriov.args,
        "IgnoreUnknown=true;K8S_POD_NAME=p1;K8S_POD_NAME=p1"
    );
    assert_eq!(
        Value::Object(sriov.runtime_config),
        cached()["capabilityArgs"]
    );
    let device = sriov.device.unwrap();
    assert_eq!(device.resource.as_str(), "intel.com/sriov");
    assert_eq!(device.id.as_str(), "0000:03:02.1");
    assert_eq!(
        sriov.device_info,
        Some(PathBuf::from("/d/cni/default-sriov-a-c1_net1"))
    );
    assert_eq!(sriov.default_route.unwrap().len(), 2);
    let result: Value = serde_json::from_str(&sriov.result.unwrap()).unwrap();
    assert_eq!(result["cniVersion"], "1.1.0");
    assert_eq!(
        result["ips"],
        json!([{"address": "10.1.1.5/24", "interface": 0}])
    );
}

#[test]
fn without_the_result_cache() {
    let imported = parse_text(scratch().to_string().as_bytes()).unwrap();
    let sriov = &imported.attachments[1];
    assert_eq!(sriov.args, "IgnoreUnknown=1;K8S_POD_NAME=p1");
    assert_eq!(
        Value::Object(sriov.runtime_config.clone()),
        cached()["capabilityArgs"]
    );
    assert_eq!(
        sriov.device_info,
        Some(PathBuf::from("/d/cni/default-sriov-a-c1_net1"))
    );
    assert_eq!(sriov.result, None);
}

#[test]
fn a_result_cache_that_cannot_be_used() {
    let result_alone = cached()["result"].to_string();
    let mut of_another = cached();
    of_another["ifName"] = "net9".into();
    let mut no_result = cached();
    no_result["result"] = json!({"ips": 5});
    for (text, note, has_result) in [
        ("{\"kind\":", "cannot be understood", false),
        (&*of_another.to_string(), "about another attachment", false),
        (&*no_result.to_string(), "are not told the result", false),
        // As libcni wrote it before 0.8 of it.
        (&*result_alone, "", true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "c1", scratch().to_string());
        put(folder.path(), "results/sriov-a-c1-net1", text);
        let imported = read(folder.path(), &Runtime::new().sandbox());
        let imported = imported.unwrap().unwrap();
        assert_eq!(imported.attachments.len(), 2, "{text}");
        assert_eq!(imported.attachments[1].result.is_some(), has_result);
        assert_eq!(
            imported.attachments[1].runtime_config["mac"],
            "02:00:00:00:00:01"
        );
        let notes = imported.notes.concat();
        assert!(notes.contains(note), "{notes}");
        assert_eq!(notes.is_empty(), note.is_empty());
    }
}

#[test]
fn torn_files() {
    for (text, problem) in [
        ("", "is torn"),
        ("[{\"Conf\":{", "is torn"),
        ("[] x", "is torn"),
        ("{}", "is an object and must be a list"),
        ("5", "is a number"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "c1", text);
        let error = read(folder.path(), &Runtime::new().sandbox()).unwrap_err();
        assert!(
            error.starts_with("Multus's file /") && error.contains(problem),
            "{error}"
        );
    }
    for empty in ["[]", "null", " [ ] "] {
        assert_eq!(parse_text(empty.as_bytes()), Ok(Imported::default()));
    }
}

#[test]
fn names_and_numbers() {
    let conf = base64(r#"{"name":"n","type":"t"}"#);
    let delegates = json!([
        {"bytes": conf, "IFNAMEREQUEST": "first"},
        {"Bytes": conf, "ifnameRequest": null, "Name": null},
        {"Bytes": conf, "ifnameRequest": "data0", "name": "a/b"},
        {"Bytes": conf, "ifnameRequest": ""},
    ]);
    let imported = parse_text(delegates.to_string().as_bytes()).unwrap();
    let read: Vec<_> = imported
        .attachments
        .iter()
        .map(|attachment| (attachment.name.as_str(), attachment.interface.as_str()))
        .collect();
    assert_eq!(
        read,
        [
            ("n", "first"),
            ("n", "net1"),
            ("a/b", "data0"),
            ("n", "net3")
        ]
    );
}

#[test]
fn delegates_that_cannot_be_taken_away() {
    for (delegate, problem) in [
        (json!(null), "it is null"),
        (json!("x"), "it is a text"),
        (json!({}), "no configuration at \"Bytes\""),
        (json!({"Bytes": null}), "no configuration"),
        (json!({"Bytes": 5}), "a number at \"Bytes\""),
        (json!({"Bytes": "&"}), "not valid base64"),
        (json!({"Bytes": base64("{")}), "not valid JSON"),
        (json!({"Bytes": "/w=="}), "not valid UTF-8"),
        (json!({"Bytes": base64("{}")}), "neither 'type'"),
        (
            json!({"Bytes": base64(r#"{"type":"multus"}"#)}),
            "the one that executes it",
        ),
        (
            json!({"Bytes": base64(r#"{"type":"a"}"#), "ifnameRequest": 5}),
            "a number at \"ifnameRequest\"",
        ),
    ] {
        let imported = one(delegate.clone());
        assert_eq!(imported.attachments, [], "{delegate}");
        let lost = imported.lost.concat();
        assert!(
            lost.starts_with("delegate 0: ") && lost.contains(problem),
            "{lost}"
        );
    }
    // The others are taken away all the same, under the names of their places.
    let mut delegates = scratch();
    delegates[0] = json!(null);
    let imported = parse_text(delegates.to_string().as_bytes()).unwrap();
    assert_eq!(imported.lost.len(), 1);
    assert_eq!(imported.attachments[0].interface.as_str(), "net1");
    assert!(!imported.attachments[0].default);
}

#[test]
fn what_is_passed_over() {
    let conf = base64(r#"{"type":"a"}"#);
    // No plugin takes such a name: nothing was attached, and no DEL may fail for it for ever.
    let imported = one(json!({"Bytes": conf, "ifnameRequest": "sixteen_letters_"}));
    assert_eq!((imported.attachments.len(), imported.lost.len()), (0, 0));
    assert!(imported.notes[0].contains("never attached"));

    let odd = json!({"Bytes": conf, "macRequest": 5, "ipRequest": "x", "default-route": [""], "deviceID": []});
    let imported = parse_text(json!([odd, odd]).to_string().as_bytes()).unwrap();
    assert_eq!((imported.attachments.len(), imported.lost.len()), (2, 0));
    assert_eq!(imported.attachments[1].runtime_config, Map::new());
    assert!(
        imported.notes.iter().any(
            |note| note == "delegate 1: it has a number at \"macRequest\" and must have a text"
        )
    );
}

#[test]
fn a_chain_without_version_gets_the_plugins_own() {
    let imported = one(json!({"Bytes": base64(r#"{"name":"n","plugins":[{"type":"a"}]}"#)}));
    assert_eq!(
        imported.attachments[0].conf,
        r#"{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"a"}]}"#
    );
}

proptest! {
    #[test]
    fn torn_or_changed_is_never_a_panic(cut in 0usize..1200, flip in 0usize..1200, bit in 0u8..8) {
        let text = scratch().to_string().into_bytes();
        prop_assert!(parse_text(&text[..cut.min(text.len() - 1)]).is_err());
        let mut changed = text.clone();
        let at = flip.min(text.len() - 1);
        changed[at] ^= 1 << bit;
        if let Ok(imported) = parse_text(&changed) {
            // No delegate goes missing unsaid.
            prop_assert_eq!(imported.attachments.len() + imported.lost.len(), 2);
        }
    }

    #[test]
    fn any_value_is_read(delegate in any_json()) {
        let _ = one(delegate);
    }
}

/// Delegates with members that are something else.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(base64(SRIOV).into()),
        Just(json!(["10.0.0.1", ""])),
        Just(json!({"plugins": [{}]})),
    ];
    let key = proptest::sample::select(vec![
        "Conf",
        "ConfList",
        "Name",
        "ifnameRequest",
        "macRequest",
        "infinibandGUIDRequest",
        "ipRequest",
        "default-route",
        "deviceID",
        "resourceName",
        "Bytes",
        "bytes",
    ]);
    proptest::collection::vec((key, leaf), 0..8).prop_map(|members| {
        Value::Object(
            members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    })
}
