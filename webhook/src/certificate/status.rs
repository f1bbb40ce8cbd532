//! What is served now, and what is known of those who are to accept it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use certs::{
    ca_bundle::CaBundle, error::Error, foreign::Foreign, leaf::Leaf, names::ServerNames,
    reload::Resolver, state::State, store::Bundle,
};
use time::{Duration, OffsetDateTime};
use tracing::warn;

use super::with_causes;

/// The one certificate of the process, with all that readiness and metrics tell about it.
#[derive(Debug)]
pub struct Status {
    names: ServerNames,
    patience: Duration,
    resolver: Arc<Resolver>,
    leaf_not_after: Arc<AtomicI64>,
    reload_errors: AtomicU64,
    is_leader: AtomicBool,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    leaf: Option<Leaf>,
    trust: Option<CaBundle>,
    /// What is stored, once it served.
    bundle: Option<Bundle>,
    /// What was refused since, so that it is told once.
    refused: Option<(Bundle, String)>,
    fault: Option<String>,
    /// What is served is not for all names.
    is_misnamed: bool,
    /// The `caBundle` of every webhook of each configuration.
    told: BTreeMap<String, Vec<Option<CaBundle>>>,
    mismatch_since: Option<OffsetDateTime>,
}

impl Status {
    /// Nothing is served yet. A `caBundle` that does not fit makes the process unready after `patience`.
    #[must_use]
    pub fn new(names: ServerNames, patience: Duration) -> Self {
        Self {
            names,
            patience,
            resolver: Arc::new(Resolver::empty()),
            leaf_not_after: Arc::default(),
            reload_errors: AtomicU64::default(),
            is_leader: AtomicBool::default(),
            known: RwLock::default(),
        }
    }

    /// Serves the certificate, always the latest good one.
    #[must_use]
    pub fn resolver(&self) -> Arc<Resolver> {
        Arc::clone(&self.resolver)
    }

    /// When the certificate expires, in seconds since 1970; 0 while there is none.
    #[must_use]
    pub fn leaf_not_after(&self) -> Arc<AtomicI64> {
        Arc::clone(&self.leaf_not_after)
    }

    /// Serves what is stored, unless clients would refuse it: then what is served stays.
    ///
    /// A name that is missing is no reason: replicas that are given other names, as while they are updated one after
    /// another, share what is stored, and who leads renews it.
    ///
    /// # Errors
    /// Why it is not served; told for each state of the store once.
    pub fn take(&self, bundle: &Bundle, now: OffsetDateTime) -> Result<bool, Error> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.bundle.as_ref() == Some(bundle) {
            known.judge(now);
            return Ok(false);
        }
        let state = State::read(bundle);
        let swapped = state
            .check_chain(now)
            .and_then(|()| match (state.trust, state.leaf) {
                (Some(trust), Some(leaf)) => Ok(Foreign {
                    leaf,
                    trust: Some(trust),
                    names: None,
                }),
                _ => Err(Error::Incomplete),
            })
            .and_then(|foreign| {
                self.resolver.swap_foreign(&foreign, now)?;
                Ok(foreign)
            });
        match swapped {
            Ok(Foreign { leaf, trust, .. }) => {
                let misnamed = self.names.check(&leaf);
                if let Err(error) = &misnamed {
                    warn!(
                        error = with_causes(error),
                        "The certificate is served all the same; the leader renews it for its own names"
                    );
                }
                known.is_misnamed = misnamed.is_err();
                self.leaf_not_after.store(
                    leaf.validity().not_after().unix_timestamp(),
                    Ordering::Relaxed,
                );
                (known.trust, known.leaf) = (trust, Some(leaf));
                known.bundle = Some(bundle.clone());
                (known.refused, known.fault) = (None, None);
                known.judge(now);
                Ok(true)
            }
            Err(error) => {
                // The first fault is nearer to the cause than that something is missing.
                let error = state.faults.into_iter().next().unwrap_or(error);
                let told = with_causes(&error);
                if matches!(&known.refused, Some((refused, _)) if refused == bundle) {
                    return Ok(false);
                }
                known.refused = Some((bundle.clone(), told.clone()));
                known.fault = Some(told);
                self.reload_errors.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// Serves somebody else's certificate, unless clients would refuse it.
    ///
    /// # Errors
    /// Why it is not served.
    pub fn take_foreign(&self, foreign: Foreign, now: OffsetDateTime) -> Result<(), Error> {
        self.resolver.swap_foreign(&foreign, now)?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let not_after = foreign.leaf.validity().not_after();
        self.leaf_not_after
            .store(not_after.unix_timestamp(), Ordering::Relaxed);
        (known.leaf, known.trust) = (Some(foreign.leaf), foreign.trust);
        (known.fault, known.is_misnamed) = (None, false);
        known.judge(now);
        Ok(())
    }

    /// Remembers and counts why something new is not served.
    pub fn refuse(&self, fault: String) {
        self.reload_errors.fetch_add(1, Ordering::Relaxed);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.fault = Some(fault);
    }

    /// What a webhook configuration tells its clients to trust, a webhook each; `None` once it is gone.
    pub fn told(
        &self,
        configuration: &str,
        bundles: Option<Vec<Option<CaBundle>>>,
        now: OffsetDateTime,
    ) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match bundles {
            Some(bundles) => drop(known.told.insert(configuration.to_owned(), bundles)),
            None => drop(known.told.remove(configuration)),
        }
        known.judge(now);
    }

    /// Notes whether this process is the one that renews.
    pub fn lead(&self, leads: bool) -> bool {
        self.is_leader.swap(leads, Ordering::Relaxed) != leads
    }

    /// Whether this process is the one that renews.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.is_leader.load(Ordering::Relaxed)
    }

    /// What served last, as it was stored.
    #[must_use]
    pub fn last_good(&self) -> Option<Bundle> {
        self.read(|known| known.bundle.clone())
    }

    /// Whether what is served proves itself to clients that trust these CAs alone.
    #[must_use]
    pub fn satisfies(&self, trust: &CaBundle, now: OffsetDateTime) -> bool {
        self.read(|known| {
            let leaf = known.leaf.as_ref();
            leaf.is_some_and(|leaf| trust.verify(leaf, &self.names, now).is_ok())
        })
    }

    /// Whether what is served lacks a name that this process was given; it waits for the leader to renew it.
    #[must_use]
    pub fn is_misnamed(&self) -> bool {
        self.read(|known| known.is_misnamed)
    }

    /// How often something new was not served.
    #[must_use]
    pub fn reload_errors(&self) -> u64 {
        self.reload_errors.load(Ordering::Relaxed)
    }

    /// Serial number and end of each trusted CA.
    #[must_use]
    pub fn authorities(&self) -> Vec<(String, OffsetDateTime)> {
        self.read(|known| {
            let authorities = known.trust.iter().flat_map(CaBundle::authorities);
            authorities
                .map(|(serial, validity)| (serial, validity.not_after()))
                .collect()
        })
    }

    /// Whether some client is told to trust other CAs than that of the certificate; `None` when nobody knows.
    #[must_use]
    pub fn mismatch(&self, now: OffsetDateTime) -> Option<bool> {
        self.read(|known| (!known.told.is_empty()).then(|| known.mismatch(now).is_some()))
    }

    /// Why requests should not be sent here, or nothing.
    #[must_use]
    pub fn obstacle(&self, now: OffsetDateTime) -> Option<String> {
        self.read(|known| {
            let Some(leaf) = &known.leaf else {
                let fault = known.fault.as_deref();
                let fault = fault.map_or_else(String::new, |fault| format!(": {fault}"));
                return Some(format!("there is no certificate to serve{fault}"));
            };
            let validity = leaf.validity();
            if !validity.contains(now) {
                let (begin, end) = (validity.not_before(), validity.not_after());
                return Some(format!("the certificate is valid from {begin} to {end} only"));
            }
            let since = known.mismatch_since?;
            let configuration = known.mismatch(now)?;
            (self.patience < now - since).then(|| {
                format!(
                    "the caBundle of {configuration} has not been that of the certificate since {since}: \
                     API servers that read it refuse the certificate"
                )
            })
        })
    }

    fn read<T>(&self, f: impl FnOnce(&Known) -> T) -> T {
        f(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Known {
    /// A configuration whose clients would refuse the certificate.
    fn mismatch(&self, now: OffsetDateTime) -> Option<&str> {
        let leaf = self.leaf.as_ref()?;
        let refuses = |bundle: &Option<CaBundle>| {
            bundle
                .as_ref()
                .is_none_or(|trust| trust.verify_chain(leaf, now).is_err())
        };
        let mut told = self.told.iter();
        let found = told.find(|(_, bundles)| bundles.iter().any(refuses));
        found.map(|(configuration, _)| configuration.as_str())
    }

    fn judge(&mut self, now: OffsetDateTime) {
        let since = self.mismatch_since.unwrap_or(now);
        self.mismatch_since = self.mismatch(now).map(|_| since);
    }
}

#[cfg(test)]
mod tests;
