//! What is stored, read part by part, so that one damaged part does not hide the others.

use time::OffsetDateTime;

use crate::authority::Authority;
use crate::ca_bundle::CaBundle;
use crate::error::Error;
use crate::leaf::Leaf;
use crate::names::ServerNames;
use crate::store::Bundle;
use crate::validity::SKEW_MARGIN;

/// How far a rotation of the CA has come. What is stored says it by itself: no second record can contradict it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// One CA is trusted, and what is served is from it.
    Stable,
    /// A second CA is trusted already; what is served is still from the first.
    TrustBoth,
    /// What is served is from the second; the first is still trusted.
    ServeNew,
}

impl Phase {
    /// Its name where people read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "Stable",
            Self::TrustBoth => "TrustBoth",
            Self::ServeNew => "ServeNew",
        }
    }
}

/// A [`Bundle`] with everything in it that can be read.
#[derive(Debug)]
pub struct State {
    /// Everybody who is trusted.
    pub trust: Option<CaBundle>,
    /// Who issues server certificates.
    pub authority: Option<Authority>,
    /// Who will, once clients trust it.
    pub next: Option<Authority>,
    /// What is served.
    pub leaf: Option<Leaf>,
    /// Since when the phase is what it is.
    pub since: Option<OffsetDateTime>,
    /// What could not be read, and why.
    pub faults: Vec<Error>,
}

impl State {
    /// Reads all that can be read.
    pub fn read(bundle: &Bundle) -> Self {
        let mut faults = Vec::new();
        let trust = CaBundle::from_pem(&bundle.ca_crt)
            .map_err(|fault| faults.push(fault))
            .ok();
        let mut authority = |key: &Option<String>| {
            // Without certificates there is nothing a key could belong to, and that was told above.
            trust.as_ref()?;
            Authority::from_pem(&bundle.ca_crt, key.as_deref()?)
                .map_err(|fault| faults.push(fault))
                .ok()
        };
        let issuing = authority(&bundle.ca_key);
        let next = authority(&bundle.next_key)
            .filter(|next| issuing.as_ref().is_none_or(|now| now.pem() != next.pem()));
        let leaf = Leaf::from_pem(&bundle.tls_crt, &bundle.tls_key)
            .map_err(|fault| faults.push(fault))
            .ok();
        Self {
            trust,
            authority: issuing,
            next,
            leaf,
            since: bundle.since,
            faults,
        }
    }

    /// How far a rotation has come.
    pub fn phase(&self) -> Phase {
        if self.next.is_some() {
            return Phase::TrustBoth;
        }
        let trusted = self
            .trust
            .as_ref()
            .map_or(0, |trust| trust.validities().count());
        match self.authority {
            Some(_) if trusted > 1 => Phase::ServeNew,
            _ => Phase::Stable,
        }
    }

    /// Refuses what clients that trust the stored CAs would refuse.
    ///
    /// # Errors
    /// What is wrong with the server certificate, or why there is none.
    pub fn check(&self, names: &ServerNames, now: OffsetDateTime) -> Result<(), Error> {
        self.check_chain(now)?;
        self.leaf.as_ref().map_or(Ok(()), |leaf| names.check(leaf))
    }

    /// The same, whatever name the clients call by: replicas that are given other names share what is stored.
    ///
    /// # Errors
    /// What is wrong with the server certificate, or why there is none.
    pub fn check_chain(&self, now: OffsetDateTime) -> Result<(), Error> {
        match (&self.trust, &self.leaf) {
            (Some(trust), Some(leaf)) => trust.verify_chain(leaf, now),
            _ => Err(Error::Incomplete),
        }
    }

    /// Before this moment nothing here can have been written: a clock that says so is behind, or the writer's was ahead.
    pub fn written_after(&self) -> Option<OffsetDateTime> {
        let begins =
            |authority: &Option<Authority>| Some(authority.as_ref()?.validity().not_before());
        [
            begins(&self.authority),
            begins(&self.next),
            self.leaf.as_ref().map(|leaf| leaf.validity().not_before()),
            self.since.map(|since| since - SKEW_MARGIN),
        ]
        .into_iter()
        .flatten()
        .max()
    }
}

#[cfg(test)]
mod tests;
