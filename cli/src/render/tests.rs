//! What is printed for which input.

use super::*;

const NETWORK: &str = "
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: sriov-net-a, annotations: {k8s.v1.cni.cncf.io/resourceName: intel.com/sriov}}
spec: {config: '{\"type\":\"sriov\"}'}
";

fn pod(name: &str, networks: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, annotations: {{k8s.v1.cni.cncf.io/networks: {networks:?}}}}}\nspec: {{containers: [{{name: app, image: x}}]}}\n"
    )
}

fn rendered(text: &str) -> Result<Rendered> {
    let objects = objects::parse(text, "a.yaml")?;
    render(&objects, &"default".parse()?, &Policy::default())
}

fn printed(text: &str, format: Format) -> String {
    print(&rendered(text).unwrap().admitted, format).unwrap()
}

#[test]
fn one_pod_in_every_format() {
    let input = format!("{NETWORK}{}", pod("a", "sriov-net-a"));
    let yaml = printed(&input, Format::Yaml);
    assert!(!yaml.contains("---"), "{yaml}");
    let from_yaml = objects::parse(&yaml, "printed").unwrap();
    let json: Value = serde_json::from_str(&printed(&input, Format::Json)).unwrap();
    assert_eq!(from_yaml[0].value, json);
    assert_eq!(
        json["spec"]["containers"][0]["resources"],
        json!({"limits": {"intel.com/sriov": "1"}, "requests": {"intel.com/sriov": "1"}})
    );
    let patch: Value = serde_json::from_str(&printed(&input, Format::Patch)).unwrap();
    assert_eq!(patch.as_array().unwrap().len(), 5);
}

#[test]
fn several_pods_in_every_format() {
    let input = format!("{NETWORK}{}{}", pod("a", "sriov-net-a"), pod("b", ""));
    let yaml = printed(&input, Format::Yaml);
    assert_eq!(objects::parse(&yaml, "printed").unwrap().len(), 2, "{yaml}");
    let json = printed(&input, Format::Json);
    assert_eq!(objects::parse(&json, "printed").unwrap().len(), 2, "{json}");
    let patches = printed(&input, Format::Patch);
    assert_eq!(patches.lines().nth(1), Some("[]"), "{patches}");
}

#[test]
fn yaml_keeps_texts_that_look_like_something_else() {
    let looks = [
        "on",
        "yes",
        "n",
        "null",
        "~",
        "1e3",
        "0x10",
        "010",
        "1_000",
        "12:30:45",
        "2026-01-01",
        ".inf",
        "<<",
        "=",
        "",
        " a",
        "a: b",
        "# a",
        "é\n",
        "!t",
        "&a",
        "*a",
        "- a",
        "%a",
        "@a",
        "`a",
        "\"",
        "'",
    ];
    let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"finalizers": looks}, "spec": {"containers": []}});
    let input = object.to_string();
    let yaml = printed(&input, Format::Yaml);
    assert_eq!(
        objects::parse(&yaml, "printed").unwrap()[0].value,
        object,
        "{yaml}"
    );
    // kubectl reads YAML 1.1, where these are booleans.
    for word in ["on", "yes", "n"] {
        assert!(
            yaml.contains(&format!("\"{word}\"")) || yaml.contains(&format!("'{word}'")),
            "{yaml}"
        );
    }
}

#[test]
fn a_denied_pod_does_not_hide_the_others() {
    let input = format!(
        "{NETWORK}{}{}{}",
        pod("a", "sriov-net"),
        pod("b", "sriov-net-a"),
        pod("c", "[]")
    );
    let rendered = rendered(&input).unwrap();
    assert_eq!(rendered.admitted.len(), 2);
    assert_eq!(rendered.denials.len(), 1);
    assert!(
        rendered.denials[0].contains("pod default/a"),
        "{:?}",
        rendered.denials
    );
    assert!(
        rendered.denials[0].contains("did you mean sriov-net-a?"),
        "{:?}",
        rendered.denials
    );
    assert!(
        rendered.warnings[0].starts_with("pod default/c: "),
        "{:?}",
        rendered.warnings
    );
}

#[test]
fn what_cannot_be_used_is_an_error_that_names_its_place() {
    for (input, words) in [
        (NETWORK, "no pod"),
        ("", "no pod"),
        ("a: [", "a.yaml is not valid YAML"),
        (
            "{apiVersion: v1, kind: Pod, spec: 5}",
            "a.yaml (document 1) is not a valid Pod",
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {namespace: A b}}",
            "a.yaml (document 1)",
        ),
    ] {
        let error = rendered(input).unwrap_err().to_string();
        assert!(error.contains(words), "{input}: {error}");
    }
}
