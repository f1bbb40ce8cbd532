//! The part of the command line that is about pods without a node, checked.

use std::time::Duration;

use spec::{
    NameError,
    network::{Namespace, ObjectName},
};

use super::args::WaitingArgs;
use crate::certificate::mode::OWN_NAMESPACE;

/// The name of the Lease, unless another is given.
const LEASE: &str = "polypod-scheduling";

/// How long the Lease lasts that its holder does not renew: so long nobody is helped when a replica was killed.
pub const LEASE_DURATION: Duration = Duration::from_secs(15);

/// How pods without a node are helped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingPlan {
    /// Whether refused ones are tried again.
    pub wakes: bool,
    /// How gated ones are let go, if they are.
    pub gates: Option<GatesPlan>,
    /// Who of several replicas does it; this one, where there is none.
    pub lease: Option<LeasePlace>,
}

/// How gated pods are let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatesPlan {
    /// How many nodes are chosen at most.
    pub nodes: usize,
    /// How long devices are kept for a pod that is not seen on one of them.
    pub hold: Duration,
}

/// Where a Lease is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasePlace {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// A Lease that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum WaitingPlanError {
    /// No namespace and name.
    #[error(
        "--scheduling-lease: {0:?} is no Lease; give its namespace and its name, as in kube-system/{LEASE}"
    )]
    Lease(String),
    /// One of them cannot be.
    #[error("--scheduling-lease: {0}")]
    Name(#[from] NameError),
}

impl WaitingPlan {
    /// The plan of these arguments, of a webhook that answers schedulers or does not (`is_extender`); none where nobody is
    /// to be helped.
    ///
    /// # Errors
    /// See [`WaitingPlanError`].
    pub fn new(args: WaitingArgs, is_extender: bool) -> Result<Option<Self>, WaitingPlanError> {
        let WaitingArgs {
            scheduler_wake_up,
            scheduling_gates,
            scheduling_gates_nodes,
            scheduling_gates_hold,
            scheduling_lease,
        } = args;
        let lease = match scheduling_lease {
            Some(text) => Some(LeasePlace::parse(&text)?),
            None => LeasePlace::own(),
        };
        let wakes = is_extender && scheduler_wake_up;
        let gates = scheduling_gates.then(|| GatesPlan {
            nodes: scheduling_gates_nodes.into(),
            hold: scheduling_gates_hold,
        });
        let is_any = wakes || gates.is_some();
        Ok(is_any.then_some(Self {
            wakes,
            gates,
            lease,
        }))
    }
}

impl LeasePlace {
    fn parse(text: &str) -> Result<Self, WaitingPlanError> {
        let (namespace, name) = text
            .split_once('/')
            .ok_or_else(|| WaitingPlanError::Lease(text.to_owned()))?;
        Ok(Self {
            namespace: namespace.parse::<Namespace>()?.as_str().to_owned(),
            name: name.parse::<ObjectName>()?.as_str().to_owned(),
        })
    }

    /// In the namespace of the pod that this process runs in, if it runs in one.
    fn own() -> Option<Self> {
        let namespace = std::fs::read_to_string(OWN_NAMESPACE).ok()?;
        let namespace: Namespace = namespace.trim().parse().ok()?;
        Some(Self {
            namespace: namespace.as_str().to_owned(),
            name: LEASE.to_owned(),
        })
    }
}
