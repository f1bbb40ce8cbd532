//! What an SVG is made of. Every text passes through one place that leaves nothing of it but text.

use std::fmt::Write as _;

/// Colours after Okabe and Ito, of enough contrast on white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Text,
    Faint,
    Line,
    Box,
    Raised,
    Held,
    Ready,
    Warn,
    Down,
}

impl Ink {
    const fn code(self) -> &'static str {
        match self {
            Self::Text => "#14191f",
            Self::Faint => "#4f5a67",
            Self::Line => "#c3cad3",
            Self::Box => "#ffffff",
            Self::Raised => "#f1f4f8",
            Self::Held => "#0064a0",
            Self::Ready => "#00664a",
            Self::Warn => "#b34700",
            Self::Down => "#8f1d4f",
        }
    }
}

/// The outline of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Square,
    /// One of an accelerator.
    Round,
}

/// How a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Free,
    Held,
    Unhealthy,
    Missing,
}

/// The elements that were drawn.
#[derive(Debug)]
pub(super) struct Canvas {
    width: i64,
    drawn: String,
}

impl Canvas {
    pub(super) const fn new(width: i64) -> Self {
        Self {
            width,
            drawn: String::new(),
        }
    }

    /// The whole picture, which ends at this height.
    pub(super) fn finish(self, height: i64) -> String {
        let Self { width, drawn } = self;
        let (warn, page) = (Ink::Warn.code(), Ink::Box.code());
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"DejaVu Sans, Liberation Sans, Noto Sans, Arial, sans-serif\" role=\"img\" aria-label=\"Polypod map\">\n\
             <defs><pattern id=\"hatch\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
             <rect width=\"2\" height=\"4\" fill=\"{warn}\"/></pattern></defs>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"{page}\"/>\n{drawn}</svg>\n"
        )
    }

    /// Draws what was drawn elsewhere on top.
    pub(super) fn append(&mut self, other: Self) {
        self.drawn.push_str(&other.drawn);
    }

    /// A filled rectangle.
    pub(super) fn fill(&mut self, (x, y): (i64, i64), (wide, high): (i64, i64), ink: Ink) {
        let ink = ink.code();
        let _ = writeln!(
            self.drawn,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" fill=\"{ink}\"/>"
        );
    }

    /// A text of at most so many pixels; returns about how many it has.
    pub(super) fn text(
        &mut self,
        at: (i64, i64),
        size: i64,
        ink: Ink,
        text: &str,
        most: i64,
    ) -> i64 {
        self.write(at, size, ink, "", &shortened(text, size, most))
    }

    /// A bold text; returns about how many pixels it has.
    pub(super) fn bold(&mut self, at: (i64, i64), size: i64, ink: Ink, text: &str) -> i64 {
        self.write(at, size, ink, " font-weight=\"bold\"", text)
    }

    /// A short text that ends at this place.
    pub(super) fn ending(&mut self, at: (i64, i64), size: i64, ink: Ink, text: &str) {
        self.write(at, size, ink, " text-anchor=\"end\"", text);
    }

    fn write(&mut self, (x, y): (i64, i64), size: i64, ink: Ink, more: &str, text: &str) -> i64 {
        let (ink, escaped) = (ink.code(), escaped(text));
        let _ = writeln!(
            self.drawn,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{ink}\"{more}>{escaped}</text>"
        );
        width(text, size)
    }

    /// A box.
    pub(super) fn frame(
        &mut self,
        (x, y): (i64, i64),
        (wide, high): (i64, i64),
        line: Ink,
        fill: Ink,
    ) {
        let (line, fill) = (line.code(), fill.code());
        let _ = writeln!(
            self.drawn,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" rx=\"5\" fill=\"{fill}\" stroke=\"{line}\"/>"
        );
    }

    /// A letter in a ring, around its middle.
    pub(super) fn sign(&mut self, (x, y): (i64, i64), radius: i64, letter: &str, ink: Ink) {
        let (ink, size) = (ink.code(), radius * 3 / 2);
        let base = y + size * 36 / 100;
        let _ = writeln!(
            self.drawn,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"none\" stroke=\"{ink}\" stroke-width=\"1.5\"/>\
             <text x=\"{x}\" y=\"{base}\" font-size=\"{size}\" font-weight=\"bold\" text-anchor=\"middle\" fill=\"{ink}\">{}</text>",
            escaped(letter)
        );
    }

    /// A bar of what is held, with its numbers behind it.
    pub(super) fn bar(&mut self, (x, y): (i64, i64), wide: i64, (held, total): (u64, u64)) {
        let share = i64::try_from(u128::from(held) * 100 / u128::from(total.max(1))).unwrap_or(100);
        let ink = Ink::Held.code();
        let filled = wide * share.min(100) / 100;
        let _ = writeln!(
            self.drawn,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"9\" fill=\"none\" stroke=\"{ink}\"/>\
             <rect x=\"{x}\" y=\"{y}\" width=\"{filled}\" height=\"9\" fill=\"{ink}\"/>"
        );
        let numbers = format!("{held}/{total}");
        self.text((x + wide + 8, y + 9), 11, Ink::Text, &numbers, 200);
    }

    /// A device, with words that are shown when it is pointed at.
    pub(super) fn cell(&mut self, at: (i64, i64), side: i64, cell: Cell, title: &str) {
        self.device(at, side, Shape::Square, cell, title);
    }

    /// The same in a shape.
    pub(super) fn device(
        &mut self,
        (x, y): (i64, i64),
        side: i64,
        shape: Shape,
        cell: Cell,
        title: &str,
    ) {
        let radius = match shape {
            Shape::Square => 2,
            Shape::Round => side / 2 + 1,
        };
        let (held, warn, faint) = (Ink::Held.code(), Ink::Warn.code(), Ink::Faint.code());
        let look = match cell {
            Cell::Free => format!("fill=\"{}\" stroke=\"{held}\"", Ink::Box.code()),
            Cell::Held => format!("fill=\"{held}\" stroke=\"{held}\""),
            Cell::Unhealthy => format!("fill=\"url(#hatch)\" stroke=\"{warn}\""),
            Cell::Missing => {
                format!("fill=\"none\" stroke=\"{faint}\" stroke-dasharray=\"2 2\"")
            }
        };
        let title = match title {
            "" => String::new(),
            title => format!("<title>{}</title>", escaped(title)),
        };
        let _ = writeln!(
            self.drawn,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" rx=\"{radius}\" stroke-width=\"1.2\" {look}>{title}</rect>"
        );
    }
}

/// About how many pixels a text takes: no font is asked.
fn width(text: &str, size: i64) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(0) * size * 58 / 100
}

/// The beginning of a text that takes at most so many pixels.
fn shortened(text: &str, size: i64, most: i64) -> String {
    let letters = usize::try_from(most * 100 / (size * 58)).unwrap_or(0);
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(letters.saturating_sub(1)).collect();
    kept + "…"
}

/// A text as XML has it: what means something is escaped, and what XML 1.0 cannot hold, or what turns the direction of
/// writing around, is replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push('\u{fffd}');
            }
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}
