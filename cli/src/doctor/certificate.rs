//! Whether the webhook's certificate is one that API servers trust, and for how long.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use serde_json::Value;
use ureq::http::Uri;
use x509_parser::parse_x509_certificate;

use super::finding::{Finding, Issue};
use crate::{cluster::Unseen, output::age};

const CHECK: &str = "certificate";

/// What is known of certificates.
#[derive(Clone, Debug)]
pub(super) struct Seen<'a> {
    /// Where the webhook is installed.
    pub(super) namespace: &'a str,
    /// The configurations, by kind.
    pub(super) configurations: [(&'static str, &'a Result<Option<Value>, Unseen>); 2],
    /// The Secret's name, and the Secret.
    pub(super) secret: (&'a str, &'a Result<Option<Value>, Unseen>),
    /// Now.
    pub(super) now: SystemTime,
}

/// From when to when a certificate is valid.
#[derive(Clone, Copy, Debug)]
struct Life {
    begin: SystemTime,
    end: SystemTime,
}

/// Judges them.
pub(super) fn judged(seen: &Seen<'_>) -> Finding {
    let (mut issues, mut evidence) = (Vec::new(), Vec::new());
    let (name, secret) = seen.secret;
    let restart = format!(
        "kubectl -n {} rollout restart deployment/polypod-webhook, and look at its log",
        seen.namespace
    );
    let chain = match secret {
        Err(unseen) => {
            issues.push(unseen.into());
            Vec::new()
        }
        Ok(None) => {
            let text = format!(
                "there is no Secret {name} in {}, which the webhook's certificate is in",
                seen.namespace
            );
            issues.push(Issue::fail(text, &restart));
            Vec::new()
        }
        Ok(Some(secret)) => match chain(secret) {
            Ok(chain) => chain,
            Err(why) => {
                let text = format!("tls.crt of the Secret {name} cannot be read: {why}");
                issues.push(Issue::fail(text, &restart));
                Vec::new()
            }
        },
    };
    if let Some(leaf) = chain.first() {
        let what = format!("the certificate of the Secret {name}");
        match life(leaf) {
            Some(life) => issues.extend(lasting(&what, life, seen.now, &restart, &mut evidence)),
            None => issues.push(Issue::fail(format!("{what} is no X.509"), &restart)),
        }
    }
    let mut known = Vec::new();
    for (kind, configuration) in seen.configurations {
        // Those that are not there or not seen are the check webhook's.
        let Ok(Some(configuration)) = configuration else {
            continue;
        };
        for hook in configuration["webhooks"].as_array().into_iter().flatten() {
            let hook_name = hook["name"].as_str().unwrap_or("a hook without a name");
            let what = format!("the caBundle of {hook_name} in the {kind} polypod");
            let bundle = hook["clientConfig"]["caBundle"]
                .as_str()
                .unwrap_or_default();
            let roots = match roots(bundle) {
                Ok(roots) => roots,
                Err(why) => {
                    issues.push(Issue::fail(format!("{what} {why}"), &restart));
                    continue;
                }
            };
            if !known.contains(&bundle) {
                known.push(bundle);
                let lives = roots.iter().filter_map(life);
                // While one CA takes over from another, the one that lasts is what counts.
                if let Some(life) = lives.max_by_key(|life| life.end) {
                    issues.extend(lasting(&what, life, seen.now, &restart, &mut evidence));
                }
            }
            if chain.is_empty() {
                continue;
            }
            let server = server_name(hook, seen.namespace);
            if let Err(why) = trusted(&roots, &chain, &server, seen.now) {
                let text = format!(
                    "{what} does not trust the certificate of the Secret {name} for {server}: {why}"
                );
                issues.push(Issue::fail(text, &restart));
            }
        }
    }
    if known.is_empty() && chain.is_empty() && issues.is_empty() {
        issues.push(Issue::unknown(
            "neither the Secret of the webhook's certificate nor a caBundle was seen",
            "see the check webhook",
        ));
    }
    let good = format!("API servers trust the certificate of the Secret {name}");
    Finding::of(CHECK, good, evidence, issues)
}

/// The certificates of `tls.crt`, the server's own first.
fn chain(secret: &Value) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = secret["data"]["tls.crt"].as_str().unwrap_or_default();
    certificates(text)
}

fn roots(bundle: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    if bundle.is_empty() {
        return Err("is empty: API servers trust no certificate of the webhook".to_owned());
    }
    certificates(bundle).map_err(|why| format!("cannot be read: {why}"))
}

/// What the API server keeps: PEM as base64.
fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = STANDARD.decode(text).map_err(|error| error.to_string())?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err("there is no certificate in it".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(error.to_string()),
    }
}

fn life(certificate: &CertificateDer<'static>) -> Option<Life> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    let moment = |seconds: i64| {
        let since = Duration::from_secs(u64::try_from(seconds).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since)
    };
    let validity = parsed.validity();
    Some(Life {
        begin: moment(validity.not_before.timestamp())?,
        end: moment(validity.not_after.timestamp())?,
    })
}

/// Over is a failure. What has a quarter of its life left should have been renewed: it is done at two thirds of it.
fn lasting(
    what: &str,
    Life { begin, end }: Life,
    now: SystemTime,
    mend: &str,
    evidence: &mut Vec<String>,
) -> Option<Issue> {
    let until = humantime::format_rfc3339_seconds(end);
    let Ok(left) = end.duration_since(now) else {
        let ago = age(end, now);
        return Some(Issue::fail(
            format!("{what} is over since {ago} ({until})"),
            mend,
        ));
    };
    if begin > now {
        let text = format!(
            "{what} is not valid before {}",
            humantime::format_rfc3339_seconds(begin)
        );
        return Some(Issue::fail(text, "see the check clock"));
    }
    let whole = end.duration_since(begin).unwrap_or_default();
    let more = age(now, end);
    if left < whole / 4 {
        let text =
            format!("{what} is valid for {more} more ({until}) and should have been renewed");
        return Some(Issue::warn(text, mend));
    }
    evidence.push(format!("{what} is valid for {more} more ({until})"));
    None
}

/// The name by which API servers call.
fn server_name(hook: &Value, namespace: &str) -> String {
    let config = &hook["clientConfig"];
    if let Some(host) = config["url"]
        .as_str()
        .and_then(|url| url.parse::<Uri>().ok())
    {
        return host
            .host()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
    }
    let part = |key: &str, otherwise: &str| {
        let text = config["service"][key].as_str();
        text.unwrap_or(otherwise).to_owned()
    };
    format!(
        "{}.{}.svc",
        part("name", "polypod-webhook"),
        part("namespace", namespace)
    )
}

/// What an API server would say of the certificate.
fn trusted(
    roots: &[CertificateDer<'static>],
    chain: &[CertificateDer<'static>],
    server: &str,
    now: SystemTime,
) -> Result<(), String> {
    let words = |error: &dyn std::error::Error| error.to_string();
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.clone()).map_err(|error| words(&error))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build();
    let verifier = verifier.map_err(|error| words(&error))?;
    let name = ServerName::try_from(server.to_owned()).map_err(|error| words(&error))?;
    let since = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let Some((leaf, more)) = chain.split_first() else {
        return Err("there is none".to_owned());
    };
    let verified =
        verifier.verify_server_cert(leaf, more, &name, &[], UnixTime::since_unix_epoch(since));
    verified.map(drop).map_err(|error| words(&error))
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
