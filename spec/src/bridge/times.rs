//! How long an ADD took, and each part of it.
//!
//! Microseconds of a clock that only goes forwards; of the node's clock there is one reading, at which all of it began.

use serde::{Deserialize, Serialize};

use crate::{cni::InterfaceName, device::DeviceId};

/// The member of the result of an attachment that the agent had plugged into a running pod, in which the plugin tells its
/// [`Times`]: of such an attachment there is no report.
pub const TIMES_OF_RESULT: &str = "polypod.dev/times";

/// How long an ADD took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Times {
    /// When it began: microseconds since 1970, by the node's clock.
    pub began_us: u64,
    /// How long it took until this was written, in microseconds.
    pub took_us: u64,
    /// What it spent its time on, one after another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// Its attachments, in their order. Those that are made together overlap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentTimes>,
}

/// A part of something, and how long it took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// Which part.
    pub name: String,
    /// How long after the beginning of the ADD, or of what it is a part of, it began, in microseconds.
    pub after_us: u64,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// What it is known to have spent its time on; each [`Self::after_us`] counts from the beginning of this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
}

/// How long an attachment took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentTimes {
    /// The network's name for people; may be empty.
    pub network: String,
    /// The interface in the pod.
    pub interface: InterfaceName,
    /// The device that its delegate was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// How long after the beginning of the ADD it began, in microseconds.
    pub after_us: u64,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// The plugins that made it, in their order, by their types; each [`Stage::after_us`] counts from the beginning of the
    /// attachment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegates: Vec<Stage>,
}

impl Stage {
    /// The stages that an ADD of this release has, in their order: reading its configuration, waiting for the
    /// `readinessindicatorfile`, asking what the pod gets, planning (configurations of the node, and the record), and making
    /// the attachments.
    pub const OF_ADD: [&'static str; 5] =
        ["configuration", "readiness", "question", "plan", "attach"];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::{Answer, HEADER, Reply, Report, Request, decode, encode};

    const BEFORE: &str =
        r#"{"pod":{"namespace":"default","name":"p"},"containerId":"c1","statuses":[]}"#;

    fn wire<T: Serialize>(message: &T) -> String {
        String::from_utf8(encode(message).unwrap().split_off(HEADER)).unwrap()
    }

    fn times() -> Times {
        let stage = |name: &str, after_us, took_us| Stage {
            name: name.to_owned(),
            after_us,
            took_us,
            parts: Vec::new(),
        };
        let question = Stage {
            parts: vec![stage("lookup", 40, 300), stage("devices", 340, 900)],
            ..stage("question", 200, 1500)
        };
        let attachment = AttachmentTimes {
            network: "default/sriov-a".to_owned(),
            interface: "net1".parse().unwrap(),
            device: Some("0000:3b:02.1".parse().unwrap()),
            after_us: 1800,
            took_us: 9000,
            delegates: vec![stage("sriov", 30, 7000), stage("tuning", 7050, 1900)],
        };
        Times {
            began_us: 1_767_225_600_000_000,
            took_us: 11_000,
            stages: vec![stage("configuration", 0, 200), question],
            attachments: vec![attachment],
        }
    }

    #[test]
    fn times_on_the_wire() {
        let mut report: Report = serde_json::from_str(BEFORE).unwrap();
        report.times = Some(times());
        let text = wire(&Request::Report(report.clone()));
        assert_eq!(
            decode::<Request>(text.as_bytes()).unwrap(),
            Request::Report(report)
        );
        insta::assert_snapshot!(text, @r#"{"protocol":1,"message":{"report":{"pod":{"namespace":"default","name":"p"},"containerId":"c1","statuses":[],"times":{"beganUs":1767225600000000,"tookUs":11000,"stages":[{"name":"configuration","afterUs":0,"tookUs":200},{"name":"question","afterUs":200,"tookUs":1500,"parts":[{"name":"lookup","afterUs":40,"tookUs":300},{"name":"devices","afterUs":340,"tookUs":900}]}],"attachments":[{"network":"default/sriov-a","interface":"net1","device":"0000:3b:02.1","afterUs":1800,"tookUs":9000,"delegates":[{"name":"sriov","afterUs":30,"tookUs":7000},{"name":"tuning","afterUs":7050,"tookUs":1900}]}]}}}}"#);
        let answer = Answer {
            stages: vec![times().stages.remove(1)],
            ..Answer::default()
        };
        let text = wire(&Reply::Answer(answer.clone()));
        assert_eq!(
            decode::<Reply>(text.as_bytes()).unwrap(),
            Reply::Answer(answer)
        );
        insta::assert_snapshot!(text, @r#"{"protocol":1,"message":{"answer":{"networks":[],"stages":[{"name":"question","afterUs":200,"tookUs":1500,"parts":[{"name":"lookup","afterUs":40,"tookUs":300},{"name":"devices","afterUs":340,"tookUs":900}]}]}}}"#);
    }

    #[test]
    fn the_span_of_an_add_on_the_wire() {
        let context = |id: u64| format!("00-0af7651916cd43dd8448eb211c80319c-{id:016x}-01");
        let answer = Answer {
            traceparent: context(2).parse().ok(),
            parent: context(1).parse().ok(),
            ..Answer::default()
        };
        let text = wire(&Reply::Answer(answer.clone()));
        assert_eq!(
            decode::<Reply>(text.as_bytes()).unwrap(),
            Reply::Answer(answer.clone())
        );
        insta::assert_snapshot!(text, @r#"{"protocol":1,"message":{"answer":{"networks":[],"traceparent":"00-0af7651916cd43dd8448eb211c80319c-0000000000000002-01","parent":"00-0af7651916cd43dd8448eb211c80319c-0000000000000001-01"}}}"#);
        let mut report: Report = serde_json::from_str(BEFORE).unwrap();
        (report.add, report.parent) = (answer.traceparent, answer.parent);
        let text = wire(&Request::Report(report.clone()));
        assert_eq!(
            decode::<Request>(text.as_bytes()).unwrap(),
            Request::Report(report)
        );
        insta::assert_snapshot!(text, @r#"{"protocol":1,"message":{"report":{"pod":{"namespace":"default","name":"p"},"containerId":"c1","statuses":[],"add":"00-0af7651916cd43dd8448eb211c80319c-0000000000000002-01","parent":"00-0af7651916cd43dd8448eb211c80319c-0000000000000001-01"}}}"#);
    }

    #[test]
    fn a_release_without_times_is_understood_and_understands() {
        let report: Report = serde_json::from_str(BEFORE).unwrap();
        assert_eq!(report.times, None);
        assert_eq!(serde_json::to_string(&report).unwrap(), BEFORE);
        assert_eq!(
            wire(&Reply::Answer(Answer::default())),
            r#"{"protocol":1,"message":{"answer":{"networks":[]}}}"#
        );
        // A field that comes later is to this release what times are to the one before.
        let later = BEFORE.replace(
            r#""statuses""#,
            r#""later":{"a":1},"times":{"beganUs":1,"tookUs":2,"later":3},"statuses""#,
        );
        let report: Report = serde_json::from_str(&later).unwrap();
        assert_eq!(report.times.unwrap().took_us, 2);
    }
}
