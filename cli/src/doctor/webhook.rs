//! Whether API servers reach the webhook, and heed it.
//!
//! The proof is a pod that is only tried out (`dryRun=All`) and selects a network that does not exist: the API server has to
//! come back with the webhook's refusal.

use serde_json::Value;

use super::{
    finding::{Finding, Issue},
    several::counted,
};
use crate::cluster::Unseen;

const CHECK: &str = "webhook";

/// The network that the pod of the trial selects.
pub(super) const NO_SUCH_NETWORK: &str = "polypod-doctor-selects-what-is-not-there";

/// What the API server said to the pod of the trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trial {
    /// In which namespace it was.
    pub(super) namespace: String,
    /// The HTTP status.
    pub(super) code: u16,
    /// The message of the refusal, if it is one.
    pub(super) message: String,
    /// What it warned of.
    pub(super) warnings: Vec<String>,
}

/// What is known of the webhook.
#[derive(Clone, Debug)]
pub(super) struct Seen<'a> {
    /// Where it is installed.
    pub(super) namespace: &'a str,
    /// The MutatingWebhookConfiguration.
    pub(super) mutating: &'a Result<Option<Value>, Unseen>,
    /// The ValidatingWebhookConfiguration.
    pub(super) validating: &'a Result<Option<Value>, Unseen>,
    /// The EndpointSlices of its Service.
    pub(super) slices: (&'a [Value], Option<&'a Unseen>),
    /// The trial.
    pub(super) trial: &'a Result<Trial, Unseen>,
}

/// Judges it.
pub(super) fn judged(seen: &Seen<'_>) -> Finding {
    let mut issues = Vec::new();
    let mut evidence = Vec::new();
    let both = [
        ("MutatingWebhookConfiguration", seen.mutating),
        ("ValidatingWebhookConfiguration", seen.validating),
    ];
    for (kind, configuration) in both {
        match configuration {
            Err(unseen) => issues.push(unseen.into()),
            Ok(None) => issues.push(Issue::fail(
                format!("there is no {kind} polypod: API servers do not ask the webhook"),
                INSTALL,
            )),
            Ok(Some(configuration)) => issues.extend(ignoring(kind, configuration)),
        }
    }
    issues.extend(endpoints(seen, &mut evidence));
    match seen.trial {
        Err(unseen) => issues.push(unseen.into()),
        Ok(trial) => match tried(trial, seen.validating, seen.namespace) {
            Ok(good) => evidence.push(good),
            Err(issue) => issues.push(issue),
        },
    }
    let good = "the API server reaches the webhook, and heeds it";
    Finding::of(CHECK, good, evidence, issues)
}

const INSTALL: &str = "kubectl apply --server-side -k manifests/base";

/// The validating hook has to fail closed.
fn ignoring(kind: &str, configuration: &Value) -> Option<Issue> {
    let hooks = configuration["webhooks"].as_array()?;
    let is_open =
        |hook: &&Value| hook["name"] == "validate.polypod.dev" && hook["failurePolicy"] == "Ignore";
    hooks.iter().find(is_open)?;
    Some(Issue::warn(
        format!(
            "{kind} polypod: failurePolicy of validate.polypod.dev is Ignore, so pods are stored without their devices while the webhook is away"
        ),
        INSTALL,
    ))
}

/// Whom the Service sends API servers to. Where the configurations name a URL, it is asked by nobody.
fn endpoints(seen: &Seen<'_>, evidence: &mut Vec<String>) -> Option<Issue> {
    let is_by_service = |configuration: &Result<Option<Value>, Unseen>| {
        let configuration = configuration.as_ref().ok().and_then(Option::as_ref);
        let hooks = configuration.and_then(|found| found["webhooks"].as_array());
        hooks.is_some_and(|hooks| {
            let by = |hook: &Value| hook["clientConfig"]["service"].is_object();
            hooks.iter().any(by)
        })
    };
    if !is_by_service(seen.mutating) && !is_by_service(seen.validating) {
        return None;
    }
    let (slices, unseen) = seen.slices;
    if let Some(unseen) = unseen {
        return Some(unseen.into());
    }
    let (mut ready, mut not) = (0, 0);
    let endpoints = slices
        .iter()
        .filter_map(|slice| slice["endpoints"].as_array());
    for endpoint in endpoints.flatten() {
        // Missing is to be taken for true.
        match endpoint["conditions"]["ready"].as_bool() {
            Some(false) => not += 1,
            _ => ready += 1,
        }
    }
    let namespace = seen.namespace;
    if ready == 0 {
        return Some(Issue::fail(
            format!(
                "the Service polypod-webhook of {namespace} has no endpoint that is ready, and {not} that are not"
            ),
            format!(
                "kubectl -n {namespace} get pods -l app.kubernetes.io/name=polypod-webhook; kubectl -n {namespace} describe deployment polypod-webhook"
            ),
        ));
    }
    evidence.push(format!(
        "the Service polypod-webhook of {namespace} has {} that are ready",
        counted(ready, "endpoint")
    ));
    None
}

/// What the trial came to.
fn tried(
    trial: &Trial,
    validating: &Result<Option<Value>, Unseen>,
    installed_in: &str,
) -> Result<String, Issue> {
    let Trial {
        namespace,
        code,
        message,
        warnings,
    } = trial;
    // Another hook may refuse it too, and name the network as well.
    let has_refused =
        |hook: &str| message.contains(&format!("admission webhook \"{hook}.polypod.dev\" denied"));
    let is_kept_away = || {
        let configuration = validating.as_ref().ok().and_then(Option::as_ref);
        configuration.is_some_and(|found| is_exempt(found, namespace))
    };
    // The mutating hook is asked first, and refuses too; what a namespace may not do without is the other.
    if has_refused("mutate") && is_kept_away() {
        return Err(Issue::warn(
            format!(
                "a pod in {namespace} that selects a network that is not there was refused by the mutating hook, and the ValidatingWebhookConfiguration polypod leaves {namespace} out: what others change of a pod afterwards is not looked at there"
            ),
            "kubectl get validatingwebhookconfiguration polypod -o yaml: namespaceSelector",
        ));
    }
    if has_refused("mutate") || has_refused("validate") {
        return Ok(format!(
            "a pod in {namespace} that selects a network that is not there was refused: {message}"
        ));
    }
    if message.contains("failed calling webhook") && message.contains(".polypod.dev\"") {
        return Err(Issue::fail(
            format!("the API server cannot call the webhook: {message}"),
            remedy(message, installed_in),
        ));
    }
    let again =
        format!("name a namespace by -n in which a pod may be tried out, instead of {namespace}");
    if !(200..300).contains(code) {
        let text = format!(
            "a pod that was only to be tried out in {namespace} was refused before the webhook had its say ({code}): {message}"
        );
        return Err(Issue::unknown(text, again));
    }
    if warnings
        .iter()
        .any(|warning| warning.contains(NO_SUCH_NETWORK))
    {
        return Ok(format!(
            "of a pod in {namespace} that selects a network that is not there the webhook warned, as its policy has it"
        ));
    }
    match validating {
        Ok(Some(configuration)) if is_exempt(configuration, namespace) => Err(Issue::unknown(
            format!(
                "pods of {namespace} are kept from the webhook by the ValidatingWebhookConfiguration polypod"
            ),
            again,
        )),
        // Told of already.
        Ok(None) => Err(Issue::fail(
            format!(
                "a pod in {namespace} that selects a network that is not there would be stored"
            ),
            INSTALL,
        )),
        Ok(Some(_)) | Err(_) => Err(Issue::fail(
            format!(
                "a pod in {namespace} that selects a network that is not there would be stored, with no word of the webhook"
            ),
            format!(
                "kubectl get validatingwebhookconfiguration polypod -o yaml and the policy (kubectl -n {installed_in} get configmap polypod-webhook -o yaml): namespaceSelector, matchConditions, modes"
            ),
        )),
    }
}

/// Whether the selector of namespaces leaves one out by its name.
fn is_exempt(configuration: &Value, namespace: &str) -> bool {
    let hooks = configuration["webhooks"].as_array();
    let mut hooks = hooks.into_iter().flatten();
    let Some(hook) = hooks.find(|hook| hook["name"] == "validate.polypod.dev") else {
        return false;
    };
    let expressions = hook["namespaceSelector"]["matchExpressions"].as_array();
    expressions.into_iter().flatten().any(|expression| {
        let values = expression["values"].as_array();
        let names = values.is_some_and(|values| values.iter().any(|value| value == namespace));
        expression["key"] == "kubernetes.io/metadata.name"
            && match expression["operator"].as_str() {
                Some("NotIn") => names,
                Some("In") => !names,
                _ => false,
            }
    })
}

/// What mends a call that failed, by what the API server says of it.
fn remedy(message: &str, installed_in: &str) -> String {
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if has(&["x509", "certificate", "tls:"]) {
        format!(
            "see the check certificate; kubectl -n {installed_in} rollout restart deployment/polypod-webhook writes the caBundle again"
        )
    } else if has(&["no endpoints available", "connection refused", "not found"]) {
        format!(
            "kubectl -n {installed_in} get pods,endpointslices -l app.kubernetes.io/name=polypod-webhook; kubectl -n {installed_in} rollout status deployment/polypod-webhook"
        )
    } else if has(&[
        // The address that is called has a word `timeout`, too.
        "deadline exceeded",
        "i/o timeout",
        "Client.Timeout",
        "timed out",
        "no route to host",
    ]) {
        format!(
            "let API servers reach port 8443 of the webhook's pods (firewalls, NetworkPolicies, a control plane outside the cluster's network): kubectl -n {installed_in} describe networkpolicy"
        )
    } else {
        format!("kubectl -n {installed_in} logs deployment/polypod-webhook --tail 50")
    }
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
pub(super) mod tests;
