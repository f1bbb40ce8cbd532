//! A thousand nodes of 64 virtual functions each.

use serde_json::json;
use tempfile::TempDir;

use super::{browser::Browser, followed, kept, objects, pictures, served::Served};

const NODES: usize = 1000;

/// More elements are never there at once: what cannot be seen is not made.
const MOST_ELEMENTS: u64 = 4000;

/// A change of one node makes no more elements: those of its tile, of the sums and of the filters.
const MOST_MADE: u64 = 200;

pub(super) fn a_thousand_nodes_cost_what_is_in_sight() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("cluster.json");
    std::fs::write(&file, objects::list(&objects::cluster(NODES))).unwrap();
    let served = Served::of_file(&file);
    let mut browser = Browser::start();
    browser.size(1280, 800);
    browser.prefer("light");
    browser.open(&served.address);
    // Each step has the browser's patience, and ends in a state that is looked at.
    let elements = |browser: &mut Browser| {
        let count = browser.value("document.querySelectorAll('*').length");
        assert!(count.as_u64().unwrap() <= MOST_ELEMENTS, "{count} elements");
    };
    browser.wait("document.getElementById('count-nodes').textContent === '1,000'");
    elements(&mut browser);
    let states = browser.value("[...document.querySelectorAll('[data-state]')].map((one) => Number(one.textContent.slice(1)))");
    assert_eq!(states, serde_json::json!(objects::states(NODES)));
    let squares = browser.value("document.getElementById('strip').getContext('2d') !== null && !document.getElementById('strip').hidden");
    assert_eq!(squares, true);
    pictures::take(&mut browser, "1000");

    // To the last tile and back, by key.
    browser.value("document.querySelector('.tile').focus()");
    browser.press("End");
    browser.wait("document.activeElement.dataset.node === 'worker-1000'");
    elements(&mut browser);
    for _ in 0..3 {
        browser.press("PageDown");
        browser.press("ArrowUp");
    }
    browser.press("Home");
    browser.wait("document.activeElement.dataset.node === 'worker-1'");

    browser.press("/");
    browser.write("team-b/train-worker-777-3");
    browser.wait(
        "document.getElementById('found').textContent.startsWith('1 of 1,000 nodes · 1 pod')",
    );
    browser.press("Enter");
    browser.press("Enter");
    browser.wait("document.querySelectorAll('.cell.on-path').length > 0");
    elements(&mut browser);
    browser.press("Escape");
    browser.press("Escape");
    browser.value("document.getElementById('clear').click()");
    browser.wait("document.getElementById('count-nodes').textContent === '1,000'");

    one_change_is_one_tile(&mut browser, &folder);
    elements(&mut browser);
    assert_eq!(browser.troubles, Vec::<String>::new());
    assert!(served.daemon.stop());
}

/// A change of one node comes as that node alone, and touches nothing but its tile; keys are answered between two of them.
fn one_change_is_one_tile(browser: &mut Browser, folder: &TempDir) {
    let mut objects = objects::cluster(NODES);
    browser.value("document.querySelector('.tile[data-node=worker-1]').focus()");
    kept::watch(browser);
    let pods = objects::reporting(NODES) * objects::PODS;
    for (at, node) in ["worker-2", "worker-1", "worker-500"].iter().enumerate() {
        let name = format!("newcomer-{at}");
        let pod = objects::pod("team-a", &name, node, &["fast"], &[("fast", "")]);
        objects.push(pod);
        browser.told_events.clear();
        followed::write(folder, &objects::list(&objects));
        let pods = pods + at + 1;
        let grouped = format!("{},{:03}", pods / 1000, pods % 1000);
        browser.wait(&format!(
            "document.getElementById('count-pods').textContent === '{grouped}'"
        ));
        let told = &browser.told_events;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].get("whole"), None);
        let delta = told[0]["delta"].as_object().unwrap();
        assert_eq!(delta.len(), 1, "nothing but nodes: {delta:?}");
        let nodes = delta["nodes"].as_array().unwrap();
        assert_eq!((nodes.len(), &nodes[0]["name"]), (1, &json!(node)));
        let (tiles, made) = kept::changed(browser);
        // One that is not in sight has no tile.
        let wanted = if at < 2 { json!([node]) } else { json!([]) };
        assert_eq!(tiles, wanted);
        assert!(made <= MOST_MADE, "{made} elements");

        browser.press("ArrowRight");
        let next = browser.value("document.activeElement.dataset.node");
        assert_eq!(next, "worker-2");
        browser.press("ArrowLeft");
        let back = browser.value("document.activeElement.dataset.node");
        assert_eq!(back, "worker-1");
        kept::changed(browser);
    }
}
