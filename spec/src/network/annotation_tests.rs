use proptest::prelude::*;
use serde_json::json;

use super::*;

fn namespace() -> Namespace {
    "default".parse().unwrap()
}

fn networks(text: &str) -> Vec<String> {
    let selections =
        parse_networks(text, &namespace()).unwrap_or_else(|error| panic!("{text}: {error}"));
    selections
        .iter()
        .map(|s| {
            format!(
                "{}{}",
                s.network,
                s.interface
                    .as_ref()
                    .map(|i| format!("@{i}"))
                    .unwrap_or_default()
            )
        })
        .collect()
}

#[test]
fn forms_that_are_accepted() {
    for (text, wanted) in [
        ("", vec![]),
        ("  ", vec![]),
        ("[]", vec![]),
        ("foo", vec!["default/foo"]),
        ("null", vec!["default/null"]),
        ("foo , bar", vec!["default/foo", "default/bar"]),
        ("foo,foo", vec!["default/foo", "default/foo"]),
        ("ns1 / foo @ Net_1", vec!["ns1/foo@Net_1"]),
        ("foo@net1.100", vec!["default/foo@net1.100"]),
        (
            r#"[{"name":"foo"},{"Name":"foo","NAMESPACE":"ns1"}]"#,
            vec!["default/foo", "ns1/foo"],
        ),
        (
            r#"[{"name":"foo.bar","namespace":null,"unknown":5}]"#,
            vec!["default/foo.bar"],
        ),
        (
            r#"[{"name":"foo","interfaceRequest":"a0"}]"#,
            vec!["default/foo@a0"],
        ),
        (
            r#"[{"name":"foo","interface":"b0","interfaceRequest":"a0"}]"#,
            vec!["default/foo@b0"],
        ),
    ] {
        assert_eq!(networks(text), wanted, "{text}");
    }
}

#[test]
fn every_field_of_the_specification() {
    let text = json!([{
        "name": "net-b", "namespace": "other-ns", "interface": "data0",
        "ips": ["10.2.2.42/24", "2001:db8::5"], "mac": "02:23:45:67:89:01",
        "infiniband-guid": "24:8a:07:03:00:8d:ae:2f",
        "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "UDP", "hostIP": "127.0.0.1"}],
        "bandwidth": {"ingressRate": 2048, "ingressBurst": 300, "egressRate": 8000},
        "cni-args": {"spoofchk": "on"}, "deviceID": "0000:03:02.1", "default-route": ["10.2.2.1", "2001:db8::1"],
    }, {"name": "net-c", "ipam-claim-reference": "vm123.tenantblue", "default-route": []}]);
    let selections = parse_networks(&text.to_string(), &namespace()).unwrap();
    let first = &selections[0];
    assert_eq!(
        serde_json::Value::Object(first.runtime_config()),
        json!({
            "ips": ["10.2.2.42/24", "2001:db8::5"], "mac": "02:23:45:67:89:01",
            "infinibandGUID": "24:8a:07:03:00:8d:ae:2f",
            "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "udp", "hostIP": "127.0.0.1"}],
            "bandwidth": {"ingressRate": 2048, "ingressBurst": 300, "egressRate": 8000, "egressBurst": 2_147_483_647},
        })
    );
    assert_eq!(first.device_id.as_ref().unwrap().as_str(), "0000:03:02.1");
    assert_eq!(first.default_route.as_ref().unwrap().len(), 2);
    assert_eq!(first.cni_args.as_ref().unwrap()["spoofchk"], "on");
    assert_eq!(selections[1].default_route, Some(vec![]));
    assert_eq!(
        selections[1].ipam_claim.as_deref(),
        Some("vm123.tenantblue")
    );
}

#[test]
fn errors_name_the_element_the_field_and_what_would_be_right() {
    let errors: Vec<String> = [
        "foo,",
        ",",
        "a/b/c",
        "foo@a@b",
        "foo@a b",
        "foo@1234567890123456",
        "foo@",
        "Foo",
        "foo.bar",
        "ns1/",
        "/foo",
        "bad_ns/foo",
        "a@x0,b@x0",
        "[null]",
        "[{}]",
        r#"[{"namespace":"ns1"}]"#,
        r#"["foo"]"#,
        r#"{"name":"foo"}"#,
        r#""foo""#,
        r#"[{"name":"foo""#,
        r#"[{"name":5}]"#,
        r#"[{"name":"default/foo"}]"#,
        r#"[{"name":"foo","ips":"10.0.0.1"}]"#,
        r#"[{"name":"foo","ips":[]}]"#,
        r#"[{"name":"foo","ips":["10.0.0.300"]}]"#,
        r#"[{"name":"foo","ips":[5]}]"#,
        r#"[{"name":"foo","mac":"02:23"}]"#,
        r#"[{"name":"foo","infiniband-guid":"02:23:45:67:89:01"}]"#,
        r#"[{"name":"foo","interface":"a/b"}]"#,
        r#"[{"name":"foo","cni-args":[]}]"#,
        r#"[{"name":"foo","deviceID":"a b"}]"#,
        r#"[{"name":"foo","portMappings":[]}]"#,
        r#"[{"name":"foo","portMappings":[{"hostPort":0,"containerPort":80}]}]"#,
        r#"[{"name":"foo","portMappings":[{"hostPort":1,"containerPort":2,"protocol":"icmp"}]}]"#,
        r#"[{"name":"foo","portMappings":[null]}]"#,
        r#"[{"name":"foo","bandwidth":{}}]"#,
        r#"[{"name":"foo","bandwidth":{"ingressBurst":5}}]"#,
        r#"[{"name":"foo","bandwidth":{"ingressRate":-5}}]"#,
        r#"[{"name":"foo","default-route":["gw"]}]"#,
        r#"[{"name":"foo","default-route":["10.0.0.1","::"]}]"#,
        r#"[{"name":"foo","default-route":["ff02::1"]}]"#,
        r#"[{"name":"foo","default-route":["10.0.0.1"]},{"name":"bar","default-route":["10.0.1.1"]}]"#,
        r#"[{"name":"foo","ips":["10.0.0.1"],"ipam-claim-reference":"c"}]"#,
        r#"[{"name":"foo","deviceID":"0000:03:02.1"},{"name":"bar","deviceID":"0000:03:02.1"}]"#,
    ]
    .into_iter()
    .map(|text| format!("{text}\n  {}", parse_networks(text, &namespace()).unwrap_err()))
    .collect();
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_pod_has_a_limited_number_of_networks() {
    let many = |count: usize| vec!["a"; count].join(",");
    assert_eq!(networks(&many(MOST_NETWORKS)).len(), MOST_NETWORKS);
    let error = parse_networks(&many(MOST_NETWORKS + 1), &namespace()).unwrap_err();
    assert!(error.to_string().contains("names 257 networks"), "{error}");
}

#[test]
fn the_default_network_is_exactly_one() {
    let system: Namespace = "kube-system".parse().unwrap();
    assert_eq!(
        parse_default_network("net-a", &system)
            .unwrap()
            .network
            .to_string(),
        "kube-system/net-a"
    );
    for (text, count) in [("", 0), ("[]", 0), ("a,b", 2)] {
        let error = parse_default_network(text, &system).unwrap_err();
        assert_eq!(
            error,
            AnnotationError::NotOne {
                annotation: DEFAULT_NETWORK,
                count
            }
        );
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "[\\PC\\n]{0,60}") {
        let _ = parse_networks(&text, &namespace());
    }

    #[test]
    fn no_json_panics(text in r#"\[?\{?("name"|"ips"|"mac"|"portMappings"|"bandwidth"|"default-route"|:|,|\[|\]|\{|\}|null|5|"x"){0,12}\}?\]?"#) {
        let _ = parse_networks(&text, &namespace());
    }

    #[test]
    fn both_forms_mean_the_same(name in "[a-z]([a-z0-9-]{0,10}[a-z0-9])?", ns in "[a-z][a-z0-9]{0,5}", interface in "[A-Za-z][A-Za-z0-9_.]{0,10}") {
        prop_assume!(interface != "lo");
        let short = parse_networks(&format!("{ns}/{name}@{interface}"), &namespace()).unwrap();
        let json = json!([{"name": name, "namespace": ns, "interface": interface}]).to_string();
        prop_assert_eq!(short, parse_networks(&json, &namespace()).unwrap());
    }
}
