use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::{attachments::State, output::Screen};

fn some() -> Vec<Attachment> {
    let text = |text: &str| Some(text.to_owned());
    let cluster = Attachment {
        namespace: "telco".to_owned(),
        pod: "upf-7d9c4b6f5-x2x4k".to_owned(),
        node: "worker-1".to_owned(),
        network: "cluster".to_owned(),
        interface: "eth0".to_owned(),
        is_default: true,
        addresses: vec!["10.244.1.9".to_owned()],
        ..Attachment::default()
    };
    let device = Attachment {
        network: "telco/left".to_owned(),
        interface: "net1".to_owned(),
        is_default: false,
        addresses: vec!["192.168.10.7".to_owned(), "fd00:10::7".to_owned()],
        mac: "02:00:00:00:00:01".to_owned(),
        mtu: Some(9000),
        device: text("0000:3b:02.1"),
        resource: text("intel.com/sriov_left"),
        numa_nodes: vec![0],
        physical_function: text("0000:3b:00.0"),
        physical_interface: text("ens1f0"),
        delegates: vec!["sriov".to_owned(), "tuning".to_owned()],
        attached_at: text("1970-01-01T00:00:10Z"),
        took_ms: Some(api::attachment_times::Milliseconds::of_micros(40_150)),
        delegate_times: serde_json::from_str(r#"[{"type":"sriov","ms":30.1},{"type":"tuning","ms":9}]"#).unwrap(),
        sandbox: serde_json::from_str(
            r#"{"began":"1970-01-01T00:00:09.000000Z","ms":60,"stages":[{"name":"question","ms":4.1},{"name":"attach","ms":50}]}"#,
        )
        .unwrap(),
        ..cluster.clone()
    };
    let missing = Attachment {
        network: "telco/right".to_owned(),
        interface: String::new(),
        is_default: false,
        addresses: Vec::new(),
        state: State::Missing,
        since: text("1970-01-01T00:01:10Z"),
        message: text(
            "the pod runs without networks\u{1b}[2J that its annotation asks for: telco/right",
        ),
        ..cluster.clone()
    };
    vec![cluster, device, missing]
}

fn on(width: Option<usize>, of_one_pod: bool) -> String {
    let screen = Screen {
        width,
        is_coloured: false,
    };
    let now = UNIX_EPOCH + Duration::from_secs(370);
    let view = tables::View {
        of_one_pod,
        ..tables::View::default()
    };
    tables::text(&some(), view, now, &screen)
}

#[test]
fn tables_at_200_and_at_80_columns() {
    insta::assert_snapshot!("at_200", on(Some(200), false));
    insta::assert_snapshot!("at_80", on(Some(80), false));
    insta::assert_snapshot!("one_pod_at_80", on(Some(80), true));
    insta::assert_snapshot!("wide", on(None, false));
    let nothing = tables::text(&[], tables::View::default(), UNIX_EPOCH, &Screen::default());
    assert!(nothing.starts_with("no attachments"));
}

#[test]
fn files_are_read_as_a_cluster_is() {
    let object = |value: Value| api::objects::parse(&value.to_string(), "test").unwrap();
    let pod = |name: &str, node: &str, phase: &str, networks: &str| {
        object(serde_json::json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "annotations": {"k8s.v1.cni.cncf.io/networks": networks}},
            "spec": {"nodeName": node}, "status": {"phase": phase}}))
    };
    let network = object(
        serde_json::json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "left", "namespace": "shared"}, "spec": {"config": r#"{"type": "macvlan"}"#}}),
    );
    let all = [
        pod("one", "n1", "Pending", "shared/left"),
        pod("two", "n2", "Running", "left"),
        pod("over", "n1", "Failed", "left"),
        network,
    ];
    let objects = || Objects::of_files(all.concat(), "team");
    let ask = |words: &[&str]| {
        #[derive(clap::Parser)]
        struct Words {
            #[command(flatten)]
            arguments: AttachmentsArgs,
        }
        let words = ["attachments"].iter().chain(words);
        let words = <Words as clap::Parser>::try_parse_from(words).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().unwrap();
        runtime.block_on(read(&objects(), &words.arguments))
    };
    let told = |words: &[&str]| -> Vec<(String, State, Vec<String>)> {
        let found = ask(words).unwrap().attachments.into_iter();
        found
            .map(|one| (one.pod, one.state, one.delegates))
            .collect()
    };
    let one = ("one".to_owned(), State::Awaited, vec!["macvlan".to_owned()]);
    let two = ("two".to_owned(), State::Missing, Vec::new());
    assert_eq!(told(&[]), [one.clone(), two.clone()]);
    assert_eq!(told(&["-A"]), [one.clone(), two.clone()]);
    assert_eq!(told(&["--node", "n2"]), [two]);
    assert_eq!(told(&["one"]), [one]);
    assert_eq!(told(&["over"]).len(), 1);
    let missing = ask(&["nobody"]).unwrap_err().to_string();
    assert_eq!(
        missing,
        "there is no pod team/nobody; name its namespace with -n"
    );
}
