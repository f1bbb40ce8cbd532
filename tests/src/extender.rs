//! The scheduler extender as kube-scheduler asks it, well and badly: the binary over TLS, with objects from files.

mod clients;
pub(crate) mod server;
mod traced;

use serde_json::{Value, json};

use self::server::{Extender, node, pod, pod_of};
use crate::scenario::Scenario;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, body| Scenario {
        name,
        needs: &[],
        body,
    };
    vec![
        scenario(
            "extender::names_and_objects_in_either_case",
            names_and_objects_in_either_case,
        ),
        scenario("extender::upstreams_vectors", upstreams_vectors),
        scenario(
            "extender::pods_that_are_bound_are_counted",
            pods_that_are_bound_are_counted,
        ),
        scenario(
            "extender::what_is_no_question_is_an_error",
            what_is_no_question_is_an_error,
        ),
        scenario("extender::quantities_of_all_sizes", quantities_of_all_sizes),
        scenario("extender::bodies_to_a_limit", bodies_to_a_limit),
        scenario(
            "extender::not_ready_before_all_is_known",
            not_ready_before_all_is_known,
        ),
        scenario("extender::off_unless_asked_for", off_unless_asked_for),
        scenario("extender::told_and_counted", told_and_counted),
        scenario(
            "extender::only_schedulers_of_the_right_ca_are_answered",
            clients::only_schedulers_of_the_right_ca_are_answered,
        ),
        scenario(
            "extender::questions_are_in_the_trace_of_the_pod",
            traced::questions_are_in_the_trace_of_the_pod,
        ),
        scenario(
            "extender::what_cannot_be_carried_out_is_refused",
            clients::what_cannot_be_carried_out_is_refused,
        ),
    ]
}

/// Three nodes: room for two in one zone, for two in two zones, for none.
fn three() -> Extender {
    let nodes = [
        node("n1", &[0, 2]),
        node("n2", &[1, 1]),
        node("n3", &[0, 0]),
    ];
    Extender::of(&nodes.concat(), &[])
}

const ALL: [&str; 3] = ["n1", "n2", "n3"];

fn names_and_objects_in_either_case() {
    let extender = three();
    let objects = ["n1", "n2", "n3", "n4"].map(|name| {
        json!({"metadata": {"name": name, "labels": {"a/b": "ü\u{7}"}}, "status": {"x": [1.50, null]}})
    });
    let reasons = |answer: &Value| answer["FailedAndUnresolvableNodes"].clone();
    let names = json!({"Pod": pod("p", 2), "Nodes": null, "NodeNames": ["n1", "n2", "n3", "n4"]});
    let by_name = extender.ask("filter", &names);
    assert_eq!(by_name["NodeNames"], json!(["n1"]));
    assert_eq!(by_name["Nodes"], Value::Null);
    for args in [
        json!({"pod": pod("p", 2), "nodes": null, "nodenames": ["n1", "n2", "n3", "n4"]}),
        json!({"POD": pod("p", 2), "NODENAMES": ["n1", "n2", "n3", "n4"], "More": {"nodenames": []}}),
    ] {
        assert_eq!(extender.ask("filter", &args), by_name);
    }
    for args in [
        json!({"Pod": pod("p", 2), "Nodes": {"metadata": {}, "items": objects}, "NodeNames": null}),
        json!({"pod": pod("p", 2), "nodes": {"items": objects}}),
    ] {
        let by_object = extender.ask("filter", &args);
        assert_eq!(by_object["NodeNames"], Value::Null);
        assert_eq!(
            by_object["Nodes"]["items"],
            json!([objects[0]]),
            "as it came"
        );
        assert_eq!(reasons(&by_object), reasons(&by_name));
        let hosts = extender.ask("prioritize", &args);
        let names: Vec<&Value> = hosts
            .as_array()
            .unwrap()
            .iter()
            .map(|host| &host["Host"])
            .collect();
        assert_eq!(json!(names), json!(["n1", "n2", "n3", "n4"]));
    }
    let (_, text) = extender.post("filter", &names.to_string());
    let keys = [
        "Nodes",
        "NodeNames",
        "FailedNodes",
        "FailedAndUnresolvableNodes",
        "Error",
    ];
    let places: Vec<usize> = keys
        .iter()
        .filter_map(|key| text.find(&format!("\"{key}\":")))
        .collect();
    assert!(places.len() == keys.len() && places.is_sorted(), "{text}");
    // Neither form, and empty ones: nothing is asked, so nothing is wrong.
    for (args, nodes, names) in [
        (
            json!({"Pod": pod("p", 2), "Nodes": null, "NodeNames": null}),
            Value::Null,
            Value::Null,
        ),
        (
            json!({"Pod": pod("p", 2), "NodeNames": []}),
            Value::Null,
            json!([]),
        ),
        (
            json!({"Pod": pod("p", 2), "Nodes": {"items": []}}),
            json!({"metadata": {}, "items": []}),
            Value::Null,
        ),
    ] {
        let answer = extender.ask("filter", &args);
        assert_eq!((&answer["Nodes"], &answer["NodeNames"]), (&nodes, &names));
        assert_eq!(
            (&answer["Error"], reasons(&answer)),
            (&json!(""), json!({}))
        );
        assert_eq!(extender.ask("prioritize", &args), json!([]));
    }
}

/// The extender's side of TestSchedulerWithExtenders: all pass, all are filtered, some are, scores decide.
fn upstreams_vectors() {
    let extender = three();
    assert_eq!(extender.fitting(&pod("p", 0), &ALL), ALL);
    assert_eq!(extender.fitting(&pod("p", 3), &ALL), [""; 0]);
    assert_eq!(extender.fitting(&pod("p", 2), &ALL), ["n1"]);
    assert_eq!(extender.fitting(&pod("p", 1), &ALL), ["n1", "n2"]);
    // What another extender or the scheduler left is answered about, and nothing else.
    assert_eq!(extender.fitting(&pod("p", 1), &["n2", "n3"]), ["n2"]);
    let scores = extender.ask("prioritize", &json!({"Pod": pod("p", 1), "NodeNames": ALL}));
    let score = |at: usize| scores[at]["Score"].as_i64().unwrap();
    assert!((0..=10).contains(&score(0)) && (0..=10).contains(&score(1)));
    assert!(score(0) > 0 && score(2) == 0, "{scores}");
    // A plain pod goes where there are no devices.
    let scores = extender.ask(
        "prioritize",
        &json!({"Pod": pod_of("q", &json!({})), "NodeNames": ALL}),
    );
    let score = |at: usize| scores[at]["Score"].as_i64().unwrap();
    assert!(score(2) >= score(0), "{scores}");
}

fn pods_that_are_bound_are_counted() {
    let bound = |name: &str, phase: &str| {
        let mut pod = pod(name, 1);
        pod["spec"]["nodeName"] = json!("n1");
        pod["status"] = json!({"phase": phase});
        pod
    };
    let [seen, topology] = node("n1", &[2]);
    let objects = |more: &[Value]| [&[seen.clone(), topology.clone()], more].concat();
    let extender = Extender::of(
        &objects(&[bound("a", "Pending"), bound("over", "Succeeded")]),
        &[],
    );
    assert_eq!(extender.fitting(&pod("p", 1), &["n1"]), ["n1"]);
    assert_eq!(extender.fitting(&pod("p", 2), &["n1"]), [""; 0]);
    let extender = Extender::of(
        &objects(&[bound("a", "Pending"), bound("b", "Pending")]),
        &[],
    );
    assert_eq!(extender.fitting(&pod("p", 1), &["n1"]), [""; 0]);
}

fn what_is_no_question_is_an_error() {
    let extender = three();
    let nameless = json!({"metadata": {"name": "p", "namespace": "default"}});
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let table = [
        (String::new(), "EOF"),
        ("null".to_owned(), "ExtenderArgs"),
        ("[]".to_owned(), "ExtenderArgs"),
        ("{}".to_owned(), "there is no Pod"),
        (
            r#"{"Pod":null,"NodeNames":["n1"]}"#.to_owned(),
            "there is no Pod",
        ),
        (r#"{"Pod":7,"NodeNames":["n1"]}"#.to_owned(), "an object"),
        (
            json!({"Pod": pod("p", 1), "NodeNames": "n1"}).to_string(),
            "a sequence",
        ),
        (
            json!({"Pod": pod("p", 1), "NodeNames": [{}]}).to_string(),
            "a text",
        ),
        (
            json!({"Pod": pod("p", 1), "Nodes": {"items": [{"metadata": {}}]}}).to_string(),
            "Nodes.items[0]",
        ),
        (
            json!({"Pod": pod("p", 1), "Nodes": {"items": ["n1"]}}).to_string(),
            "Nodes.items[0]",
        ),
        (
            json!({"Pod": nameless, "NodeNames": ["n1"]}).to_string(),
            "no UID",
        ),
        (
            json!({"Pod": {"spec": {"containers": {}}}, "NodeNames": ["n1"]}).to_string(),
            "a sequence",
        ),
        (
            format!(
                r#"{{"Pod":{{"spec":{{"volumes":[{{"downwardAPI":{deep}}}]}}}},"NodeNames":["n1"]}}"#
            ),
            "recursion limit",
        ),
    ];
    for (body, words) in &table {
        let (status, text) = extender.post("filter", body);
        assert_eq!(status, 200, "{text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        let error = answer["Error"].as_str().unwrap();
        assert!(error.contains(words), "{words}: {error}");
        assert_eq!(
            (&answer["NodeNames"], &answer["Nodes"]),
            (&Value::Null, &Value::Null)
        );
        let (status, text) = extender.post("prioritize", body);
        assert!(
            status == 400 && text.contains(words),
            "{words}: {status} {text}"
        );
    }
    // What follows the first value is nobody's business, and nothing of the above has done any harm.
    let args = json!({"Pod": pod("p", 2), "NodeNames": ALL}).to_string();
    let (status, text) = extender.post("filter", &format!("{args} {{ and more"));
    assert!(
        status == 200 && text.contains(r#""NodeNames":["n1"]"#),
        "{text}"
    );
    assert_eq!(extender.get("/scheduler/filter").0, 405);
    assert_eq!(extender.get("/scheduler/bind").0, 404);
}

fn quantities_of_all_sizes() {
    let extender = three();
    for wrong in [json!("-1"), json!("two"), json!([]), json!("9e99999")] {
        let pod = pod_of("p", &json!({"intel.com/sriov": wrong}));
        let answer = extender.ask("filter", &json!({"Pod": pod, "NodeNames": ALL}));
        assert!(
            answer["Error"]
                .as_str()
                .unwrap()
                .contains("intel.com/sriov"),
            "{answer}"
        );
    }
    // What no node has is refused or an error, and never counted as something small.
    for enormous in [
        "9223372036854775807",
        "9223372036854775808",
        "1Ei",
        "18446744073709551617",
    ] {
        let pod = pod_of("p", &json!({"intel.com/sriov": enormous}));
        let answer = extender.ask("filter", &json!({"Pod": pod, "NodeNames": ALL}));
        let fits = answer["NodeNames"].as_array().map_or(0, Vec::len);
        assert_eq!(fits, 0, "{answer}");
    }
    assert_eq!(extender.fitting(&pod("p", 1), &ALL), ["n1", "n2"]);
    // Enormous and contradictory reports: nothing is offered that is not there, and the others are.
    let [seen, mut topology] = node("huge", &[1, 1]);
    let resource = &mut topology["zones"][0]["resources"][0];
    *resource = json!({"name": "intel.com/sriov", "capacity": "1", "allocatable": "-5", "available": "9223372036854775807"});
    let objects = [&[seen, topology][..], &node("n1", &[1])].concat();
    let extender = Extender::of(&objects, &[]);
    assert_eq!(extender.fitting(&pod("p", 1), &["n1"]), ["n1"]);
    let answer = extender.ask(
        "filter",
        &json!({"Pod": pod("p", 2), "NodeNames": ["huge"]}),
    );
    assert_eq!(answer["NodeNames"], json!([]), "{answer}");
}

fn bodies_to_a_limit() {
    let extender = three();
    let node = json!({"metadata": {"name": "n1"}, "status": {"images": "x".repeat(4096)}});
    let items = vec![node; 4000];
    let args = json!({"Pod": pod("p", 1), "Nodes": {"items": items}}).to_string();
    assert!(args.len() > 16_000_000);
    let mut client = extender.post_large("filter", &args);
    let text = client
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_to_string()
        .unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["Nodes"]["items"].as_array().unwrap().len(), 4000);
    let long = " ".repeat((64 << 20) + 1);
    let (status, text) = extender.post("filter", &long);
    assert!(status == 413 && text.contains("64 MiB"), "{status} {text}");
    assert_eq!(extender.fitting(&pod("p", 2), &ALL), ["n1"]);
}

fn not_ready_before_all_is_known() {
    let extender = Extender::of_nobody();
    assert_eq!(extender.health("/healthz").0, 200);
    assert_eq!(extender.health("/readyz").0, 503);
    let args = json!({"Pod": pod("p", 1), "NodeNames": ["n1"]});
    let answer = extender.ask("filter", &args);
    assert!(
        answer["Error"].as_str().unwrap().contains("not known yet"),
        "{answer}"
    );
    assert_eq!(answer["NodeNames"], Value::Null);
    let (status, text) = extender.post("prioritize", &args.to_string());
    assert!(
        status == 503 && text.contains("not known yet"),
        "{status} {text}"
    );
    let (status, _) = extender.get("/scheduler/explain?namespace=default&pod=p");
    assert_eq!(status, 503);
}

fn off_unless_asked_for() {
    let extender = Extender::without();
    for verb in ["filter", "prioritize"] {
        assert_eq!(extender.post(verb, "{}").0, 404);
    }
    assert!(!extender.health("/metrics").1.contains("polypod_scheduler"));
}

fn told_and_counted() {
    let mut bound = pod("a-pod-of-somebody", 1);
    bound["spec"]["nodeName"] = json!("n1");
    let waiting = pod("waits", 3);
    let objects = [
        &node("n1", &[0, 2])[..],
        &node("n2", &[1, 1]),
        &[bound, waiting],
    ]
    .concat();
    let extender = Extender::of(&objects, &[]);
    assert_eq!(
        extender.fitting(&pod("p", 1), &["n1", "n2", "n4"]),
        ["n1", "n2"]
    );
    extender.post("filter", "{}");
    let (_, metrics) = extender.health("/metrics");
    for line in [
        r#"polypod_scheduler_nodes_asked_total{verb="filter"} 3"#,
        "polypod_scheduler_nodes_fit_total 2",
        r#"polypod_scheduler_refusals_total{reason="unknown-node"} 1"#,
        r#"polypod_scheduler_refusals_total{reason="set-aside"} 0"#,
        r#"polypod_scheduler_requests_failed_total{verb="filter",reason="bad-request"} 1"#,
        r#"polypod_scheduler_request_duration_seconds_count{verb="filter"} 2"#,
        r#"polypod_scheduler_nodes{kind="known"} 2"#,
        r#"polypod_scheduler_nodes{kind="topology"} 2"#,
        r#"polypod_scheduler_reservations{state="assumed"} 1"#,
        r#"polypod_scheduler_synced{kind="Pods"} 1"#,
        "polypod_scheduler_nodes_set_aside 0",
        "polypod_scheduler_mispredictions_total 0",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line}\n{metrics}"
        );
    }
    let (status, text) = extender.get("/scheduler/explain?namespace=default&pod=waits");
    assert_eq!(status, 200, "{text}");
    let explanation: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&explanation["nodes"], &explanation["fitting"]),
        (&json!(2), &json!(0))
    );
    let (status, text) = extender.get("/scheduler/explain?namespace=default&pod=a-pod-of-somebody");
    assert_eq!(status, 200, "{text}");
    let explanation: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(explanation["boundTo"], "n1", "{text}");
    assert_eq!(
        extender
            .get("/scheduler/explain?namespace=default&pod=nobody")
            .0,
        404
    );
    let log = extender.log();
    assert!(
        !log.contains("a-pod-of-somebody") && !log.contains("uid-p"),
        "{log}"
    );
}
