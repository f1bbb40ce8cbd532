//! Whether schedulers that ask the webhook are answered.

use serde_json::Value;

use super::{
    finding::{Finding, Issue},
    switch::switched_on,
};
use crate::cluster::Unseen;

const CHECK: &str = "extender";

/// The variable by which the manifests switch it on.
const VARIABLE: &str = "POLYPOD_WEBHOOK_SCHEDULER_EXTENDER";

/// The flag.
const FLAG: &str = "--scheduler-extender";

/// What came of asking for the explanation of a pod through the API server's proxy of the Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) code: u16,
    /// The text.
    pub(super) text: String,
}

/// What is known of it.
#[derive(Clone, Debug)]
pub(super) struct Seen<'a> {
    /// Where the webhook is installed.
    pub(super) namespace: &'a str,
    /// Its Deployment.
    pub(super) deployment: &'a Result<Option<Value>, Unseen>,
    /// Its answer.
    pub(super) answer: &'a Result<Answer, Unseen>,
}

/// Judges it.
pub(super) fn judged(seen: &Seen<'_>) -> Finding {
    let said = |good: &str, evidence: Vec<String>, issue: Option<Issue>| {
        Finding::of(CHECK, good, evidence, issue.into_iter().collect())
    };
    let is_on = match seen.deployment {
        Err(unseen) => {
            // What answers is on.
            return match outcome(seen) {
                Ok(good) => said(&good, Vec::new(), None),
                Err(_) => said("", Vec::new(), Some(unseen.into())),
            };
        }
        Ok(None) => {
            let text = format!(
                "there is no Deployment polypod-webhook in {}",
                seen.namespace
            );
            return said(
                "",
                Vec::new(),
                Some(Issue::unknown(text, "see the check webhook")),
            );
        }
        Ok(Some(deployment)) => switched_on(deployment, FLAG, VARIABLE),
    };
    if !is_on {
        let good = "off: kube-scheduler is not told which nodes can align a pod's devices";
        let how = "the overlay scheduler-extender switches it on (docs/scheduling.md)".to_owned();
        return said(good, vec![how], None);
    }
    match outcome(seen) {
        Ok(good) => said(
            &good,
            vec!["which schedulers ask it stands in their own configuration, which nobody can see from here".to_owned()],
            None,
        ),
        Err(issue) => said("", Vec::new(), Some(issue)),
    }
}

fn outcome(seen: &Seen<'_>) -> Result<String, Issue> {
    let Answer { code, text } = seen.answer.as_ref().map_err(Issue::from)?;
    // The API server's own answers are objects, the webhook's are none; which pod is asked about decides between these.
    let is_of_api_server =
        serde_json::from_str::<Value>(text).is_ok_and(|value| value["kind"] == "Status");
    let namespace = seen.namespace;
    let log = format!("kubectl -n {namespace} logs deployment/polypod-webhook --tail 50");
    let text = text.trim();
    match code {
        _ if is_of_api_server => Err(match code {
            403 => Issue::unknown(
                format!(
                    "it is on, and you may not ask it through the API server: {}",
                    message(text)
                ),
                format!(
                    "have the right to get services/proxy of https:polypod-webhook:443 in {namespace} granted"
                ),
            ),
            404 => Issue::fail(
                format!(
                    "it is on, and there is no Service polypod-webhook in {namespace} to ask it by"
                ),
                "kubectl apply --server-side -k manifests/base",
            ),
            _ => Issue::fail(
                format!(
                    "it is on, and the API server does not reach it ({code}): {}",
                    message(text)
                ),
                format!(
                    "kubectl -n {namespace} get pods,endpointslices -l app.kubernetes.io/name=polypod-webhook"
                ),
            ),
        }),
        401 | 403 => Ok(format!(
            "it answers, and only those with a client certificate of its CA ({code})"
        )),
        200 | 404 if !text.contains("404 page not found") && !text.is_empty() => {
            Ok("it answers".to_owned())
        }
        404 => Err(Issue::fail(
            "it is on, and the webhook that answers does not know its paths",
            format!("kubectl -n {namespace} rollout status deployment/polypod-webhook"),
        )),
        503 => Err(Issue::fail(
            format!("it does not know the cluster yet: {text}"),
            log,
        )),
        _ => Err(Issue::fail(format!("it answers {code}: {text}"), log)),
    }
}

/// The message of a Status.
fn message(text: &str) -> String {
    let status: Value = serde_json::from_str(text).unwrap_or_default();
    status["message"].as_str().unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{finding::Verdict, webhook::tests::unseen},
        *,
    };

    fn deployment(container: Value) -> Result<Option<Value>, Unseen> {
        Ok(Some(
            json!({"spec": {"template": {"spec": {"containers": [container]}}}}),
        ))
    }

    fn on() -> Result<Option<Value>, Unseen> {
        deployment(json!({"env": [{"name": VARIABLE, "value": "true"}]}))
    }

    fn judge(
        deployment: &Result<Option<Value>, Unseen>,
        answer: Result<(u16, &str), Unseen>,
    ) -> Finding {
        let answer = answer.map(|(code, text)| Answer {
            code,
            text: text.to_owned(),
        });
        judged(&Seen {
            namespace: "polypod-system",
            deployment,
            answer: &answer,
        })
    }

    #[test]
    fn off_is_no_fault() {
        let off = deployment(
            json!({"args": ["--tls-name=x"], "env": [{"name": VARIABLE, "value": "false"}]}),
        );
        let finding = judge(&off, Err(unseen("the extender")));
        assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
        assert!(finding.found.starts_with("off"), "{finding:?}");
        for flag in [
            json!(["--scheduler-extender"]),
            json!(["--scheduler-extender=true"]),
        ] {
            let finding = judge(
                &deployment(json!({"args": flag})),
                Ok((404, "the pod a/b is not known here")),
            );
            assert_eq!(finding.found, "it answers");
        }
    }

    #[test]
    fn the_answer_decides() {
        let status = |message: &str| json!({"kind": "Status", "message": message}).to_string();
        let (forbidden, unreached) = (
            status("services is forbidden"),
            status("no endpoints available"),
        );
        for (code, text, verdict, words) in [
            (
                404,
                "the pod polypod-system/polypod-doctor is not known here; or it demands no devices",
                Verdict::Ok,
                "it answers",
            ),
            (
                401,
                "no client certificate",
                Verdict::Ok,
                "client certificate",
            ),
            (
                503,
                "the pods are not known yet; ask again",
                Verdict::Fail,
                "not known yet",
            ),
            (404, "", Verdict::Fail, "does not know its paths"),
            (500, "defect", Verdict::Fail, "500: defect"),
            (403, &forbidden, Verdict::Unknown, "may not ask"),
            (404, &unreached, Verdict::Fail, "no Service"),
            (503, &unreached, Verdict::Fail, "no endpoints available"),
        ] {
            let finding = judge(&on(), Ok((code, text)));
            assert_eq!(finding.verdict, verdict, "{finding:?}");
            assert!(finding.found.contains(words), "{finding:?}");
        }
        assert_eq!(judge(&on(), Err(unseen("x"))).verdict, Verdict::Unknown);
        assert_eq!(judge(&Ok(None), Err(unseen("x"))).verdict, Verdict::Unknown);
        // Who answers is there, whether or not its Deployment may be seen.
        let finding = judge(
            &Err(unseen("deployments")),
            Ok((404, "the pod a/b is not known here")),
        );
        assert_eq!(finding.verdict, Verdict::Ok);
        assert_eq!(
            judge(&Err(unseen("deployments")), Err(unseen("x"))).verdict,
            Verdict::Unknown
        );
    }
}
