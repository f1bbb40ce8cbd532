//! What a client is told: a result, nothing, or an error as Multus writes it.

use serde_json::{Value, json};
use spec::cni::{self, AddResult, Version, code};

use super::{execute::Finished, request::Request};

/// A status and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200 or 400.
    pub status: u16,
    /// Whether the body is JSON; it is text otherwise.
    pub is_json: bool,
    /// The body.
    pub body: String,
}

impl Reply {
    /// It was done.
    #[must_use]
    pub fn done(result: Option<&Value>) -> Self {
        Self {
            status: 200,
            is_json: true,
            body: result.map_or_else(String::new, |result| json!({"Result": result}).to_string()),
        }
    }

    /// It failed, and there is no CNI error that says how.
    #[must_use]
    pub fn text(problem: &str) -> Self {
        Self {
            status: 400,
            is_json: false,
            body: format!("{problem}\n"),
        }
    }

    /// It failed in the middle of a request, without a CNI error.
    #[must_use]
    pub fn errored(request: &Request, problem: &str) -> Self {
        Self::text(&format!("{} ERRORED: {problem}", request.shown()))
    }

    /// It failed with a CNI error.
    #[must_use]
    pub fn cni(error: &cni::Error) -> Self {
        let mut body = json!({"code": error.code, "msg": error.msg});
        if !error.details.is_empty() {
            body["details"] = json!(error.details);
        }
        Self {
            status: 400,
            is_json: true,
            body: body.to_string(),
        }
    }

    /// It is not begun: there is too much to do already.
    #[must_use]
    pub fn busy(problem: &str) -> Self {
        Self::cni(&cni::Error {
            cni_version: String::new(),
            code: code::TRY_AGAIN_LATER,
            msg: problem.to_owned(),
            details: String::new(),
        })
    }

    /// What the plugin said.
    #[must_use]
    pub fn of(request: &Request, finished: &Finished) -> Self {
        if !finished.success {
            return match serde_json::from_slice::<cni::Error>(&finished.stdout) {
                Ok(error) => Self::cni(&error),
                Err(_) => Self::errored(
                    request,
                    &format!(
                        "polypod ended with {} and no CNI error{}",
                        finished.status,
                        finished.complaint()
                    ),
                ),
            };
        }
        if request.command != "ADD" {
            return Self::done(None);
        }
        let printed = String::from_utf8_lossy(&finished.stdout);
        // Multus sends its results in the newest version; the shim makes of it what the runtime wants.
        match AddResult::parse(&printed, Version::V1_1_0) {
            Ok((result, _)) => Self::done(Some(&result.to_json(Version::V1_1_0))),
            Err(problem) => {
                Self::errored(request, &format!("polypod printed no result: {problem}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;
    use crate::hotplug::request::Endpoint;

    fn request(command: &str) -> Request {
        let body = json!({"env": {"CNI_COMMAND": command, "CNI_CONTAINERID": "c1", "CNI_NETNS": "/n",
                                  "CNI_ARGS": "K8S_POD_NAMESPACE=a;K8S_POD_NAME=b"},
                          "config": STANDARD.encode("{}")});
        Request::read(Endpoint::Cni, body.to_string().as_bytes()).unwrap()
    }

    fn finished(success: bool, stdout: &str) -> Finished {
        Finished {
            success,
            status: "exit status: 1".to_owned(),
            stdout: stdout.as_bytes().to_vec(),
            stderr: b"it\nhurts\n".to_vec(),
        }
    }

    #[test]
    fn results_are_of_the_newest_version() {
        let old = r#"{"cniVersion":"0.3.1","interfaces":[{"name":"net1","sandbox":"/n"}],"ips":[{"version":"4","address":"10.0.0.2/24","interface":0}]}"#;
        let reply = Reply::of(&request("ADD"), &finished(true, old));
        assert_eq!(reply.status, 200);
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(body["Result"]["cniVersion"], "1.1.0");
        assert_eq!(body["Result"]["ips"][0]["address"], "10.0.0.2/24");
        assert_eq!(body["Result"]["ips"][0].get("version"), None);
        for command in ["DEL", "CHECK"] {
            let reply = Reply::of(&request(command), &finished(true, ""));
            assert_eq!((reply.status, reply.body.as_str()), (200, ""));
        }
    }

    #[test]
    fn errors_are_the_plugins_own_or_say_what_they_are_about() {
        let said = r#"{"cniVersion":"1.1.0","code":11,"msg":"later","details":"d"}"#;
        let reply = Reply::of(&request("ADD"), &finished(false, said));
        assert_eq!(reply.status, 400);
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(body, json!({"code": 11, "msg": "later", "details": "d"}));
        let reply = Reply::of(&request("DEL"), &finished(false, "no json"));
        assert!(!reply.is_json);
        assert_eq!(
            reply.body,
            "ContainerID:\"c1\" Netns:\"/n\" IfName:\"eth0\" Args:\"K8S_POD_NAMESPACE=a;K8S_POD_NAME=b\" Path:\"\" \
             ERRORED: polypod ended with exit status: 1 and no CNI error: it hurts\n"
        );
        let reply = Reply::of(&request("ADD"), &finished(true, "no json"));
        assert_eq!(reply.status, 400);
    }
}
