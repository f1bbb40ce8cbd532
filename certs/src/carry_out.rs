//! The steps of a rotation, each as a new bundle in place of the one that is stored.

use time::OffsetDateTime;

use crate::authority::Authority;
use crate::ca_bundle::CaBundle;
use crate::error::Error;
use crate::leaf::Leaf;
use crate::names::ServerNames;
use crate::rotation::Step;
use crate::schedule::Schedule;
use crate::state::State;
use crate::store::Bundle;

/// The common name of every CA; clients do not look at it.
const COMMON_NAME: &str = "polypod-webhook";

/// What is to be stored in place of `stored` once `step` is taken; `None` when the step is to wait.
///
/// What the step does not speak of stays as it is, byte by byte.
///
/// # Errors
/// A key or certificate cannot be made, or the state is not one in which the step can be taken.
pub fn carry_out(
    step: Step,
    now: OffsetDateTime,
    stored: Option<&Bundle>,
    state: &State,
    schedule: &Schedule,
    names: &ServerNames,
) -> Result<Option<Bundle>, Error> {
    let issue = |ca: &Authority| ca.issue(names, now, schedule.leaf_life());
    let generate = || Authority::generate(COMMON_NAME, now, schedule.authority_life());
    let valid = |trust: &CaBundle| trust.clone().valid_at(now);
    let bundle = match step {
        Step::Wait { .. } => return Ok(None),
        Step::Generate => {
            let authority = generate()?;
            // Replicas may still serve what an old CA issued.
            let old = state.trust.as_ref().and_then(valid);
            let trust = joined(CaBundle::from(&authority), old);
            of(&trust, Some(&authority), &issue(&authority)?, now)
        }
        Step::RenewLeaf => {
            let authority = state.authority.as_ref().ok_or(Error::Incomplete)?;
            let leaf = issue(authority)?;
            let mut bundle = stored.ok_or(Error::Incomplete)?.clone();
            bundle.tls_crt = leaf.chain_pem().to_owned();
            bundle.tls_key = leaf.key_pem().to_owned();
            bundle
        }
        Step::TrustBoth => {
            let next = generate()?;
            let mut bundle = stored.ok_or(Error::Incomplete)?.clone();
            let old = state
                .trust
                .as_ref()
                .and_then(valid)
                .ok_or(Error::Incomplete)?;
            bundle.ca_crt = old.union((&next).into()).pem();
            bundle.next_key = Some(next.key_pem());
            bundle.since = Some(now);
            bundle
        }
        Step::ServeNew => {
            let next = state.next.as_ref().ok_or(Error::Incomplete)?;
            let old = state.trust.as_ref().and_then(valid);
            let trust = joined(CaBundle::from(next), old);
            of(&trust, Some(next), &issue(next)?, now)
        }
        Step::DropOld => {
            let authority = state.authority.as_ref().ok_or(Error::Incomplete)?;
            let mut bundle = stored.ok_or(Error::Incomplete)?.clone();
            bundle.ca_crt = authority.pem().to_owned();
            bundle.since = Some(now);
            bundle
        }
    };
    Ok(Some(bundle))
}

fn joined(first: CaBundle, old: Option<CaBundle>) -> CaBundle {
    match old {
        Some(old) => first.union(old),
        None => first,
    }
}

fn of(trust: &CaBundle, authority: Option<&Authority>, leaf: &Leaf, now: OffsetDateTime) -> Bundle {
    Bundle {
        ca_crt: trust.pem(),
        ca_key: authority.map(Authority::key_pem),
        next_key: None,
        tls_crt: leaf.chain_pem().to_owned(),
        tls_key: leaf.key_pem().to_owned(),
        since: Some(now),
    }
}
