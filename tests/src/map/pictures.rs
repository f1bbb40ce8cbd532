//! The book's pictures of the page: taken while the page is tested, written when they are asked for.

use super::browser::Browser;
use crate::fixture::binaries::workspace;

/// With it the pictures are written.
const UPDATE: &str = "UPDATE_DOCS";

/// Takes the picture of what is seen, which is a page that is served and follows what it shows.
pub(super) fn take(browser: &mut Browser, name: &str) {
    let drawn = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 200))))";
    browser.size(1000, 600);
    browser.value(drawn);
    let standing = browser.value("document.getElementById('standing').textContent");
    assert_eq!(standing, "● live", "{name}");
    let picture = browser.picture();
    browser.size(1280, 800);
    browser.value(drawn);
    assert!(picture.starts_with(b"\x89PNG"), "{name} is a picture");
    if std::env::var_os(UPDATE).is_some() {
        let folder = workspace().join("docs/pictures");
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let file = folder.join(format!("map-{name}.png"));
        std::fs::write(file, picture).expect("a picture can be written");
    }
}
