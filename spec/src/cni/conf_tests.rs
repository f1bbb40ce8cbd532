use serde_json::json;

use super::*;

fn request(conf: &str, index: usize, injection: &Injection<'_>) -> Value {
    let conf = NetworkConf::parse(conf)
        .unwrap()
        .named(&"n1".parse().unwrap());
    serde_json::from_str(&conf.request(index, injection).unwrap()).unwrap()
}

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
fn device_name_and_args_are_added() {
    let cni_args = json!({"a": "b"});
    let injection = Injection {
        device: Some("0000:03:02.1"),
        cni_args: cni_args.as_object(),
        ..Injection::default()
    };
    assert_eq!(
        request(
            r#"{"cniVersion":"0.3.1","type":"sriov","vlan":5}"#,
            0,
            &injection
        ),
        json!({"args":{"cni":{"a":"b"}},"cniVersion":"0.3.1","deviceID":"0000:03:02.1","name":"n1",
               "pciBusID":"0000:03:02.1","type":"sriov","vlan":5})
    );
}

#[test]
fn every_plugin_of_a_chain_gets_name_version_device_and_its_own_capabilities() {
    let list = r#"{"cniVersion":"0.4.0","name":"chain","plugins":[
        {"type":"ptp","capabilities":{"ips":true}},
        {"type":"portmap","capabilities":{"portMappings":true,"ips":false}}]}"#;
    let runtime_config =
        json!({"ips": ["10.0.0.2/24"], "portMappings": [], "mac": "02:00:00:00:00:01"});
    let prev = RawValue::from_string("{\"ips\":[]}".to_owned()).unwrap();
    let injection = Injection {
        runtime_config: runtime_config.as_object(),
        device: Some("0000:03:02.1"),
        prev_result: Some(&prev),
        ..Injection::default()
    };
    let first = request(list, 0, &injection);
    assert_eq!(first["runtimeConfig"], json!({"ips": ["10.0.0.2/24"]}));
    let second = request(list, 1, &injection);
    assert_eq!(second["runtimeConfig"], json!({"portMappings": []}));
    for plugin in [&first, &second] {
        assert_eq!(plugin["name"], "chain");
        assert_eq!(plugin["cniVersion"], "0.4.0");
        assert_eq!(plugin["deviceID"], "0000:03:02.1");
        assert_eq!(plugin["pciBusID"], "0000:03:02.1");
        assert_eq!(plugin["prevResult"], json!({"ips": []}));
    }
}

#[test]
fn args_that_are_no_object_are_an_error_and_not_a_crash() {
    let cni_args = json!({"a": "b"});
    let injection = Injection {
        cni_args: cni_args.as_object(),
        ..Injection::default()
    };
    for (conf, place) in [
        (r#"{"type":"a","args":5}"#, "/args"),
        (r#"{"type":"a","args":{"cni":[]}}"#, "/args/cni"),
    ] {
        let conf = NetworkConf::parse(conf).unwrap();
        assert!(
            conf.check_takes_cni_args()
                .unwrap_err()
                .to_string()
                .contains(place)
        );
        assert!(conf.request(0, &injection).is_err());
    }
    let merged = request(
        r#"{"type":"a","args":{"cni":{"a":"old","c":1},"x":2}}"#,
        0,
        &injection,
    );
    assert_eq!(merged["args"], json!({"cni": {"a": "b", "c": 1}, "x": 2}));
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
