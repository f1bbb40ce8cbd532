use super::*;

#[test]
fn what_crashes_the_peers_is_an_error_with_its_place() {
    for (text, words) in [
        ("null", "null at /"),
        ("{}", "neither 'type'"),
        ("[]", "a list at /"),
        ("", "not valid JSON"),
        ("{\"type\":\"bridge\"", "not valid JSON"),
        ("{\"type\":\"bridge\"} x", "not valid JSON"),
        ("{\"plugins\":[]}", "empty list at /plugins"),
        ("{\"plugins\":null}", "null at /plugins"),
        ("{\"plugins\":{}}", "an object at /plugins"),
        ("{\"plugins\":[null]}", "null at /plugins/0"),
        ("{\"plugins\":[\"bridge\"]}", "a text at /plugins/0"),
        (
            "{\"plugins\":[{\"type\":\"a\"},{}]}",
            "no 'type' at /plugins/1",
        ),
        ("{\"type\":\"\"}", "wrong at /type"),
        ("{\"type\":5}", "a number at /type"),
        ("{\"type\":null}", "no 'type' at /"),
        ("{\"type\":\"../sh\"}", "wrong at /type"),
        ("{\"type\":\"a\",\"cniVersion\":\"9.9.9\"}", "9.9.9"),
        (
            "{\"type\":\"a\",\"cniVersion\":1}",
            "a number at /cniVersion",
        ),
        ("{\"type\":\"a\",\"name\":\"a b\"}", "wrong at /name"),
        (
            "{\"type\":\"a\",\"capabilities\":{\"ips\":\"yes\"}}",
            "/capabilities",
        ),
    ] {
        let error = NetworkConf::parse(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn printing_keeps_the_authors_text() {
    let text = r#"{"name":"n","plugins":[{"big":123456789012345678901234567890,"type":"a"}]}"#;
    assert_eq!(NetworkConf::parse(text).unwrap().to_json(), text);
    let chain = NetworkConf::parse(text)
        .unwrap()
        .chained_at_least(Version::V1_0_0);
    assert_eq!(chain.version(), Version::V1_0_0);
    assert!(chain.to_json().contains("\"cniVersion\":\"1.0.0\""));
    let single = NetworkConf::parse("{\"type\":\"a\"}")
        .unwrap()
        .chained_at_least(Version::V1_0_0);
    assert_eq!(single.version(), Version::V0_1_0);
}

#[test]
fn verbs_are_taken_by_version_and_switch() {
    let takes = |text: &str| {
        let conf = NetworkConf::parse(text).unwrap();
        [
            Command::Add,
            Command::Check,
            Command::Gc,
            Command::Status,
            Command::Del,
        ]
        .map(|command| conf.takes(command))
    };
    for (text, wanted) in [
        (r#"{"type":"a"}"#, [true, false, false, false, true]),
        (
            r#"{"type":"a","cniVersion":"0.4.0"}"#,
            [true, true, false, false, true],
        ),
        (
            r#"{"plugins":[{"type":"a"}],"cniVersions":["1.0.0","1.1.0"]}"#,
            [true, true, true, true, true],
        ),
        (
            r#"{"plugins":[{"type":"a"}],"cniVersion":"1.1.0","disableCheck":true,"disableGC":"true"}"#,
            [true, false, false, true, true],
        ),
    ] {
        assert_eq!(takes(text), wanted, "{text}");
    }
}

#[test]
fn members_in_any_case() {
    let conf = NetworkConf::parse(
        r#"{"CNIVersion":"0.4.0","Name":"n","Plugins":[{"TYPE":"a","Capabilities":{"ips":true,"mac":null},"ipam":{"Type":"x"}}]}"#,
    )
    .unwrap();
    assert_eq!(conf.version(), Version::V0_4_0);
    assert_eq!(conf.name().unwrap().as_str(), "n");
    assert!(conf.declares("ips") && !conf.declares("mac"));
    let exact = NetworkConf::parse(r#"{"Type":"b","type":"a"}"#).unwrap();
    assert_eq!(exact.plugins()[0].plugin_type().as_str(), "a");
    assert!(exact.to_json().contains("\"Type\":\"b\""));
}
