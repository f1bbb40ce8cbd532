use serde_json::json;

use super::*;

/// What is expected of a key that is written with this value.
enum Wanted {
    Taken,
    As(Value),
    Source,
    SourceAs(&'static str),
    Nothing,
}

fn container() -> View {
    View::Container {
        root: Some("/hostroot".to_owned()),
    }
}

fn one(key: &str, value: &Value, view: &View) -> (Map<String, Value>, Vec<Adopted>) {
    adopt(
        &Map::from_iter([(key.to_owned(), value.clone())]),
        view,
        "f",
    )
    .unwrap()
}

/// Every key of Multus's configuration and of its daemon's, as the daemon's container may have written it.
#[test]
fn every_key() {
    use Wanted::{As, Nothing, Source, SourceAs, Taken};
    let rows: [(&str, Value, Wanted); 46] = [
        ("cniVersion", json!("0.3.1"), Nothing),
        ("name", json!("multus-cni-network"), Source),
        ("type", json!("multus-shim"), Nothing),
        ("plugins", json!([]), Source),
        ("capabilities", json!({"portMappings": true}), Taken),
        ("runtimeConfig", json!({}), Nothing),
        ("prevResult", json!({}), Nothing),
        (
            "kubeconfig",
            json!("/etc/cni/net.d/multus.d/multus.kubeconfig"),
            Nothing,
        ),
        ("delegates", json!([{"type": "bridge"}]), Source),
        ("clusterNetwork", json!("calico"), Source),
        (
            "clusterNetwork",
            json!("/host/etc/cni/net.d/10-a.conf"),
            SourceAs("/etc/cni/net.d/10-a.conf"),
        ),
        (
            "defaultNetworks",
            json!(["a", "/host/x/b.conf"]),
            As(json!(["a", "/x/b.conf"])),
        ),
        ("systemNamespaces", json!(["kube-system"]), Taken),
        ("multusNamespace", json!("kube-system"), Taken),
        ("namespaceIsolation", json!(true), Taken),
        ("globalNamespaces", json!("default,b"), Taken),
        (
            "readinessindicatorfile",
            json!("/host/run/multus/cni/net.d/10-ovn.conf"),
            As(json!("/run/multus/cni/net.d/10-ovn.conf")),
        ),
        ("confDir", json!("/etc/cni/multus/net.d"), Taken),
        ("confDir", json!("/hostroot/etc/x"), As(json!("/etc/x"))),
        ("cniDir", json!("/var/lib/cni/other"), Taken),
        (
            "binDir",
            json!("/host/opt/cni/bin:/usr/libexec/cni"),
            As(json!("/opt/cni/bin:/usr/libexec/cni")),
        ),
        ("auxiliaryCNIChainName", json!("vendor-cni-chain"), Taken),
        ("retryDeleteOnError", json!(true), Nothing),
        (
            "logFile",
            json!("/host/var/log/multus.log"),
            As(json!("/var/log/multus.log")),
        ),
        ("logFile", json!("multus.log"), Nothing),
        ("logLevel", json!("verbose"), Taken),
        ("logToStderr", json!(true), Taken),
        ("logOptions", json!({"maxAge": 1}), Taken),
        ("allowTryDeleteOnErr", json!(true), Nothing),
        ("cniConf", json!("/host/etc/cni/multus/net.d"), Nothing),
        ("masterplugin", json!(true), Nothing),
        ("chrootDir", json!("/hostroot"), Nothing),
        ("socketDir", json!("/host/run/multus/"), Nothing),
        ("metricsPort", json!(9091), Nothing),
        ("enablePprof", json!(true), Nothing),
        ("connectionLimit", json!(8), Nothing),
        ("perNodeCertificate", json!({"enabled": true}), Nothing),
        ("cniConfigDir", json!("/host/etc/cni/net.d"), Nothing),
        ("multusConfigFile", json!("auto"), Nothing),
        ("multusAutoconfigDir", json!("/host/etc/cni/net.d"), Nothing),
        ("multusMasterCNI", json!("10-a.conf"), Source),
        ("daemonSocketDir", json!("/run/multus"), Nothing),
        ("forceCNIVersion", json!(true), Nothing),
        ("overrideNetworkName", json!(true), Source),
        ("cniVersions", json!(["1.0.0"]), Nothing),
        ("anything-else", json!(1), Taken),
    ];
    for (key, value, wanted) in rows {
        // Go takes a key in any case.
        for written in [key.to_owned(), key.to_ascii_uppercase()] {
            if key == "anything-else" && written != key {
                continue;
            }
            let (taken, all) = one(&written, &value, &container());
            let [Adopted { key: told, fate }] = &all[..] else {
                panic!("{key}: {all:?}");
            };
            assert_eq!(told, key);
            let (in_conf, is_right) = match &wanted {
                Taken => (Some(value.clone()), *fate == Fate::Taken),
                As(other) => (Some(other.clone()), matches!(fate, Fate::Translated(_))),
                Source => (None, *fate == Fate::Taken),
                SourceAs(other) => (None, *fate == Fate::Translated((*other).to_owned())),
                Nothing => (None, matches!(fate, Fate::Nothing(_))),
            };
            assert!(is_right, "{key} {value}: {fate:?}");
            assert_eq!(taken.get(key), in_conf.as_ref(), "{key} {value}");
        }
        let (taken, all) = one(key, &Value::Null, &container());
        assert!(taken.is_empty() && all.is_empty(), "null is unset");
    }
    for (key, _) in RULES {
        let is_known = |row: &str| row == key;
        let rows = ["disableCheck", "disableGC", "loadOnlyInlinedPlugins"];
        if rows.into_iter().any(is_known) {
            assert!(matches!(
                one(key, &json!(true), &View::Node).1[0].fate,
                Fate::Nothing(_)
            ));
        }
    }
}

#[test]
fn the_nodes_own_paths_are_left_alone() {
    for path in ["/host/etc/x", "/hostroot/x", "/etc/x"] {
        assert_eq!(View::Node.translate(path), path);
    }
    for (root, path, wanted) in [
        (None, "/host/etc/x", "/etc/x"),
        (None, "/hostroot/etc/x", "/hostroot/etc/x"),
        (Some("/hostroot/"), "/hostroot/etc/x", "/etc/x"),
        (Some("/"), "/host/x", "/x"),
        (Some(""), "/hosts/x", "/hosts/x"),
        (None, "/host", "/host"),
        (None, "host/x", "host/x"),
    ] {
        let view = View::Container {
            root: root.map(str::to_owned),
        };
        assert_eq!(view.translate(path), wanted);
    }
}

#[test]
fn what_multus_would_refuse_is_refused() {
    for (key, value, words) in [
        (
            "namespaceIsolation",
            json!("yes"),
            "f has \"yes\" as \"namespaceIsolation\"; it must be true or false",
        ),
        (
            "CNIDIR",
            json!(7),
            "f has 7 as \"cniDir\"; it must be a path",
        ),
        ("readinessindicatorfile", json!([]), "a path"),
        ("defaultNetworks", json!("a"), "a list of texts"),
        ("defaultNetworks", json!([1]), "a list of texts"),
        ("globalNamespaces", json!(["a"]), "a text"),
        (
            "capabilities",
            json!({"a": "b"}),
            "an object of true and false",
        ),
        ("logOptions", json!(1), "an object"),
    ] {
        let members = Map::from_iter([(key.to_owned(), value)]);
        let error = adopt(&members, &container(), "f").unwrap_err().to_string();
        assert!(error.contains(words), "{key}: {error}");
    }
}
