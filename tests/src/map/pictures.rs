//! The book's pictures of the page: always taken, written when they are asked for.

use super::{
    browser::Browser,
    palette, seen,
    story::{self, GPUS},
};
use crate::fixture::binaries::workspace;

/// With it the pictures are written.
const UPDATE: &str = "UPDATE_DOCS";

/// The window that they show.
const WINDOW: (u32, u32) = (1180, 800);

/// The states of the page that the book shows of a small cluster.
pub(super) fn of_the_book() {
    let mut shown = seen::shown(&story::cluster());
    let browser = &mut shown.browser;
    take(browser, "overview");

    seen::search(browser, "rdma");
    seen::choose(browser, "resource", story::DRIVER);
    browser.value("document.activeElement.blur()");
    assert!(seen::text(browser, "#found").starts_with("4 of 9 nodes · 7 pods"));
    take(browser, "search");
    seen::click(browser, "#clear");

    seen::click(browser, "[data-node='train-1']");
    assert_eq!(seen::count(browser, ".function.accelerator"), GPUS.len());
    browser.value("document.activeElement.blur()");
    take(browser, "node");
    seen::click(browser, ".pod[data-pod='ml/llm-1-rank-0']");
    assert_eq!(seen::count(browser, ".cell.on-path"), 4);
    take(browser, "path");

    browser.prefer("dark");
    browser.wait("document.documentElement.dataset.theme === 'dark'");
    seen::click(browser, "[data-node='radio-2']");
    seen::click(browser, ".pod[data-pod='ran/du-21']");
    browser.value("document.activeElement.blur()");
    assert_eq!(seen::count(browser, ".cell.on-path"), 3);
    take(browser, "dark");
    shown.ends_well();
}

/// Takes the picture of what is seen, which is a page that is served and follows what it shows.
pub(super) fn take(browser: &mut Browser, name: &str) {
    browser.size(WINDOW.0, WINDOW.1);
    browser.drawn();
    // Of a way in words the devices come right below, as far down as they can.
    browser.value("{const panel = document.getElementById('detail'); const box = (one) => one?.getBoundingClientRect(); const way = box(document.getElementById('path')); if (way?.height > 0) panel.scrollTop = box(panel.querySelector('.picture')).top - box(panel).top - way.height - 6;}");
    browser.drawn();
    let standing = browser.value("document.getElementById('standing').textContent");
    assert_eq!(standing, "● live", "{name}");
    let picture = palette::of(&browser.picture());
    browser.size(1280, 800);
    browser.drawn();
    if std::env::var_os(UPDATE).is_some() {
        let folder = workspace().join("docs/pictures");
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let file = folder.join(format!("map-{name}.png"));
        std::fs::write(file, picture).expect("a picture can be written");
    }
}
