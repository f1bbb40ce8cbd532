//! What is known of all nodes and pods, and the answers to the scheduler's questions.

use std::collections::BTreeMap;

use crate::{
    align::Scratch,
    demand::PodDemand,
    moment::Moment,
    need::Need,
    placement::Refusal,
    policy::Policy,
    report::{Report, Source},
    resource::{ResourceId, Resources},
};

/// What is known of all nodes and pods.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    policy: Policy,
    resources: Resources,
}

/// Something was learnt. Events may come twice, late, and in any order of objects; each carries all there is to know of its object.
#[derive(Clone, Debug)]
pub enum Event {
    /// A Node is there, with `status.allocatable` in units of [`crate::resource::Kind`].
    NodeSeen {
        /// Its name.
        name: Box<str>,
        /// What pods may get of it.
        allocatable: BTreeMap<Box<str>, i64>,
    },
    /// A Node is gone.
    NodeGone {
        /// Its name.
        name: Box<str>,
    },
    /// A report came, perhaps before its Node.
    Reported {
        /// The node.
        node: Box<str>,
        /// The report.
        report: Box<Report>,
    },
    /// The object that reported was deleted.
    ReportGone {
        /// The node.
        node: Box<str>,
        /// Whose report: the sequence does not matter.
        source: Source,
    },
    /// A pod is there.
    PodSeen(Box<PodFacts>),
    /// A pod's object is gone.
    PodGone {
        /// Its UID.
        uid: Box<str>,
    },
    /// Nothing but that time has passed.
    Tick,
}

/// What is known of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodFacts {
    /// What it demands.
    pub demand: PodDemand,
    /// The node it is bound to.
    pub node: Option<Box<str>>,
    /// How far it is.
    pub stage: Stage,
}

/// How far a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not started: perhaps the kubelet has not heard of it.
    Pending,
    /// A container runs or has run: the kubelet has given it all it gets.
    Started,
    /// Refused by the kubelet for want of alignment or devices (`TopologyAffinityError`, `UnexpectedAdmissionError`): it
    /// holds nothing.
    RefusedByKubelet,
    /// Succeeded or failed otherwise: it holds nothing, as soon as the kubelet has noticed.
    Ended,
}

/// What came of an event, for those who wait or count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A node has more of these resources, or may be offered again: pods that were refused may fit now.
    Freed {
        /// The node.
        node: Box<str>,
        /// Of which resources; empty when it is not about any one.
        resources: Vec<ResourceId>,
    },
    /// A pod is elsewhere than was predicted.
    Mispredicted {
        /// The node.
        node: Box<str>,
        /// The pod's namespace.
        namespace: Box<str>,
        /// The pod's name.
        name: Box<str>,
        /// The kernel's numbers of the zones that were predicted.
        predicted: Vec<u32>,
        /// Those it is in.
        actual: Vec<u32>,
    },
    /// A kubelet refused a pod; the node is not offered to its owner for a while.
    SetAside {
        /// The node.
        node: Box<str>,
        /// The pod's namespace.
        namespace: Box<str>,
        /// The pod's name.
        name: Box<str>,
    },
    /// An event was not taken, and why: a sequence that goes back, a report that contradicts itself.
    Ignored {
        /// The object and the reason, in words.
        reason: String,
    },
}

/// A question about a pod, prepared once for all nodes.
#[derive(Debug)]
pub struct Question<'e> {
    engine: &'e Engine,
    demand: &'e PodDemand,
    need: Need,
    now: Moment,
}

impl Engine {
    /// An engine that knows nothing yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            ..Self::default()
        }
    }

    /// Learns something.
    pub fn apply(&mut self, event: Event, now: Moment) -> Vec<Outcome> {
        let _ = (event, now, &self.policy);
        todo!("H2")
    }

    /// All resources that were heard of.
    #[must_use]
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// Prepares a question about a pod.
    #[must_use]
    pub fn question<'e>(&'e self, demand: &'e PodDemand, now: Moment) -> Question<'e> {
        Question {
            engine: self,
            demand,
            need: Need::default(),
            now,
        }
    }
}

impl Question<'_> {
    /// Whether the kubelet of a node will take the pod; the prediction is left in `scratch.placement`.
    ///
    /// # Errors
    /// The node is not for the pod.
    pub fn filter(&self, node: &str, scratch: &mut Scratch) -> Result<(), Refusal> {
        let _ = (
            self.engine,
            self.demand,
            &self.need,
            self.now,
            node,
            scratch,
        );
        todo!("H2")
    }

    /// How good a node that fits is, from 0 to [`crate::extender::MAX_SCORE`]; 0 for one that does not.
    pub fn score(&self, node: &str, scratch: &mut Scratch) -> i64 {
        let _ = (node, scratch);
        todo!("H3")
    }

    /// A refusal in words, such as `intel.com/sriov: 1 free, 2 needed`.
    pub fn reason(&self, refusal: Refusal) -> impl std::fmt::Display {
        let _ = refusal;
        String::new()
    }
}
