//! The status that says how the agent is: a function of what the process knows of itself.

use api::node_inventory::{
    CONFIGURATION_INSTALLED, KUBELET_ANSWERS, NodeInventoryStatus, READY, SERVING,
};
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};

use crate::{
    install::standing::{Standing, TOKEN_AWAITED},
    readiness::Stage,
    topology::KubeletFault,
};

/// The longest message, in bytes; the object is read by every scheduler.
const LONGEST: usize = 1024;

/// What the process knows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// How far it has come.
    pub stage: Stage,
    /// How the node's configuration stands, where this process keeps it.
    pub installed: Option<Standing>,
    /// Whether the kubelet answered when it was asked last.
    pub kubelet: Option<Result<(), KubeletFault>>,
}

impl Facts {
    /// Whether everything was looked at. Before that, a status would tell of the start of a process, and not of a node.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let is_looked_at =
            |standing: &Standing| !matches!(standing.reason, None | Some(TOKEN_AWAITED));
        self.kubelet.is_some() && self.installed.as_ref().is_none_or(is_looked_at)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    True,
    False,
    Unknown,
}

/// A condition without its time.
struct Verdict {
    kind: &'static str,
    status: Status,
    reason: &'static str,
    message: String,
}

/// What the status is to say. The times are those of conditions that become so `now`.
#[must_use]
pub fn wished(facts: &Facts, now: Timestamp) -> NodeInventoryStatus {
    let parts = [
        Some(serving(facts.stage)),
        facts.installed.as_ref().map(configuration),
        Some(kubelet(facts.kubelet.as_ref())),
    ];
    let parts: Vec<Verdict> = parts.into_iter().flatten().collect();
    // The API server keeps whole seconds.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let conditions = [sum(&parts)].into_iter().chain(parts);
    let standing = facts.installed.as_ref();
    NodeInventoryStatus {
        conditions: conditions.map(|verdict| verdict.condition(now)).collect(),
        agent_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        plugin_version: standing.and_then(|standing| standing.plugin_version.clone()),
        runtime_configuration: standing.and_then(|standing| standing.runtime_configuration.clone()),
    }
}

fn serving(stage: Stage) -> Verdict {
    let (status, reason, message) = match (stage, stage.obstacle()) {
        (_, None) => (Status::True, "Answering", "plugins are answered"),
        (Stage::Stopping, _) => (
            Status::False,
            "Stopping",
            "polypod-device-bridge was stopped, and none has taken its place yet",
        ),
        (_, Some(obstacle)) => (Status::False, "Starting", obstacle),
    };
    Verdict {
        kind: SERVING,
        status,
        reason,
        message: message.to_owned(),
    }
}

fn configuration(standing: &Standing) -> Verdict {
    let (status, reason) = match standing.reason {
        None => (Status::Unknown, "NotLookedYet"),
        Some(reason) if standing.is_ready => (Status::True, reason),
        Some(reason) => (Status::False, reason),
    };
    let in_force = standing.runtime_configuration.as_deref();
    let first = match status {
        Status::True => in_force.map(|file| format!("runtimes take {file}")),
        Status::False if standing.problems.is_empty() => {
            Some("what is needed for it is being waited for".to_owned())
        }
        Status::False | Status::Unknown => None,
    };
    let words = first.iter().chain(&standing.problems).map(String::as_str);
    Verdict {
        kind: CONFIGURATION_INSTALLED,
        status,
        reason,
        message: words.collect::<Vec<_>>().join("; "),
    }
}

fn kubelet(answer: Option<&Result<(), KubeletFault>>) -> Verdict {
    let (status, reason, message) = match answer {
        None => (Status::Unknown, "NotAskedYet", String::new()),
        Some(Ok(())) => (
            Status::True,
            "Answering",
            "the kubelet says which devices there are and who holds them".to_owned(),
        ),
        Some(Err(KubeletFault { reason, message })) => (Status::False, *reason, message.clone()),
    };
    Verdict {
        kind: KUBELET_ANSWERS,
        status,
        reason,
        message,
    }
}

/// Ready: true when all are; false when one is, and by its reason.
fn sum(parts: &[Verdict]) -> Verdict {
    let is = |status| move |part: &&Verdict| part.status == status;
    let worst = [Status::False, Status::Unknown]
        .into_iter()
        .find_map(|status| parts.iter().find(is(status)));
    let Some(worst) = worst else {
        return Verdict {
            kind: READY,
            status: Status::True,
            reason: READY,
            message: "pods of this node get their networks".to_owned(),
        };
    };
    let of_it = parts.iter().filter(is(worst.status));
    let words = of_it.map(|part| match part.message.as_str() {
        "" => part.kind.to_owned(),
        message => format!("{}: {message}", part.kind),
    });
    Verdict {
        kind: READY,
        status: worst.status,
        reason: worst.reason,
        message: words.collect::<Vec<_>>().join("; "),
    }
}

impl Verdict {
    fn condition(self, now: Timestamp) -> Condition {
        let Self {
            kind,
            status,
            reason,
            mut message,
        } = self;
        let is_boundary = |end: &usize| message.is_char_boundary(*end);
        let end = (0..=LONGEST).rev().find(is_boundary).unwrap_or_default();
        if message.len() > LONGEST {
            message.truncate(end);
        }
        Condition {
            type_: kind.to_owned(),
            status: status.word().to_owned(),
            reason: reason.to_owned(),
            message,
            // The generation counts reports. One that is behind would make whoever waits for a condition doubt it.
            observed_generation: None,
            last_transition_time: Time(now),
        }
    }
}

impl Status {
    const fn word(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

#[cfg(test)]
#[path = "wished_tests.rs"]
mod tests;
