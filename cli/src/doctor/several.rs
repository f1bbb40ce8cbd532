//! Names of many nodes in a line.

/// So many are named.
const NAMED: usize = 5;

/// `a, b and 7 more`.
pub(super) fn named<T: AsRef<str>>(names: &[T]) -> String {
    let shown = names.len().min(NAMED);
    let text: Vec<&str> = names.iter().take(shown).map(AsRef::as_ref).collect();
    match names.len() - shown {
        0 => text.join(", "),
        more => format!("{} and {more} more", text.join(", ")),
    }
}

/// `1 node`, `2 nodes`.
pub(super) fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_nodes_fit_in_a_line() {
        let names: Vec<String> = (0..1000).map(|at| format!("n{at}")).collect();
        assert_eq!(named(&names), "n0, n1, n2, n3, n4 and 995 more");
        assert_eq!(named(&names[..5]), "n0, n1, n2, n3, n4");
        assert_eq!(named::<String>(&[]), "");
        assert_eq!(counted(1, "node"), "1 node");
        assert_eq!(counted(0, "node"), "0 nodes");
    }
}
