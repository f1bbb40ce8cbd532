//! Spans of what is over: all of them is known, their ids, too.

use std::time::{Duration, SystemTime};

use spec::{
    TraceContext,
    bridge::{AttachmentTimes, PodRef, Question, Report, Stage},
    cni::ContainerId,
};

use super::Above;

/// The name of the span of an ADD.
pub(super) const ADD: &str = "ADD";

const QUESTION: &str = Stage::OF_ADD[2];
const ATTACH: &str = Stage::OF_ADD[4];

/// A span that is sent as it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PastSpan {
    pub(super) name: String,
    /// Its own ids.
    pub(super) own: TraceContext,
    pub(super) parent: Option<TraceContext>,
    pub(super) link: Option<TraceContext>,
    pub(super) begun: SystemTime,
    pub(super) ended: SystemTime,
    pub(super) attributes: Vec<(&'static str, String)>,
    /// The code of the CNI error that it ended with.
    pub(super) failed: Option<u32>,
}

impl PastSpan {
    /// The span of an ADD that the agent refused, and so is told nothing more of.
    pub(crate) fn refused(
        add: &TraceContext,
        above: &Above,
        question: &Question,
        (begun, ended): (SystemTime, SystemTime),
        code: u32,
    ) -> Self {
        Self {
            begun,
            ended,
            failed: Some(code),
            ..Self::of_sandbox(add, above, &question.pod, &question.container_id)
        }
    }

    /// The spans of an ADD that got through: `ADD` first, its stages, its attachments, and their delegates by their types. None
    /// where the plugin was not told to be part of a trace.
    ///
    /// Its stage `question` is left out, of which the agent has sent a span already.
    pub(crate) fn of_add(report: &Report) -> Vec<Self> {
        let (Some(add), Some(times)) = (&report.add, &report.times) else {
            return Vec::new();
        };
        let part = |name: &str, own, parent: &TraceContext, after: u64, took: u64| Self {
            name: name.to_owned(),
            own,
            parent: Some(parent.clone()),
            link: None,
            begun: at(times.began_us.saturating_add(after)),
            ended: at(times.began_us.saturating_add(after).saturating_add(took)),
            attributes: Vec::new(),
            failed: None,
        };
        let above = Above::of_report(report);
        let mut spans = vec![Self {
            begun: at(times.began_us),
            ended: at(times.began_us.saturating_add(times.took_us)),
            ..Self::of_sandbox(add, &above, &report.pod, &report.container_id)
        }];
        let mut attach = add.clone();
        for (index, stage) in times.stages.iter().enumerate() {
            let own = add.of_stage(index);
            match stage.name.as_str() {
                QUESTION => continue,
                ATTACH => attach = own.clone(),
                _ => {}
            }
            spans.push(part(&stage.name, own, add, stage.after_us, stage.took_us));
        }
        for (index, made) in times.attachments.iter().enumerate() {
            let own = add.of_attachment(index);
            spans.push(Self {
                attributes: attributes_of(made),
                ..part(
                    "attachment",
                    own.clone(),
                    &attach,
                    made.after_us,
                    made.took_us,
                )
            });
            spans.extend(made.delegates.iter().enumerate().map(|(plugin, delegate)| {
                let after = made.after_us.saturating_add(delegate.after_us);
                let delegates = add.of_delegate(index, plugin);
                part(&delegate.name, delegates, &own, after, delegate.took_us)
            }));
        }
        spans
    }

    /// The span `ADD` of this sandbox, which has taken no time yet.
    fn of_sandbox(
        add: &TraceContext,
        above: &Above,
        pod: &PodRef,
        container_id: &ContainerId,
    ) -> Self {
        let mut attributes = vec![
            ("namespace", pod.namespace.to_string()),
            ("pod", pod.name.to_string()),
            ("container_id", container_id.to_string()),
        ];
        attributes.extend(pod.uid.clone().map(|uid| ("uid", uid)));
        Self {
            name: ADD.to_owned(),
            own: add.clone(),
            parent: above.parent().cloned(),
            link: above.link().cloned(),
            begun: SystemTime::UNIX_EPOCH,
            ended: SystemTime::UNIX_EPOCH,
            attributes,
            failed: None,
        }
    }
}

fn attributes_of(made: &AttachmentTimes) -> Vec<(&'static str, String)> {
    let mut attributes = vec![
        ("network", made.network.clone()),
        ("interface", made.interface.to_string()),
    ];
    attributes.extend(
        made.device
            .iter()
            .map(|device| ("device", device.to_string())),
    );
    attributes
}

fn at(micros_since_1970: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros_since_1970)
}

#[cfg(test)]
#[path = "past_span_tests.rs"]
mod tests;
