//! The page: one HTML file that has everything in it and asks nobody for anything.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest::{SHA256, digest};
use serde::Serialize;

use super::document::Document;

const TEMPLATE: &str = include_str!("page/map.html");
const STYLE: &str = include_str!("page/map.css");

/// In the order in which they are needed.
const SCRIPTS: [&str; 8] = [
    include_str!("page/elements.js"),
    include_str!("page/model.js"),
    include_str!("page/overview.js"),
    include_str!("page/strip.js"),
    include_str!("page/detail.js"),
    include_str!("page/path.js"),
    include_str!("page/controls.js"),
    include_str!("page/live.js"),
];

/// What the page is told at first.
#[derive(Debug, Serialize)]
pub(super) struct Data<'a> {
    /// Where the objects are from, for people.
    pub(super) source: &'a str,
    /// When this was made (RFC 3339).
    pub(super) made: &'a str,
    /// Whether there is a server that tells of changes.
    pub(super) live: bool,
    /// The version of the document.
    pub(super) version: u64,
    /// Why the document is not of now.
    pub(super) stale: Option<&'a str>,
    pub(super) document: &'a Document,
}

/// The page with its data.
pub(super) fn html(data: &Data<'_>) -> serde_json::Result<String> {
    let data_text = embedded(&serde_json::to_string(data)?);
    let (style, script) = (STYLE.to_owned(), script());
    let policy = policy(data.live);
    let mut page = String::with_capacity(data_text.len() + style.len() + script.len() + 4096);
    let mut rest = TEMPLATE;
    // The template alone is searched, and never what was put into it.
    for (mark, text) in [
        ("{{policy}}", &policy),
        ("{{style}}", &style),
        ("{{data}}", &data_text),
        ("{{script}}", &script),
    ] {
        if let Some((before, after)) = rest.split_once(mark) {
            page.push_str(before);
            page.push_str(text);
            rest = after;
        }
    }
    page.push_str(rest);
    Ok(page)
}

/// The Content-Security-Policy: this style and this script alone, no HTML out of texts, and requests to the page's own
/// server where there is one.
pub(super) fn policy(live: bool) -> String {
    let connect = if live { "'self'" } else { "'none'" };
    let mut policy = String::from("default-src 'none'; base-uri 'none'; form-action 'none'");
    for (what, text) in [("style", STYLE), ("script", &script())] {
        let hash = STANDARD.encode(digest(&SHA256, text.as_bytes()));
        let _ = write!(policy, "; {what}-src 'sha256-{hash}'");
    }
    let _ = write!(
        policy,
        "; img-src data:; connect-src {connect}; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    policy
}

fn script() -> String {
    let mut script = String::from("\"use strict\";\n(() => {\n");
    for part in SCRIPTS {
        script.push_str(part);
    }
    script.push_str("})();\n");
    script
}

/// JSON that no HTML parser and no older JavaScript takes for anything else. All these letters stand in texts alone.
fn embedded(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(letter));
            }
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::map::document::{Network, Node};

    const HOSTILE: &str =
        "</script><script>alert(1)</script><!--<script>\u{2028}\u{2029}&lt;{{script}}\"'\\";

    fn page(live: bool) -> String {
        let document = Document {
            nodes: vec![Node {
                name: HOSTILE.to_owned(),
                ..Node::default()
            }],
            networks: vec![Network {
                name: "{{data}}".to_owned(),
                ..Network::default()
            }],
            ..Document::default()
        };
        html(&Data {
            source: HOSTILE,
            made: "",
            live,
            version: 1,
            stale: None,
            document: &document,
        })
        .unwrap()
    }

    #[test]
    fn no_text_gets_out_of_the_data() {
        let page = page(true);
        let (_, rest) = page
            .split_once(r#"<script type="application/json" id="data">"#)
            .unwrap();
        let (data, rest) = rest.split_once("</script>").unwrap();
        assert!(
            !data.contains(['<', '>', '&', '\u{2028}', '\u{2029}']),
            "{data}"
        );
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["document"]["nodes"][0]["name"], HOSTILE);
        assert_eq!(data["source"], HOSTILE);
        // What follows is the script and the end.
        assert_eq!(rest.matches("<script").count(), 1);
        assert_eq!(page.matches("{{").count(), 3, "all stand in the data");
    }

    #[test]
    fn the_policy_names_what_is_there_and_nothing_else() {
        for (live, connect) in [(true, "connect-src 'self'"), (false, "connect-src 'none'")] {
            let page = page(live);
            assert!(policy(live).contains(connect));
            assert!(page.contains(&format!("content=\"{}\"", policy(live))));
            let between = |from: &str, to: &str| {
                let (_, rest) = page.rsplit_once(from).unwrap();
                rest.split_once(to).unwrap().0.to_owned()
            };
            for (from, to) in [("<style>", "</style>"), ("<script>", "</script>")] {
                let hash = STANDARD.encode(digest(&SHA256, between(from, to).as_bytes()));
                assert!(policy(live).contains(&format!("'sha256-{hash}'")), "{from}");
            }
        }
        assert!(!policy(true).contains("unsafe"));
    }

    #[test]
    fn the_page_asks_nobody_and_makes_no_html_out_of_texts() {
        let sources = [TEMPLATE, STYLE].into_iter().chain(SCRIPTS);
        for source in sources {
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "https:",
                "@import",
                "url(",
                " style=\"",
                "onclick=",
            ] {
                assert!(!source.contains(forbidden), "{forbidden}");
            }
        }
    }
}
