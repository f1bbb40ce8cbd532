//! The API server's side of admission: HTTPS to the webhook, trusting the webhook's own CA and nobody else.

use std::{fs, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig},
};

use super::review::{self, Verdict};

/// The default of a webhook configuration's `timeoutSeconds`.
const LIMIT: Duration = Duration::from_secs(10);

/// A client of one webhook.
pub(super) struct ApiServer {
    agent: Agent,
    base: String,
}

impl ApiServer {
    /// For the webhook at `base` (`https://…`), whose CA is in the file `ca`.
    pub(super) fn new(base: &str, ca: &Path) -> Result<Self> {
        let pem = fs::read(ca).with_context(|| format!("cannot read the CA {}", ca.display()))?;
        let certificate = Certificate::from_pem(&pem)
            .with_context(|| format!("{} is no certificate", ca.display()))?;
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[certificate]))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(LIMIT))
            // A proxy of the user's environment does not lead into the demo's namespace.
            .proxy(None)
            .http_status_as_error(false)
            .build()
            .new_agent();
        Ok(Self {
            agent,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// Posts the review of a pod's creation to `path` and reads the verdict.
    pub(super) fn review(&self, path: &str, uid: &str, pod: &Value) -> Result<Verdict> {
        let url = format!("{}{path}", self.base);
        let mut response = self
            .agent
            .post(&url)
            .content_type("application/json")
            .send(review::request(uid, pod).to_string())
            .with_context(|| format!("cannot post the AdmissionReview to {url}"))?;
        let status = response.status();
        let body = response
            .body_mut()
            .read_to_string()
            .with_context(|| format!("cannot read the answer of {url}"))?;
        if status != 200 {
            bail!("{url} answered {status}: {}", body.trim());
        }
        review::verdict(uid, &body)
    }
}

/// The status code of a plain `GET`: what a readiness probe sees.
pub(super) fn probe(url: &str) -> Result<u16> {
    let agent = Agent::config_builder()
        .timeout_global(Some(LIMIT))
        .proxy(None)
        .http_status_as_error(false)
        .build()
        .new_agent();
    let response = agent.get(url).call();
    Ok(response
        .with_context(|| format!("cannot get {url}"))?
        .status()
        .as_u16())
}
