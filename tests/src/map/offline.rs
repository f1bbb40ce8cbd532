//! `--out`, and what `map` says where it cannot begin.

use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use super::objects;
use crate::fixture::kubectl_polypod;

fn map(arguments: &[&str], stdin: &str) -> Output {
    kubectl_polypod::run("map", arguments, stdin)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What the page is told, out of a page.
fn data(page: &str) -> Value {
    let (_, rest) = page
        .split_once(r#"<script type="application/json" id="data">"#)
        .unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(data).unwrap()
}

pub(super) fn is_written_into_files() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let cluster = objects::list(&objects::cluster(10));
    let [page, svg, png] = ["map.html", "map.svg", "map.png"].map(file);

    let written = map(&["-f", "-", "--out", &page], &cluster);
    assert_eq!(written.status.code(), Some(0), "{}", stderr(&written));
    let page = std::fs::read_to_string(&page).unwrap();
    let data = data(&page);
    assert_eq!(data["live"], false);
    assert!(page.contains("connect-src 'none'"));
    let nodes = data["document"]["nodes"].as_array().unwrap();
    let states = ["ready", "degraded", "unreported", "down"];
    let counted = states.map(|state| nodes.iter().filter(|node| node["state"] == state).count());
    assert_eq!(counted, objects::states(10));
    let first = &nodes[0];
    assert_eq!(first["name"], "worker-1");
    let pods = first["pods"].as_array().unwrap();
    assert_eq!(pods.len(), objects::PODS);
    // The attachment, the device and its holder are one story.
    let function = &first["zones"][0]["functions"][0];
    let group = &function["groups"][0];
    assert_eq!(group["ids"].as_array().unwrap().len(), objects::VIRTUAL);
    let (device, holder) = (&group["held"][0][0], &group["held"][0][1]);
    let holder = &pods[usize::try_from(holder.as_u64().unwrap()).unwrap()];
    let device = &group["ids"][usize::try_from(device.as_u64().unwrap()).unwrap()];
    assert_eq!(&holder["attachments"][1]["device"], device);
    assert_eq!(holder["attachments"][1]["network"], "team-a/fast");
    assert_eq!(data["document"]["waiting"][0]["name"], "waiting");

    let written = map(&["-f", "-", "--out", &svg], &cluster);
    assert_eq!(written.status.code(), Some(0), "{}", stderr(&written));
    let svg = std::fs::read_to_string(&svg).unwrap();
    assert!(svg.contains(">worker-10</text>") && svg.contains("team-a/dpdk-worker-1-0"));
    assert!(svg.contains(">accelerator 0000:19:00.0 · 1002:740f</text>"));

    let written = map(
        &["-f", "-", "--out", &png],
        &objects::list(&objects::cluster(1)),
    );
    match written.status.code() {
        Some(0) => assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG")),
        // A machine without any font says so.
        _ => assert!(
            stderr(&written).contains("there is no font"),
            "{}",
            stderr(&written)
        ),
    }

    for (arguments, words) in [
        (&["-f", "-", "--out", "map.pdf"][..], ".html, .svg or .png"),
        (
            &["-f", "-", "--out", "/does/not/exist/map.svg"],
            "/does/not/exist/map.svg",
        ),
        (
            &["-f", "/does/not/exist", "--out", "map.svg"],
            "/does/not/exist",
        ),
        (&["-f", "-", "--port", "1", "--out", "map.svg"], "--port"),
        (&["-f", "-", "--kubeconfig", "a"], "--kubeconfig"),
        (&["--out", "map.svg"], "kubeconfig"),
        (&[], "kubeconfig"),
    ] {
        let refused = map(arguments, &cluster);
        let told = stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
    for (text, words) in [
        ("{}", "is not a Kubernetes object"),
        ("a: b: c", "is not valid YAML"),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}",
            "there is no object",
        ),
    ] {
        let refused = map(&["-f", "-"], text);
        assert_eq!(refused.status.code(), Some(2), "{text}");
        assert!(
            stderr(&refused).contains(words),
            "{text}: {}",
            stderr(&refused)
        );
    }
}
