//! The overview as a PNG: the SVG, drawn with the fonts of this machine.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

/// Pixels a unit, so that small letters are legible.
const SCALE: f32 = 1.5;

/// The most pixels a side has; a larger picture is made smaller.
const MOST: f32 = 12_000.0;

/// Draws an SVG.
pub(super) fn of(svg: &str) -> Result<Vec<u8>> {
    let mut fonts = Database::new();
    fonts.load_system_fonts();
    if fonts.is_empty() {
        bail!(
            "there is no font on this machine to draw a PNG with; install one (Debian: fonts-dejavu-core), or write --out FILE.svg, which needs none"
        );
    }
    drawn(svg, fonts)
}

fn drawn(svg: &str, fonts: Database) -> Result<Vec<u8>> {
    let options = Options {
        fontdb: Arc::new(fonts),
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options).context("the picture cannot be drawn")?;
    let size = tree.size();
    let scale = SCALE.min(MOST / size.width().max(size.height()));
    let size = size
        .to_int_size()
        .scale_by(scale)
        .context("the picture has no size")?;
    let mut pixels =
        Pixmap::new(size.width(), size.height()).context("the picture is too large")?;
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixels.as_mut(),
    );
    pixels.encode_png().context("the picture cannot be written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::{document::Document, svg};

    #[test]
    fn an_svg_becomes_a_png() {
        let svg = svg::overview(&Document::default(), "from nowhere");
        // Without fonts there is no text, and still a picture.
        let png = drawn(&svg, Database::new()).unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
        assert_eq!(png[16..20], 1920_u32.to_be_bytes());
        assert!(drawn("<svg", Database::new()).is_err());
    }
}
