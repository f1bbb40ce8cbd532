//! The question of the filter and prioritize verbs.

use std::{borrow::Cow, fmt, marker::PhantomData};

use api::pod::Pod;
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

/// The question of the filter and prioritize verbs.
#[derive(Clone, Debug)]
pub struct ExtenderArgs<'a> {
    /// The pod to be placed, as the scheduler has it.
    pub pod: Pod,
    /// The nodes that are left.
    pub candidates: Candidates<'a>,
}

/// The nodes a question is about. Where both forms are given, the names are taken.
#[derive(Clone, Debug)]
pub enum Candidates<'a> {
    /// None were given, in neither form.
    Neither,
    /// By name, to an extender that is cache capable.
    Names(Vec<NodeName<'a>>),
    /// As whole objects, to one that is not.
    Objects(Vec<GivenNode<'a>>),
}

/// A node's name, where it lies in the request unless it had to be unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeName<'a>(Cow<'a, str>);

/// A node as the scheduler wrote it.
#[derive(Clone, Debug)]
pub struct GivenNode<'a> {
    name: NodeName<'a>,
    /// The whole object, to be given back as it came.
    pub object: &'a RawValue,
}

impl<'a> ExtenderArgs<'a> {
    /// Reads the first JSON value of a body, as Go's decoders do: what follows it is nobody's business.
    ///
    /// # Errors
    /// It is no question.
    pub fn read(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        Self::deserialize(&mut serde_json::Deserializer::from_slice(body))
    }
}

impl Candidates<'_> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Neither => 0,
            Self::Names(names) => names.len(),
            Self::Objects(nodes) => nodes.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their names, in the order they were given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (names, nodes): (&[NodeName<'_>], &[GivenNode<'_>]) = match self {
            Self::Neither => (&[], &[]),
            Self::Names(names) => (names, &[]),
            Self::Objects(nodes) => (&[], nodes),
        };
        let names = names.iter().map(NodeName::as_str);
        names.chain(nodes.iter().map(|node| node.name.as_str()))
    }
}

impl NodeName<'_> {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ExtenderArgs<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(ArgsVisitor)
    }
}

struct ArgsVisitor;

impl<'de> Visitor<'de> for ArgsVisitor {
    type Value = ExtenderArgs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExtenderArgs, an object with Pod and NodeNames or Nodes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut pod, mut nodes, mut names) = (None, None, None);
        while let Some(key) = map.next_key::<NodeName<'de>>()? {
            let is = |field: &str| key.as_str().eq_ignore_ascii_case(field);
            if is("Pod") {
                pod = map.next_value::<Option<Object<Pod>>>()?;
            } else if is("Nodes") {
                nodes = map.next_value::<Option<Object<NodeList<'de>>>>()?;
            } else if is("NodeNames") {
                names = map.next_value::<Option<Vec<NodeName<'de>>>>()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        let Object(pod) = pod.ok_or_else(|| A::Error::custom("there is no Pod"))?;
        let candidates = match (names, nodes) {
            (Some(names), _) => Candidates::Names(names),
            (None, Some(Object(nodes))) => {
                Candidates::Objects(nodes.named().map_err(A::Error::custom)?)
            }
            (None, None) => Candidates::Neither,
        };
        Ok(ExtenderArgs { pod, candidates })
    }
}

/// What is written as an object: derived implementations would take lists, too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for NodeName<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(NameVisitor)
    }
}

/// A `Cow` in a list is never borrowed by its own implementation.
struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = NodeName<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(NodeName(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(NodeName(Cow::Owned(text.to_owned())))
    }
}

/// A `NodeList`, of which all but the items is the same for all.
#[derive(Deserialize)]
struct NodeList<'a> {
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    metadata: NamedMetadata<'a>,
}

#[derive(Deserialize)]
struct NamedMetadata<'a> {
    #[serde(borrow)]
    name: NodeName<'a>,
}

impl<'a> NodeList<'a> {
    fn named(self) -> Result<Vec<GivenNode<'a>>, String> {
        let items = self.items.unwrap_or_default().into_iter().enumerate();
        items
            .map(|(at, object)| {
                let Named { metadata } = serde_json::from_str(object.get())
                    .map_err(|error| format!("Nodes.items[{at}] is no Node: {error}"))?;
                let name = metadata.name;
                Ok(GivenNode { name, object })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, String> {
        let args = ExtenderArgs::read(text.as_bytes()).map_err(|error| error.to_string())?;
        Ok(args.candidates.names().map(str::to_owned).collect())
    }

    #[test]
    fn both_forms_in_any_case() {
        for text in [
            r#"{"Pod":{"metadata":{}},"Nodes":null,"NodeNames":["n1","n\u0032"]}"#,
            r#"{"pod":{},"nodes":null,"nodenames":["n1","n2"]}"#,
            r#"{"nodeNames":["n1","n2"],"POD":{},"More":[{}]} and what follows"#,
            r#"{"Pod":{},"Nodes":{"metadata":{},"items":[{"metadata":{"name":"n1"}},{"spec":{},"metadata":{"labels":{},"name":"n2"}}]},"NodeNames":null}"#,
            r#"{"pod":{},"nodes":{"items":[{"metadata":{"name":"n1"}},{"metadata":{"name":"n2"}}]}}"#,
            r#"{"Pod":{},"Nodes":{"items":[]},"NodeNames":["n1","n2"]}"#,
        ] {
            assert_eq!(names(text).unwrap(), ["n1", "n2"], "{text}");
        }
        for text in [
            r#"{"Pod":{}}"#,
            r#"{"Pod":{},"NodeNames":[]}"#,
            r#"{"Pod":{},"Nodes":{"items":null}}"#,
            r#"{"Pod":{},"Nodes":{}}"#,
        ] {
            assert!(names(text).unwrap().is_empty(), "{text}");
        }
    }

    #[test]
    fn names_are_borrowed() {
        let text = br#"{"Pod":{},"NodeNames":["n1"]}"#;
        let args = ExtenderArgs::read(text).unwrap();
        let Candidates::Names(names) = args.candidates else {
            panic!("names were given");
        };
        assert!(matches!(names[..], [NodeName(Cow::Borrowed("n1"))]));
    }

    #[test]
    fn what_is_no_question() {
        for (text, words) in [
            ("", "EOF"),
            ("[]", "ExtenderArgs"),
            ("null", "ExtenderArgs"),
            ("{}", "there is no Pod"),
            (r#"{"Pod":null,"NodeNames":["n1"]}"#, "there is no Pod"),
            (r#"{"Pod":[],"NodeNames":["n1"]}"#, "an object"),
            (r#"{"Pod":{},"NodeNames":"n1"}"#, "a sequence"),
            (r#"{"Pod":{},"NodeNames":[1]}"#, "a text"),
            (r#"{"Pod":{},"NodeNames":[null]}"#, "a text"),
            (r#"{"Pod":{},"Nodes":[]}"#, "an object"),
            (
                r#"{"Pod":{},"Nodes":{"items":[{}]}}"#,
                "Nodes.items[0] is no Node",
            ),
            (r#"{"Pod":{},"NodeNames":["n1""#, "EOF"),
        ] {
            let error = names(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
