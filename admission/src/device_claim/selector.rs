//! The resource names that a CEL selector of devices demands, where it says so in the plain way.
//!
//! Recognised is a comparison of the attribute with a literal, alone or joined with others by `&&`:
//! `device.attributes["k8s.cni.cncf.io"].resourceName == "intel.com/sriov"`. What else an expression says may only narrow
//! the devices down. Anything that is not certainly such a comparison is none: a device too many is a smaller fault than
//! one too few.

use spec::device::ResourceName;

/// The attribute by which plugins and CNI know which resource a device is of: its domain and its name.
const ATTRIBUTE: (&str, &str) = ("k8s.cni.cncf.io", "resourceName");

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    /// A literal in single or double quotes, without an escape.
    Text(&'a str),
    And,
    /// Any other character.
    Other(char),
    Equal,
}

/// The literals that the attribute must be equal to.
pub(super) fn resource_names(expression: &str) -> Vec<ResourceName> {
    let Some(tokens) = tokens(expression) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    collect(&tokens, &mut names);
    names
}

/// Takes the terms of a conjunction, and those of terms in parentheses.
fn collect(tokens: &[Token<'_>], names: &mut Vec<ResourceName>) {
    let Some(terms) = terms(tokens) else {
        return;
    };
    for term in terms {
        match term {
            [Token::Other('('), inner @ .., Token::Other(')')] if is_closed(inner) => {
                collect(inner, names);
            }
            _ => names.extend(compared(term).and_then(|name| name.parse().ok())),
        }
    }
}

/// The parts between the outermost `&&`; none where something binds weaker than they do, or parentheses do not match.
fn terms<'a, 'b>(tokens: &'b [Token<'a>]) -> Option<Vec<&'b [Token<'a>]>> {
    let mut terms = Vec::new();
    let (mut depth, mut begin) = (0_usize, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Other('(' | '[' | '{') => depth += 1,
            Token::Other(')' | ']' | '}') => depth = depth.checked_sub(1)?,
            Token::Other('|' | '?') if depth == 0 => return None,
            Token::And if depth == 0 => {
                terms.push(&tokens[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&tokens[begin..]);
    (depth == 0).then_some(terms)
}

/// Whether the parentheses around these tokens belong together.
fn is_closed(inner: &[Token<'_>]) -> bool {
    let mut depth = 0_usize;
    inner.iter().all(|token| match token {
        Token::Other('(') => {
            depth += 1;
            true
        }
        Token::Other(')') => depth.checked_sub(1).is_some_and(|less| {
            depth = less;
            true
        }),
        _ => true,
    })
}

/// The literal of a comparison with the attribute.
fn compared<'a>(term: &[Token<'a>]) -> Option<&'a str> {
    match term {
        [attribute @ .., Token::Equal, Token::Text(literal)]
        | [Token::Text(literal), Token::Equal, attribute @ ..] => {
            is_the_attribute(attribute).then_some(*literal)
        }
        _ => None,
    }
}

fn is_the_attribute(tokens: &[Token<'_>]) -> bool {
    use Token::{Other, Text, Word};
    let [
        Word("device"),
        Other('.'),
        Word("attributes"),
        Other('['),
        Text(domain),
        Other(']'),
        name @ ..,
    ] = tokens
    else {
        return false;
    };
    let ([Other('.'), Word(name)] | [Other('['), Text(name), Other(']')]) = name else {
        return false;
    };
    (*domain, *name) == ATTRIBUTE
}

/// The tokens of an expression; `None` where a literal has no end, has an escape, or is of another kind than plain text.
fn tokens(expression: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '"' | '\'' => {
                let text = &rest[1..];
                let text = &text[..text.find(first)?];
                let is_prefixed = matches!(tokens.last(), Some(Token::Word(_) | Token::Text(_)));
                if text.contains(['\\', '\n']) || is_prefixed {
                    return None;
                }
                (Token::Text(text), text.len() + 2)
            }
            _ if is_of_word(first) => {
                let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
                (Token::Word(&rest[..end]), end)
            }
            // A comment could hide anything.
            '/' if rest.starts_with("//") => return None,
            '&' if rest.starts_with("&&") => (Token::And, 2),
            '=' if rest.starts_with("==") => (Token::Equal, 2),
            other => (Token::Other(other), other.len_utf8()),
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(expression: &str) -> Vec<String> {
        let names = resource_names(expression).into_iter();
        names.map(|name| name.to_string()).collect()
    }

    #[test]
    fn comparisons_that_are_certain() {
        for (expression, wanted) in [
            (
                r#"device.attributes["k8s.cni.cncf.io"].resourceName == "intel.com/sriov""#,
                "intel.com/sriov",
            ),
            (
                "device.attributes['k8s.cni.cncf.io'].resourceName=='nic_1'",
                "nic_1",
            ),
            (
                r#"device.attributes["k8s.cni.cncf.io"]["resourceName"] == "a""#,
                "a",
            ),
            (
                r#""a" == device.attributes["k8s.cni.cncf.io"].resourceName"#,
                "a",
            ),
            (
                r#"device.driver == "sriov" && (device.attributes["k8s.cni.cncf.io"].resourceName == "a" && true)"#,
                "a",
            ),
            (
                r#"((device.attributes["k8s.cni.cncf.io"].resourceName == "a"))
                   && device.attributes["x"].kind in ["a", "b"] && (device.a || device.b)"#,
                "a",
            ),
        ] {
            assert_eq!(names(expression), [wanted], "{expression}");
        }
    }

    #[test]
    fn anything_else_demands_nothing() {
        const IS: &str = r#"device.attributes["k8s.cni.cncf.io"].resourceName == "a""#;
        for expression in [
            "",
            "true",
            &format!("!({IS})"),
            &format!("{IS} || true"),
            &format!("({IS}) || (true)"),
            &format!("({IS} || {IS})"),
            &format!("true ? {IS} : false"),
            &format!("{IS} == false"),
            &format!("[{IS}].exists(x, true)"),
            &format!("({IS}"),
            &format!("{IS})"),
            &format!("true // && {IS}"),
            r#"device.attributes["k8s.cni.cncf.io"].resourceName != "a""#,
            r#"device.attributes["k8s.cni.cncf.io"].resourceName == "a" + "b""#,
            r#"device.attributes["k8s.cni.cncf.io"].resourceName == r"a""#,
            r#"device.attributes["k8s.cni.cncf.io"].resourceName == "\x61""#,
            r#"device.attributes["k8s.cni.cncf.io"].resourceName == """a""""#,
            r#"device.attributes["k8s.cni.cncf.io"].resourceName in ["a"]"#,
            r#"device.attributes["k8s.cni.cncf.io"].resourceName == "no name""#,
            r#"device.attributes["k8s.cni.cncf.io"].resourceName.x == "a""#,
            r#"x.device.attributes["k8s.cni.cncf.io"].resourceName == "a""#,
            r#"device.attributes["example.com"].resourceName == "a""#,
            r#"device.attributes["k8s.cni.cncf.io"].deviceID == "a""#,
            r#"device.attributes["k8s.cni.cncf.io"].resourceName == "a"#,
        ] {
            assert_eq!(names(expression), Vec::<String>::new(), "{expression}");
        }
    }

    proptest! {
        #[test]
        fn no_expression_panics(text in "\\PC{0,60}", like in "[a-z.\"'()\\[\\]&|=!? é]{0,60}") {
            drop((names(&text), names(&like)));
        }
    }
}
