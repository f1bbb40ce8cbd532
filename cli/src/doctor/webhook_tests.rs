use serde_json::json;

use super::{super::finding::Verdict, *};
use crate::cluster::Cause;

fn configuration(policy: &str, exempt: &[&str]) -> Value {
    json!({"webhooks": [
        {"name": "validate.polypod.dev", "failurePolicy": policy,
            "clientConfig": {"service": {"name": "polypod-webhook"}},
            "namespaceSelector": {"matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": exempt}]}}]})
}

fn slice(ready: &[Option<bool>]) -> Value {
    let endpoints = ready
        .iter()
        .map(|ready| json!({"addresses": ["10.0.0.1"], "conditions": {"ready": ready}}));
    json!({"endpoints": endpoints.collect::<Vec<_>>()})
}

fn trial(code: u16, message: &str) -> Trial {
    Trial {
        namespace: "default".to_owned(),
        code,
        message: message.to_owned(),
        warnings: Vec::new(),
    }
}

pub(in super::super) fn unseen(what: &str) -> Unseen {
    Unseen {
        what: what.to_owned(),
        cause: Cause::Forbidden,
        why: "you may not (403)".to_owned(),
        what_to_do: "have the right granted".to_owned(),
    }
}

const REFUSED: &str = r#"admission webhook "validate.polypod.dev" denied the request: pod default/x: there is no network"#;

struct Case {
    configuration: Result<Option<Value>, Unseen>,
    slices: Vec<Value>,
    trial: Result<Trial, Unseen>,
}

fn of(case: &Case) -> Finding {
    judged(&Seen {
        namespace: "polypod-system",
        mutating: &case.configuration,
        validating: &case.configuration,
        slices: (&case.slices, None),
        trial: &case.trial,
    })
}

fn good() -> Case {
    Case {
        configuration: Ok(Some(configuration("Fail", &["kube-system"]))),
        slices: vec![slice(&[Some(true), None, Some(false)])],
        trial: Ok(trial(403, REFUSED)),
    }
}

#[test]
fn a_webhook_that_refuses_is_well() {
    let finding = of(&good());
    assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
    assert!(finding.evidence[0].contains("2 endpoints"), "{finding:?}");
    assert!(
        finding.evidence[1].contains("denied the request"),
        "{finding:?}"
    );
    // A policy may only warn.
    let mut admitted = trial(201, "");
    admitted.warnings = vec![format!("pod default/x: no network {NO_SUCH_NETWORK}")];
    let finding = of(&Case {
        trial: Ok(admitted),
        ..good()
    });
    assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
}

#[test]
fn whose_refusal_it_is() {
    let mutating =
        r#"admission webhook "mutate.polypod.dev" denied the request: there is no network"#;
    let finding = of(&Case {
        trial: Ok(trial(403, mutating)),
        ..good()
    });
    assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
    let finding = of(&Case {
        configuration: Ok(Some(configuration("Fail", &["kube-system", "default"]))),
        trial: Ok(trial(403, mutating)),
        ..good()
    });
    assert_eq!(finding.verdict, Verdict::Warn, "{finding:?}");
    let another = format!(
        r#"admission webhook "network-resources-injector-config.k8s.io" denied the request: could not find network attachment definition 'default/{NO_SUCH_NETWORK}'"#
    );
    let finding = of(&Case {
        trial: Ok(trial(403, &another)),
        ..good()
    });
    assert_eq!(finding.verdict, Verdict::Unknown, "{finding:?}");
}

#[test]
fn what_the_api_server_says_decides() {
    let failed = |why: &str| {
        let message = format!(
            r#"Internal error occurred: failed calling webhook "validate.polypod.dev": failed to call webhook: Post "https://polypod-webhook.polypod-system.svc:443/validate?timeout=5s": {why}"#
        );
        trial(500, &message)
    };
    for (case, verdict, found, mend) in [
        (
            failed("x509: certificate signed by unknown authority"),
            Verdict::Fail,
            "cannot call the webhook",
            "check certificate",
        ),
        (
            failed(r#"no endpoints available for service "polypod-webhook""#),
            Verdict::Fail,
            "no endpoints available",
            "rollout status",
        ),
        (
            failed("context deadline exceeded"),
            Verdict::Fail,
            "deadline",
            "firewalls",
        ),
        (failed("EOF"), Verdict::Fail, "EOF", "logs"),
        (
            trial(201, ""),
            Verdict::Fail,
            "would be stored",
            "namespaceSelector",
        ),
        (
            trial(
                403,
                r#"pods is forbidden: User "a" cannot create resource "pods""#,
            ),
            Verdict::Unknown,
            "cannot create resource",
            "by -n",
        ),
        (
            trial(404, r#"namespaces "default" not found"#),
            Verdict::Unknown,
            "not found",
            "by -n",
        ),
    ] {
        let finding = of(&Case {
            trial: Ok(case),
            ..good()
        });
        assert_eq!(finding.verdict, verdict, "{finding:?}");
        assert!(finding.found.contains(found), "{finding:?}");
        assert!(finding.mend[0].contains(mend), "{finding:?}");
    }
}

#[test]
fn what_is_not_registered_or_not_there_fails() {
    let finding = of(&Case {
        configuration: Ok(None),
        trial: Ok(trial(201, "")),
        ..good()
    });
    assert_eq!(finding.verdict, Verdict::Fail);
    assert!(
        finding.found.contains("MutatingWebhookConfiguration"),
        "{finding:?}"
    );
    assert_eq!(finding.mend, [INSTALL]);
    for slices in [vec![], vec![slice(&[Some(false)])]] {
        let finding = of(&Case { slices, ..good() });
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(
            finding.found.contains("no endpoint that is ready"),
            "{finding:?}"
        );
    }
    let open = Ok(Some(configuration("Ignore", &[])));
    let finding = of(&Case {
        configuration: open,
        ..good()
    });
    assert_eq!(finding.verdict, Verdict::Warn);
    assert!(finding.found.contains("Ignore"), "{finding:?}");
}

#[test]
fn a_namespace_that_is_exempt_proves_nothing() {
    let exempt = Ok(Some(configuration("Fail", &["default"])));
    let finding = of(&Case {
        configuration: exempt,
        trial: Ok(trial(201, "")),
        ..good()
    });
    assert_eq!(finding.verdict, Verdict::Unknown, "{finding:?}");
    assert!(finding.mend[0].contains("-n"), "{finding:?}");
}

#[test]
fn what_cannot_be_seen_is_said_and_hides_nothing() {
    let nothing = Case {
        configuration: Err(unseen("configurations")),
        slices: Vec::new(),
        trial: Err(unseen("pods")),
    };
    let finding = of(&nothing);
    assert_eq!(finding.verdict, Verdict::Unknown);
    assert_eq!(finding.evidence.len(), 2, "{finding:?}");
    // The refusal proves what the configuration would have told.
    let finding = of(&Case {
        configuration: Err(unseen("configurations")),
        ..good()
    });
    assert_eq!(finding.verdict, Verdict::Unknown);
    assert!(
        finding.evidence.iter().any(|text| text.contains("denied")),
        "{finding:?}"
    );
    let failing = Case {
        configuration: Err(unseen("configurations")),
        trial: Ok(trial(
            500,
            r#"failed calling webhook "validate.polypod.dev": EOF"#,
        )),
        ..good()
    };
    assert_eq!(of(&failing).verdict, Verdict::Fail);
}
