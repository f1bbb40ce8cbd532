use serde_json::json;

use super::*;

fn request(conf: &str, index: usize, injection: &Injection<'_>) -> Value {
    let conf = NetworkConf::parse(conf)
        .unwrap()
        .named(&"n1".parse().unwrap());
    serde_json::from_str(&conf.request(index, injection).unwrap()).unwrap()
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
fn gc_and_status_have_no_attachment() {
    let list = NetworkConf::parse(
        r#"{"cniVersion":"0.4.0","cniVersions":["1.1.0","1.2.0"],"name":"chain","plugins":[
        {"type":"ptp","capabilities":{"ips":true},"x":1.50,"cni.dev/valid-attachments":[]}]}"#,
    )
    .unwrap();
    let base =
        r#""capabilities":{"ips":true},"cniVersion":"1.1.0","name":"chain","type":"ptp","x":1.50}"#;
    assert_eq!(list.status_request(0), format!("{{{base}"));
    let stdin = r#"{"cni.dev/valid-attachments":[{"containerID":"c1","ifname":"net1"}]}"#;
    let valid = ValidAttachments::parse(stdin).unwrap().unwrap();
    let mut request: Fields = serde_json::from_str(&list.gc_request(0, &valid)).unwrap();
    for key in ["cni.dev/valid-attachments", "cni.dev/attachments"] {
        let sent = request.remove(key).unwrap();
        assert_eq!(sent.get(), r#"[{"containerID":"c1","ifname":"net1"}]"#);
    }
    assert_eq!(fields::print(&request), format!("{{{base}"));
    // An author cannot say it in the runtime's place.
    let request = list.request(0, &Injection::default()).unwrap();
    assert_eq!(request, format!("{{{base}"));
}
