//! What somebody looks at stays where it is while the page follows what it shows.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{browser::Browser, objects, served::Served};

/// Notes what is changed within an element: the names of nodes whose tiles are, and how many elements are made.
const WATCH: &str = r"(() => {
  window.touched = new Set();
  window.inDetail = 0;
  window.created = 0;
  const make = document.createElement.bind(document);
  document.createElement = (...what) => { window.created += 1; return make(...what); };
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const within = target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement;
      const tile = within?.closest('.tile') ?? within?.closest('.place')?.querySelector('.tile');
      window.touched.add(tile?.dataset.node ?? 'the list');
    }
  }).observe(document.getElementById('tiles'), all);
  new MutationObserver((changes) => { window.inDetail += changes.length; }).observe(document.getElementById('detail'), all);
})()";

/// Begins to note what is changed.
pub(super) fn watch(browser: &mut Browser) {
    browser.value(WATCH);
}

/// The tiles that were changed since this was asked last, and how many elements were made.
pub(super) fn changed(browser: &mut Browser) -> (Value, u64) {
    let told = browser.value(
        "(() => { const told = [[...window.touched].sort(), window.created]; window.touched.clear(); window.created = 0; return told; })()",
    );
    (told[0].clone(), told[1].as_u64().expect("it is a number"))
}

/// A cluster in a file, and its objects.
struct World {
    folder: TempDir,
    objects: Vec<Value>,
}

impl World {
    fn write(&self) {
        super::followed::write(&self.folder, &objects::list(&self.objects));
    }

    /// One more pod on a node. Its name is the last.
    fn add_pod(&mut self, node: &str) {
        let name = format!("added-to-{node}");
        let pod = objects::pod("zone", &name, node, &["fast"], &[("fast", "")]);
        self.objects.push(pod);
        self.write();
    }

    /// A node is gone, with everything on it.
    fn remove(&mut self, node: &str) {
        self.objects.retain(|object| {
            object["metadata"]["name"] != node && object["spec"]["nodeName"] != node
        });
        self.write();
    }
}

fn has_pods(node: &str, count: usize) -> String {
    format!(
        "document.querySelector('.tile[data-node={node}]').textContent.includes('{count} pods')"
    )
}

pub(super) fn what_is_looked_at_stays() {
    let mut world = World {
        folder: TempDir::new().expect("a temporary folder can be made"),
        objects: objects::cluster(40),
    };
    world.write();
    let served = Served::of_file(&world.folder.path().join("cluster.json"));
    let mut browser = Browser::start();
    browser.size(1280, 700);
    browser.open(&served.address);
    browser.wait("document.getElementById('standing').textContent === '● live'");
    tiles(&mut world, &mut browser);
    detail(&mut world, &mut browser);
    assert_eq!(browser.troubles, Vec::<String>::new());
    assert!(served.daemon.stop());
}

/// The tile that has the focus, how far the tiles are scrolled, what is filtered, and what is typed.
fn tiles(world: &mut World, browser: &mut Browser) {
    browser.value("document.getElementById('search').focus()");
    browser.write("worker");
    browser.value("{ const one = document.getElementById('namespace'); one.value = 'team-a'; one.dispatchEvent(new Event('change')); }");
    browser.wait("document.querySelectorAll('#hits [data-hit]').length > 0");
    browser.value("document.querySelector('.tile').focus()");
    browser.press("End");
    for _ in 0..4 {
        browser.press("ArrowLeft");
    }
    // Of its own accord no element has this.
    browser.value("document.activeElement.isTheOne = true; document.getElementById('overview').scrollTop -= 7");
    let standing = "[document.activeElement.dataset.node, document.activeElement.isTheOne, document.getElementById('overview').scrollTop, document.getElementById('namespace').value, document.getElementById('search').value]";
    browser.press("ArrowRight");
    let next = browser.value("document.activeElement.dataset.node");
    let next = next.as_str().expect("a tile has the focus").to_owned();
    browser.press("ArrowLeft");
    let before = browser.value(standing);
    let node = before[0].as_str().expect("a tile has the focus").to_owned();
    assert_ne!(node, next);
    assert_eq!(before[1], true);
    assert!(before[2].as_f64() > Some(0.0), "{before}");
    // Its neighbour changes, then it itself.
    watch(browser);
    for name in [&next, &node] {
        world.add_pod(name);
        browser.wait(&has_pods(name, objects::PODS + 1));
        assert_eq!(changed(browser).0, json!([name]));
        assert_eq!(browser.value(standing), before);
    }
    // The page listens to keys as before.
    browser.press("ArrowRight");
    assert_eq!(browser.value("document.activeElement.dataset.node"), *next);
    browser.press("ArrowLeft");
    // One before it goes away: all move up, and none is made again.
    world.remove("worker-2");
    browser.wait("document.getElementById('found').textContent.includes('of 39 nodes')");
    let there = "[document.activeElement.dataset.node, document.activeElement.isTheOne]";
    assert_eq!(browser.value(there), json!([node, true]));
    // It goes away itself: who was there is beside it.
    world.remove(&node);
    browser.wait("document.getElementById('found').textContent.includes('of 38 nodes')");
    assert_eq!(browser.value("document.activeElement.dataset.node"), *next);
}

/// The pod that has the focus, what is selected, and how far the open node is scrolled.
fn detail(world: &mut World, browser: &mut Browser) {
    browser.value("document.getElementById('clear').click()");
    browser.value("document.querySelector('.tile[data-node=worker-1]').click()");
    browser.value(
        "(() => {
          const pod = document.querySelector(\".pod[data-pod='team-b/train-worker-1-1']\");
          pod.click();
          pod.focus();
          pod.isTheOne = true;
          getSelection().selectAllChildren(document.querySelector('#detail .zone .head b'));
          document.getElementById('detail').scrollTop = 21;
        })()",
    );
    let standing = "[document.activeElement.dataset.pod, document.activeElement.isTheOne, document.getElementById('detail').scrollTop, String(getSelection()), document.getElementById('path').textContent, document.querySelectorAll('#detail .cell.on-path').length, document.querySelectorAll('#detail .lines path').length]";
    let before = browser.value(standing);
    assert_eq!(before[0], "team-b/train-worker-1-1");
    assert_eq!(
        (&before[2], &before[3]),
        (&json!(21), &json!("NUMA zone 0"))
    );
    assert!(before[5].as_u64() > Some(1), "{before}");
    world.add_pod("worker-1");
    let pods = objects::PODS + 1;
    browser.wait(&format!(
        "document.querySelectorAll('#detail .pod').length === {pods}"
    ));
    assert_eq!(browser.value(standing), before);
    // What is not of this node leaves it alone.
    browser.value("window.inDetail = 0");
    world.add_pod("worker-3");
    browser.wait(&has_pods("worker-3", pods));
    assert_eq!(browser.value("window.inDetail"), 0);
    assert_eq!(browser.value(standing), before);
}
