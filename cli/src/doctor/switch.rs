//! What a Deployment switches on.

use serde_json::Value;

/// Whether a container has the flag, alone or as `true`, or the variable that stands for it.
pub(super) fn switched_on(deployment: &Value, flag: &str, variable: &str) -> bool {
    let containers = deployment
        .pointer("/spec/template/spec/containers")
        .and_then(Value::as_array);
    containers.into_iter().flatten().any(|container| {
        let list = |key: &str| container[key].as_array().into_iter().flatten();
        let mut arguments = ["args", "command"].into_iter().flat_map(list);
        let by_flag = arguments.any(|argument| {
            let rest = argument.as_str().and_then(|text| text.strip_prefix(flag));
            matches!(rest, Some("" | "=true"))
        });
        let mut variables = list("env");
        by_flag || variables.any(|one| one["name"] == variable && one["value"] == "true")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_flag_is_on_alone_or_as_true() {
        let on = |container: Value| {
            let spec = json!({"template": {"spec": {"containers": [{}, container]}}});
            switched_on(&json!({"spec": spec}), "--gates", "GATES")
        };
        for (container, wanted) in [
            (json!({"args": ["--gates"]}), true),
            (json!({"command": ["x", "--gates=true"]}), true),
            (
                json!({"args": ["--gates=false", "--gates-of-others"]}),
                false,
            ),
            (json!({"env": [{"name": "GATES", "value": "true"}]}), true),
            (json!({"env": [{"name": "GATES", "value": "false"}]}), false),
            (json!({"args": 5}), false),
        ] {
            assert_eq!(on(container.clone()), wanted, "{container}");
        }
        assert!(!switched_on(&json!({}), "--gates", "GATES"));
    }
}
