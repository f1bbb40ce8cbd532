//! Renews the certificate for as long as the process lives.
//!
//! Of a new CA the clients hear first, beside the old one, and only later is a certificate from it served: who verifies
//! with either of them is never refused.

use std::{
    path::Path,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use certs::rotation::Rotation;
use time::OffsetDateTime;
use tokio::time::sleep;
use tracing::{error, info};

use crate::{
    cert_file::{self, CertFileError},
    identity::Identity,
};

/// The longest sleep: a machine that was suspended, or whose clock was set, is noticed within an hour.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// After a failure. Two thirds of its life are over when a certificate is renewed, so there is time for many attempts.
const RETRY: Duration = Duration::from_secs(60);

/// From when the new CA is in the file until a certificate from it is served. Whoever copies the file to the API servers
/// has this long.
const TRUST_DELAY: Duration = Duration::from_secs(300);

#[derive(Debug, thiserror::Error)]
enum RenewalError {
    #[error(transparent)]
    Certificate(#[from] certs::error::Error),
    #[error(transparent)]
    File(#[from] CertFileError),
}

/// Renews `identity` whenever it is time, for ever.
pub async fn renew(mut identity: Identity, cert_out: Option<&Path>, leaf_not_after: &AtomicI64) {
    loop {
        match step(&mut identity, cert_out).await {
            Ok(until_next) => sleep(until_next).await,
            Err(error) => {
                error!(%error, "Renewing the certificate failed, the old one is served on");
                sleep(RETRY).await;
            }
        }
        leaf_not_after.store(identity.not_after().unix_timestamp(), Ordering::Relaxed);
    }
}

async fn step(identity: &mut Identity, cert_out: Option<&Path>) -> Result<Duration, RenewalError> {
    let now = OffsetDateTime::now_utc();
    match identity.next(now) {
        Rotation::Keep { until } => {
            let left = Duration::try_from(until - now).unwrap_or_default();
            return Ok(left.min(LONGEST_SLEEP));
        }
        Rotation::RenewLeaf => identity.renew_leaf(now)?,
        Rotation::RenewAuthority => {
            let authority = Identity::next_authority(now)?;
            if let Some(path) = cert_out {
                let both = identity.trust().union((&authority).into());
                cert_file::write(path, &both)?;
                info!("A new CA is to be trusted beside the old one");
                sleep(TRUST_DELAY).await;
            }
            identity.change_authority(authority, OffsetDateTime::now_utc())?;
        }
    }
    info!(not_after = %identity.not_after(), "Certificate renewed");
    Ok(Duration::ZERO)
}
