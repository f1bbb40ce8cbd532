//! The one-shot process without the process.

use std::{fs, path::Path};

use spec::bridge::{Reply, Report, encode};
use tempfile::TempDir;

use super::*;
use crate::{
    fixture::{bare_question, pod_resources},
    kubelet::fake::{Behaviour, FakeKubelet, settings},
};

const OBJECTS: &str = r#"
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: sriov-a, annotations: {k8s.v1.cni.cncf.io/resourceName: intel.com/sriov}}
spec: {config: '{"type": "sriov"}'}
---
apiVersion: v1
kind: Pod
metadata: {name: p, annotations: {k8s.v1.cni.cncf.io/networks: sriov-a}}
"#;

fn config(folder: &Path) -> Resolve {
    let objects = folder.join("objects.yaml");
    fs::write(&objects, OBJECTS).unwrap();
    Resolve {
        objects: AskedObjects::Files(vec![objects]),
        pod_resources_socket: folder.join("kubelet.sock"),
        kubelet: settings(&folder.join("kubelet.sock")),
        publish_to: Some(folder.join("status")),
        request_timeout: Duration::from_secs(10),
    }
}

async fn reply(config: Resolve, mut input: &[u8]) -> Reply {
    let mut output = Vec::new();
    let request = read_request(&mut input);
    run(config, request, &mut output).await.unwrap();
    let header = output[..HEADER].try_into().unwrap();
    assert_eq!(frame_length(header).unwrap(), output.len() - HEADER);
    decode(&output[HEADER..]).unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn failure(reply: Reply) -> Failure {
    match reply {
        Reply::Failure(failure) => failure,
        other => panic!("no failure: {other:?}"),
    }
}

fn question() -> Vec<u8> {
    encode(&Request::Question(bare_question())).unwrap()
}

#[tokio::test]
async fn the_daemons_answer() {
    let folder = folder();
    let devices: &[(&str, &[&str])] = &[("intel.com/sriov", &["0000:03:02.1"])];
    let pods = vec![pod_resources(&[("app", devices)])];
    let _kubelet = FakeKubelet::start(folder.path(), Behaviour::of(pods));
    let Reply::Answer(answer) = reply(config(folder.path()), &question()).await else {
        panic!("no answer");
    };
    let device = answer.networks[0].device.as_ref().unwrap();
    assert_eq!(device.id.as_str(), "0000:03:02.1");
}

#[tokio::test]
async fn a_report_is_published_before_the_end() {
    let folder = folder();
    let question = bare_question();
    let report = Request::Report(Report {
        pod: question.pod,
        container_id: question.container_id,
        statuses: vec![spec::network::NetworkStatus::default()],
        added: Vec::new(),
        times: None,
        wait_ms: None,
        traceparent: None,
        add: None,
        parent: None,
    });
    let frame = encode(&report).unwrap();
    assert_eq!(reply(config(folder.path()), &frame).await, Reply::Taken);
    assert!(folder.path().join("status/default_p.json").exists());
}

#[tokio::test]
async fn whatever_goes_wrong_the_reply_says_it() {
    let folder = folder();
    for (input, wanted) in [
        (&b""[..], "after 0 of 4 bytes"),
        (b"\0\0\0\x05{", "after 1 of 5 bytes"),
        (b"\0\0\0\x02{}", "no message"),
        (b"not a frame at all", "more than the"),
    ] {
        let failure = failure(reply(config(folder.path()), input).await);
        assert_eq!(failure.code, code::UNDECODABLE);
        assert!(failure.message.contains(wanted), "{failure}");
    }
    let no_kubelet = failure(reply(config(folder.path()), &question()).await);
    assert!(no_kubelet.message.contains("kubelet.sock"), "{no_kubelet}");
    let mut config = config(folder.path());
    let kubeconfig = Some(folder.path().join("kubeconfig"));
    config.objects = AskedObjects::Live { kubeconfig };
    let no_kubeconfig = failure(reply(config, &question()).await);
    assert_eq!(no_kubeconfig.code, code::INVALID_CONF);
    assert!(
        no_kubeconfig.message.contains("kubeconfig"),
        "{no_kubeconfig}"
    );
}

#[tokio::test]
async fn a_missing_network_is_an_event_before_the_end() {
    let folder = folder();
    let mut question = bare_question();
    question.annotations = Some(spec::bridge::PodAnnotations {
        networks: Some("missing".to_owned()),
        default_network: None,
    });
    let frame = encode(&Request::Question(question)).unwrap();
    let failure = failure(reply(config(folder.path()), &frame).await);
    assert!(failure.message.contains("(missing)"), "{failure}");
    let text = fs::read_to_string(folder.path().join("status/default_p.events.jsonl")).unwrap();
    assert!(text.contains("NoNetworkFound"), "{text}");
}

#[tokio::test]
async fn objects_of_old_releases_come_from_files_as_well() {
    let folder = folder();
    let config = config(folder.path());
    let objects = "apiVersion: \"kubernetes.com/v1\"\nkind: Network\nmetadata:\n  name: flannel-conf\nplugin: flannel\nargs: '[\n{\n\"delegate\": {\n\"isDefaultGateway\": true\n}\n}\n]'\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations:\n    networks: '[\n{ \"name\": \"flannel-conf\" }\n]'\n";
    fs::write(folder.path().join("objects.yaml"), objects).unwrap();
    let mut question = bare_question();
    question.legacy = Some(spec::bridge::Legacy::V1);
    let frame = encode(&Request::Question(question)).unwrap();
    let Reply::Answer(answer) = reply(config, &frame).await else {
        panic!("no answer");
    };
    assert!(answer.instead_of_delegates);
    assert_eq!(answer.cluster_network.unwrap().name, "default/flannel-conf");
}
