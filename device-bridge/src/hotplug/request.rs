//! A request of Multus's HTTP API, checked. Source: multus-cni `pkg/server/api/types.go`, `pkg/server/server.go`.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value};
use spec::cni::Args;

/// The two things that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/cni`: a verb as the runtime asks it.
    Cni,
    /// `/delegate`: one network of a pod that runs.
    Delegate,
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Where it came in.
    pub endpoint: Endpoint,
    /// `CNI_COMMAND`, one that the endpoint knows.
    pub command: String,
    /// Variables for the plugin: those of CNI and of tracing, and none of the client's others.
    pub environment: BTreeMap<String, String>,
    /// The CNI configuration.
    pub conf: String,
    /// What is asked of the delegate besides.
    pub attributes: InterfaceAttributes,
    /// Namespace and name of the pod; none for verbs about a network as a whole.
    pub pod: Option<(String, String)>,
}

/// `interfaceAttributes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct InterfaceAttributes {
    /// The addresses, with prefix length.
    #[serde(default)]
    pub ips: Option<Vec<String>>,
    /// The hardware address.
    #[serde(default)]
    pub mac: Option<String>,
    /// Arguments for the plugins, `args.cni` of the configuration.
    #[serde(default, rename = "cni-args")]
    pub cni_args: Option<Map<String, Value>>,
}

/// What is wrong with a request. The words are Multus's where it has some.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The body is no request.
    #[error("the request is not understood: {0}; send {{\"env\":{{...}},\"config\":\"<base64>\"}}")]
    Body(#[from] serde_json::Error),
    /// The configuration is no base64, or no text.
    #[error("the request's \"config\" {0}")]
    Config(String),
    /// A variable is missing.
    #[error("could not extract the CNI command args: {0}")]
    Environment(&'static str),
    /// The arguments do not name a pod.
    #[error("could not extract the kubernetes runtime args: {0}")]
    Pod(String),
    /// The endpoint does not know the verb.
    #[error("{request} ERRORED: unknown cmd type: {command}")]
    Command {
        /// What the request is about.
        request: String,
        /// The verb.
        command: String,
    },
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    env: Option<BTreeMap<String, String>>,
    #[serde(default)]
    config: Option<String>,
    #[serde(default, rename = "interfaceAttributes")]
    attributes: Option<InterfaceAttributes>,
}

impl Request {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// The first thing that is missing or wrong.
    pub fn read(endpoint: Endpoint, body: &[u8]) -> Result<Self, RequestError> {
        let wire: Wire = serde_json::from_slice(body)?;
        let conf = STANDARD
            .decode(wire.config.unwrap_or_default())
            .map_err(|error| RequestError::Config(format!("is not base64: {error}")))?;
        let conf = String::from_utf8(conf)
            .map_err(|error| RequestError::Config(format!("is not text: {error}")))?;
        let mut environment = wire.env.unwrap_or_default();
        environment.retain(|name, _| is_for_the_plugin(name));
        let missing = RequestError::Environment;
        let command = environment
            .get("CNI_COMMAND")
            .ok_or(missing("unexpected or missing CNI_COMMAND"))?
            .clone();
        // Those are about a network and no pod.
        let mut pod = None;
        if !matches!(command.as_str(), "STATUS" | "GC") {
            for (name, problem) in [
                ("CNI_CONTAINERID", "missing CNI_CONTAINERID"),
                ("CNI_NETNS", "missing CNI_NETNS"),
                ("CNI_ARGS", "missing CNI_ARGS"),
            ] {
                if !environment.contains_key(name) {
                    return Err(missing(problem));
                }
            }
            environment
                .entry("CNI_IFNAME".to_owned())
                .or_insert_with(|| "eth0".to_owned());
            pod = Some(pod_of(&environment["CNI_ARGS"])?);
        }
        let request = Self {
            endpoint,
            command,
            environment,
            conf,
            attributes: wire.attributes.unwrap_or_default(),
            pod,
        };
        if request.is_known() {
            Ok(request)
        } else {
            Err(RequestError::Command {
                request: request.shown(),
                command: request.command,
            })
        }
    }

    /// What the request is about, as Multus's errors begin.
    #[must_use]
    pub fn shown(&self) -> String {
        format!(
            "ContainerID:{:?} Netns:{:?} IfName:{:?} Args:{:?} Path:{:?}",
            self.variable("CNI_CONTAINERID"),
            self.variable("CNI_NETNS"),
            self.variable("CNI_IFNAME"),
            self.variable("CNI_ARGS"),
            self.variable("CNI_PATH")
        )
    }

    /// A variable; empty where it is missing.
    #[must_use]
    pub fn variable(&self, name: &str) -> &str {
        self.environment.get(name).map_or("", String::as_str)
    }

    fn is_known(&self) -> bool {
        match self.command.as_str() {
            "ADD" | "DEL" | "CHECK" | "STATUS" => true,
            "GC" => self.endpoint == Endpoint::Cni,
            _ => false,
        }
    }
}

/// multus-shim sends its entire environment. What the loader or the shell listens to is the client's and not the plugin's.
fn is_for_the_plugin(name: &str) -> bool {
    let is_word = |rest: &str| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    matches!(name, "TRACEPARENT" | "TRACESTATE") || name.strip_prefix("CNI_").is_some_and(is_word)
}

fn pod_of(args: &str) -> Result<(String, String), RequestError> {
    let args = Args::parse(args).map_err(|error| RequestError::Pod(error.to_string()))?;
    let needed = |key: &str| {
        args.get(key)
            .map(str::to_owned)
            .ok_or_else(|| RequestError::Pod(format!("missing {key}")))
    };
    Ok((needed("K8S_POD_NAMESPACE")?, needed("K8S_POD_NAME")?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(env: &Value, conf: &str) -> Vec<u8> {
        json!({"env": env, "config": STANDARD.encode(conf), "interfaceAttributes": {"cni-args": null}})
            .to_string()
            .into_bytes()
    }

    fn add() -> Value {
        json!({"CNI_COMMAND": "ADD", "CNI_CONTAINERID": "c1", "CNI_NETNS": "/run/netns/x", "CNI_PATH": "/opt/cni/bin",
               "CNI_ARGS": "K8S_POD_NAMESPACE=default;K8S_POD_NAME=p;K8S_POD_UID=u"})
    }

    #[test]
    fn the_clients_own_variables_stay_behind() {
        let mut env = add();
        for name in [
            "PATH",
            "LD_PRELOAD",
            "HOME",
            "CNI_",
            "CNI_x=y",
            "cni_path",
            "KUBECONFIG",
        ] {
            env[name] = json!("/evil");
        }
        env["TRACEPARENT"] = json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let request = Request::read(Endpoint::Cni, &body(&env, "{}")).unwrap();
        let names: Vec<&str> = request.environment.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "CNI_ARGS",
                "CNI_COMMAND",
                "CNI_CONTAINERID",
                "CNI_IFNAME",
                "CNI_NETNS",
                "CNI_PATH",
                "TRACEPARENT"
            ]
        );
        assert_eq!(request.variable("CNI_IFNAME"), "eth0");
        assert_eq!(request.pod, Some(("default".to_owned(), "p".to_owned())));
    }

    #[test]
    fn what_is_missing_is_told_in_multuss_words() {
        for (name, words) in [
            (
                "CNI_COMMAND",
                "could not extract the CNI command args: unexpected or missing CNI_COMMAND",
            ),
            (
                "CNI_CONTAINERID",
                "could not extract the CNI command args: missing CNI_CONTAINERID",
            ),
            (
                "CNI_NETNS",
                "could not extract the CNI command args: missing CNI_NETNS",
            ),
            (
                "CNI_ARGS",
                "could not extract the CNI command args: missing CNI_ARGS",
            ),
        ] {
            let mut env = add();
            env.as_object_mut().unwrap().remove(name);
            let error = Request::read(Endpoint::Cni, &body(&env, "{}")).unwrap_err();
            assert_eq!(error.to_string(), words);
        }
        let mut env = add();
        env["CNI_ARGS"] = json!("K8S_POD_NAMESPACE=default");
        let error = Request::read(Endpoint::Delegate, &body(&env, "{}")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "could not extract the kubernetes runtime args: missing K8S_POD_NAME"
        );
    }

    #[test]
    fn verbs() {
        for (endpoint, command, is_known) in [
            (Endpoint::Cni, "ADD", true),
            (Endpoint::Cni, "GC", true),
            (Endpoint::Cni, "VERSION", false),
            (Endpoint::Delegate, "CHECK", true),
            (Endpoint::Delegate, "GC", false),
            (Endpoint::Delegate, "add", false),
        ] {
            let mut env = add();
            env["CNI_COMMAND"] = json!(command);
            let read = Request::read(endpoint, &body(&env, "{}"));
            assert_eq!(read.is_ok(), is_known, "{endpoint:?} {command}");
            if let Err(error) = read {
                assert!(
                    error
                        .to_string()
                        .ends_with(&format!("ERRORED: unknown cmd type: {command}")),
                    "{error}"
                );
            }
        }
        let node = json!({"CNI_COMMAND": "STATUS"});
        let request = Request::read(Endpoint::Cni, &body(&node, "{}")).unwrap();
        assert_eq!(request.pod, None);
    }

    #[test]
    fn bodies_that_are_none() {
        for wrong in [
            &b""[..],
            b"null",
            b"[]",
            b"{",
            br#"{"env":5}"#,
            br#"{"env":{"CNI_COMMAND":1}}"#,
            br#"{"config":"%%%"}"#,
            br#"{"config":"/w=="}"#,
            b"\xff\xfe",
        ] {
            assert!(Request::read(Endpoint::Cni, wrong).is_err(), "{wrong:?}");
        }
    }
}
