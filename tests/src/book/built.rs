//! The book as mdBook makes it.

use std::{
    io,
    sync::{Arc, Mutex},
};

use mdbook_driver::MDBook;
use tracing::Level;

use super::page;

/// mdBook takes `docs` as it stands and has nothing to say about it.
pub(super) fn without_a_warning() {
    let into = tempfile::tempdir().expect("a temporary folder can be made");
    let told = told_of(&page::folder(), into.path());
    assert_eq!(told, "");
    for page in &page::of_the_book() {
        let name = page.path.file_stem().and_then(|name| name.to_str());
        let name = match name.expect("a page has a name") {
            "README" => "index",
            name => name,
        };
        let file = into.path().join(name).with_extension("html");
        assert!(file.is_file(), "{} was not made", file.display());
    }
    warnings_are_seen();
}

/// Else silence would prove nothing.
fn warnings_are_seen() {
    let book = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, text) in [
        ("book.toml", "[book]\ntitle = \"One\"\nsrc = \".\"\n"),
        ("SUMMARY.md", "- [One](one.md)\n"),
        ("one.md", "# One\n\n<div>\n\n{{#include nothing.md}}\n"),
    ] {
        std::fs::write(book.path().join(name), text).expect("it can be written");
    }
    let told = told_of(book.path(), &book.path().join("made"));
    assert!(told.contains("nothing.md"), "{told}");
    assert!(told.contains("unclosed HTML tag"), "{told}");
}

/// Makes a book, and returns what mdBook warns of.
fn told_of(from: &std::path::Path, into: &std::path::Path) -> String {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::WARN)
        .with_ansi(false)
        .with_writer({
            let lines = lines.clone();
            move || lines.clone()
        })
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut book = MDBook::load(from).expect("docs/book.toml and SUMMARY.md can be read");
        book.config.build.build_dir = into.to_owned();
        book.build().expect("the book can be made");
    });
    let told = lines.0.lock().expect("nobody panics with it").clone();
    String::from_utf8(told).expect("lines are text")
}

#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut told = self.0.lock().expect("nobody panics with it");
        told.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
