use serde_json::json;

use super::{
    super::{finding::Verdict, report::Report, webhook::tests::unseen},
    *,
};
use crate::output::instant;

fn nothing() -> Listed {
    Listed {
        items: Vec::new(),
        unseen: None,
    }
}

fn hidden<T>() -> Listed<T> {
    Listed {
        items: Vec::new(),
        unseen: Some(unseen("something")),
    }
}

/// Nothing may be seen but what everybody may ask for.
fn without_rights() -> Observed {
    let found = || -> Found { Err(unseen("something")) };
    let at = instant("2026-01-01T00:00:00Z").unwrap();
    let kind = || kinds_served::Seen {
        resources: Err(unseen("something")),
        definition: found(),
    };
    Observed {
        server: String::new(),
        clock: Ok(Reading {
            asked: at,
            answered: at,
            said: at,
        }),
        here: at,
        mutating: hidden(),
        validating: hidden(),
        trial: Err(unseen("something")),
        slices: hidden(),
        deployment: found(),
        secret: ("polypod-webhook".to_owned(), found()),
        kinds: [kind(), kind(), kind()],
        nodes: hidden(),
        agents: hidden(),
        daemon_set: found(),
        daemon_sets: hidden(),
        deployments: hidden(),
        bindings: hidden(),
        config_maps: hidden(),
        gated: hidden(),
        extender: Err(unseen("something")),
    }
}

fn report(seen: &Observed) -> Report {
    Report {
        version: 1,
        server: String::new(),
        installed_in: "polypod-system".to_owned(),
        checks: findings(seen, "polypod-system"),
    }
}

#[test]
fn without_rights_nothing_is_said_to_be_well_or_ill() {
    let report = report(&without_rights());
    for finding in &report.checks {
        let wanted = match finding.check {
            clock::CHECK => Verdict::Ok,
            _ => Verdict::Unknown,
        };
        assert_eq!(finding.verdict, wanted, "{finding:?}");
        assert!(
            wanted == Verdict::Ok || !finding.mend.is_empty(),
            "{finding:?}"
        );
    }
    assert_eq!((report.exit_code(false), report.exit_code(true)), (2, 2));
}

/// Nothing is installed.
fn bare() -> Observed {
    let mut bare = without_rights();
    bare.mutating = nothing();
    bare.validating = nothing();
    bare.slices = nothing();
    bare.trial = Ok(webhook::Trial {
        namespace: "default".to_owned(),
        code: 201,
        ..webhook::Trial::default()
    });
    bare.deployment = Ok(None);
    bare.secret.1 = Ok(None);
    bare.daemon_set = Ok(None);
    bare.nodes = Listed {
        items: vec![
            json!({"metadata": {"name": "a"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
        ],
        unseen: None,
    };
    bare.agents = Listed {
        items: Vec::new(),
        unseen: None,
    };
    for kind in &mut bare.kinds {
        kind.resources = Ok(None);
    }
    bare
}

#[test]
fn a_bare_cluster_fails() {
    let report = report(&bare());
    let verdict = |check: &str| {
        let finding = report.checks.iter().find(|finding| finding.check == check);
        finding.unwrap().verdict
    };
    for check in ["crds", "webhook", "certificate", "bridges"] {
        assert_eq!(verdict(check), Verdict::Fail, "{check}");
    }
    assert_eq!(verdict("clock"), Verdict::Ok);
    assert_eq!(report.exit_code(false), 1);
}

#[test]
fn a_list_that_broke_off_does_not_say_what_is_not_there() {
    let ours = json!({"metadata": {"name": "polypod"}});
    let listed = |items: Vec<Value>, unseen: Option<Unseen>| super::ours(&Listed { items, unseen });
    assert_eq!(listed(vec![ours.clone()], None), Ok(Some(ours.clone())));
    assert_eq!(
        listed(vec![ours.clone()], Some(unseen("x"))),
        Ok(Some(ours))
    );
    assert_eq!(listed(Vec::new(), None), Ok(None));
    assert!(listed(Vec::new(), Some(unseen("x"))).is_err());
}

#[test]
fn no_advice_names_another_namespace_than_the_one_that_was_named() {
    let failed = |why: &str| webhook::Trial {
        namespace: "default".to_owned(),
        code: 500,
        message: format!("failed calling webhook \"validate.polypod.dev\": {why}"),
        ..webhook::Trial::default()
    };
    let installed = |trial: webhook::Trial| {
        let hooks = json!([{"name": "validate.polypod.dev", "failurePolicy": "Ignore",
            "clientConfig": {"caBundle": "", "service": {"name": "polypod-webhook"}}}]);
        let configuration = json!({"metadata": {"name": "polypod"}, "webhooks": hooks});
        let mut seen = bare();
        seen.mutating.items = vec![configuration.clone()];
        seen.validating.items = vec![configuration];
        seen.trial = Ok(trial);
        let on = json!({"args": ["--scheduler-extender"]});
        seen.deployment = Ok(Some(
            json!({"spec": {"template": {"spec": {"containers": [on]}}}}),
        ));
        seen.extender = Ok(extender::Answer {
            code: 503,
            text: "the pods are not known yet".to_owned(),
        });
        seen.daemon_set = Ok(Some(json!({"spec": {}})));
        let said = |reason: &str| {
            let condition = |kind: &str| [kind.to_owned(), reason.to_owned()];
            let conditions = [
                "ConfigurationInstalled",
                "KubeletAnswers",
                "Serving",
                "Ready",
            ];
            let conditions = conditions.map(condition).map(|[kind, reason]| {
                json!({"type": kind, "status": "False", "reason": reason, "message": "m",
                    "lastTransitionTime": "2026-01-01T00:00:00Z"})
            });
            Agent::of(
                &json!({"metadata": {"name": "a"}, "observedAt": "2026-01-01T00:00:00.000000Z",
                "status": {"conditions": conditions, "agentVersion": "0.0.9", "pluginVersion": "0.0.8"}}),
            )
        };
        let reasons = [
            "PluginMissing",
            "NotFirst",
            "TokenAwaited",
            "NotGenerated",
            "Other",
        ];
        seen.agents.items = reasons.into_iter().filter_map(said).collect();
        seen
    };
    let mut seen = vec![without_rights(), bare()];
    for why in [
        "x509: unknown authority",
        "connection refused",
        "deadline exceeded",
        "EOF",
    ] {
        seen.push(installed(failed(why)));
    }
    let stored = webhook::Trial {
        namespace: "default".to_owned(),
        code: 201,
        ..webhook::Trial::default()
    };
    seen.push(installed(stored));
    for seen in &seen {
        for finding in findings(seen, "networks") {
            let text = format!("{finding:?}");
            assert!(!text.contains("polypod-system"), "{text}");
        }
    }
    let told = findings(&seen[2], "networks");
    let named = told.iter().filter(|finding| {
        let mut mend = finding.mend.iter();
        mend.any(|one| one.contains("-n networks "))
    });
    assert!(named.count() >= 5, "{told:?}");
}
