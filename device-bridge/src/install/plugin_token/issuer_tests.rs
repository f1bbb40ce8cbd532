//! What is asked on the wire, and how answers are read.

use serde_json::{Value, json};

use super::*;
use crate::fake_api_server::{FakeApiServer, refusal};

const ASK: &str = "POST /api/v1/namespaces/polypod-system/serviceaccounts/polypod-plugin/token";
const WHO: &str = "POST /apis/authentication.k8s.io/v1/selfsubjectreviews";

fn settings() -> PluginToken {
    PluginToken {
        account: "polypod-plugin".parse().unwrap(),
        node: "n1".parse().unwrap(),
        life: Duration::from_secs(3600),
        server: "https://a".to_owned(),
        service_account: "/nowhere".into(),
    }
}

async fn ask(fake: &FakeApiServer) -> Result<Issued, Fault> {
    request(&fake.client(), &settings(), "polypod-system").await
}

fn given(token: &str, seconds: Value) -> Value {
    json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {},
        "spec": {"audiences": ["x"], "expirationSeconds": seconds},
        "status": {"token": token, "expirationTimestamp": "2000-01-01T00:00:00Z"}})
}

#[tokio::test]
async fn a_token_of_this_node_and_the_life_that_was_given() {
    let fake = FakeApiServer::default();
    fake.answer(ASK, 201, given("secret", json!(1800)));
    let issued = ask(&fake).await.unwrap();
    assert_eq!(issued.token.secret(), "secret");
    // Shorter than asked for; and the clock of this machine does not matter.
    assert_eq!(issued.life, Duration::from_secs(1800));
    let (_, asked) = fake.asked().remove(0);
    assert_eq!(
        asked["spec"],
        json!({"expirationSeconds": 3600,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Node", "name": "n1"}})
    );
}

#[tokio::test]
async fn what_is_no_token_is_not_taken_for_one() {
    for (token, seconds) in [
        ("", json!(600)),
        (" \n", json!(600)),
        ("t", json!(0)),
        ("t", json!(-5)),
        ("t", Value::Null),
    ] {
        let fake = FakeApiServer::default();
        fake.answer(ASK, 201, given(token, seconds));
        let fault = ask(&fake).await.unwrap_err();
        assert!(matches!(fault, Fault::Other(_)), "{fault:?}");
    }
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    for (code, message, wanted) in [
        (403, "User cannot create", "create on serviceaccounts/token"),
        (404, "nodes \"n1\" not found", "--node-name"),
        (401, "Unauthorized", "own token is not taken"),
        (400, "something else", "something else"),
        (500, "etcd is gone", "etcd is gone"),
    ] {
        let fake = FakeApiServer::default();
        fake.answer(ASK, code, refusal(code, message));
        let Err(Fault::Other(problem)) = ask(&fake).await else {
            panic!("{code} is a token");
        };
        assert!(problem.contains(wanted), "{problem}");
    }
}

#[tokio::test]
async fn an_old_api_server_is_known_by_its_words() {
    let fake = FakeApiServer::default();
    let message = "cannot bind token for object of type /v1, Kind=Node";
    fake.answer(ASK, 400, refusal(400, message));
    assert!(matches!(ask(&fake).await, Err(Fault::Unsupported(_))));
}

#[tokio::test]
async fn only_a_401_says_that_a_token_is_not_taken() {
    for (code, expected) in [
        (201, Some(true)),
        (401, Some(false)),
        (403, None),
        (503, None),
    ] {
        let fake = FakeApiServer::default();
        let body = if code == 201 {
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}})
        } else {
            refusal(code, "no")
        };
        fake.answer(WHO, code, body);
        assert_eq!(is_taken(&fake.client()).await, expected, "{code}");
    }
}

#[tokio::test]
async fn without_a_service_account_it_says_where_it_looked() {
    let issuer = ApiServer::new(settings());
    let error = issuer.issue().await.unwrap_err().to_string();
    assert!(error.contains("/nowhere/token"), "{error}");
    assert_eq!(issuer.takes(&Token::new("t").unwrap()).await, None);
}
