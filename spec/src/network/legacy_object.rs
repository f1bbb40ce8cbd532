//! The `Network` objects of Multus v1 and v2, from before NetworkAttachmentDefinitions.

use serde_json::{Map, Value};

use super::{Demands, ObjectName, Unmet};
use crate::{
    bridge::Legacy,
    cni::{ConfError, NetworkConf},
    kind,
};

/// A `Network`, parsed: the configuration of its delegate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyNetwork {
    /// The delegate's configuration; `None` where a v2 object has none, so that a file of the node is meant whose CNI name
    /// is the object's.
    pub conf: Option<String>,
}

/// Why a `Network` cannot be attached to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LegacyFault {
    /// A field is of another kind.
    #[error("its {field} is {found}; write {wanted}")]
    Kind {
        /// The field.
        field: &'static str,
        /// What it is.
        found: &'static str,
        /// What it had to be.
        wanted: &'static str,
    },
    /// A field that must be there is not, or is empty.
    #[error("it has no {field}; write {wanted}")]
    Missing {
        /// The field.
        field: &'static str,
        /// What it had to be.
        wanted: &'static str,
    },
    /// `args` is no JSON.
    #[error("its args is not valid JSON: {0}; write {ARGS}")]
    ArgsNotJson(String),
    /// `args` holds another number of objects than one.
    #[error("its args is a list of {0} elements; write {ARGS}")]
    ArgsNotOne(usize),
    /// Multus v2 took one of the two.
    #[error("its spec has both plugin and config; remove one of them")]
    Both,
    /// The configuration it leads to is none that a plugin could be given.
    #[error("its configuration cannot be used, as {0}")]
    Conf(#[source] ConfError),
    /// The network would be attached by Polypod itself.
    #[error("its configuration cannot be used: {0}")]
    Unmet(#[source] Box<Unmet>),
}

const ARGS: &str = "a list of exactly one object, as in '[{\"if0\": \"eth1\"}]'";
const PLUGIN: &str = "the type of a CNI plugin, such as flannel";
const CONFIG: &str = "a text that holds a CNI configuration";

impl Legacy {
    /// The API group of the `Network` objects, whose version is `v1` and whose plural is `networks` in both releases.
    #[must_use]
    pub const fn group(self) -> &'static str {
        match self {
            Self::V1 => "kubernetes.com",
            Self::V2 => "kubernetes.cni.cncf.io",
        }
    }
}

impl LegacyNetwork {
    /// Reads the object `name`.
    ///
    /// Multus v1 joined `{"type": <plugin>,` with the text of `args` from its first quotation mark to the end without the
    /// last character. A list of one object is what that comes to; whatever else it made of a text was an accident.
    ///
    /// # Errors
    /// The object is not what that release of Multus could use.
    pub fn parse(legacy: Legacy, name: &ObjectName, object: &Value) -> Result<Self, LegacyFault> {
        let conf = match legacy {
            Legacy::V1 => Some(v1(name, object)?),
            Legacy::V2 => v2(name, object)?,
        };
        if let Some(text) = &conf {
            let conf = NetworkConf::parse(text).map_err(LegacyFault::Conf)?;
            // The plugins of that time declare no capability. What a pod asks of them goes to them as CNI_ARGS.
            let demands = Demands {
                runtime_config: &Map::new(),
                cni_args: false,
            };
            demands
                .check(&conf)
                .map_err(|unmet| LegacyFault::Unmet(Box::new(unmet)))?;
        }
        Ok(Self { conf })
    }
}

fn v1(name: &ObjectName, object: &Value) -> Result<String, LegacyFault> {
    let missing = |field, wanted| LegacyFault::Missing { field, wanted };
    let plugin =
        text(object, "plugin", "plugin", PLUGIN)?.ok_or_else(|| missing("plugin", PLUGIN))?;
    let args = text(object, "args", "args", ARGS)?.ok_or_else(|| missing("args", ARGS))?;
    let args: Value =
        serde_json::from_str(args).map_err(|error| LegacyFault::ArgsNotJson(error.to_string()))?;
    let wrong = |found: &Value| LegacyFault::Kind {
        field: "args",
        found: kind::of_value(found),
        wanted: ARGS,
    };
    let Value::Array(elements) = args else {
        return Err(wrong(&args));
    };
    let [element] = <[Value; 1]>::try_from(elements)
        .map_err(|elements| LegacyFault::ArgsNotOne(elements.len()))?;
    let Value::Object(of_args) = element else {
        return Err(LegacyFault::Kind {
            field: "args[0]",
            found: kind::of_value(&element),
            wanted: ARGS,
        });
    };
    let mut conf = Map::new();
    conf.insert("name".to_owned(), name.as_str().into());
    conf.insert("type".to_owned(), plugin.into());
    // A key that is there twice is the second one's to Go.
    conf.extend(of_args);
    Ok(Value::Object(conf).to_string())
}

fn v2(name: &ObjectName, object: &Value) -> Result<Option<String>, LegacyFault> {
    let spec = match object.get("spec") {
        None | Some(Value::Null) => return Ok(None),
        Some(spec @ Value::Object(_)) => spec,
        Some(other) => {
            return Err(LegacyFault::Kind {
                field: "spec",
                found: kind::of_value(other),
                wanted: "an object with the text config or plugin",
            });
        }
    };
    let config = text(spec, "config", "spec.config", CONFIG)?;
    let plugin = text(spec, "plugin", "spec.plugin", PLUGIN)?;
    match (config, plugin) {
        (Some(_), Some(_)) => Err(LegacyFault::Both),
        (Some(config), None) => Ok(Some(config.to_owned())),
        (None, Some(plugin)) => {
            let name = name.as_str();
            let conf = serde_json::json!({"cniVersion": "0.3.1", "name": name, "type": plugin});
            Ok(Some(conf.to_string()))
        }
        (None, None) => Ok(None),
    }
}

/// A text of an object; one that is blank is none.
fn text<'a>(
    object: &'a Value,
    key: &str,
    field: &'static str,
    wanted: &'static str,
) -> Result<Option<&'a str>, LegacyFault> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.trim().is_empty())),
        Some(other) => Err(LegacyFault::Kind {
            field,
            found: kind::of_value(other),
            wanted,
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(legacy: Legacy, object: &Value) -> Result<Option<Value>, LegacyFault> {
        let network = LegacyNetwork::parse(legacy, &"net-a".parse().unwrap(), object)?;
        Ok(network
            .conf
            .map(|text| serde_json::from_str(&text).unwrap()))
    }

    #[test]
    fn the_seeds_objects() {
        for (plugin, args, wanted) in [
            (
                "flannel",
                "[ { \"delegate\": { \"isDefaultGateway\": true } } ]",
                json!({"name": "net-a", "type": "flannel", "delegate": {"isDefaultGateway": true}}),
            ),
            (
                "sriov",
                "[ { \"if0\": \"enp12s0f1\", \"ipam\": { \"type\": \"host-local\", \"subnet\": \"10.56.217.0/24\", \"rangeStart\": \"10.56.217.171\", \"rangeEnd\": \"10.56.217.181\", \"routes\": [ { \"dst\": \"0.0.0.0/0\" } ], \"gateway\": \"10.56.217.1\" } } ]",
                json!({"name": "net-a", "type": "sriov", "if0": "enp12s0f1", "ipam": {
                    "type": "host-local", "subnet": "10.56.217.0/24", "rangeStart": "10.56.217.171",
                    "rangeEnd": "10.56.217.181", "routes": [{"dst": "0.0.0.0/0"}], "gateway": "10.56.217.1"}}),
            ),
            (
                "sriov",
                "[\n{\n\"if0\": \"enp2s0\",\n\"vlan\": 210,\n\"if0name\": \"north\",\n\"l2enable\": true\n}\n]",
                json!({"name": "net-a", "type": "sriov", "if0": "enp2s0", "vlan": 210, "if0name": "north", "l2enable": true}),
            ),
            (
                "bridge",
                "[{\"name\": \"own\", \"type\": \"ptp\"}]",
                json!({"name": "own", "type": "ptp"}),
            ),
            ("ptp", "[{}]", json!({"name": "net-a", "type": "ptp"})),
        ] {
            let object = json!({"apiVersion": "kubernetes.com/v1", "kind": "Network", "metadata": {"name": "net-a"}, "plugin": plugin, "args": args});
            assert_eq!(parse(Legacy::V1, &object), Ok(Some(wanted)));
        }
    }

    #[test]
    fn v2_objects() {
        for (object, wanted) in [
            (
                json!({"spec": {"config": "{\"type\": \"macvlan\"}"}}),
                Some(json!({"type": "macvlan"})),
            ),
            (
                json!({"spec": {"plugin": "sriov"}}),
                Some(json!({"cniVersion": "0.3.1", "name": "net-a", "type": "sriov"})),
            ),
            (json!({"spec": {"config": " "}}), None),
            (json!({}), None),
        ] {
            assert_eq!(parse(Legacy::V2, &object), Ok(wanted), "{object}");
        }
    }

    #[test]
    fn what_multus_could_not_use_is_refused() {
        for (legacy, object, wanted) in [
            (Legacy::V1, json!({"args": "[{}]"}), "it has no plugin"),
            (
                Legacy::V1,
                json!({"plugin": "", "args": "[{}]"}),
                "it has no plugin",
            ),
            (
                Legacy::V1,
                json!({"plugin": ["x"], "args": "[{}]"}),
                "its plugin is a list",
            ),
            (Legacy::V1, json!({"plugin": "x"}), "it has no args"),
            (
                Legacy::V1,
                json!({"plugin": "x", "args": [{}]}),
                "its args is a list; write a list of exactly one object",
            ),
            (
                Legacy::V1,
                json!({"plugin": "x", "args": "no"}),
                "its args is not valid JSON",
            ),
            (
                Legacy::V1,
                json!({"plugin": "x", "args": "{}"}),
                "its args is an object",
            ),
            (
                Legacy::V1,
                json!({"plugin": "x", "args": "[]"}),
                "a list of 0 elements",
            ),
            (
                Legacy::V1,
                json!({"plugin": "x", "args": "[{}, {}]"}),
                "a list of 2 elements",
            ),
            (
                Legacy::V1,
                json!({"plugin": "x", "args": "[5]"}),
                "its args[0] is a number",
            ),
            (
                Legacy::V1,
                json!({"plugin": "../x", "args": "[{}]"}),
                "its configuration cannot be used",
            ),
            (
                Legacy::V1,
                json!({"plugin": "multus", "args": "[{}]"}),
                "is the one that executes it",
            ),
            (Legacy::V2, json!({"spec": 5}), "its spec is a number"),
            (
                Legacy::V2,
                json!({"spec": {"config": "{\"type\":\"x\"}", "plugin": "x"}}),
                "both plugin and config",
            ),
            (
                Legacy::V2,
                json!({"spec": {"config": "{}"}}),
                "its configuration cannot be used",
            ),
        ] {
            let error = parse(legacy, &object).unwrap_err().to_string();
            assert!(error.contains(wanted), "{object}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_args_panic(args in "\\PC{0,60}") {
            let _ = parse(Legacy::V1, &json!({"plugin": "x", "args": args}));
            let _ = parse(Legacy::V2, &json!({"spec": {"config": args}}));
        }
    }
}
