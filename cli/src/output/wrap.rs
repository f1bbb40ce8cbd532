//! Folds text to a width: at blanks, else after commas, else anywhere.
//!
//! JSON without blanks is shown too, and a terminal that folds by itself hides where a line begins.

use unicode_width::UnicodeWidthStr as _;

use super::Screen;

/// Below this width the terminal folds by itself.
const NARROWEST: usize = 40;

/// What goes on below a line is so much further in.
const HANGS: usize = 4;

/// The lines of `text`, each at most `width` characters. Line ends of the text are kept.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    text.split('\n')
        .flat_map(|line| fold(line, width))
        .collect()
}

/// A text of lines within a screen. What does not fit goes on below, further in than the line begins.
pub(crate) fn hanging(text: &str, screen: &Screen) -> String {
    let Some(width) = screen.width.filter(|width| *width >= NARROWEST) else {
        return text.to_owned();
    };
    let mut hanging = String::new();
    for line in text.lines() {
        let words = line.trim_start();
        let indent = line.len() - words.len();
        if line.width() <= width || indent + HANGS + NARROWEST / 2 > width {
            hanging.push_str(line);
            hanging.push('\n');
            continue;
        }
        for (at, part) in wrap(words, width - indent - HANGS).into_iter().enumerate() {
            let further = if at == 0 { 0 } else { HANGS };
            hanging.push_str(&" ".repeat(indent + further));
            hanging.push_str(part.trim());
            hanging.push('\n');
        }
    }
    hanging
}

fn fold(line: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = line;
    while let Some(limit) = byte_limit(rest, width) {
        let head = &rest[..limit];
        let (end, next) = match (head.rfind(' '), head.rfind(',')) {
            (Some(blank), _) if !head[..blank].trim().is_empty() => (blank, blank + 1),
            (_, Some(comma)) => (comma + 1, comma + 1),
            _ => (limit, limit),
        };
        lines.push(rest[..end].trim_end().to_owned());
        rest = &rest[next..];
    }
    lines.push(rest.to_owned());
    lines
}

/// Where `width` characters end, if there are more. A blank may be the one too many.
fn byte_limit(text: &str, width: usize) -> Option<usize> {
    text.char_indices().nth(width).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(
            wrap("{\"a\":1,\"b\":22222}", 9),
            ["{\"a\":1,", "\"b\":22222", "}"]
        );
        assert_eq!(wrap("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(wrap("a\nb", 4), ["a", "b"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("ääää ö", 4), ["ääää", " ö"]);
    }

    #[test]
    fn what_goes_on_below_stands_further_in() {
        let on = |width: usize| Screen {
            width: Some(width),
            is_coloured: false,
        };
        let text = "short\n  free: 18 of 32 cpu: 2 of 16 in zone 0, 16 of 16 in zone 1\n\nend\n";
        assert_eq!(
            hanging(text, &on(40)),
            "short\n  free: 18 of 32 cpu: 2 of 16 in\n      zone 0, 16 of 16 in zone 1\n\nend\n"
        );
        assert_eq!(hanging(text, &on(200)), text);
        assert_eq!(hanging(text, &Screen::default()), text);
        for width in 0..100 {
            let folded = hanging(text, &on(width));
            let words = |text: &str| {
                text.split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            assert_eq!(words(&folded), words(text), "{width}");
            let fits = folded.lines().all(|line| line.width() <= width);
            assert!(fits || width < NARROWEST, "{width}: {folded}");
        }
    }
}
