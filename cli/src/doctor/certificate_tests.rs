use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;

use super::{
    super::{finding::Verdict, webhook::tests::unseen},
    *,
};
use crate::output::instant;

const NAME: &str = "polypod-webhook.polypod-system.svc";

/// All certificates live from 2026-01-01 on, for so many days.
fn params(names: &[&str], days: i64) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after =
        params.not_before + Duration::from_secs(u64::try_from(days).unwrap() * 86_400);
    params
}

struct Issued {
    ca: String,
    leaf: String,
}

fn issued(names: &[&str], ca_days: i64, leaf_days: i64) -> Issued {
    let mut params_of_ca = params(&[], ca_days);
    params_of_ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params_of_ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = params(names, leaf_days).signed_by(&key, &ca).unwrap();
    Issued {
        ca: ca.pem(),
        leaf: leaf.pem(),
    }
}

fn configuration(bundle: &str) -> Result<Option<Value>, Unseen> {
    Ok(Some(
        json!({"webhooks": [{"name": "validate.polypod.dev", "clientConfig": {
        "caBundle": bundle, "service": {"namespace": "polypod-system", "name": "polypod-webhook"}}}]}),
    ))
}

fn secret(chain: &str) -> Result<Option<Value>, Unseen> {
    Ok(Some(json!({"data": {"tls.crt": STANDARD.encode(chain)}})))
}

fn judge(bundle: &str, secret: &Result<Option<Value>, Unseen>, now: &str) -> Finding {
    let configuration = configuration(bundle);
    judged(&Seen {
        namespace: "polypod-system",
        configurations: [
            ("MutatingWebhookConfiguration", &Ok(None)),
            ("ValidatingWebhookConfiguration", &configuration),
        ],
        secret: ("polypod-webhook", secret),
        now: instant(now).unwrap(),
    })
}

#[test]
fn api_servers_trust_it_or_not() {
    let ours = issued(&[NAME], 360, 30);
    let bundle = STANDARD.encode(&ours.ca);
    let good = secret(&ours.leaf);
    let finding = judge(&bundle, &good, "2026-01-05T00:00:00Z");
    assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
    assert!(
        finding.evidence[0].contains("valid for 26d more (2026-01-31T00:00:00Z)"),
        "{finding:?}"
    );
    assert!(
        finding.evidence[1].contains("caBundle of validate.polypod.dev"),
        "{finding:?}"
    );
    // Of two CAs one is enough.
    let others = issued(&[NAME], 360, 30);
    let both = STANDARD.encode(format!("{}{}", others.ca, ours.ca));
    assert_eq!(
        judge(&both, &good, "2026-01-05T00:00:00Z").verdict,
        Verdict::Ok
    );

    let wrong_name = secret(&issued(&["elsewhere.svc"], 360, 30).leaf);
    for (bundle, secret, words) in [
        (STANDARD.encode(&others.ca), &good, "does not trust"),
        (bundle.clone(), &wrong_name, "does not trust"),
        (String::new(), &good, "is empty"),
        ("%".to_owned(), &good, "cannot be read"),
        (STANDARD.encode("nothing"), &good, "no certificate in it"),
        (bundle.clone(), &Ok(None), "no Secret polypod-webhook"),
        (bundle.clone(), &secret("nothing"), "tls.crt"),
        (bundle, &Ok(Some(json!({"data": 5}))), "tls.crt"),
    ] {
        let finding = judge(&bundle, secret, "2026-01-05T00:00:00Z");
        assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
        assert!(finding.found.contains(words), "{words}: {finding:?}");
        assert!(finding.mend[0].contains("rollout restart"), "{finding:?}");
    }
}

#[test]
fn its_life_is_told_before_it_ends() {
    let ours = issued(&[NAME], 360, 40);
    let bundle = STANDARD.encode(&ours.ca);
    for (now, verdict, words) in [
        ("2026-01-29T00:00:00Z", Verdict::Ok, "trust the certificate"),
        (
            "2026-02-01T00:00:00Z",
            Verdict::Warn,
            "should have been renewed",
        ),
        ("2026-02-20T00:00:00Z", Verdict::Fail, "is over since"),
        (
            "2025-12-31T23:00:00Z",
            Verdict::Fail,
            "is not valid before 2026-01-01",
        ),
    ] {
        let finding = judge(&bundle, &secret(&ours.leaf), now);
        assert_eq!(finding.verdict, verdict, "{now}: {finding:?}");
        assert!(finding.found.contains(words), "{finding:?}");
    }
}

#[test]
fn without_the_secret_the_bundle_still_tells() {
    let ours = issued(&[NAME], 30, 30);
    let bundle = STANDARD.encode(&ours.ca);
    let forbidden = Err(unseen("secrets"));
    let finding = judge(&bundle, &forbidden, "2026-01-05T00:00:00Z");
    assert_eq!(finding.verdict, Verdict::Unknown, "{finding:?}");
    assert!(finding.evidence[0].contains("caBundle"), "{finding:?}");
    assert_eq!(
        judge(&bundle, &forbidden, "2026-03-05T00:00:00Z").verdict,
        Verdict::Fail
    );
    let nothing = judged(&Seen {
        namespace: "polypod-system",
        configurations: [
            ("MutatingWebhookConfiguration", &Ok(None)),
            ("ValidatingWebhookConfiguration", &Ok(None)),
        ],
        secret: ("polypod-webhook", &forbidden),
        now: instant("2026-01-05T00:00:00Z").unwrap(),
    });
    assert_eq!(nothing.verdict, Verdict::Unknown);
}
