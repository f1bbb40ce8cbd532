use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use spec::record::{self, EXTENSION, FOLDER, Record};
use tempfile::TempDir;

use super::*;
use crate::{
    fake_api_server::FakeApiServer,
    fixture::{bare_question, pod},
    hotplug::execute::Executor,
    outbox::outbox,
    publish::Publisher,
    store::Store,
};

/// A network namespace that is there as long as this process.
const OWN: &str = "/proc/self/ns/net";

const RESULT: &str = r#"{"cniVersion":"1.1.0","interfaces":[{"name":"net1","mac":"02:00:00:00:00:01","sandbox":"/x"}],"ips":[{"address":"10.0.0.5/24","interface":0}]}"#;

/// The record of a sandbox of pod default/p, with one network.
fn record(id: &str, netns: &str, inode: u64) -> Record {
    let attachment = serde_json::from_value(serde_json::json!({
        "name": "default/sriov-a", "interface": "net1", "conf": r#"{"type":"sriov"}"#,
        "device": {"resource": "intel.com/sriov", "id": "0000:03:02.1"},
    }));
    Record {
        netns: Some(netns.to_owned()),
        netns_inode: Some(inode),
        pod: Some(bare_question().pod),
        attachments: vec![attachment.unwrap()],
        ..Record::new(id.parse().unwrap())
    }
}

fn write(cni_dir: &Path, record: &Record, result: Option<&str>) {
    let folder = cni_dir.join(FOLDER);
    fs::create_dir_all(&folder).unwrap();
    let text = record::intent(record)
        + &result.map_or_else(String::new, |result| record::attached(0, result));
    fs::write(
        folder.join(format!("{}.{EXTENSION}", record.container_id)),
        text,
    )
    .unwrap();
}

/// Makes two rounds over the records of `folder`, publishes what they give, and says what the second one found.
async fn two_rounds(folder: &TempDir, pods: &[&str]) -> (Vec<Finding>, String) {
    let store = Store::default();
    store.reset_pods(pods.iter().map(|networks| pod("u1", networks)));
    let metrics: Arc<Metrics> = Arc::default();
    let publisher = Publisher::Folder(folder.path().join("status"));
    let (outbox, publishing) = outbox(publisher, None, None, Arc::clone(&metrics));
    let reconciler = Reconciler {
        grace: Duration::ZERO,
        ..Reconciler::new(
            folder.path().join("cni"),
            Lookup::in_files(Arc::new(store)),
            outbox,
            Arc::clone(&metrics),
            true,
            Some(cleaner(folder.path())),
        )
    };
    let first = reconciler.round(&Known::default()).await;
    let second = reconciler.round(&first).await;
    assert_eq!(first.found, second.found);
    drop(reconciler);
    publishing.await;
    (
        second.found.into_iter().collect(),
        metrics.render().unwrap(),
    )
}

/// The plugin is a script that says how it was called, and removes the record as DEL does.
fn cleaner(folder: &Path) -> Cleaner {
    let plugin = plugin(folder, folder);
    Cleaner::new(executor(), Some(plugin), None, folder.join("cni"))
}

fn executor() -> Executor {
    Executor {
        host_pid: None,
        timeout: Duration::from_secs(20),
    }
}

fn plugin(folder: &Path, bin_dir: &Path) -> PathBuf {
    let plugin = bin_dir.join("polypod");
    let script = format!(
        "#!/bin/sh\n{{ env; cat; }} >> {0}/called\nrm {0}/cni/{FOLDER}/$CNI_CONTAINERID.json\n",
        folder.display()
    );
    fs::write(&plugin, script).unwrap();
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).unwrap();
    plugin
}

/// The pod of the name is another one by now.
fn successor() -> crate::pod_facts::PodFacts {
    crate::pod_facts::PodFacts {
        uid: Some("u2".to_owned()),
        ..pod("u1", "")
    }
}

fn own_inode() -> u64 {
    fs::metadata(OWN).unwrap().ino()
}

#[tokio::test]
async fn a_status_that_nobody_published_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let cni_dir = folder.path().join("cni");
    write(&cni_dir, &record("c1", OWN, own_inode()), Some(RESULT));
    let (found, metrics) = two_rounds(&folder, &["sriov-a"]).await;
    assert!(
        matches!(&found[..], [Finding::StatusMissing { .. }]),
        "{found:?}"
    );
    let counted = r#"polypod_bridge_discrepancies_total{kind="status_missing"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    let status = fs::read_to_string(folder.path().join("status/default_p.json")).unwrap();
    for wanted in [
        "default/sriov-a",
        "10.0.0.5",
        "02:00:00:00:00:01",
        "0000:03:02.1",
    ] {
        assert!(status.contains(wanted), "{wanted}: {status}");
    }
}

#[tokio::test]
async fn what_is_missing_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let cni_dir = folder.path().join("cni");
    write(&cni_dir, &record("c1", OWN, own_inode()), None);
    let (found, _) = two_rounds(&folder, &["sriov-a,other"]).await;
    assert!(
        matches!(&found[..], [Finding::NetworksMissing { .. }]),
        "{found:?}"
    );
    let events = fs::read_to_string(folder.path().join("status/default_p.events.jsonl")).unwrap();
    assert_eq!(events.lines().count(), 1, "{events}");
    assert!(
        events.contains("default/other, default/sriov-a"),
        "{events}"
    );
}

#[tokio::test]
async fn namespaces_that_are_gone_and_those_that_cannot_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    let cni_dir = folder.path().join("cni");
    let own = own_inode();
    let gone = folder.path().join("netns-that-is-gone");
    let plain = folder.path().join("plain");
    fs::write(&plain, "").unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for (id, netns, inode) in [
        ("another", OWN.to_owned(), own + 1),
        ("gone", text(&gone), own),
        ("unshared-file", text(&plain), own),
        (
            "unshared-folder",
            "/polypod-not-there/netns".to_owned(),
            own,
        ),
        ("process", "/proc/4194305/ns/net".to_owned(), own),
    ] {
        write(&cni_dir, &record(id, &netns, inode), Some(RESULT));
    }
    fs::write(cni_dir.join(FOLDER).join("torn.json"), "{").unwrap();
    fs::write(cni_dir.join(FOLDER).join("c9.json.new"), "").unwrap();
    let (found, _) = two_rounds(&folder, &[]).await;
    let mut about: Vec<String> = found
        .iter()
        .map(|finding| match finding {
            Finding::RecordWithoutSandbox {
                container_id,
                pod_is_gone: true,
                ..
            } => container_id.to_string(),
            Finding::UnreadableRecord(unreadable) => unreadable
                .file
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    about.sort();
    assert_eq!(about, ["another", "gone", "torn.json"]);
}

#[tokio::test]
async fn what_is_left_of_a_sandbox_is_undone_when_it_was_found_twice() {
    let folder = tempfile::tempdir().unwrap();
    let cni_dir = folder.path().join("cni");
    let left = Record {
        path: vec!["/a".to_owned(), "/b".to_owned()],
        ..record("c1", OWN, own_inode() + 1)
    };
    write(&cni_dir, &left, Some(RESULT));
    let store = Store::default();
    store.reset_pods([successor()]);
    let (outbox, _publishing) = outbox(Publisher::Log, None, None, Arc::default());
    let reconciler = Reconciler {
        grace: Duration::ZERO,
        ..Reconciler::new(
            cni_dir.clone(),
            Lookup::in_files(Arc::new(store)),
            outbox,
            Arc::default(),
            true,
            Some(cleaner(folder.path())),
        )
    };
    let called = folder.path().join("called");
    let first = reconciler.round(&Known::default()).await;
    assert_eq!(first.found.len(), 1);
    assert!(!called.exists());
    reconciler.round(&first).await;
    let called = fs::read_to_string(called).unwrap();
    for wanted in [
        "CNI_COMMAND=DEL",
        "CNI_CONTAINERID=c1",
        "CNI_IFNAME=eth0",
        "CNI_PATH=/a:/b:/opt/cni/bin:/",
        r#""cniDir":""#,
    ] {
        assert!(called.contains(wanted), "{wanted}: {called}");
    }
    assert_eq!(reconciler.round(&first).await.found, BTreeSet::new());
}

/// Nobody has written down where the plugins of such a sandbox are.
#[tokio::test]
async fn what_multus_left_is_undone_by_the_plugin_where_it_is_installed() {
    let folder = tempfile::tempdir().unwrap();
    let cni_dir = folder.path().join("cni");
    let bin_dir = folder.path().join("libexec");
    for made in [&bin_dir, &cni_dir.join("results")] {
        fs::create_dir_all(made).unwrap();
    }
    let entry = serde_json::json!({
        "kind": "cniCacheV1", "containerId": "c1", "netns": folder.path().join("gone"), "ifName": "eth0",
        "cniArgs": [["K8S_POD_NAMESPACE", "default"], ["K8S_POD_NAME", "p"], ["K8S_POD_UID", "u1"]],
    });
    fs::write(cni_dir.join("results/a-c1-eth0"), entry.to_string()).unwrap();
    plugin(folder.path(), &bin_dir);
    let store = Store::default();
    store.reset_pods([successor()]);
    let (outbox, _publishing) = outbox(Publisher::Log, None, None, Arc::default());
    let cleaner = Cleaner::new(executor(), None, Some(bin_dir.clone()), cni_dir.clone());
    let reconciler = Reconciler {
        grace: Duration::ZERO,
        ..Reconciler::new(
            cni_dir,
            Lookup::in_files(Arc::new(store)),
            outbox,
            Arc::default(),
            true,
            Some(cleaner),
        )
    };
    let first = reconciler.round(&Known::default()).await;
    assert!(
        matches!(first.found.first(), Some(Finding::LeftByMultus { .. })),
        "{first:?}"
    );
    reconciler.round(&first).await;
    let called = fs::read_to_string(folder.path().join("called")).unwrap();
    let bin_dir = bin_dir.display();
    for wanted in [
        "CNI_CONTAINERID=c1".to_owned(),
        format!("CNI_PATH={bin_dir}:/opt/cni/bin\n"),
        format!(r#""binDir":"{bin_dir}""#),
    ] {
        assert!(called.contains(&wanted), "{wanted}: {called}");
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_has_no_records() {
    let folder = tempfile::tempdir().unwrap();
    let (found, _) = two_rounds(&folder, &["sriov-a"]).await;
    // Whether the pod runs only an API server can tell.
    assert_eq!(found, []);
}

/// Pods that seem to have been started without their networks: the API server says in the second round that they run.
#[tokio::test]
async fn pods_without_a_record_are_asked_about_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("cni").join(FOLDER)).unwrap();
    let api = FakeApiServer::default();
    let store = Store::default();
    for number in 0..2 * QUESTIONS {
        let name = format!("p{number:02}");
        let facts = crate::pod_facts::PodFacts {
            name: name.parse().unwrap(),
            ..pod("u1", "sriov-a")
        };
        store.apply_pod(facts);
        // The last one runs, the others do not.
        let phase = if number + 1 == 2 * QUESTIONS {
            "Running"
        } else {
            "Pending"
        };
        api.answer(
            &format!("GET /api/v1/namespaces/default/pods/{name}"),
            200,
            serde_json::json!({
                "metadata": {"namespace": "default", "name": name, "uid": "u1"}, "spec": {},
                "status": {
                    "phase": phase, "podIP": "10.0.0.5", "startTime": "2020-01-01T00:00:00Z",
                    "conditions": [{"type": "Ready", "status": "True"}],
                },
            }),
        );
    }
    let lookup = Lookup::watched(Arc::new(store), crate::live::Live::new(api.client()));
    let publisher = Publisher::Folder(folder.path().join("status"));
    let (outbox, publishing) = outbox(publisher, None, None, Arc::default());
    let reconciler = Reconciler::new(
        folder.path().join("cni"),
        lookup,
        outbox,
        Arc::default(),
        true,
        None,
    );
    let mut known = Known::default();
    for asked in [0, QUESTIONS, 2 * QUESTIONS] {
        assert!(known.found.is_empty());
        known = reconciler.round(&known).await;
        assert_eq!(api.requests().len(), asked);
    }
    assert!(
        matches!(known.found.first(), Some(Finding::NoRecord { pod, .. }) if pod.name.as_str() == "p31")
    );
    known = reconciler.round(&known).await;
    assert_eq!(known.found.len(), 1);
    drop(reconciler);
    publishing.await;
    let events = fs::read_to_string(folder.path().join("status/default_p31.events.jsonl")).unwrap();
    assert_eq!(events.lines().count(), 1, "{events}");
}
