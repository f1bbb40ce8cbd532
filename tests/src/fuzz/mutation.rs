//! One change of an input: of its JSON tree where it is JSON, else of its bytes.
//!
//! Changes of bytes alone seldom leave JSON behind, and never get further than its parser.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// What a change is made of. All numbers are taken modulo what there is, so that every one of them means something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mutation {
    kind: u8,
    at: u32,
    what: u32,
}

impl Arbitrary for Mutation {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        (any::<u8>(), any::<u32>(), any::<u32>())
            .prop_map(|(kind, at, what)| Self { kind, at, what })
            .boxed()
    }
}

/// Texts that mean something in an annotation, in a configuration or in a pod.
const WORDS: &[&str] = &[
    "",
    " ",
    ",",
    "@",
    "/",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "\\",
    ":",
    ".",
    "..",
    "lo",
    "eth0",
    "net1",
    "net2",
    "foo",
    "foo2",
    "bar",
    "plain",
    "file",
    "broken",
    "blank",
    "without-domain",
    "a.b",
    "def",
    "default",
    "ns1",
    "kube-system",
    "ns1/foo",
    "foo@data0",
    "foo,bar",
    "foo,,bar",
    "[]",
    "null",
    "true",
    "-1",
    "0",
    "1",
    "1e400",
    "9223372036854775808",
    "1k",
    "0.5",
    "[{\"name\":\"foo\"}]",
    "[{\"name\":\"foo\",\"namespace\":\"ns1\"}]",
    "example.com/foo",
    "example.com/a~b",
    "app",
    "10.0.0.1",
    "10.0.0.1/24",
    "fd00::1",
    "0.0.0.0",
    "02:00:00:00:00:01",
    "name",
    "namespace",
    "interface",
    "ips",
    "mac",
    "type",
    "plugins",
    "cniVersion",
    "capabilities",
    "args",
    "cni",
    "delegates",
    "sriov",
    "bridge",
    "polypod",
    "multus",
    "1.0.0",
    "9.9.9",
    "CREATE",
    "UPDATE",
    "DELETE",
    "Pod",
    "v1",
    "metadata",
    "annotations",
    "spec",
    "containers",
    "initContainers",
    "resources",
    "requests",
    "limits",
    "hostNetwork",
    "Always",
    "k8s.v1.cni.cncf.io/networks",
    "v1.multus-cni.io/default-network",
    "kubernetes.io/config.mirror",
    "polypod.dev/container",
    "polypod.dev/reserve",
    "polypod.dev/inject",
    "false",
    "\u{e9}",
    "\u{2028}",
    "\u{0}",
    "\u{85}",
    "\u{1f980}",
    "Name",
    "NAMESPACE",
];

/// How many bytes of repetitions are added at most.
const MOST_REPEATED: usize = 128 * 1024;

/// What marks the place of repetitions; nothing else holds it.
const REPEATED: &str = "\u{e000}";

impl Mutation {
    /// The changed input. `seeds` are other inputs, of which a part may be taken.
    pub(crate) fn apply(self, input: Vec<u8>, seeds: &[Vec<u8>]) -> Vec<u8> {
        // Three of four changes keep JSON what it is.
        if !self.kind.is_multiple_of(4)
            && let Ok(mut tree) = serde_json::from_slice::<Value>(&input)
        {
            if self.kind % 64 == 5 {
                return self.repeat(tree);
            }
            self.change_tree(&mut tree, seeds);
            return tree.to_string().into_bytes();
        }
        self.change_bytes(input, seeds)
    }

    fn word(self) -> &'static str {
        WORDS[self.what as usize % WORDS.len()]
    }

    fn change_tree(self, tree: &mut Value, seeds: &[Vec<u8>]) {
        let mut left = self.at as usize % size(tree);
        let Some(node) = nth(tree, &mut left) else {
            return;
        };
        match (self.kind / 4) % 8 {
            0 => *node = self.value(),
            1 => self.remove_from(node),
            2 => self.rename_in(node),
            3 => self.grow(node),
            4 => self.graft(node, seeds),
            // Annotations and configurations are texts that hold a language of their own.
            _ => match node {
                Value::String(text) => {
                    let inner = Self {
                        kind: self.kind.wrapping_mul(31),
                        at: self.at.rotate_left(7),
                        ..self
                    };
                    let changed = inner.apply(std::mem::take(text).into_bytes(), &[]);
                    *text = String::from_utf8_lossy(&changed).into_owned();
                }
                other => *other = self.value(),
            },
        }
    }

    /// A member or an element again and again. A tree has no member twice, so it is done in the text.
    fn repeat(self, mut tree: Value) -> Vec<u8> {
        let times = [2, 20, 2_000][self.what as usize % 3];
        let mut left = self.at as usize % size(&tree);
        let repeated = |part: String| {
            let times = times.min(MOST_REPEATED / (part.len() + 1)).max(1);
            vec![part; times].join(",")
        };
        let part = match nth(&mut tree, &mut left) {
            Some(Value::Array(list)) if !list.is_empty() => {
                let at = self.what as usize % list.len();
                let element = std::mem::replace(&mut list[at], json!(REPEATED));
                Some((json!(REPEATED).to_string(), repeated(element.to_string())))
            }
            Some(Value::Object(map)) => self.key(map).map(|key| {
                let value = map.remove(&key).unwrap_or_default();
                map.insert(REPEATED.to_owned(), Value::Null);
                let member = format!("{}:{value}", json!(key));
                (format!("{}:null", json!(REPEATED)), repeated(member))
            }),
            _ => None,
        };
        let text = tree.to_string();
        match part {
            Some((mark, part)) => text.replacen(&mark, &part, 1).into_bytes(),
            None => text.into_bytes(),
        }
    }

    fn value(self) -> Value {
        match self.what % 11 {
            0 => Value::Null,
            1 => json!([]),
            2 => json!({}),
            3 => json!(self.what),
            4 => json!(-1),
            5 => json!(0.5),
            6 => json!(self.what.is_multiple_of(2)),
            7 => json!(u64::MAX),
            8 => json!([self.word()]),
            9 => json!({"name": self.word()}),
            _ => json!(
                Self {
                    what: self.what / 11,
                    ..self
                }
                .word()
            ),
        }
    }

    fn remove_from(self, node: &mut Value) {
        match node {
            Value::Array(list) if !list.is_empty() => {
                list.remove(self.what as usize % list.len());
            }
            Value::Object(map) => {
                if let Some(key) = self.key(map) {
                    map.remove(&key);
                }
            }
            other => *other = Value::Null,
        }
    }

    fn rename_in(self, node: &mut Value) {
        let Value::Object(map) = node else { return };
        let Some(key) = self.key(map) else { return };
        if let Some(value) = map.remove(&key) {
            let renamed = match self.kind % 3 {
                0 => key.to_uppercase(),
                1 => self.word().to_owned(),
                _ => format!("{key}{}", self.word()),
            };
            map.insert(renamed, value);
        }
    }

    fn grow(self, node: &mut Value) {
        match node {
            Value::Array(list) => {
                let more = match list.first() {
                    Some(first) if self.what.is_multiple_of(2) => first.clone(),
                    _ => self.value(),
                };
                // Long enough now and then for every limit there is.
                let times = if self.what.is_multiple_of(97) { 300 } else { 1 };
                list.extend(std::iter::repeat_n(more, times));
            }
            Value::Object(map) => {
                map.insert(self.word().to_owned(), self.value());
            }
            Value::String(text) => text.push_str(self.word()),
            other => *other = json!([other]),
        }
    }

    /// A part of another input in the place of this one.
    fn graft(self, node: &mut Value, seeds: &[Vec<u8>]) {
        let Some(seed) = seeds.get(self.what as usize % seeds.len().max(1)) else {
            return;
        };
        if let Ok(mut other) = serde_json::from_slice::<Value>(seed) {
            let mut left = (self.what as usize / 7) % size(&other);
            if let Some(part) = nth(&mut other, &mut left) {
                *node = part.take();
            }
        }
    }

    fn key(self, map: &Map<String, Value>) -> Option<String> {
        let at = self.what as usize % map.len().max(1);
        map.keys().nth(at).cloned()
    }

    fn change_bytes(self, mut input: Vec<u8>, seeds: &[Vec<u8>]) -> Vec<u8> {
        let at = self.at as usize % (input.len() + 1);
        match (self.kind / 4) % 6 {
            0 => drop(input.splice(at..at, self.word().bytes())),
            1 => {
                let end = (at + self.what as usize % 16).min(input.len());
                drop(input.drain(at..end));
            }
            2 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << (self.what % 8);
                }
            }
            // The same once more: twice a key, twice an entry.
            3 => {
                let end = (at + self.what as usize % 64).min(input.len());
                let part = input[at..end].to_vec();
                input.splice(end..end, part);
            }
            4 => {
                if let Some(seed) = seeds.get(self.what as usize % seeds.len().max(1)) {
                    let from = (self.what as usize / 3) % (seed.len() + 1);
                    input.truncate(at);
                    input.extend_from_slice(&seed[from..]);
                }
            }
            _ => input.truncate(at),
        }
        input
    }
}

/// How many nodes a tree has.
fn size(tree: &Value) -> usize {
    1 + match tree {
        Value::Array(list) => list.iter().map(size).sum(),
        Value::Object(map) => map.values().map(size).sum(),
        _ => 0,
    }
}

/// The node that comes after `left` others, each before what is in it.
fn nth<'a>(tree: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(tree);
    }
    *left -= 1;
    match tree {
        Value::Array(list) => list.iter_mut().find_map(|item| nth(item, left)),
        Value::Object(map) => map.values_mut().find_map(|item| nth(item, left)),
        _ => None,
    }
}
