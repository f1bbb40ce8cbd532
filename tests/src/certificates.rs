//! A certificate that somebody else keeps in a mounted Secret: the webhook's process, TLS on loopback, the kubelet's links.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::symlink,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use certs::{authority::Authority, leaf::Leaf, names::ServerNames};
use time::OffsetDateTime;

use crate::{
    fixture::{binaries::workspace, daemon::Daemon, https::client},
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "certificates::c1_c2_a_mounted_secret_is_reloaded_and_a_torn_one_is_not",
        needs: &[],
        body: c1_c2_a_mounted_secret_is_reloaded_and_a_torn_one_is_not,
    }]
}

/// How long a new certificate may stay unserved.
const RELOADED: Duration = Duration::from_secs(10);

/// Replaces a mounted Secret as the kubelet does: a new folder, and the link to it renamed over the old one.
fn mount(folder: &Path, version: &str, ca: &str, chain: &str, key: &str) {
    let new = folder.join(version);
    fs::create_dir(&new).expect("the folder is ours");
    for (name, text) in [("ca.crt", ca), ("tls.crt", chain), ("tls.key", key)] {
        fs::write(new.join(name), text).expect("the folder is ours");
    }
    let link = folder.join("..data_tmp");
    symlink(version, &link).expect("the folder is ours");
    fs::rename(&link, folder.join("..data")).expect("the folder is ours");
}

fn issue(authority: &Authority, hours: i64) -> Leaf {
    let names = ServerNames::new(["127.0.0.1".parse().expect("an address is a name")]);
    let names = names.expect("there is one");
    let life = time::Duration::hours(hours);
    let leaf = authority.issue(&names, OffsetDateTime::now_utc(), life);
    leaf.expect("a leaf can be issued")
}

fn c1_c2_a_mounted_secret_is_reloaded_and_a_torn_one_is_not() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let certificates = folder.path().join("certificates");
    fs::create_dir(&certificates).expect("the folder is ours");
    let life = time::Duration::days(30);
    let authority = Authority::generate("issuer", OffsetDateTime::now_utc(), life);
    let authority = authority.expect("an authority can be made");
    let ca = folder.path().join("ca.crt");
    fs::write(&ca, authority.pem()).expect("the folder is ours");
    let (first, second, third) = (
        issue(&authority, 10),
        issue(&authority, 20),
        issue(&authority, 30),
    );
    let put = |version: &str, chain: &Leaf, key: &Leaf| {
        mount(
            &certificates,
            version,
            authority.pem(),
            chain.chain_pem(),
            key.key_pem(),
        );
    };
    put("..1", &first, &first);
    for name in ["ca.crt", "tls.crt", "tls.key"] {
        symlink(format!("..data/{name}"), certificates.join(name)).expect("the folder is ours");
    }

    let objects = workspace().join("manifests/examples");
    let mut arguments: Vec<&OsStr> = vec!["--objects".as_ref(), objects.as_os_str()];
    arguments.extend(
        "--listen 127.0.0.1:0 --health-listen 127.0.0.1:0"
            .split(' ')
            .map(OsStr::new),
    );
    arguments.extend(["--cert-dir".as_ref(), certificates.as_os_str()]);
    let daemon = Daemon::start("polypod-webhook", &arguments);
    let url = format!("https://{}/mutate", daemon.ready("serving https://"));
    let health = format!("http://{}", daemon.ready("health http://"));
    let get = |path: &str| {
        let mut answer = ureq::get(format!("{health}{path}"))
            .call()
            .expect("it answers");
        answer.body_mut().read_to_string().expect("it is text")
    };
    let metric = |name: &str| -> i64 {
        let text = get("/metrics");
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value
            .expect("the metric is there")
            .trim()
            .parse()
            .expect("it is a number")
    };
    let serves = |hours: i64| {
        let until = Instant::now() + RELOADED;
        let expiry = || metric("polypod_tls_leaf_expiry_seconds ");
        while (expiry() - hours * 3600).abs() > 600 {
            assert!(Instant::now() < until, "{} s are left", expiry());
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    get("/readyz");
    serves(10);

    // A new connection each: there are only handshakes to fail.
    let ended = Arc::new(AtomicBool::new(false));
    let caller = std::thread::spawn({
        let ended = Arc::clone(&ended);
        move || {
            let mut answered = 0;
            while !ended.load(Ordering::SeqCst) {
                let answer = client(&ca)
                    .post(&url)
                    .header("content-type", "application/json")
                    .send("{}");
                assert_eq!(
                    answer.expect("every handshake succeeds").status().as_u16(),
                    400
                );
                answered += 1;
            }
            answered
        }
    });
    put("..2", &second, &second);
    fs::remove_dir_all(certificates.join("..1")).expect("the folder is ours");
    serves(20);

    put("..3", &third, &first);
    let until = Instant::now() + RELOADED;
    while metric("polypod_tls_reload_errors_total ") == 0 {
        assert!(Instant::now() < until, "the torn pair is not told of");
        std::thread::sleep(Duration::from_millis(100));
    }
    serves(20);
    get("/readyz");
    put("..4", &third, &third);
    serves(30);
    assert_eq!(metric("polypod_tls_reload_errors_total "), 1);
    ended.store(true, Ordering::SeqCst);
    let answered: usize = caller.join().expect("no call fails");
    assert!(answered > 10, "{answered} calls");
    assert!(daemon.stop(), "SIGTERM ends it well");
}
