use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::multus::golden::{Runtime, SRIOV, base64, cached, put};

fn entry(network: &str, container_id: &str, interface: &str, conf: &str) -> String {
    let mut entry = cached();
    entry["networkName"] = network.into();
    entry["containerId"] = container_id.into();
    entry["ifName"] = interface.into();
    entry["config"] = base64(conf).into();
    entry.to_string()
}

fn aged(folder: &Path, name: &str, seconds: u64) {
    let file = fs::File::options()
        .append(true)
        .open(folder.join(name))
        .unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .unwrap();
}

#[test]
fn everything_of_a_sandbox_in_the_order_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path();
    let conf = r#"{"cniVersion":"1.0.0","name":"a-c1-b","type":"t"}"#;
    put(
        results,
        "sriov-a-c1-net1",
        entry("sriov-a", "c1", "net1", SRIOV),
    );
    put(results, "a-c1-b-c1-x-y", entry("a-c1-b", "c1", "x-y", conf));
    put(results, "cbr0-c1-eth0", entry("cbr0", "c1", "eth0", conf));
    // Another container's, with our id in its network's name; and one that is not looked at.
    put(
        results,
        "a-c1-b-c2-net1",
        entry("a-c1-b", "c2", "net1", conf),
    );
    put(results, "a-c12-net1", "broken");
    aged(results, "cbr0-c1-eth0", 1);
    aged(results, "sriov-a-c1-net1", 2);
    aged(results, "a-c1-b-c1-x-y", 3);

    let imported = find(results, &Runtime::new().sandbox()).unwrap();
    assert_eq!((&imported.lost, &imported.notes), (&vec![], &vec![]));
    let interfaces: Vec<_> = imported
        .attachments
        .iter()
        .map(|a| a.interface.as_str())
        .collect();
    assert_eq!(interfaces, ["eth0", "net1", "x-y"]);
    let [cluster, sriov, _] = imported.attachments.try_into().unwrap();
    assert!(cluster.default && !sriov.default);
    assert_eq!(
        (sriov.name.as_str(), sriov.conf.as_str()),
        ("sriov-a", SRIOV)
    );
    assert_eq!(
        sriov.args,
        "IgnoreUnknown=true;K8S_POD_NAME=p1;K8S_POD_NAME=p1"
    );
    assert_eq!(
        sriov.device_info.as_deref(),
        Some(Path::new("/d/cni/default-sriov-a-c1_net1"))
    );
    assert!(sriov.result.unwrap().contains("10.1.1.5/24"));
}

#[test]
fn what_is_broken_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path();
    let mut no_interface = cached();
    no_interface["ifName"] = json!(null);
    for (name, text, lost, note) in [
        (
            "n-c1-net1",
            "{\"kind\":".to_owned(),
            "cannot be understood",
            "",
        ),
        ("n-c1-net1", "[]".to_owned(), "no JSON object", ""),
        (
            "n-c1-net1",
            json!({"kind": "other"}).to_string(),
            "of kind \"other\"",
            "",
        ),
        (
            "n-c1-net1",
            cached()["result"].to_string(),
            "no configuration",
            "",
        ),
        ("n-c1-net1", no_interface.to_string(), "no interface", ""),
        (
            "n-c1-net1",
            entry("n", "c1", "net1", "{"),
            "not valid JSON",
            "",
        ),
        (
            "n-c1-net1",
            entry("n", "c1", "a/b", SRIOV),
            "interface name",
            "",
        ),
        // The runtime's own cache.
        (
            "n-c1-eth0",
            entry(
                "n",
                "c1",
                "eth0",
                r#"{"name":"n","plugins":[{"type":"multus"}]}"#,
            ),
            "",
            "this plugin itself",
        ),
    ] {
        put(results, name, &text);
        let imported = find(results, &Runtime::new().sandbox()).unwrap();
        assert_eq!(imported.attachments, [], "{text}");
        for (told, words) in [(&imported.lost, lost), (&imported.notes, note)] {
            let told = told.concat();
            assert!(told.contains(words), "{told}");
            assert_eq!(told.is_empty(), words.is_empty(), "{told}");
        }
        assert!(
            [imported.lost, imported.notes]
                .concat()
                .concat()
                .contains(name)
        );
        fs::remove_file(results.join(name)).unwrap();
    }
}

#[test]
fn no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new();
    assert_eq!(
        find(&folder.path().join("results"), &runtime.sandbox()),
        Ok(Imported::default())
    );
    put(folder.path(), "file", "");
    let error = find(&folder.path().join("file"), &runtime.sandbox()).unwrap_err();
    assert!(error.contains("cannot be read"), "{error}");
}

#[test]
fn a_device_info_file_elsewhere_is_not_ours_to_remove() {
    let mut entry = cached();
    entry["capabilityArgs"]["CNIDeviceInfoFile"] = "/d/cni/../../etc/passwd".into();
    let entry = Entry::parse(entry.to_string().as_bytes()).unwrap();
    let runtime = Runtime::new();
    let attachment = entry.into_attachment(&runtime.sandbox(), &mut Vec::new());
    assert_eq!(attachment.unwrap().unwrap().device_info, None);
}

proptest! {
    #[test]
    fn torn_or_changed_is_never_a_panic(cut in 0usize..900, flip in 0usize..900, bit in 0u8..8) {
        let text = cached().to_string().into_bytes();
        prop_assert!(Entry::parse(&text[..cut.min(text.len() - 1)]).is_err());
        let mut changed = text.clone();
        let at = flip.min(text.len() - 1);
        changed[at] ^= 1 << bit;
        if let Ok(entry) = Entry::parse(&changed) {
            let _ = entry.into_attachment(&Runtime::new().sandbox(), &mut Vec::new());
        }
    }
}
