//! What is written for Multus is what is read of Multus.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use super::{
    golden::{CLUSTER, Runtime, SRIOV, base64},
    *,
};
use crate::record::{self, Attachment, Record};

/// One attachment of the reference's golden sample, and one that has another interface than its place gives it.
fn record(given: &Path) -> Record {
    let runtime = Runtime::new();
    let mut record = record::intend(
        runtime.sandbox().container_id.clone(),
        Some("/run/netns/x".to_owned()),
        None,
        &[],
    );
    record.interface = Some(runtime.sandbox().interface.clone());
    let attachment = |name: &str, interface: &str, conf: &str| -> Attachment {
        let value = json!({"name": name, "interface": interface, "conf": conf, "args": "IgnoreUnknown=1;K8S_POD_NAME=p1"});
        serde_json::from_value(value).unwrap()
    };
    let mut cluster = attachment("cbr0", "eth0", CLUSTER);
    cluster.default = true;
    cluster.result =
        Some(json!({"cniVersion": "1.1.0", "ips": [{"address": "10.0.0.2/24"}]}).to_string());
    let mut sriov = attachment(
        "default/sriov-a",
        "net1",
        r#"{"cniVersion":"0.3.1","ipam":{"type":"static"},"name":"sriov-a","type":"sriov"}"#,
    );
    sriov.device = Some(
        serde_json::from_value(json!({"resource": "intel.com/sriov", "id": "0000:03:02.1"}))
            .unwrap(),
    );
    sriov.device_info = Some(given.join("cni/default-sriov-a-c1_net1"));
    let requests = json!({
        "CNIDeviceInfoFile": sriov.device_info, "deviceID": "0000:03:02.1",
        "ips": ["10.1.1.5/24"], "mac": "02:00:00:00:00:01", "infinibandGUID": "24:8a:07:03:00:8d:ae:2f",
    });
    sriov.runtime_config = requests.as_object().unwrap().clone();
    sriov.default_route = Some(vec!["10.1.1.1".parse().unwrap()]);
    let mut chain = attachment(
        "default/chain",
        "data0",
        r#"{"cniVersion":"1.0.0","name":"chain","plugins":[{"args":{"cni":{"b":1}},"type":"a"},{"type":"b"}]}"#,
    );
    chain.cni_args = json!({"a": [2]}).as_object().cloned();
    record.attachments = vec![cluster, sriov, chain];
    record
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_text_that_multus_reads() {
    let text = scratch_text::print(&record(Path::new("/d"))).unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    let chain = r#"{"cniVersion":"1.0.0","name":"chain","plugins":[{"args":{"cni":{"a":[2],"b":1}},"cniVersion":"1.0.0","name":"chain","type":"a"},{"args":{"cni":{"a":[2]}},"cniVersion":"1.0.0","name":"chain","type":"b"}]}"#;
    assert_eq!(
        written,
        json!([
            {
                "Conf": {"cniVersion": "0.4.0", "ipam": {}, "name": "cbr0"},
                "ConfList": {"cniVersion": "0.4.0", "name": "cbr0", "plugins": [{"ipam": {}, "type": "flannel"}, {"ipam": {}, "type": "portmap"}]},
                "Name": "cbr0",
                "IsFilterV4Gateway": false,
                "IsFilterV6Gateway": false,
                "Bytes": base64(CLUSTER),
            },
            {
                "Conf": {"cniVersion": "0.3.1", "ipam": {}, "name": "sriov-a", "type": "sriov"},
                "ConfList": {},
                "Name": "default/sriov-a",
                "macRequest": "02:00:00:00:00:01",
                "infinibandGUIDRequest": "24:8a:07:03:00:8d:ae:2f",
                "ipRequest": ["10.1.1.5/24"],
                "default-route": ["10.1.1.1"],
                "IsFilterV4Gateway": false,
                "IsFilterV6Gateway": false,
                "deviceID": "0000:03:02.1",
                "resourceName": "intel.com/sriov",
                "Bytes": base64(SRIOV),
            },
            {
                "Conf": {"cniVersion": "1.0.0", "ipam": {}, "name": "chain"},
                "ConfList": {"cniVersion": "1.0.0", "name": "chain", "plugins": [{"ipam": {}, "type": "a"}, {"ipam": {}, "type": "b"}]},
                "Name": "default/chain",
                "ifnameRequest": "data0",
                "IsFilterV4Gateway": false,
                "IsFilterV6Gateway": false,
                "Bytes": base64(chain),
            },
        ])
    );
}

#[test]
fn the_names_stay_when_attachments_go() {
    let mut record = record(Path::new("/d"));
    record.attachments.remove(0);
    let written: Value = serde_json::from_str(&scratch_text::print(&record).unwrap()).unwrap();
    assert_eq!(written[0]["ifnameRequest"], "net1");
    assert_eq!(written[1]["ifnameRequest"], "data0");
}

#[test]
fn a_chain_without_version_is_left_to_multus() {
    let mut record = record(Path::new("/d"));
    record.attachments[0].conf = r#"{"name":"n","plugins":[{"type":"a"}]}"#.to_owned();
    let written: Value = serde_json::from_str(&scratch_text::print(&record).unwrap()).unwrap();
    assert_eq!(
        written[0]["ConfList"],
        json!({"name": "n", "plugins": [{"ipam": {}, "type": "a"}]})
    );
}

#[test]
fn written_read_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let cni_dir = folder.path().join("lib/multus");
    let mut record = record(Path::new("/d"));
    write(&cni_dir, &record).unwrap();
    assert_eq!(files(&cni_dir), ["c1", "results"]);
    assert_eq!(files(&results(&cni_dir)), ["cbr0-c1-eth0"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&cni_dir.join("c1")), 0o600);
    assert_eq!(mode(&results(&cni_dir).join("cbr0-c1-eth0")), 0o600);
    assert_eq!((mode(&cni_dir), mode(&results(&cni_dir))), (0o700, 0o700));

    record.attachments[1].result = Some(json!({"cniVersion": "1.1.0"}).to_string());
    write_result(&cni_dir, &record, &record.attachments[1]).unwrap();
    let cached = fs::read(results(&cni_dir).join("sriov-a-c1-net1")).unwrap();
    let cached: Value = serde_json::from_slice(&cached).unwrap();
    assert_eq!(cached["config"], base64(SRIOV));
    assert_eq!(cached["result"]["cniVersion"], "0.3.1");
    assert_eq!(
        cached["cniArgs"],
        json!([["IgnoreUnknown", "1"], ["K8S_POD_NAME", "p1"]])
    );

    let runtime = Runtime::new();
    let imported = scratch::read(&cni_dir, &runtime.sandbox())
        .unwrap()
        .unwrap();
    assert_eq!((imported.lost, imported.notes), (vec![], vec![]));
    let found = result_cache::find(&results(&cni_dir), &runtime.sandbox()).unwrap();
    assert_eq!(
        (found.attachments.len(), found.lost, found.notes),
        (2, vec![], vec![])
    );
    for (read, wrote) in imported.attachments.iter().zip(&record.attachments) {
        // What was added to a configuration is in it now; and who has no entry has the CNI_ARGS of today.
        let expected = Attachment {
            conf: read.conf.clone(),
            cni_args: None,
            args: read.args.clone(),
            ..wrote.clone()
        };
        assert_eq!(*read, expected);
        assert_eq!(
            base64(&read.conf),
            scratch_text::given(&scratch_text::parse(wrote).unwrap(), wrote).unwrap()
        );
    }

    fs::write(temporary(&cni_dir, &record.container_id), "half").unwrap();
    remove(&cni_dir, &record).unwrap();
    assert_eq!(files(&cni_dir), ["results"]);
    assert_eq!(files(&results(&cni_dir)), [""; 0]);
    remove(&cni_dir, &record).unwrap();
}

#[test]
fn what_is_in_the_way_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(Path::new("/d"));
    fs::create_dir_all(folder.path().join("c1/full")).unwrap();
    let error = write(folder.path(), &record).unwrap_err();
    assert!(error.contains("/c1 cannot be written"), "{error}");
    let error = remove(folder.path(), &record).unwrap_err();
    assert!(error.contains("/c1 cannot be removed"), "{error}");
}
