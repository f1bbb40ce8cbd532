//! Devices of ResourceClaims (DRA), from files: on their nodes, with their pods and networks.

use serde_json::json;
use tempfile::TempDir;

use super::{
    browser::Browser,
    objects, seen,
    story::{self, DRIVER, GPUS, QUIET},
};
use crate::fixture::kubectl_polypod;

pub(super) fn devices_of_claims() {
    let mut shown = seen::shown(&story::cluster());
    let browser = &mut shown.browser;
    seen::click(browser, "[data-node='train-1']");
    // The driver says addresses: a device stands at the accelerator that it is.
    assert_eq!(
        groups(browser),
        json!(GPUS.map(|(address, _)| json!([address, format!("{DRIVER}/train-1"), "1/1"])))
    );
    seen::click(browser, ".pod[data-pod='ml/llm-1-rank-0']");
    let told = seen::text(browser, "#path");
    for way in [
        "net1 → ml/rdma → 0000:1a:01.0 → ens3np0 → NUMA zone 0 → train-1",
        "gpu.nvidia.com/train-1 → 0000:17:00.0 (gpu-0) → accelerator 10de:2330 → NUMA zone 0 → train-1",
    ] {
        assert!(told.contains(way), "{way}: {told}");
    }
    // Two virtual functions and two processors: the devices are counted with those of device plugins.
    assert_eq!(seen::count(browser, ".cell.on-path"), 4);
    assert_eq!(seen::text(browser, "[data-node='train-1'] .bar"), "8/24");

    // Of the others nobody says where they are, and two pods share one.
    seen::click(browser, &format!("[data-node='{QUIET}']"));
    let group = format!("{DRIVER}/{QUIET}");
    assert_eq!(groups(browser), json!([["none", group, "1/4"]]));
    assert_eq!(seen::count(browser, "#detail .zone[data-zone=none]"), 1);
    seen::click(browser, "[data-device='gpu-0']");
    let both = "gpu-0, held by ml/llm-3-rank-0 and ml/llm-3-rank-1";
    assert_eq!(seen::text(browser, "#path"), both);
    seen::click(browser, ".pod[data-pod='ml/llm-3-rank-1']");
    assert_eq!(seen::count(browser, "[data-device='gpu-0'].on-path"), 1);

    // Where nobody reports, claims and slices do.
    seen::click(browser, "[data-node='train-4']");
    let unreported = groups(browser);
    assert_eq!(
        unreported,
        json!([["none", format!("{DRIVER}/train-4"), "2/4"]])
    );
    assert_eq!(seen::text(browser, "#detail .pod b"), "llm-4-rank-0");

    // They are found by their own names, and filtered by their driver.
    seen::search(browser, "gpu-3 train-2");
    assert_eq!(seen::count(browser, ".tile"), 1);
    seen::click(browser, "#clear");
    seen::choose(browser, "resource", DRIVER);
    assert_eq!(seen::count(browser, ".tile"), 4);
    assert_eq!(seen::text(browser, "[data-node='train-1'] .bar"), "4/4");
    shown.ends_well();
    written_alike();
}

/// Where the groups of devices of claims stand that the open node has, how they are called, and how many are held.
fn groups(browser: &mut Browser) -> serde_json::Value {
    browser.value(&format!(
        "[...document.querySelectorAll('#detail .group[data-key^=\"group {DRIVER}\"]')].map((one) => [one.closest('.function').dataset.function, one.querySelector('bdi').textContent, one.childNodes[1].data.trim()])"
    ))
}

/// The picture says the same as the page.
fn written_alike() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("map.svg").display().to_string();
    let arguments = ["-f", "-", "--out", file.as_str()];
    let written = kubectl_polypod::run("map", &arguments, &objects::list(&story::cluster()));
    assert_eq!(written.status.code(), Some(0));
    let svg = std::fs::read_to_string(&file).unwrap();
    for told in [
        ">gpu.nvidia.com/train-1 1/1<",
        ">0000:17:00.0 ml/llm-1-rank-0<",
        ">gpu.nvidia.com/train-3 1/4<",
        ">gpu-0 ml/llm-3-rank-0 ml/llm-3-rank-1<",
    ] {
        assert!(svg.contains(told), "{told}");
    }
}
