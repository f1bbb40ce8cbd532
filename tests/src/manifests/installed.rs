//! `manifests/install.yaml` is what `manifests/base` says.

use super::objects::{by_key, listed, manifests, read, rendered};

/// Object by object, without kubectl: the base transforms nothing, so what its files list is what is rendered.
pub(super) fn is_what_the_base_lists() {
    let (installed, listed) = (read(&manifests("install.yaml")), listed(&manifests("base")));
    let (installed, listed) = (by_key(&installed), by_key(&listed));
    let names = |objects: &std::collections::BTreeMap<_, _>| -> Vec<_> {
        objects.keys().cloned().collect()
    };
    assert_eq!(names(&installed), names(&listed), "{ADVICE}");
    for (key, object) in installed {
        assert_eq!(object, listed[&key], "{key:?}: {ADVICE}");
    }
}

/// In the order in which kubectl puts them, too: namespace and kinds first, the webhook's registration last.
pub(super) fn is_what_kubectl_renders() {
    let installed = read(&manifests("install.yaml"));
    assert!(
        installed == rendered(&manifests("base")),
        "it is not what kubectl renders; {ADVICE}"
    );
    let kinds: Vec<_> = installed.iter().map(|object| &object["kind"]).collect();
    assert_eq!(kinds.first(), Some(&&"Namespace".into()));
    assert_eq!(
        kinds.last(),
        Some(&&"ValidatingWebhookConfiguration".into())
    );
}

const ADVICE: &str = "kubectl kustomize manifests/base > manifests/install.yaml";
