//! Folds text to a width: at blanks, else after commas, else anywhere.
//!
//! JSON without blanks is shown too, and a terminal that folds by itself hides where a line begins.

/// The lines of `text`, each at most `width` characters. Line ends of the text are kept.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    text.split('\n')
        .flat_map(|line| fold(line, width))
        .collect()
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
}
