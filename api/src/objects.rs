//! Kubernetes objects from files: what `--objects` and `render -f` read.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize as _;
use serde_json::Value;

use crate::{network::Network, network_attachment_definition::NetworkAttachmentDefinition};

/// One object of a file, as it stands there.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// The whole object.
    pub value: Value,
    /// The file and the place in it, for errors.
    pub origin: String,
    /// Its document in the file, from 1.
    pub document: usize,
    /// The line on which that document begins, from 1.
    pub line: usize,
    /// The place in the document as Kubernetes writes field paths, such as `items[2]`; empty for the whole of it.
    pub field: String,
}

/// Why objects cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// A file or folder cannot be read.
    #[error("cannot read objects from {}: {problem}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says. It is in the message, so it is no source beside it, which would be printed once more.
        problem: io::Error,
    },
    /// A file is no YAML.
    #[error("{origin} is not valid YAML: {problem}")]
    Yaml {
        /// The file.
        origin: String,
        /// What the YAML parser says, with line and column.
        problem: String,
    },
    /// A document is no Kubernetes object.
    #[error("{origin} is not a Kubernetes object: it needs the texts apiVersion and kind")]
    NotAnObject {
        /// The file and the document's number in it.
        origin: String,
    },
    /// An object is of a known kind and does not fit it.
    #[error("{origin} is not a valid {kind}: {problem}")]
    Invalid {
        /// The file and the document's number in it.
        origin: String,
        /// The kind it says it is.
        kind: String,
        /// What is wrong.
        problem: String,
    },
}

/// Parses the YAML (or JSON) documents of a text. Empty documents are passed over, and a `List` is its items.
///
/// # Errors
/// The text is no YAML, or a document is no object.
pub fn parse(text: &str, origin: &str) -> Result<Vec<Object>, ObjectsError> {
    parse_each(text, origin).into_iter().collect()
}

/// The same, with each document's own error among the objects of the others. What follows an error of YAML cannot be read.
#[must_use]
pub fn parse_each(text: &str, origin: &str) -> Vec<Result<Object, ObjectsError>> {
    let lines = document_lines(text);
    let mut objects = Vec::new();
    for (at, document) in serde_yaml_ng::Deserializer::from_str(text).enumerate() {
        let value = match Value::deserialize(document) {
            Ok(Value::Null) => continue,
            Ok(value) => value,
            Err(error) => {
                objects.push(Err(ObjectsError::Yaml {
                    origin: origin.to_owned(),
                    problem: error.to_string(),
                }));
                break;
            }
        };
        let document = Object {
            api_version: String::new(),
            kind: String::new(),
            value,
            origin: format!("{origin} (document {})", at + 1),
            document: at + 1,
            line: lines.get(at).copied().unwrap_or(1),
            field: String::new(),
        };
        collect(document, &mut objects);
    }
    objects
}

/// The lines, from 1, on which the documents of a text begin. In YAML `---` at the beginning of a line ends whatever there
/// was, quoted texts among it; without it a document begins with the first line that is neither blank nor a comment.
fn document_lines(text: &str) -> Vec<usize> {
    let marks = |line: &str, mark: &str| {
        let rest = line.strip_prefix(mark);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r']))
    };
    let mut begun: Vec<usize> = Vec::new();
    let (mut is_open, mut is_marked) = (false, false);
    for (at, line) in text.lines().enumerate() {
        let content = line.trim_start();
        if marks(line, "---") {
            begun.push(at + 1);
            (is_open, is_marked) = (true, true);
        } else if marks(line, "...") {
            is_open = false;
        } else if !content.is_empty() && !content.starts_with('#') {
            if !is_open && !line.starts_with('%') {
                begun.push(at + 1);
                is_open = true;
            } else if is_marked && let Some(last) = begun.last_mut() {
                *last = at + 1;
            }
            is_marked = false;
        }
    }
    begun
}

/// Reads files, and all `.yaml`, `.yml` and `.json` files of folders, in the order of their names.
///
/// # Errors
/// As [`parse`], and what the system says.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Object>, ObjectsError> {
    let mut all = Vec::new();
    read_each(paths, |objects| {
        all.extend(objects);
        Ok(())
    })?;
    Ok(all)
}

/// Gives `take` the objects of these files, read one file after another, so that of many files only what it keeps is kept.
///
/// # Errors
/// As [`read`], and what `take` says.
pub fn read_each(
    paths: &[PathBuf],
    mut take: impl FnMut(Vec<Object>) -> Result<(), ObjectsError>,
) -> Result<(), ObjectsError> {
    for path in paths {
        for file in files(path)? {
            let text = fs::read_to_string(&file).map_err(|problem| ObjectsError::Read {
                path: file.clone(),
                problem,
            })?;
            take(parse(&text, &file.display().to_string())?)?;
        }
    }
    Ok(())
}

/// The networks among `objects`. Other kinds are passed over.
///
/// # Errors
/// A NetworkAttachmentDefinition does not fit its kind, or its name is none.
pub fn networks(objects: &[Object], default_namespace: &str) -> Result<Vec<Network>, ObjectsError> {
    objects
        .iter()
        .filter(|object| {
            object.kind == "NetworkAttachmentDefinition"
                && object.api_version.starts_with("k8s.cni.cncf.io/")
        })
        .map(|object| {
            let invalid = |problem: String| ObjectsError::Invalid {
                origin: object.origin.clone(),
                kind: object.kind.clone(),
                problem,
            };
            let definition: NetworkAttachmentDefinition =
                serde_json::from_value(object.value.clone())
                    .map_err(|error| invalid(error.to_string()))?;
            Network::parse(&definition, default_namespace)
                .map_err(|error| invalid(error.to_string()))
        })
        .collect()
}

/// A file, or the `.yaml`, `.yml` and `.json` files of a folder in the order of their names.
///
/// # Errors
/// What the system says.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, ObjectsError> {
    in_order(path).map_err(|problem| ObjectsError::Read {
        path: path.to_owned(),
        problem,
    })
}

fn in_order(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files: Vec<PathBuf> = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml" || ending == "json")
    });
    files.sort();
    Ok(files)
}

/// Takes an object, or the items of a list.
fn collect(mut object: Object, objects: &mut Vec<Result<Object, ObjectsError>>) {
    let text = |key: &str| {
        let text = object.value.get(key).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else {
        objects.push(Err(ObjectsError::NotAnObject {
            origin: object.origin,
        }));
        return;
    };
    let items = object.value.get_mut("items");
    if kind.ends_with("List")
        && let Some(Value::Array(items)) = items.filter(|items| items.is_array()).map(Value::take)
    {
        for (at, value) in items.into_iter().enumerate() {
            let separator = if object.field.is_empty() { "" } else { "." };
            let item = Object {
                value,
                field: format!("{}{separator}items[{at}]", object.field),
                origin: object.origin.clone(),
                ..object.clone()
            };
            collect(item, objects);
        }
        return;
    }
    objects.push(Ok(Object {
        api_version,
        kind,
        ..object
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the documents this project was founded on write it, and kubectl reads it: the lines of a quoted text need not be
    /// indented deeper than its key.
    #[test]
    fn quoted_texts_may_hang_to_the_left() {
        let text = "apiVersion: \"k8s.cni.cncf.io/v1\"\nkind: NetworkAttachmentDefinition\nmetadata:\n  name: sriov-net-a\nspec:\n  config: '{\n  \"type\": \"sriov\",\n  \"vlan\": 1000\n}'\n";
        let networks = networks(&parse(text, "f").unwrap(), "default").unwrap();
        assert!(networks[0].conf.as_ref().unwrap().is_some());
    }

    #[test]
    fn documents_lists_and_errors() {
        let text = "---\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n- {apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: n}, spec: {}}\n";
        let objects = parse(text, "f.yaml").unwrap();
        assert_eq!(
            objects.iter().map(|o| o.kind.as_str()).collect::<Vec<_>>(),
            ["Pod", "Pod", "NetworkAttachmentDefinition"]
        );
        assert_eq!(
            networks(&objects, "ns1").unwrap()[0].reference.to_string(),
            "ns1/n"
        );
        let places: Vec<_> = objects
            .iter()
            .map(|o| (o.document, o.line, o.field.as_str()))
            .collect();
        assert_eq!(places, [(2, 3, ""), (3, 7, "items[0]"), (3, 7, "items[1]")]);
        assert!(
            parse("a: [", "f")
                .unwrap_err()
                .to_string()
                .contains("f is not valid YAML")
        );
        assert!(
            parse("a: 1", "f")
                .unwrap_err()
                .to_string()
                .contains("f (document 1)")
        );
        assert!(parse("5", "f").is_err());
        assert!(read(&["/does/not/exist".into()]).is_err());
    }

    #[test]
    fn every_document_has_its_line_and_its_own_error() {
        for (text, wanted) in [
            (
                "# a\n\napiVersion: v1\nkind: A\n---\n# b\napiVersion: v1\nkind: B\n",
                vec![3, 7],
            ),
            (
                "%YAML 1.1\n---\napiVersion: v1\nkind: A\ntext: |\n  ---\n  a\n...\n---\n{apiVersion: v1, kind: B}",
                vec![3, 10],
            ),
            ("{\"apiVersion\": \"v1\",\n\"kind\": \"A\"}", vec![1]),
            ("--- {apiVersion: v1, kind: A}\n", vec![1]),
            (
                "---\n---\n\r\n--- # c\napiVersion: v1\r\nkind: A\r\n",
                vec![5],
            ),
        ] {
            let lines: Vec<_> = parse(text, "f")
                .unwrap()
                .iter()
                .map(|object| object.line)
                .collect();
            assert_eq!(lines, wanted, "{text}");
        }
        let each = parse_each(
            "apiVersion: v1\nkind: A\n---\na: 1\n---\n{apiVersion: v1, kind: B}\n---\n[",
            "f",
        );
        let is_read: Vec<_> = each.iter().map(Result::is_ok).collect();
        assert_eq!(is_read, [true, false, true, false]);
    }
}
