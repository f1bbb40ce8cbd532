//! The annotations of Multus v1 and v2, from before the NPWG specification.

use serde_json::Value;

use super::{
    AnnotationError, EntryError, Namespace, NetworkRef, ObjectName, Selection,
    annotation::{check_together, looks_like_json},
    json_form::{self, Reader},
    short_form,
};
use crate::bridge::Legacy;

/// What an element without a name is told.
const NAME: &str = "the name of a Network";

/// Where Multus v1 looked for every `Network`, whatever the pod's namespace.
const V1_NAMESPACE: &str = "default";

/// Parses [`Legacy::annotation`] as that release of Multus did. A blank annotation is no network.
///
/// In v1 it is a JSON list of `{"name": …}`, always of the namespace `default`. In v2 it is a JSON list with `name`,
/// `namespace` (the pod's unless given), `interfaceRequest`, `ipRequest` and `macRequest`, or the comma-delimited form.
/// Multus v2 read the two requests for addresses and did nothing with them; here they are carried out.
///
/// # Errors
/// The annotation is not understood, or its elements contradict each other.
///
/// ```
/// use spec::{bridge::Legacy, network::parse_legacy_networks};
///
/// let pod = "team-a".parse()?;
/// let v1 = parse_legacy_networks(Legacy::V1, r#"[{"name": "flannel-conf"}]"#, &pod)?;
/// assert_eq!(v1[0].network.to_string(), "default/flannel-conf");
/// let v2 = parse_legacy_networks(Legacy::V2, "flannel-conf@net5", &pod)?;
/// assert_eq!(v2[0].network.to_string(), "team-a/flannel-conf");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse_legacy_networks(
    legacy: Legacy,
    text: &str,
    pod_namespace: &Namespace,
) -> Result<Vec<Selection>, AnnotationError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let annotation = legacy.annotation();
    let selections = match legacy {
        Legacy::V1 => json_form::elements(annotation, text, v1)?,
        Legacy::V2 if looks_like_json(text) => {
            json_form::elements(annotation, text, |index, element| {
                v2(index, element, pod_namespace)
            })?
        }
        Legacy::V2 => short_form::parse(text, pod_namespace)
            .map_err(|entry| AnnotationError::Entry { annotation, entry })?,
    };
    check_together(annotation, &selections)?;
    Ok(selections)
}

fn v1(index: usize, element: &Value) -> Result<Selection, EntryError> {
    let reader = Reader::new(index, element);
    let map = reader.object(element)?;
    let name = reader.field(map, "name");
    let text = name.required(NAME)?;
    Ok(Selection::of(NetworkRef {
        namespace: V1_NAMESPACE.parse().expect("it is a DNS label"),
        name: ObjectName::try_from(text).map_err(|error| name.error(error))?,
    }))
}

fn v2(index: usize, element: &Value, pod_namespace: &Namespace) -> Result<Selection, EntryError> {
    let reader = Reader::new(index, element);
    let map = reader.object(element)?;
    let field = |name| reader.field(map, name);
    let name = field("name");
    let text = name.required(NAME)?;
    let namespace = field("namespace").parsed()?;
    let network = NetworkRef {
        namespace: namespace.unwrap_or_else(|| pod_namespace.clone()),
        name: ObjectName::try_from(text).map_err(|error| name.error(error))?,
    };
    Ok(Selection {
        interface: field("interfaceRequest").parsed()?,
        ips: field("ipRequest").parsed()?.into_iter().collect(),
        mac: field("macRequest").parsed()?,
        ..Selection::of(network)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(legacy: Legacy, text: &str) -> Result<Vec<Selection>, AnnotationError> {
        parse_legacy_networks(legacy, text, &"team-a".parse().unwrap())
    }

    fn names(selections: &[Selection]) -> Vec<String> {
        let names = selections.iter();
        names
            .map(|selection| selection.network.to_string())
            .collect()
    }

    #[test]
    fn the_seeds_annotation() {
        let text = "[\n  { \"name\": \"flannel-conf\" },\n  { \"name\": \"sriov-conf\"},\n  { \"name\": \"sriov-vlanid-l2enable-conf\" }\n]";
        let wanted = [
            "default/flannel-conf",
            "default/sriov-conf",
            "default/sriov-vlanid-l2enable-conf",
        ];
        assert_eq!(names(&parse(Legacy::V1, text).unwrap()), wanted);
    }

    #[test]
    fn v1_knows_a_name_and_nothing_else() {
        let text =
            r#"[{"Name": "a", "namespace": "x", "interfaceRequest": "data0", "ips": ["no"]}]"#;
        let found = parse(Legacy::V1, text).unwrap();
        let wanted = NetworkRef {
            namespace: "default".parse().unwrap(),
            name: "a".parse().unwrap(),
        };
        assert_eq!(found, [Selection::of(wanted)]);
    }

    #[test]
    fn v2_has_requests_and_two_forms() {
        let text = r#"[{"name": "a"}, {"name": "b", "namespace": "x", "interfaceRequest": "data0", "ipRequest": "10.0.0.5/24", "macRequest": "02:23:45:67:89:01"}]"#;
        let found = parse(Legacy::V2, text).unwrap();
        assert_eq!(names(&found), ["team-a/a", "x/b"]);
        assert_eq!(found[1].interface.as_ref().unwrap().as_str(), "data0");
        assert_eq!(
            serde_json::Value::Object(found[1].runtime_config()),
            serde_json::json!({"ips": ["10.0.0.5/24"], "mac": "02:23:45:67:89:01"})
        );
        let short = parse(Legacy::V2, "a, x/b@data0").unwrap();
        assert_eq!(names(&short), ["team-a/a", "x/b"]);
        assert_eq!(short[1].interface, found[1].interface);
        assert!(parse(Legacy::V2, " \n").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_of_the_old_annotation() {
        for (legacy, text, wanted) in [
            (
                Legacy::V1,
                "flannel-conf",
                "annotation networks is not valid JSON",
            ),
            (Legacy::V1, r#"{"name": "a"}"#, "annotation networks must"),
            (
                Legacy::V1,
                "[null]",
                "annotation networks: entry 1 (null): it is null",
            ),
            (Legacy::V1, "[{}]", "write the name of a Network"),
            (Legacy::V1, r#"[{"name": 5}]"#, "it is a number"),
            (Legacy::V1, r#"[{"name": "A b"}]"#, "field \"name\""),
            (
                Legacy::V2,
                "a,,b",
                "annotation kubernetes.v1.cni.cncf.io/networks: entry 2",
            ),
            (
                Legacy::V2,
                r#"[{"name": "a", "ipRequest": "ten"}]"#,
                "field \"ipRequest\"",
            ),
            (
                Legacy::V2,
                r#"[{"name": "a", "macRequest": []}]"#,
                "field \"macRequest\"",
            ),
            (
                Legacy::V2,
                "a@x,b@x",
                "annotation kubernetes.v1.cni.cncf.io/networks: entry 2",
            ),
        ] {
            let error = parse(legacy, text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,60}", v1: bool) {
            let _ = parse(if v1 { Legacy::V1 } else { Legacy::V2 }, &text);
        }
    }
}
