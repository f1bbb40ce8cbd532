//! `--out`: the map as a file.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context as _, Result};

use super::{document::Document, png, snapshot, svg};

/// A file to write, of a kind that its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Out {
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Html,
    Svg,
    Png,
}

impl FromStr for Out {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        let ending = path.extension().and_then(|ending| ending.to_str());
        let kind = match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("html" | "htm") => Kind::Html,
            Some("svg") => Kind::Svg,
            Some("png") => Kind::Png,
            _ => return Err("its name must end in .html, .svg or .png".to_owned()),
        };
        Ok(Self { path, kind })
    }
}

/// Writes a document.
pub(super) fn write(out: &Out, document: &Document, source: &str) -> Result<()> {
    let bytes = match out.kind {
        Kind::Html => {
            let (_, snapshots) = snapshot::channel(document.clone(), source.to_owned());
            let page = snapshots.borrow().page(false);
            page.context("the page cannot be written as JSON")?
                .into_bytes()
        }
        Kind::Svg => svg::overview(document, source).into_bytes(),
        Kind::Png => png::of(&svg::overview(document, source))?,
    };
    let path: &Path = &out.path;
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_the_kind() {
        for (name, kind) in [
            ("a.html", Some(Kind::Html)),
            ("a/b.SVG", Some(Kind::Svg)),
            ("a.b.png", Some(Kind::Png)),
            ("a", None),
            ("a.pdf", None),
            (".png", None),
            ("", None),
        ] {
            let found = name.parse::<Out>().ok().map(|out| out.kind);
            assert_eq!(found, kind, "{name}");
        }
    }
}
