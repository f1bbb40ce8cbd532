//! The administrator's decisions as they are now.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use admission::{Policy, configuration, control_switches::ControlSwitches};
use serde_json::Value;
use time::OffsetDateTime;
use tracing::warn;
use twox_hash::XxHash64;

/// The policy that requests are judged by; whoever reads the configuration replaces it.
#[derive(Debug)]
pub struct Configured {
    policy: RwLock<Arc<Policy>>,
    layers: Mutex<Layers>,
}

/// What the policy is made of, and how reading it went.
#[derive(Debug)]
struct Layers {
    /// Of the command line or of the configuration file.
    policy: Policy,
    switches: Option<ControlSwitches>,
    faults: [Option<String>; Origin::ALL.len()],
    /// Whether control switches are to be laid over the policy that nobody has read yet.
    awaits_switches: bool,
    changed: OffsetDateTime,
    hash: String,
}

/// Where decisions come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The file of `--config`.
    Config,
    /// The ConfigMap of `--control-switches`.
    ControlSwitches,
}

/// How the configuration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What was read last from each origin and not taken, because it cannot be carried out.
    pub faults: Vec<(Origin, Option<String>)>,
    /// When the policy changed last; at first when the process began.
    pub changed: OffsetDateTime,
    /// Tells this policy from others: two replicas with the same hash judge alike.
    pub hash: String,
}

impl Configured {
    /// Begins with `policy`.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        caution(&policy);
        Self {
            policy: RwLock::new(Arc::new(policy.clone())),
            layers: Mutex::new(Layers {
                hash: hash(&policy),
                policy,
                switches: None,
                awaits_switches: false,
                faults: Default::default(),
                changed: OffsetDateTime::now_utc(),
            }),
        }
    }

    /// The policy: one request is judged by one, however often it is replaced meanwhile.
    #[must_use]
    pub fn current(&self) -> Arc<Policy> {
        // Poisoned or not, the lock holds one whole pointer.
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Requests that come from now on are judged by `policy`, with the control switches that are known.
    pub fn replace(&self, policy: Policy) {
        self.change(Origin::Config, |layers| layers.policy = policy);
    }

    /// From now on these control switches are laid over the policy; none leaves it as it is written.
    pub fn switch(&self, switches: Option<ControlSwitches>) {
        self.change(Origin::ControlSwitches, |layers| {
            layers.switches = switches;
            layers.awaits_switches = false;
        });
    }

    /// The policy is not known before [`Configured::switch`] was called for the first time.
    pub fn await_switches(&self) {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        layers.awaits_switches = true;
        layers.faults[Origin::ControlSwitches as usize] = Some("not read yet".to_owned());
    }

    /// What is missing of the policy, if anything is.
    #[must_use]
    pub fn awaited(&self) -> Option<String> {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        layers.awaits_switches.then(|| {
            let fault = layers.faults[Origin::ControlSwitches as usize].as_deref();
            let fault = fault.unwrap_or("not read yet");
            format!("the control switches are not known yet: {fault}")
        })
    }

    /// Notes that what was read cannot be carried out. The last good one stays.
    pub fn refuse(&self, origin: Origin, fault: String) {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        layers.faults[origin as usize] = Some(fault);
    }

    /// How the configuration stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        Standing {
            faults: Origin::ALL
                .map(|origin| (origin, layers.faults[origin as usize].clone()))
                .into(),
            changed: layers.changed,
            hash: layers.hash.clone(),
        }
    }

    /// The effective policy as a document that `--config` would take, with how it stands in its annotations.
    ///
    /// # Errors
    /// A policy cannot be written as JSON.
    pub fn document(&self) -> Result<Value, serde_json::Error> {
        let standing = self.standing();
        let mut annotations = [("polypod.dev/configuration-hash", standing.hash)].into();
        for (origin, fault) in standing.faults {
            if let Some(fault) = fault {
                let annotations: &mut std::collections::BTreeMap<_, _> = &mut annotations;
                annotations.insert(origin.fault_key(), fault);
            }
        }
        configuration::document(&self.current(), &annotations)
    }

    fn change(&self, origin: Origin, f: impl FnOnce(&mut Layers)) {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        f(&mut layers);
        layers.faults[origin as usize] = None;
        let mut policy = layers.policy.clone();
        if let Some(switches) = &layers.switches {
            policy.injection = switches.apply(&policy.injection);
        }
        // Under the lock of the layers, so that of two changes the later one stays.
        if policy != *self.current() {
            layers.changed = OffsetDateTime::now_utc();
            layers.hash = hash(&policy);
            caution(&policy);
            *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
        }
    }
}

impl Default for Configured {
    fn default() -> Self {
        Self::new(Policy::default())
    }
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Config, Self::ControlSwitches];

    /// Its name in logs and metrics: that of its flag.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::ControlSwitches => "control-switches",
        }
    }

    const fn fault_key(self) -> &'static str {
        match self {
            Self::Config => "polypod.dev/configuration-error",
            Self::ControlSwitches => "polypod.dev/control-switches-error",
        }
    }
}

fn caution(policy: &Policy) {
    for caution in policy.cautions() {
        warn!(caution, "Configuration");
    }
}

fn hash(policy: &Policy) -> String {
    // A policy has no map whose keys are no text; if that changed, its replicas would look alike, and nothing else.
    let text = serde_json::to_vec(policy).unwrap_or_default();
    format!("{:016x}", XxHash64::oneshot(0, &text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system_namespace(namespace: &str) -> Policy {
        Policy {
            system_namespace: namespace.parse().unwrap(),
            ..Policy::default()
        }
    }

    #[test]
    fn switches_stay_over_whatever_policy_comes() {
        let configured = Configured::default();
        let first = configured.standing();
        let switches = r#"{"features": {"enableHonorExistingResources": true}}"#;
        configured.switch(Some(ControlSwitches::parse(switches).unwrap()));
        assert!(configured.current().injection.honor_existing_resources);
        assert_ne!(configured.standing().hash, first.hash);
        configured.replace(system_namespace("net"));
        let current = configured.current();
        assert!(current.injection.honor_existing_resources);
        assert_eq!(current.system_namespace.as_str(), "net");
        configured.switch(None);
        assert_eq!(*configured.current(), system_namespace("net"));
    }

    #[test]
    fn a_fault_stays_until_its_origin_is_good_again() {
        let configured = Configured::default();
        configured.refuse(Origin::Config, "bad".to_owned());
        configured.switch(None);
        let faults = |configured: &Configured| {
            let faults = configured.standing().faults;
            faults.iter().filter(|(_, fault)| fault.is_some()).count()
        };
        assert_eq!(faults(&configured), 1);
        let document = configured.document().unwrap();
        assert_eq!(
            document["metadata"]["annotations"]["polypod.dev/configuration-error"],
            "bad"
        );
        let read = configuration::parse(&document.to_string(), "f").unwrap();
        assert_eq!(read, Policy::default());
        configured.replace(Policy::default());
        assert_eq!(faults(&configured), 0);
    }
}
