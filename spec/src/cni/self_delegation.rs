//! Configurations that would have Polypod execute itself.

use serde_json::Value;

use super::{PluginConf, PluginType};

/// Types that are the plugin itself, under any of its names.
const OURSELVES: [&str; 4] = ["polypod", "multus", "multus-shim", "multus-daemon"];

/// Where meta-plugins write what they execute.
const DELEGATES: [&str; 3] = ["delegate", "delegates", "plugins"];

/// Our type, if `plugin` is ourselves or names us among its own delegates.
pub(super) fn of_plugin(plugin: &PluginConf) -> Option<PluginType> {
    if let Some(found) = ourselves(plugin.plugin_type().as_str()) {
        return Some(found);
    }
    let members = plugin.fields.iter();
    members
        .filter(|(key, _)| holds_delegates(key))
        .filter_map(|(_, raw)| serde_json::from_str::<Value>(raw.get()).ok())
        .find_map(|value| of_value(&value))
}

/// Keys in any case, as plugins written in Go read them. What is no configuration at all is for its plugin to refuse.
fn of_value(value: &Value) -> Option<PluginType> {
    match value {
        Value::Array(elements) => elements.iter().find_map(of_value),
        Value::Object(members) => members.iter().find_map(|(key, member)| {
            if key.eq_ignore_ascii_case("type") {
                member.as_str().and_then(ourselves)
            } else if holds_delegates(key) {
                of_value(member)
            } else {
                None
            }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn holds_delegates(key: &str) -> bool {
    DELEGATES.iter().any(|name| key.eq_ignore_ascii_case(name))
}

fn ourselves(plugin_type: &str) -> Option<PluginType> {
    OURSELVES
        .contains(&plugin_type)
        .then(|| PluginType::try_from(plugin_type).expect("our names are plain file names"))
}

#[cfg(test)]
mod tests {
    use crate::cni::NetworkConf;

    #[test]
    fn at_any_depth() {
        for (conf, wanted) in [
            (r#"{"type":"bridge"}"#, None),
            (r#"{"type":"multus"}"#, Some("multus")),
            (
                r#"{"plugins":[{"type":"ptp"},{"type":"polypod"}]}"#,
                Some("polypod"),
            ),
            (r#"{"type":"flannel","delegate":{"isGateway":true}}"#, None),
            (
                r#"{"type":"flannel","delegate":{"type":"multus-shim"}}"#,
                Some("multus-shim"),
            ),
            (
                r#"{"type":"genie","delegates":[{"type":"a"},{"type":"polypod"}]}"#,
                Some("polypod"),
            ),
            (
                r#"{"type":"m","Delegates":[{"plugins":[{"Type":"multus-daemon"}]}]}"#,
                Some("multus-daemon"),
            ),
            (
                r#"{"type":"m","delegate":{"delegate":{"type":"multus"}}}"#,
                Some("multus"),
            ),
            (r#"{"type":"m","delegates":"multus"}"#, None),
            (
                r#"{"type":"m","delegate":{"ipam":{"type":"multus"}},"args":{"type":"multus"}}"#,
                None,
            ),
        ] {
            let found = NetworkConf::parse(conf).unwrap().self_delegation();
            assert_eq!(
                found.as_ref().map(crate::cni::PluginType::as_str),
                wanted,
                "{conf}"
            );
        }
    }
}
