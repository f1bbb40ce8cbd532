use serde_json::json;

use super::*;
use crate::fake_api_server::{FakeApiServer, refusal};

#[test]
fn a_url_is_an_endpoint() {
    let table = [
        ("https://10.0.0.7:8443/mutate", "10.0.0.7:8443", "10.0.0.7"),
        (
            "https://webhook.example/validate?a=b",
            "webhook.example:443",
            "webhook.example",
        ),
        ("https://[fd00::7]:8443/", "[fd00::7]:8443", "fd00::7"),
    ];
    for (url, address, name) in table {
        let (address, name) = (address.to_owned(), name.to_owned());
        assert_eq!(of_url(url), Some(Endpoint { address, name }), "{url}");
    }
    assert_eq!(of_url("no url"), None);
}

#[test]
fn a_service_has_those_that_are_ready() {
    let service: Service = serde_json::from_value(json!({"spec": {"ports": [
        {"name": "metrics", "port": 8080}, {"name": "webhook", "port": 443}]}}))
    .unwrap();
    let slice = |addresses: &[(&str, Option<bool>)]| -> EndpointSlice {
        let endpoints: Vec<Value> = addresses
            .iter()
            .map(|(address, ready)| json!({"addresses": [address], "conditions": {"ready": ready}}))
            .collect();
        serde_json::from_value(
            json!({"metadata": {}, "addressType": "IPv4", "endpoints": endpoints, "ports": [
            {"name": "metrics", "port": 8080}, {"name": "webhook", "port": 8443}]}),
        )
        .unwrap()
    };
    let slices = [
        slice(&[
            ("10.0.0.1", Some(true)),
            ("10.0.0.2", Some(false)),
            ("10.0.0.3", None),
        ]),
        slice(&[("fd00::1", Some(true))]),
    ];
    let found = ready(&service, &slices, 443);
    assert_eq!(found, ["10.0.0.1:8443", "10.0.0.3:8443", "[fd00::1]:8443"]);
    assert_eq!(ready(&service, &slices, 444), Vec::<String>::new());
}

const SERVICE: &str = "GET /api/v1/namespaces/ns/services/s";
const SLICES: &str = "GET /apis/discovery.k8s.io/v1/namespaces/ns/endpointslices";

/// What is found behind a Service whose objects are answered so, twice, and how often it was told that nobody knows.
async fn found(
    service: (u16, Value),
    slices: (u16, Value),
) -> (Result<Vec<Endpoint>, EndpointError>, usize) {
    let fake = FakeApiServer::default();
    fake.answer(SERVICE, service.0, service.1);
    fake.answer(SLICES, slices.0, slices.1);
    let client_config = json!({"service": {"namespace": "ns", "name": "s"}});
    let mut unknown = BTreeSet::new();
    let client = fake.client();
    let _first = endpoints_of(&client, &client_config, &mut unknown).await;
    let again = endpoints_of(&client, &client_config, &mut unknown).await;
    (again, unknown.len())
}

#[tokio::test]
async fn only_who_may_not_look_leaves_it_to_time() {
    let service = || {
        (
            200,
            json!({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 443}]}}),
        )
    };
    let slices = |items: Value| (200, json!({"metadata": {}, "items": items}));
    let slice = json!({
        "metadata": {}, "addressType": "IPv4", "ports": [{"name": "", "port": 8443}],
        "endpoints": [{"addresses": ["10.0.0.1"]}],
    });
    let (all, unknown) = found(service(), slices(json!([slice]))).await;
    assert_eq!((all.unwrap().len(), unknown), (1, 0));
    for code in [403, 404] {
        let refused = || (code, refusal(code, "no"));
        for (service, slices) in [(refused(), slices(json!([]))), (service(), refused())] {
            let (none, unknown) = found(service, slices).await;
            assert_eq!((none.unwrap(), unknown), (Vec::new(), 1));
        }
    }
    for code in [401, 429, 500, 503, 504] {
        let refused = || (code, refusal(code, "later"));
        for (service, slices) in [(refused(), slices(json!([]))), (service(), refused())] {
            let (error, unknown) = found(service, slices).await;
            assert!(
                matches!(error, Err(EndpointError::Unknown { .. })),
                "{code}"
            );
            assert_eq!(unknown, 0);
        }
    }
    let (nobody, _) = found(service(), slices(json!([]))).await;
    assert!(matches!(nobody, Err(EndpointError::Nobody(_))));
}
