//! What a browser shows of a cluster of a dozen nodes.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{browser::Browser, objects, served::Served};

const NODES: usize = 12;

/// A browser that shows a map, whose server and file it keeps.
pub(super) struct Shown {
    pub(super) browser: Browser,
    pub(super) served: Served,
    _folder: TempDir,
}

pub(super) fn shown(objects: &[Value]) -> Shown {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("cluster.json");
    std::fs::write(&file, objects::list(objects)).unwrap();
    let served = Served::of_file(&file);
    let mut browser = Browser::start();
    browser.size(1280, 800);
    browser.prefer("light");
    browser.open(&served.address);
    browser.wait("document.getElementById('standing').textContent === '● live'");
    Shown {
        browser,
        served,
        _folder: folder,
    }
}

impl Shown {
    /// Nothing was asked of anybody else, and nothing went wrong.
    pub(super) fn ends_well(self) {
        for address in &self.browser.requests {
            let is_ours = address.starts_with(&self.served.address);
            assert!(is_ours || address.starts_with("data:"), "{address}");
        }
        assert!(self.browser.requests.len() >= 2, "the page and its events");
        assert_eq!(self.browser.troubles, Vec::<String>::new());
        assert!(self.served.daemon.stop());
    }
}

/// How many elements there are.
pub(super) fn count(browser: &mut Browser, selector: &str) -> usize {
    let told = browser.value(&format!("document.querySelectorAll({selector:?}).length"));
    usize::try_from(told.as_u64().unwrap()).unwrap()
}

/// The text of an element.
pub(super) fn text(browser: &mut Browser, selector: &str) -> String {
    let told = browser.value(&format!("document.querySelector({selector:?}).textContent"));
    told.as_str().unwrap().to_owned()
}

pub(super) fn click(browser: &mut Browser, selector: &str) {
    browser.value(&format!("document.querySelector({selector:?}).click()"));
}

pub(super) fn choose(browser: &mut Browser, filter: &str, value: &str) {
    browser.value(&format!(
        "{{const one = document.getElementById({filter:?}); one.value = {value:?}; one.dispatchEvent(new Event('change')); one.value}}"
    ));
}

pub(super) fn search(browser: &mut Browser, words: &str) {
    browser.value(&format!(
        "{{const one = document.getElementById('search'); one.value = {words:?}; one.dispatchEvent(new Event('input')); document.getElementById('controls').requestSubmit()}}"
    ));
}

pub(super) fn shows_what_the_document_has() {
    let mut shown = shown(&objects::cluster(NODES));
    let browser = &mut shown.browser;
    assert_eq!(text(browser, "#count-nodes"), NODES.to_string());
    assert_eq!(count(browser, ".tile"), NODES);
    let pods = objects::reporting(NODES) * objects::PODS;
    assert_eq!(text(browser, "#count-pods"), pods.to_string());
    assert_eq!(text(browser, "#count-networks"), "3");
    let states = ["ready", "degraded", "unreported", "down"];
    let counted = states.map(|state| count(browser, &format!(".tile.{state}")));
    assert_eq!(counted, objects::states(NODES));

    click(browser, "[data-node='worker-1']");
    assert_eq!(count(browser, "#detail .zone"), 2);
    let functions = count(browser, "#detail .function:not(.accelerator)");
    assert_eq!(functions, objects::FUNCTIONS);
    let cells = objects::DEVICES;
    assert_eq!(count(browser, "#detail .cell[data-device]"), cells);
    assert_eq!(count(browser, "#detail .pod"), objects::PODS);
    // Accelerators stand in their zones, and are told by a word and a shape.
    let zones = "[...document.querySelectorAll('#detail .accelerator')].map((one) => [one.dataset.function, one.closest('.zone').dataset.zone, one.querySelector('.kind').textContent, one.querySelectorAll('.cell').length])";
    let [first, second, third] = objects::ACCELERATORS;
    assert_eq!(
        browser.value(zones),
        json!([
            [first, "0", "accelerator", 1],
            [second, "1", "accelerator", 1],
            [third, "1", "accelerator", 0]
        ])
    );
    let round = "getComputedStyle(document.querySelector('.accelerator .cell')).borderRadius";
    assert_eq!(browser.value(round), "50%");
    assert!(text(browser, ".legend").contains("accelerator"));
    // One, two, three and four virtual functions, and an accelerator; two virtual functions of the last port are offered
    // for nothing.
    assert_eq!(count(browser, "#detail .cell.held"), 11);
    assert_eq!(count(browser, "#detail .cell.missing"), 2);
    assert_eq!(
        text(browser, "[data-node='worker-1'] .bar"),
        format!("11/{cells}")
    );

    click(browser, "[data-node='worker-8']");
    assert!(text(browser, "#detail .reasons").contains("00-other.conflist"));
    assert_eq!(count(browser, "[aria-expanded=true]"), 1);
    shown.ends_well();
}

pub(super) fn search_and_filters() {
    let mut shown = shown(&objects::cluster(NODES));
    let browser = &mut shown.browser;
    search(browser, "dpdk-worker-3-2");
    assert_eq!(count(browser, ".tile"), 1);
    assert_eq!(count(browser, "#hits [data-hit]"), 1);
    assert!(text(browser, "#found").starts_with("1 of 12 nodes · 1 pod"));
    click(browser, "#hits [data-hit]");
    assert_eq!(
        count(browser, ".pod.on-path[data-pod='team-a/dpdk-worker-3-2']"),
        1
    );
    // All words, in any order; addresses and devices as well.
    search(browser, "192.168.7.4 worker-2");
    assert_eq!(count(browser, ".tile[data-node='worker-2']"), 1);
    search(browser, "0000:9b:00.1");
    assert_eq!(count(browser, ".tile"), objects::reporting(NODES));
    search(browser, "accelerator 1da3 worker-3");
    assert_eq!(count(browser, ".tile"), 1);
    search(browser, "nothing is called so");
    assert_eq!(count(browser, ".tile"), 0);
    assert!(text(browser, "#found").contains("nothing is like that"));
    click(browser, "#clear");
    assert_eq!(count(browser, ".tile"), NODES);

    let unreported = objects::states(NODES)[2];
    for (filter, value, wanted) in [
        ("state", "unreported", unreported),
        ("network", "team-b/rdma", objects::reporting(NODES)),
        ("network", "default/storage", 0),
        ("resource", "intel.com/sriov", objects::reporting(NODES)),
        ("namespace", "team-a", objects::reporting(NODES)),
    ] {
        choose(browser, filter, value);
        assert_eq!(count(browser, ".tile"), wanted, "{filter} {value}");
        click(browser, "#clear");
    }
    // The bars are of the resource that is chosen.
    choose(browser, "resource", "nvidia.com/rdma");
    assert_eq!(text(browser, "[data-node='worker-1'] .bar"), "6/32");
    choose(browser, "order", "used");
    let most = browser.value("document.querySelector('.tile').dataset.node");
    assert_eq!(most, "worker-3");
    choose(browser, "order", "state");
    let worst = browser.value("document.querySelector('.tile').dataset.node");
    assert_eq!(worst, "worker-9", "it reports, and is not ready");
    shown.ends_well();
}

pub(super) fn the_path_of_a_pod_by_keyboard_alone() {
    let mut shown = shown(&objects::cluster(NODES));
    let browser = &mut shown.browser;
    let focused = |browser: &mut Browser| {
        browser.value("(({ id, dataset, className }) => [id, dataset.node, dataset.pod, className])(document.activeElement)")
    };
    // Among the tiles the Tab key stops once.
    assert_eq!(count(browser, ".tile[tabindex='0']"), 1);
    browser.value("document.getElementById('clear').focus()");
    for _ in 0..4 {
        browser.press("Tab");
        if focused(browser)[1] == "worker-1" {
            break;
        }
    }
    assert_eq!(focused(browser)[1], "worker-1");
    browser.press("End");
    assert_eq!(focused(browser)[1], "worker-12");
    browser.press("Home");
    browser.press("ArrowRight");
    assert_eq!(focused(browser)[1], "worker-2");
    let outline = "getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(browser.value(outline), "solid", "the focus is seen");
    browser.press("Enter");
    browser.wait("!document.getElementById('detail').hidden");
    assert_eq!(focused(browser)[0], "close");
    // A stop for each group of devices, then the pods.
    for _ in 0..=objects::FUNCTIONS + 2 {
        browser.press("Tab");
    }
    assert_eq!(focused(browser)[2], "team-a/dpdk-worker-2-0");
    browser.press("ArrowDown");
    browser.press("ArrowDown");
    let pod = focused(browser)[2].clone();
    assert_eq!(pod, "team-b/train-worker-2-1");
    browser.press("Enter");
    assert_eq!(count(browser, ".pod[aria-pressed=true]"), 1);
    // Three devices of one port of one zone, an accelerator, and the network.
    for (selector, wanted) in [
        (".pod.on-path", 1),
        (".cell.on-path", 4),
        (".function.on-path", 2),
        (".function.accelerator.on-path", 1),
        (".zone.on-path", 1),
        (".nets .net.on-path", 1),
        (".lines path", 4),
    ] {
        assert_eq!(count(browser, selector), wanted, "{selector}");
    }
    let told = text(browser, "#path");
    assert!(told.starts_with("team-b/train-worker-2-1"), "{told}");
    for way in [
        "net1 → team-b/rdma → 0000:5b:00.1 → ens1f1np1 → NUMA zone 0 → worker-2",
        "eth0 → cbr0 → worker-2",
        "amd.com/gpu → 0000:19:00.0 → accelerator 1002:740f → NUMA zone 0 → worker-2",
    ] {
        assert!(told.contains(way), "{way}: {told}");
    }
    browser.press("Escape");
    assert_eq!(count(browser, ".on-path"), 0);
    browser.press("Escape");
    assert_eq!(
        browser.value("document.getElementById('detail').hidden"),
        true
    );
    assert_eq!(focused(browser)[1], "worker-2");
    browser.press("/");
    assert_eq!(focused(browser)[0], "search");
    browser.write("rdma worker-4");
    browser.press("Enter");
    browser.press("Enter");
    browser.wait("document.querySelector('#detail h2')?.textContent === 'worker-4'");
    shown.ends_well();
}

pub(super) fn light_dark_and_narrow() {
    let mut shown = shown(&objects::cluster(NODES));
    let browser = &mut shown.browser;
    let paper =
        |browser: &mut Browser| browser.value("getComputedStyle(document.body).backgroundColor");
    let light = paper(browser);
    browser.prefer("dark");
    browser.wait("document.documentElement.dataset.theme === 'dark'");
    let dark = paper(browser);
    assert_ne!(light, dark);
    click(browser, "[data-node='worker-2']");
    click(browser, ".pod[data-pod='team-a/dpdk-worker-2-2']");
    // Whoever chooses keeps what was chosen, whatever the system prefers.
    click(browser, "#theme");
    assert_eq!(paper(browser), light);
    let address = shown.served.address.clone();
    browser.open(&address);
    assert_eq!(paper(browser), light);
    // Letters have enough contrast on what they stand on (WCAG 2: 4.5).
    for scheme in ["light", "dark"] {
        let contrast = browser.value(&format!(
            "document.documentElement.dataset.theme = '{scheme}'; {CONTRAST}"
        ));
        let contrast = contrast.as_array().unwrap();
        assert_eq!(contrast.len(), 12);
        for pair in contrast {
            assert!(pair[2].as_f64().unwrap() >= 4.5, "{scheme}: {pair}");
        }
    }
    // On a telephone nothing stands out of the page, and a node takes all of it.
    browser.size(390, 800);
    let overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.value(overflow), 0);
    browser.wait("document.querySelector('.tile').getBoundingClientRect().width > 150");
    click(browser, "[data-node='worker-1']");
    assert_eq!(browser.value(overflow), 0);
    let width = browser.value("document.getElementById('detail').getBoundingClientRect().width");
    assert_eq!(width, 390);
    shown.ends_well();
}

/// The contrasts of all letters' colours on all grounds.
const CONTRAST: &str = r"(() => {
  const draw = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    draw.fillStyle = style.getPropertyValue(name).trim();
    draw.fillRect(0, 0, 1, 1);
    const part = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const [red, green, blue] = [...draw.getImageData(0, 0, 1, 1).data].map(part);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  return ['--page', '--box', '--raised'].flatMap((ground) => ['--text', '--faint', '--warn', '--ready'].map((ink) => {
    const [one, other] = [light(ground), light(ink)].sort((a, b) => b - a);
    return [ground, ink, (one + 0.05) / (other + 0.05)];
  }));
})()";

/// Names and annotations are other people's.
pub(super) fn hostile_names_stay_text() {
    const HOSTILE: &str = "</script><img src=x onerror=alert(1)><svg onload=alert(1)>&lt;\u{2028}\u{202e}'\"${alert(1)}";
    let mut objects = objects::cluster(2);
    let mut pod = objects::pod("team-a", "hostile", "worker-1", &["fast"], &[]);
    pod["metadata"]["annotations"]["k8s.v1.cni.cncf.io/network-status"] = json!([
        {"name": HOSTILE, "interface": HOSTILE, "ips": [HOSTILE], "mac": HOSTILE, "dns": {},
         "device-info": {"type": "pci", "pci": {"pci-address": HOSTILE}}}])
    .to_string()
    .into();
    objects.push(pod);
    let mut named = objects::pod(
        HOSTILE,
        HOSTILE,
        "worker-1",
        &["fast"],
        &[("fast", HOSTILE)],
    );
    named["status"]["phase"] = HOSTILE.into();
    objects.push(named);
    objects.push(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": HOSTILE}, "status": {
        "conditions": [{"type": "Ready", "status": "False", "message": HOSTILE, "lastTransitionTime": HOSTILE}]}}));
    objects.push(json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": HOSTILE},
        "zones": [{"id": 0, "cpus": HOSTILE}], "physicalFunctions": [{"address": HOSTILE, "interface": HOSTILE, "driver": HOSTILE}],
        "devices": [{"resource": HOSTILE, "zones": [0], "physicalFunction": HOSTILE, "ids": [HOSTILE]}],
        "allocations": [{"namespace": HOSTILE, "name": HOSTILE, "containers": [
            {"name": HOSTILE, "devices": [{"resource": HOSTILE, "physicalFunction": HOSTILE, "ids": [HOSTILE]}]}]}]}));
    objects.push(json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": format!("{HOSTILE}2")}, "zones": HOSTILE}));
    let mut shown = shown(&objects);
    let browser = &mut shown.browser;
    let elements = "document.querySelectorAll('img, iframe, object, svg:not(.lines), script:not([type]), body script').length";
    let before = browser.value(elements);
    for at in 0..count(browser, ".tile") {
        browser.value(&format!("document.querySelectorAll('.tile')[{at}].click()"));
        for at in 0..count(browser, ".pod") {
            browser.value(&format!("document.querySelectorAll('.pod')[{at}].click()"));
        }
    }
    let title = format!(
        "[...document.querySelectorAll('.tile .name')].some((one) => one.textContent === {})",
        json!(HOSTILE)
    );
    assert_eq!(browser.value(&title), true, "it is shown as it is");
    search(browser, "<img");
    assert_eq!(browser.value(elements), before);
    assert_eq!(browser.value("document.querySelectorAll('img').length"), 0);
    assert!(text(browser, "#unseen").contains("cannot be read"));
    // No text could become HTML if somebody tried: the page's policy forbids it.
    let refused = "(() => { try { document.createElement('p').innerHTML = '<b>'; return false; } catch { return true; } })()";
    assert_eq!(browser.value(refused), true);
    browser
        .troubles
        .retain(|trouble| !trouble.contains("TrustedHTML"));
    shown.ends_well();
}
