use resvg::usvg::roxmltree;

use super::*;
use crate::map::document::{Amount, Attachment, Function, Group, Node, Pod, Reason, Zone};

const HOSTILE: &str = "</text><script>alert(1)</script>&\"'\u{0}\u{1b}]\u{202e}\u{fffe}";

fn node(name: &str) -> Node {
    Node {
        name: name.to_owned(),
        state: State::Degraded,
        reasons: vec![Reason {
            text: HOSTILE.to_owned(),
            since: None,
        }],
        amounts: vec![Amount {
            resource: "a.b/c".to_owned(),
            total: 3,
            held: 1,
            unhealthy: 1,
        }],
        zones: vec![Zone {
            id: Some(0),
            functions: vec![Function {
                address: Some("0000:3b:00.0".to_owned()),
                link_up: Some(false),
                not_offered: 2,
                groups: vec![Group {
                    resource: HOSTILE.to_owned(),
                    ids: vec!["x".to_owned(), HOSTILE.to_owned(), "z".to_owned()],
                    held: vec![(1, 0), (2, usize::MAX)],
                    unhealthy: vec![2],
                    ..Group::default()
                }],
                ..Function::default()
            }],
            ..Zone::default()
        }],
        pods: vec![Pod {
            namespace: "team".to_owned(),
            name: "app".to_owned(),
            attachments: vec![Attachment {
                network: HOSTILE.to_owned(),
                wanted: true,
                ..Attachment::default()
            }],
            ..Pod::default()
        }],
        ..Node::default()
    }
}

/// What a parser of XML finds: the names of all elements, and all texts.
fn read(svg: &str) -> (Vec<String>, String) {
    let document = roxmltree::Document::parse(svg).unwrap();
    let elements = document.descendants().filter(roxmltree::Node::is_element);
    let texts = document.descendants().filter_map(|node| node.text());
    (
        elements
            .map(|node| node.tag_name().name().to_owned())
            .collect(),
        texts.collect::<Vec<_>>().join(" "),
    )
}

#[test]
fn hostile_texts_stay_texts() {
    for count in [1, 100] {
        let document = Document {
            nodes: (0..count)
                .map(|at| node(&format!("{HOSTILE}{at}")))
                .collect(),
            unseen: vec![HOSTILE.to_owned()],
            ..Document::default()
        };
        let (elements, texts) = read(&overview(&document, HOSTILE));
        let known = ["svg", "defs", "pattern", "rect", "text", "title", "circle"];
        assert!(elements.iter().all(|name| known.contains(&name.as_str())));
        assert!(texts.contains("</text><script>"), "{texts}");
        assert!(!texts.contains('\u{202e}') && !texts.contains('\u{1b}'));
    }
}

#[test]
fn everything_of_a_small_cluster_is_there() {
    let mut seen = node("worker-1");
    seen.zones[0].functions[0].groups[0].resource = "a.b/c".to_owned();
    seen.pods[0].attachments[0].network = "team/fast".to_owned();
    let document = Document {
        nodes: vec![seen],
        ..Document::default()
    };
    let (elements, texts) = read(&overview(&document, "from a file"));
    for wanted in [
        "worker-1",
        "NUMA zone 0",
        "0000:3b:00.0 · ✕ no link",
        "a.b/c 2/3",
        "team/app",
        "→ team/fast (not attached)",
        "2 offered for no resource",
    ] {
        assert!(texts.contains(wanted), "{wanted}: {texts}");
    }
    assert!(!texts.contains("accelerator 0000"), "{texts}");
    // Those of three devices, beside that of the legend which has none.
    let titles = elements.iter().filter(|name| *name == "title").count();
    assert_eq!(titles, 3);
}

#[test]
fn accelerators_are_round_and_named() {
    let mut seen = node("worker-1");
    let one = &mut seen.zones[0].functions[0];
    (one.accelerator, one.model) = (true, Some("1002:740f".to_owned()));
    let document = Document {
        nodes: vec![seen],
        ..Document::default()
    };
    let svg = overview(&document, "from a file");
    let (_, texts) = read(&svg);
    assert!(
        texts.contains("accelerator 0000:3b:00.0 · 1002:740f"),
        "{texts}"
    );
    // Its devices, and the sign of the legend.
    assert_eq!(svg.matches("rx=\"6\"").count(), 3);
    assert_eq!(svg.matches("rx=\"7\"").count(), 1);
}

#[test]
fn many_nodes_are_squares_and_what_is_wrong_is_named() {
    let mut nodes: Vec<Node> = (0..1000)
        .map(|at| Node {
            name: format!("n{at:03}"),
            ..Node::default()
        })
        .collect();
    nodes[7] = node("bad");
    let document = Document {
        nodes,
        ..Document::default()
    };
    let (elements, texts) = read(&overview(&document, "x"));
    assert_eq!(
        elements.iter().filter(|name| *name == "title").count(),
        1000
    );
    assert!(texts.contains("bad: </text>"), "{texts}");
    assert!(
        texts.contains("1000 nodes") && texts.contains("999 ready") && texts.contains("1 degraded")
    );
}
