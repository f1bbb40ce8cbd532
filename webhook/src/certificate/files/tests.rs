use std::os::unix::fs::symlink;

use certs::{authority::Authority, ca_bundle::CaBundle};
use tempfile::TempDir;
use time::Duration as Life;

use super::*;

fn names() -> ServerNames {
    ServerNames::for_service("polypod", "kube-system").unwrap()
}

/// A Secret as the kubelet mounts it.
struct Mounted {
    folder: TempDir,
    authority: Authority,
    version: usize,
}

impl Mounted {
    fn new(now: OffsetDateTime) -> Self {
        let authority = Authority::generate("issuer", now, Life::days(30)).unwrap();
        let mut mounted = Self {
            folder: tempfile::tempdir().unwrap(),
            authority,
            version: 0,
        };
        let (chain, key) = mounted.issue(now);
        mounted.replace(&chain, &key);
        for name in ["tls.crt", "tls.key", "ca.crt"] {
            symlink(format!("..data/{name}"), mounted.folder.path().join(name)).unwrap();
        }
        mounted
    }

    fn issue(&self, now: OffsetDateTime) -> (String, String) {
        let leaf = self.authority.issue(&names(), now, Life::DAY).unwrap();
        (leaf.chain_pem().to_owned(), leaf.key_pem().to_owned())
    }

    /// A new folder, and the link to it renamed over the old one.
    fn replace(&mut self, chain: &str, key: &str) {
        self.version += 1;
        let new = format!("..version_{}", self.version);
        let path = self.folder.path();
        fs::create_dir(path.join(&new)).unwrap();
        for (name, text) in [
            ("tls.crt", chain),
            ("tls.key", key),
            ("ca.crt", self.authority.pem()),
        ] {
            fs::write(path.join(&new).join(name), text).unwrap();
        }
        symlink(&new, path.join("..data_tmp")).unwrap();
        fs::rename(path.join("..data_tmp"), path.join("..data")).unwrap();
        let old = path.join(format!("..version_{}", self.version - 1));
        if old.exists() {
            fs::remove_dir_all(old).unwrap();
        }
    }
}

fn served(status: &Status) -> Vec<u8> {
    status.resolver().current().unwrap().cert[0].to_vec()
}

/// C1 and C2 of the conformance vectors; `tests::certificates` has them over TLS.
#[test]
fn a_renamed_link_is_a_new_certificate_and_a_torn_pair_is_none() {
    let now = OffsetDateTime::now_utc();
    let mut mounted = Mounted::new(now);
    let status = Status::new(names(), Life::MINUTE);
    let mut folder = Folder::new(mounted.folder.path().to_owned(), Some(names()));
    folder.look(&status, now);
    let first = served(&status);

    let (chain, key) = mounted.issue(now);
    mounted.replace(&chain, &key);
    folder.look(&status, now);
    let second = served(&status);
    assert_ne!(first, second);

    let (other, other_key) = mounted.issue(now);
    for (chain, key, errors) in [
        (&other, &key, 1),
        (&chain, &other_key, 2),
        (&String::new(), &key, 3),
    ] {
        mounted.replace(chain, key);
        for _ in 0..3 {
            folder.look(&status, now);
        }
        assert_eq!(
            (served(&status), status.reload_errors()),
            (second.clone(), errors)
        );
        assert_eq!(status.obstacle(now), None);
    }
    fs::remove_file(mounted.folder.path().join("..data")).unwrap();
    folder.look(&status, now);
    assert_eq!((served(&status), status.reload_errors()), (second, 4));

    mounted.replace(&other, &other_key);
    folder.look(&status, now);
    assert_ne!(served(&status), first);
}

#[test]
fn what_is_not_valid_yet_is_served_once_it_is() {
    let now = OffsetDateTime::now_utc();
    let mounted = Mounted::new(now);
    let status = Status::new(names(), Life::MINUTE);
    let mut folder = Folder::new(mounted.folder.path().to_owned(), None);
    folder.look(&status, now - Life::DAY);
    folder.look(&status, now - Life::HOUR * 2);
    assert!(status.resolver().current().is_none());
    assert_eq!(status.reload_errors(), 1);
    folder.look(&status, now);
    assert!(status.resolver().current().is_some());
    assert_eq!(status.obstacle(now), None);
}

#[test]
fn an_empty_folder_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let status = Status::new(names(), Life::MINUTE);
    Folder::new(folder.path().to_owned(), None).look(&status, OffsetDateTime::now_utc());
    let obstacle = status.obstacle(OffsetDateTime::now_utc()).unwrap();
    assert!(obstacle.contains("tls.crt"), "{obstacle}");
}

/// As `openssl req -x509` makes it, which API servers accept.
#[test]
fn a_ca_that_serves_itself_is_served_to_those_who_trust_it() {
    let now = OffsetDateTime::now_utc();
    let [own, other] = ["own", "other"].map(|name| Authority::generate(name, now, Life::DAY));
    let (own, other) = (own.unwrap(), other.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("tls.crt", own.pem());
    write("tls.key", &own.key_pem());
    let status = Status::new(names(), Life::MINUTE);
    let mut reader = Folder::new(folder.path().to_owned(), None);

    write("ca.crt", other.pem());
    reader.look(&status, now);
    let obstacle = status.obstacle(now).unwrap();
    assert!(obstacle.contains("CaUsedAsEndEntity"), "{obstacle}");
    assert!(
        !obstacle.contains("include every intermediate"),
        "{obstacle}"
    );

    write("ca.crt", own.pem());
    reader.look(&status, now);
    assert_eq!(status.obstacle(now), None);
    status.told("A x", Some(vec![CaBundle::from_pem(own.pem()).ok()]), now);
    assert_eq!(status.mismatch(now), Some(false));
}
