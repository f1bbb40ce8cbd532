use super::*;
use crate::install::standing::{FAILED, INSTALLED};

fn installed() -> Standing {
    Standing {
        is_ready: true,
        reason: Some(INSTALLED),
        problems: Vec::new(),
        runtime_configuration: Some("00-polypod.conflist".to_owned()),
        plugin_version: Some("0.1.0".to_owned()),
    }
}

fn not_installed(reason: Option<&'static str>, problems: &[&str]) -> Standing {
    Standing {
        is_ready: false,
        reason,
        problems: problems.iter().map(|&problem| problem.to_owned()).collect(),
        ..installed()
    }
}

fn well() -> Facts {
    Facts {
        stage: Stage::Serving,
        installed: Some(installed()),
        kubelet: Some(Ok(())),
    }
}

fn silent() -> Option<Result<(), KubeletFault>> {
    Some(Err(KubeletFault {
        reason: "SocketMissing",
        message: "no socket".to_owned(),
    }))
}

/// `type=status(reason): message` of each condition.
fn told(facts: &Facts) -> Vec<String> {
    let status = wished(facts, Timestamp::UNIX_EPOCH);
    let conditions = status.conditions.iter();
    conditions
        .map(|condition| {
            let Condition {
                type_,
                status,
                reason,
                message,
                ..
            } = condition;
            format!("{type_}={status}({reason}): {message}")
        })
        .collect()
}

#[test]
fn an_agent_that_is_well() {
    assert_eq!(
        told(&well()),
        [
            "Ready=True(Ready): pods of this node get their networks",
            "Serving=True(Answering): plugins are answered",
            "ConfigurationInstalled=True(Installed): runtimes take 00-polypod.conflist",
            "KubeletAnswers=True(Answering): the kubelet says which devices there are and who holds them",
        ]
    );
    let status = wished(&well(), Timestamp::UNIX_EPOCH);
    assert_eq!(status.plugin_version.as_deref(), Some("0.1.0"));
    assert_eq!(
        status.runtime_configuration.as_deref(),
        Some("00-polypod.conflist")
    );
    assert_eq!(
        status.agent_version.as_deref(),
        Some(env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn ready_is_the_sum_and_says_what_is_in_the_way() {
    let before = "05-x.conf sorts before 00-polypod.conflist";
    let rows = [
        (
            Facts {
                installed: Some(not_installed(Some("NotFirst"), &[before])),
                ..well()
            },
            "Ready=False(NotFirst): ConfigurationInstalled: 05-x.conf sorts before 00-polypod.conflist",
        ),
        (
            Facts {
                kubelet: silent(),
                ..well()
            },
            "Ready=False(SocketMissing): KubeletAnswers: no socket",
        ),
        // All of it, by the reason of the first.
        (
            Facts {
                stage: Stage::Opening,
                installed: Some(not_installed(Some(FAILED), &["one", "two"])),
                kubelet: silent(),
            },
            "Ready=False(Starting): Serving: the socket is not listened on yet; ConfigurationInstalled: one; two; KubeletAnswers: no socket",
        ),
        // What is wrong matters more than what is not known.
        (
            Facts {
                installed: Some(not_installed(None, &[])),
                kubelet: silent(),
                ..well()
            },
            "Ready=False(SocketMissing): KubeletAnswers: no socket",
        ),
        (
            Facts {
                kubelet: None,
                ..well()
            },
            "Ready=Unknown(NotAskedYet): KubeletAnswers",
        ),
        (
            Facts {
                installed: Some(not_installed(None, &[])),
                ..well()
            },
            "Ready=Unknown(NotLookedYet): ConfigurationInstalled",
        ),
        (
            Facts {
                installed: Some(not_installed(Some(TOKEN_AWAITED), &[])),
                ..well()
            },
            "Ready=False(TokenAwaited): ConfigurationInstalled: what is needed for it is being waited for",
        ),
        (
            Facts {
                stage: Stage::Stopping,
                ..well()
            },
            "Ready=False(Stopping): Serving: polypod-device-bridge was stopped, and none has taken its place yet",
        ),
        (
            Facts {
                stage: Stage::Syncing,
                ..well()
            },
            "Ready=False(Starting): Serving: the pods of this node and the networks are not known yet; is the API server reachable?",
        ),
    ];
    for (facts, wanted) in rows {
        assert_eq!(told(&facts)[0], wanted, "{facts:?}");
    }
}

#[test]
fn what_is_worth_a_word_while_it_is_ready() {
    let mut facts = well();
    let mut standing = installed();
    standing.problems = vec!["10-a.conf is broken".to_owned()];
    facts.installed = Some(standing);
    assert_eq!(
        told(&facts)[2],
        "ConfigurationInstalled=True(Installed): runtimes take 00-polypod.conflist; 10-a.conf is broken"
    );
    assert!(told(&facts)[0].starts_with("Ready=True"));
}

#[test]
fn who_installs_nothing_says_nothing_of_it() {
    let facts = Facts {
        installed: None,
        ..well()
    };
    let status = wished(&facts, Timestamp::UNIX_EPOCH);
    assert_eq!(status.condition(CONFIGURATION_INSTALLED), None);
    assert_eq!(status.condition(READY).unwrap().status, "True");
    let observed = (&status.plugin_version, &status.runtime_configuration);
    assert_eq!(observed, (&None, &None));
}

#[test]
fn it_is_settled_when_everything_was_looked_at() {
    let of = |installed, kubelet| Facts {
        installed,
        kubelet,
        ..well()
    };
    let awaited = not_installed(Some(TOKEN_AWAITED), &[]);
    for (facts, wanted) in [
        (well(), true),
        (of(None, Some(Ok(()))), true),
        (
            of(Some(not_installed(Some(FAILED), &["x"])), silent()),
            true,
        ),
        (of(Some(installed()), None), false),
        (of(Some(not_installed(None, &[])), Some(Ok(()))), false),
        (of(Some(awaited), Some(Ok(()))), false),
    ] {
        assert_eq!(facts.is_settled(), wanted, "{facts:?}");
    }
}

/// What the schema takes, and no more.
#[test]
fn words_and_times_are_such_as_the_api_server_takes() {
    let long = "ü".repeat(LONGEST);
    let facts = Facts {
        installed: Some(not_installed(Some(FAILED), &[&long])),
        ..well()
    };
    let now = Timestamp::from_millisecond(1_700_000_000_999).unwrap();
    let status = wished(&facts, now);
    for condition in &status.conditions {
        assert!(condition.message.len() <= LONGEST, "{condition:?}");
        let is_plain = condition
            .reason
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic());
        assert!(is_plain && !condition.reason.is_empty(), "{condition:?}");
        assert_eq!(
            condition.last_transition_time.0.as_millisecond(),
            1_700_000_000_000
        );
    }
    // As it comes back it is the same.
    let text = serde_json::to_string(&status).unwrap();
    let read: NodeInventoryStatus = serde_json::from_str(&text).unwrap();
    assert_eq!(read, status);
}
