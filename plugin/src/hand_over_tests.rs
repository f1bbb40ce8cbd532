use std::fs;

use serde_json::json;
use spec::record::{self, EXTENSION, FOLDER};

use super::*;

fn write(cni_dir: &Path, id: &str, text: &str) {
    let folder = cni_dir.join(FOLDER);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{id}.{EXTENSION}")), text).unwrap();
}

fn intent(id: &str) -> String {
    let attachment = serde_json::from_value(json!({
        "name": "cbr0", "default": true, "interface": "eth0",
        "conf": r#"{"cniVersion":"1.0.0","name":"cbr0","type":"bridge"}"#,
    }));
    let record = Record {
        netns: Some("/run/netns/x".to_owned()),
        interface: Some("eth0".parse().unwrap()),
        attachments: vec![attachment.unwrap()],
        ..Record::new(id.parse().unwrap())
    };
    let result =
        r#"{"cniVersion":"1.1.0","interfaces":[{"name":"eth0","sandbox":"/run/netns/x"}]}"#;
    record::intent(&record) + &record::attached(0, result)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn records_become_multus_files() {
    let folder = tempfile::tempdir().unwrap();
    let cni_dir = folder.path();
    let conf = json!({"cniDir": cni_dir}).to_string();
    assert_eq!(run(conf.as_bytes()).unwrap(), HandedOver::default());
    write(cni_dir, "c1", &intent("c1"));
    write(
        cni_dir,
        "nothing-left",
        &record::intent(&Record::new("nothing-left".parse().unwrap())),
    );
    write(cni_dir, "never-begun.json.new", "");
    fs::rename(
        cni_dir.join(FOLDER).join("never-begun.json.new.json"),
        cni_dir.join(FOLDER).join("never-begun.json.new"),
    )
    .unwrap();
    let done = run(conf.as_bytes()).unwrap();
    assert_eq!(json!(done), json!({"handedOver": 2, "kept": []}));
    assert_eq!(names(cni_dir), ["c1", "results", FOLDER]);
    assert_eq!(names(&cni_dir.join("results")), ["cbr0-c1-eth0"]);
    assert_eq!(names(&cni_dir.join(FOLDER)), Vec::<String>::new());
    // And again.
    assert_eq!(run(conf.as_bytes()).unwrap(), HandedOver::default());
    assert_eq!(names(cni_dir), ["c1", "results", FOLDER]);
}

#[test]
fn what_cannot_be_understood_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cni_dir = folder.path();
    let conf = json!({"cniDir": cni_dir}).to_string();
    write(cni_dir, "torn", "{");
    let done = run(conf.as_bytes()).unwrap();
    assert_eq!(done.count, 0);
    let [kept] = &done.kept[..] else {
        panic!("{done:?}");
    };
    assert_eq!(kept.container_id.as_str(), "torn");
    assert!(
        kept.problem.contains("no file of Multus"),
        "{}",
        kept.problem
    );
    assert_eq!(names(&cni_dir.join(FOLDER)), ["torn.json"]);
    // Multus's own file says the same: the torn record is no loss.
    write(cni_dir, "torn", &intent("torn"));
    run(conf.as_bytes()).unwrap();
    write(cni_dir, "torn", "{");
    assert_eq!(run(conf.as_bytes()).unwrap().count, 1);
    assert_eq!(names(&cni_dir.join(FOLDER)), Vec::<String>::new());
    assert!(run(b"{").is_err());
}
