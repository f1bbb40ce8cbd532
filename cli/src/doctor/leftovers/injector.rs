//! What is left of the network resources injector, and of the controller that judged NetworkAttachmentDefinitions.

use serde_json::Value;

use super::{images, named, subjects};
use crate::doctor::finding::Issue;

/// The injector, by the name of all its objects.
const INJECTOR: &str = "network-resources-injector";

/// The controller of NetworkAttachmentDefinitions.
const CONTROLLER: &str = "net-attach-def-admission-controller";

/// A configuration that sends pods or networks to the injector or the controller.
pub(super) fn hooks(configuration: &Value) -> Option<Issue> {
    let (_, name) = named(configuration);
    let hooks = configuration["webhooks"].as_array();
    let texts = hooks.into_iter().flatten().flat_map(|hook| {
        let service = &hook["clientConfig"]["service"];
        [&hook["name"], &service["name"]].map(|text| text.as_str().unwrap_or_default())
    });
    let mut texts = texts.chain([name]);
    let whose = texts.find_map(|text| {
        [INJECTOR, CONTROLLER]
            .into_iter()
            .find(|whose| text.contains(whose))
    })?;
    let kind = configuration["kind"]
        .as_str()
        .unwrap_or("webhook configuration");
    let text = format!("the {kind} {name} of {whose} is there");
    let page = match whose {
        INJECTOR => "docs/migrating-from-network-resources-injector.md",
        _ => "Polypod judges NetworkAttachmentDefinitions itself",
    };
    Some(Issue::warn(
        text,
        format!("kubectl delete {} {name} ({page})", kind.to_lowercase()),
    ))
}

/// Who serves these.
pub(super) fn servers(object: &Value) -> Option<Issue> {
    let (namespace, name) = named(object);
    let is_of =
        |whose: &&str| name.contains(*whose) || images(object).any(|image| image.contains(*whose));
    let whose = [INJECTOR, CONTROLLER].into_iter().find(is_of)?;
    let kind = object["kind"].as_str().unwrap_or("Deployment");
    Some(Issue::warn(
        format!("the {kind} {namespace}/{name} of {whose} is there"),
        format!(
            "once no webhook configuration names it: kubectl -n {namespace} delete {} {name}",
            kind.to_lowercase()
        ),
    ))
}

/// Bindings of these.
pub(super) fn rights(binding: &Value) -> Option<Issue> {
    let (_, name) = named(binding);
    let is_of = |whose: &&str| {
        name.contains(*whose) || subjects(binding).any(|(_, account)| account.contains(*whose))
    };
    let whose = [INJECTOR, CONTROLLER].into_iter().find(is_of)?;
    let role = binding["roleRef"]["name"].as_str().unwrap_or_default();
    Some(Issue::warn(
        format!("the ClusterRoleBinding {name} of {whose} is there"),
        format!(
            "once nobody serves it: kubectl delete clusterrolebinding {name}; kubectl delete clusterrole {role}, where nothing else is bound to it"
        ),
    ))
}
