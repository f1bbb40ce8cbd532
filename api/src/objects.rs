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
}

/// Why objects cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// A file or folder cannot be read.
    #[error("cannot read objects from {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
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
    let documents = serde_yaml_ng::Deserializer::from_str(text)
        .map(Value::deserialize)
        .collect::<Result<Vec<Value>, _>>()
        .map_err(|error| ObjectsError::Yaml {
            origin: origin.to_owned(),
            problem: error.to_string(),
        })?;
    let mut objects = Vec::new();
    for (at, document) in documents.into_iter().enumerate() {
        if !document.is_null() {
            collect(
                document,
                &format!("{origin} (document {})", at + 1),
                &mut objects,
            )?;
        }
    }
    Ok(objects)
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
        for file in files(path).map_err(|source| ObjectsError::Read {
            path: path.clone(),
            source,
        })? {
            let text = fs::read_to_string(&file).map_err(|source| ObjectsError::Read {
                path: file.clone(),
                source,
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

fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
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

fn collect(value: Value, origin: &str, objects: &mut Vec<Object>) -> Result<(), ObjectsError> {
    let text = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else {
        return Err(ObjectsError::NotAnObject {
            origin: origin.to_owned(),
        });
    };
    let items = value
        .get("items")
        .and_then(Value::as_array)
        .filter(|_| kind.ends_with("List"));
    match items {
        Some(items) => items
            .clone()
            .into_iter()
            .try_for_each(|item| collect(item, origin, objects)),
        None => {
            objects.push(Object {
                api_version,
                kind,
                value,
                origin: origin.to_owned(),
            });
            Ok(())
        }
    }
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
}
