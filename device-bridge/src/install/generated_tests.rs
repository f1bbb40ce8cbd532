//! Our configuration, from primaries as they are in the wild.

use super::*;
use crate::install::conf_folder::FoundConf;

fn primary(text: &str) -> Primary {
    let file = "10-a.conflist";
    Primary {
        file: Some(file.to_owned()),
        conf: FoundConf::of(file, text).conf.unwrap(),
    }
}

fn made(text: &str, keys: &Value) -> Result<Value, GenerateError> {
    let text = generate(&Wanted {
        primary: &primary(text),
        others: &[],
        primary_dir: Path::new("/etc/cni/net.d"),
        keys: keys.as_object().unwrap(),
        name: None,
        version: None,
        chained: &[],
    })?;
    Ok(serde_json::from_str(&text).unwrap())
}

const FLANNEL: &str = r#"{"name":"cbr0","cniVersion":"0.3.1","plugins":[
    {"type":"flannel","delegate":{"hairpinMode":true,"mtu":1.450e3}},
    {"type":"portmap","capabilities":{"portMappings":true,"other":false}}]}"#;

#[test]
fn the_primary_is_inlined_whole() {
    let keys = json!({"bridgeSocket": "/run/b.sock", "capabilities": {"ips": true, "portMappings": false}});
    assert_eq!(
        made(FLANNEL, &keys).unwrap(),
        json!({"cniVersion": "0.3.1", "name": "cbr0", "plugins": [{
            "type": "polypod", "bridgeSocket": "/run/b.sock",
            "capabilities": {"io.kubernetes.cri.pod-annotations": true, "ips": true},
            "delegates": [serde_json::from_str::<Value>(FLANNEL).unwrap()]}]})
    );
    // To the byte: numbers stay as their author wrote them.
    let text = generate(&Wanted {
        primary: &primary(FLANNEL),
        others: &[],
        primary_dir: Path::new("/"),
        keys: &Map::new(),
        name: Some(&"own".parse().unwrap()),
        version: Some(Version::V1_1_0),
        chained: &[],
    })
    .unwrap();
    assert!(text.contains("1.450e3") && text.ends_with("}\n"), "{text}");
    assert!(
        text.contains(r#""name":"own""#) && text.contains(r#""cniVersion":"1.1.0""#),
        "{text}"
    );
}

#[test]
fn versions_are_the_primarys_as_far_as_lists_exist_in_them() {
    for (versions, one, all) in [
        (json!({"cniVersion": "1.0.0"}), "1.0.0", json!(null)),
        (json!({}), "0.3.1", json!(null)),
        (json!({"cniVersion": "0.2.0"}), "0.3.1", json!(null)),
        (
            json!({"cniVersion": "1.0.0", "cniVersions": ["0.4.0", "1.1.0", "9.0.0"]}),
            "1.0.0",
            json!(["0.4.0", "1.1.0"]),
        ),
        (
            json!({"cniVersions": ["0.4.0", "1.1.0"]}),
            "1.1.0",
            json!(["0.4.0", "1.1.0"]),
        ),
    ] {
        let mut text = json!({"name": "a", "plugins": [{"type": "x"}]});
        text.as_object_mut()
            .unwrap()
            .extend(versions.as_object().unwrap().clone());
        let made = made(&text.to_string(), &json!({})).unwrap();
        assert_eq!(made["cniVersion"], one, "{versions}");
        assert_eq!(made["cniVersions"], all, "{versions}");
    }
}

#[test]
fn keys_that_need_a_path_get_one() {
    let keys = json!({"defaultNetworks": ["a"]});
    let plugin = made(FLANNEL, &keys).unwrap()["plugins"][0].clone();
    assert_eq!(plugin["clusterNetwork"], "/etc/cni/net.d/10-a.conflist");
    assert_eq!(plugin["delegates"], Value::Null);
    assert_eq!(plugin["capabilities"]["portMappings"], true);

    let named = made(FLANNEL, &json!({"clusterNetwork": "calico"})).unwrap()["plugins"][0].clone();
    assert_eq!(
        (&named["clusterNetwork"], &named["delegates"]),
        (&json!("calico"), &Value::Null)
    );

    let inlined = Primary {
        file: None,
        ..primary(FLANNEL)
    };
    let keys = keys.as_object().unwrap();
    let error = generate(&Wanted {
        primary: &inlined,
        others: &[],
        primary_dir: Path::new("/"),
        keys,
        name: None,
        version: None,
        chained: &[],
    });
    assert_eq!(
        error,
        Err(GenerateError::NoFile {
            key: "defaultNetworks"
        })
    );
}

#[test]
fn a_primary_without_a_name_gets_one() {
    assert_eq!(
        made(r#"{"plugins":[{"type":"x"}]}"#, &json!({})).unwrap()["name"],
        "polypod-cni-network"
    );
}

#[test]
fn we_are_never_our_own_delegate() {
    let error = made(
        r#"{"name":"a","plugins":[{"type":"x","delegate":{"type":"polypod"}}]}"#,
        &json!({}),
    );
    let Err(GenerateError::Wrong(why)) = error else {
        panic!("{error:?}");
    };
    assert!(why.contains("executes polypod"), "{why}");
}

#[test]
fn what_others_chain_after_us_is_kept() {
    let mesh = json!({"type": "istio-cni", "log_level": "info"});
    for (plugins, wanted) in [
        (json!([{"type": "polypod"}]), vec![]),
        (json!([{"type": "polypod"}, mesh]), vec![mesh.clone()]),
        (json!([mesh, {"type": "polypod"}]), vec![]),
        (json!([{"type": "polypod"}, {"type": "multus"}]), vec![]),
        (
            json!([{"type": "polypod"}, {"type": "x", "delegates": [{"type": "polypod"}]}]),
            vec![],
        ),
    ] {
        let text = json!({"name": "n", "plugins": plugins}).to_string();
        assert_eq!(chained(&text), wanted, "{plugins}");
    }
    assert!(chained("{").is_empty());
    let text = generate(&Wanted {
        primary: &primary(FLANNEL),
        others: &[],
        primary_dir: Path::new("/"),
        keys: &Map::new(),
        name: None,
        version: None,
        chained: std::slice::from_ref(&mesh),
    })
    .unwrap();
    assert_eq!(chained(&text), [mesh]);
}
