//! The attachments that a runtime still knows of, which it tells at GC.

use serde::Serialize;
use serde_json::Value;

use super::{ConfError, Fields, fields};

/// The attachments of a network that are still in use; whatever else is found belongs to nobody. CNI specification,
/// section 2, "GC".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ValidAttachments(Vec<ValidAttachment>);

/// One attachment of [`ValidAttachments`].
///
/// Both names are texts as they came, held to no rule: they are only compared, and an attachment that is left out because
/// its name is odd would be taken away from a running container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ValidAttachment {
    /// `CNI_CONTAINERID` of its ADD.
    #[serde(rename = "containerID")]
    pub container_id: String,
    /// `CNI_IFNAME` of its ADD.
    #[serde(rename = "ifname")]
    pub interface: String,
}

impl ValidAttachments {
    /// The keys of a request that hold the list: the specification's, and the one that runtimes sent before it was settled.
    pub const KEYS: [&'static str; 2] = ["cni.dev/valid-attachments", "cni.dev/attachments"];

    /// Reads the list from the configuration that a plugin gets on standard input.
    ///
    /// `None` means that the runtime gave no list, which is another thing than an empty one: nothing may be taken for
    /// stale because of it. `null` counts as no list, as libcni writes it both for none and for one that nobody filled.
    ///
    /// # Errors
    /// It is no JSON object, or the list is not one of objects with the texts `containerID` and `ifname`.
    pub fn parse(stdin: &str) -> Result<Option<Self>, ConfError> {
        let members = fields::parse(stdin)?;
        let Some((key, raw)) = Self::KEYS
            .into_iter()
            .find_map(|key| Some((key, fields::set(&members, key)?)))
        else {
            return Ok(None);
        };
        let place = format!("/{}", key.replace('/', "~1"));
        fields::list(raw, &place, "a list of objects")?
            .into_iter()
            .enumerate()
            .map(|(index, element)| {
                let place = format!("{place}/{index}");
                let members = fields::object(element, &place)?;
                Ok(ValidAttachment {
                    container_id: needed(&members, "containerID", &place)?,
                    interface: needed(&members, "ifname", &place)?,
                })
            })
            .collect::<Result<_, _>>()
            .map(|attachments| Some(Self(attachments)))
    }

    /// Whether the attachment is among them.
    #[must_use]
    pub fn contains(&self, container_id: &str, interface: &str) -> bool {
        self.iter()
            .any(|valid| valid.container_id == container_id && valid.interface == interface)
    }

    /// Whether any attachment of the container is among them.
    #[must_use]
    pub fn has_container(&self, container_id: &str) -> bool {
        self.iter().any(|valid| valid.container_id == container_id)
    }

    /// The attachments in the order they came.
    pub fn iter(&self) -> std::slice::Iter<'_, ValidAttachment> {
        self.0.iter()
    }

    /// The list as it stands in a request.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a list of objects of texts prints")
    }
}

impl FromIterator<ValidAttachment> for ValidAttachments {
    fn from_iter<I: IntoIterator<Item = ValidAttachment>>(attachments: I) -> Self {
        Self(attachments.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a ValidAttachments {
    type Item = &'a ValidAttachment;
    type IntoIter = std::slice::Iter<'a, ValidAttachment>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn needed(members: &Fields, key: &str, place: &str) -> Result<String, ConfError> {
    let place = format!("{place}/{key}");
    match members.get(key) {
        Some(raw) => fields::text(raw, &place),
        None => Err(ConfError::Kind {
            place,
            found: "nothing",
            wanted: "a text",
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn no_list_is_not_an_empty_list() {
        for (stdin, wanted) in [
            (r"{}", None),
            (r#"{"cni.dev/valid-attachments":null}"#, None),
            (r#"{"cni.dev/valid-attachments":[]}"#, Some(0)),
            (
                r#"{"cni.dev/attachments":[{"containerID":"c","ifname":"eth0"}]}"#,
                Some(1),
            ),
            (
                r#"{"cni.dev/attachments":[],"cni.dev/valid-attachments":[{"containerID":"c","ifname":"lo"}]}"#,
                Some(1),
            ),
        ] {
            let parsed = ValidAttachments::parse(stdin).unwrap();
            assert_eq!(parsed.map(|valid| valid.iter().count()), wanted, "{stdin}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (list, words) in [
            ("5", "a number at /cni.dev~1valid-attachments"),
            ("{}", "an object at /cni.dev~1valid-attachments"),
            ("[null]", "null at /cni.dev~1valid-attachments/0"),
            (
                r#"[{"ifname":"a"}]"#,
                "nothing at /cni.dev~1valid-attachments/0/containerID",
            ),
            (
                r#"[{"containerID":"c","ifname":7}]"#,
                "a number at /cni.dev~1valid-attachments/0/ifname",
            ),
        ] {
            let stdin = format!(r#"{{"cni.dev/valid-attachments":{list}}}"#);
            let error = ValidAttachments::parse(&stdin).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(ValidAttachments::parse("[]").is_err());
        assert!(ValidAttachments::parse("").is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(names in proptest::collection::vec(("\\PC{0,9}", "\\PC{0,9}"), 0..5)) {
            let valid: ValidAttachments = names
                .into_iter()
                .map(|(container_id, interface)| ValidAttachment { container_id, interface })
                .collect();
            for key in ValidAttachments::KEYS {
                let stdin = json!({ key: valid.to_json() }).to_string();
                prop_assert_eq!(ValidAttachments::parse(&stdin).unwrap(), Some(valid.clone()));
            }
            for one in &valid {
                prop_assert!(valid.contains(&one.container_id, &one.interface));
                prop_assert!(valid.has_container(&one.container_id));
            }
        }

        #[test]
        fn no_text_panics(stdin in "\\PC{0,60}") {
            let _ = ValidAttachments::parse(&stdin);
        }
    }
}
