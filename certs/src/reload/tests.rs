use rustls::{ClientConfig, HandshakeKind, ServerConfig};
use rustls_pki_types::CertificateDer;
use time::Duration;

use super::*;
use crate::authority::Authority;
use crate::handshake::handshake;
use crate::tls;

const NAME: &str = "polypod.kube-system.svc";

/// A server, a client that trusts its CA, and what is needed to rotate the one under the other.
struct Scene {
    now: OffsetDateTime,
    authority: Authority,
    first: Leaf,
    resolver: Arc<Resolver>,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Scene {
    fn new() -> Self {
        let now = OffsetDateTime::now_utc();
        let authority = Authority::generate("polypod", now, Duration::days(10)).unwrap();
        let trust = CaBundle::from(&authority);
        let first = authority.issue(&names(), now, Duration::DAY).unwrap();
        let resolver = Arc::new(Resolver::empty());
        resolver.swap(&first, &trust, &names(), now).unwrap();
        Self {
            now,
            first,
            server: tls::server_config(Arc::clone(&resolver)).unwrap(),
            client: tls::client_config(&trust).unwrap(),
            resolver,
            authority,
        }
    }

    fn trust(&self) -> CaBundle {
        CaBundle::from(&self.authority)
    }

    /// The certificate that a new connection is shown, after a handshake from the beginning.
    fn shown(&self) -> CertificateDer<'static> {
        let seen = handshake(&self.client, &self.server, NAME).unwrap();
        assert_eq!(seen.kind, Some(HandshakeKind::Full));
        seen.certificate
    }

    /// Tries to swap and shows that the first certificate still serves.
    fn refused(&self, leaf: &Leaf, trust: &CaBundle) -> Error {
        let error = self
            .resolver
            .swap(leaf, trust, &names(), self.now)
            .unwrap_err();
        assert_eq!(self.shown(), certificate(&self.first));
        error
    }
}

fn names() -> ServerNames {
    ServerNames::for_service("polypod", "kube-system").unwrap()
}

fn certificate(leaf: &Leaf) -> CertificateDer<'static> {
    leaf.certified_key().cert[0].clone()
}

#[test]
fn the_next_handshake_shows_the_new_certificate() {
    let scene = Scene::new();
    assert_eq!(scene.shown(), certificate(&scene.first));

    let issue = |life| scene.authority.issue(&names(), scene.now, life);
    let second = issue(Duration::DAY).unwrap();
    assert_ne!(certificate(&second), certificate(&scene.first));
    let swapped = scene
        .resolver
        .swap(&second, &scene.trust(), &names(), scene.now);
    swapped.unwrap();
    assert_eq!(scene.shown(), certificate(&second));
}

#[test]
fn a_new_ca_takes_over_while_both_are_trusted() {
    let scene = Scene::new();
    let successor = Authority::generate("polypod", scene.now, Duration::days(10)).unwrap();
    let both = scene.trust().union(CaBundle::from(&successor));
    let client = tls::client_config(&both).unwrap();
    let second = successor.issue(&names(), scene.now, Duration::DAY).unwrap();

    let before = handshake(&client, &scene.server, NAME).unwrap();
    scene
        .resolver
        .swap(&second, &both, &names(), scene.now)
        .unwrap();
    let after = handshake(&client, &scene.server, NAME).unwrap();
    assert_eq!(before.certificate, certificate(&scene.first));
    assert_eq!(after.certificate, certificate(&second));
    handshake(&scene.client, &scene.server, NAME).unwrap_err();
}

#[test]
fn the_key_of_another_certificate_is_refused() {
    let scene = Scene::new();
    let other = scene
        .authority
        .issue(&names(), scene.now, Duration::DAY)
        .unwrap();
    let result = Leaf::from_pem(other.chain_pem(), scene.first.key_pem());
    assert!(matches!(result, Err(Error::KeyMismatch { .. })));
    assert_eq!(scene.shown(), certificate(&scene.first));
}

#[test]
fn an_expired_certificate_is_refused() {
    let scene = Scene::new();
    let past = scene.now - Duration::minutes(30);
    let expired = scene
        .authority
        .issue(&names(), past, Duration::MINUTE)
        .unwrap();
    let error = scene.refused(&expired, &scene.trust());
    assert!(matches!(error, Error::OutsideValidity { .. }), "{error}");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let scene = Scene::new();
    let others = ServerNames::for_service("polypod", "default").unwrap();
    let wrong = scene
        .authority
        .issue(&others, scene.now, Duration::DAY)
        .unwrap();
    let error = scene.refused(&wrong, &scene.trust());
    assert!(matches!(error, Error::WrongName { .. }), "{error}");
}

#[test]
fn a_certificate_of_an_untrusted_ca_is_refused() {
    let scene = Scene::new();
    let stranger = Authority::generate("polypod", scene.now, Duration::DAY).unwrap();
    let leaf = stranger.issue(&names(), scene.now, Duration::DAY).unwrap();
    let error = scene.refused(&leaf, &scene.trust());
    assert!(matches!(error, Error::Untrusted(_)), "{error}");
}

#[test]
fn nothing_is_presented_before_the_first_that_is_good() {
    let scene = Scene::new();
    let stranger = Authority::generate("polypod", scene.now, Duration::DAY).unwrap();
    let resolver = Arc::new(Resolver::empty());
    let server = tls::server_config(Arc::clone(&resolver)).unwrap();
    let swap = |trust: &CaBundle| resolver.swap(&scene.first, trust, &names(), scene.now);
    let refused = swap(&CaBundle::from(&stranger));
    assert!(matches!(refused, Err(Error::Untrusted(_))));
    assert!(resolver.current().is_none());
    handshake(&scene.client, &server, NAME).unwrap_err();
    swap(&scene.trust()).unwrap();
    handshake(&scene.client, &server, NAME).unwrap();
}

#[test]
fn a_poisoned_lock_goes_on_serving_and_swapping() {
    let scene = Scene::new();
    let resolver = Arc::clone(&scene.resolver);
    let poisoner = std::thread::spawn(move || {
        let _guard = resolver.current.write();
        panic!("poisons the lock on purpose");
    });
    assert!(poisoner.join().is_err() && scene.resolver.current.is_poisoned());

    assert_eq!(scene.shown(), certificate(&scene.first));
    let second = scene
        .authority
        .issue(&names(), scene.now, Duration::DAY)
        .unwrap();
    scene
        .resolver
        .swap(&second, &scene.trust(), &names(), scene.now)
        .unwrap();
    assert_eq!(scene.shown(), certificate(&second));
}
