//! Pods that nobody else would let go, and what is kept for pods on their way.

use super::*;

const SHORT: Option<Duration> = Some(Duration::from_millis(10));

async fn beyond_the_hold() {
    tokio::time::sleep(Duration::from_millis(15)).await;
}

/// The pod as its gate was lifted.
fn lifted(name: &str, nodes: &str) -> Value {
    let mut pod = pod(name, 1);
    pod["metadata"]["annotations"] = json!({CHOSEN_NODES: nodes});
    pod
}

impl Stage {
    fn listed(&mut self, pods: &[Value]) {
        let now = self.helper.scheduling.now();
        let pods = pods.iter().map(|pod| Watch::InitApply(watched(pod)));
        let events = [Watch::Init].into_iter().chain(pods);
        for event in events.chain([Watch::InitDone]) {
            self.state.take_pod(event, now);
        }
    }
}

#[tokio::test]
async fn whoever_needs_no_devices_is_let_go() {
    for limits in [
        json!({}),
        json!({"deviceclass.resource.kubernetes.io/gpu": 1}),
    ] {
        let mut stage = Stage::new(false, HOLD);
        stage.takes_patches_of("p");
        let mut pod = gated("p", 1);
        pod["spec"]["containers"][0]["resources"]["limits"] = limits.clone();
        stage.pod(&pod);
        let metadata = json!({"uid": "p-uid", "resourceVersion": "7"});
        let wanted = json!({"metadata": metadata, "spec": {"schedulingGates": null}});
        assert_eq!(stage.written().await, [(patch_of("p"), wanted)], "{limits}");
        assert!(stage.state.promises.is_empty());
    }
}

#[tokio::test]
async fn whoever_cannot_be_counted_is_told() {
    let mut stage = Stage::new(false, HOLD);
    stage.node("n1", 1, 1);
    stage.api.answer(EVENTS, 201, json!({"metadata": {}}));
    let mut pod = gated("p", 1);
    pod["metadata"]["annotations"] = json!({"polypod.dev/spread": "pf"});
    stage.pod(&pod);
    let written = stage.written().await;
    assert_eq!(written[0].0, EVENTS);
    let event = &written[0].1;
    assert_eq!(event["reason"], "DemandUnreadable");
    assert_eq!(event["regarding"]["uid"], "p-uid");
    insta::assert_snapshot!(event["note"].as_str().unwrap(), @r#"the pod ns/p has the annotation polypod.dev/spread: "pf"; write physical-function or switch, or leave it away; the pod waits at the scheduling gate until that is mended"#);
    stage.pod(&pod);
    assert_eq!(stage.written().await, [], "once");
    stage.takes_patches_of("p");
    stage.pod(&gated("p", 1));
    assert_eq!(stage.written().await[0].0, patch_of("p"));
    assert!(stage.state.uncounted.is_empty());
    // Nobody is told of others' pods.
    stage.listed(&[pod]);
    assert_eq!(stage.state.uncounted.len(), 1);
    stage.listed(&[]);
    assert!(stage.state.uncounted.is_empty());
}

#[tokio::test]
async fn nobody_is_woken_for_a_node_that_is_not_for_it() {
    let mut stage = Stage::new(true, None);
    stage.node("n1", 1, 0);
    stage.takes_patches_of("anywhere");
    for n in 0..20 {
        let mut elsewhere = refused(&format!("elsewhere-{n}"));
        elsewhere["spec"]["nodeSelector"] = json!({"zone": "b"});
        stage.pod(&elsewhere);
    }
    let mut anywhere = refused("anywhere");
    anywhere["metadata"]["creationTimestamp"] = json!("2026-01-02T00:00:00Z");
    stage.pod(&anywhere);
    assert_eq!(stage.written().await, []);
    stage.node("n1", 1, 1);
    let written = stage.written().await;
    let asked: Vec<&str> = written.iter().map(|(asked, _)| asked.as_str()).collect();
    assert_eq!(asked, [patch_of("anywhere")]);
}

#[tokio::test]
async fn what_was_promised_is_kept_for_a_pod_on_its_way() {
    let mut stage = Stage::new(false, SHORT);
    stage.node("n1", 1, 1);
    stage.takes_patches_of("a");
    stage.api.answer(EVENTS, 201, json!({"metadata": {}}));
    stage.pod(&gated("a", 1));
    assert_eq!(stage.written().await[0].0, patch_of("a"));
    stage.pod(&lifted("a", "n1"));
    stage.pod(&gated("b", 1));
    beyond_the_hold().await;
    assert_eq!(stage.written().await[0].0, EVENTS, "b waits");
    assert_eq!(stage.state.promises.len(), 1);
    // Not for ever, and no list begins it anew.
    for _ in 0..12 {
        beyond_the_hold().await;
        let now = stage.helper.scheduling.now();
        stage
            .state
            .take_pod(Watch::Delete(watched(&gated("b", 1))), now);
        stage.round().await;
    }
    assert!(stage.state.promises.is_empty());
    stage.listed(&[lifted("a", "n1")]);
    stage.round().await;
    assert!(stage.state.promises.is_empty());
}

#[tokio::test]
async fn a_lift_without_an_answer_is_a_promise() {
    let mut stage = Stage::new(false, HOLD);
    stage.node("n1", 1, 1);
    stage.api.answer(&patch_of("a"), 500, refusal(500, "no"));
    stage.pod(&gated("a", 1));
    assert_eq!(stage.written().await[0].0, patch_of("a"));
    assert!(stage.state.promises.is_empty());
    stage.pod(&lifted("a", "n1"));
    stage.round().await;
    assert_eq!(stage.state.promises.on("n1").len(), 1);
}

#[tokio::test]
async fn nodes_are_believed_that_the_pod_may_go_to() {
    let mut stage = Stage::new(false, HOLD);
    let names: Vec<String> = (0..12).map(|n| format!("n{n}")).collect();
    for name in &names {
        stage.node(name, 1, 1);
    }
    let promised = |stage: &Stage| -> Vec<usize> {
        let on = names.iter().map(|name| stage.state.promises.on(name).len());
        on.filter(|count| *count > 0).collect()
    };
    let mut nowhere = lifted("nowhere", &names.join(","));
    nowhere["spec"]["nodeSelector"] = json!({"x": "nowhere"});
    stage.listed(&[nowhere, lifted("ghost", "gone,gone2")]);
    stage.round().await;
    assert!(stage.state.promises.is_empty());
    // No more than would have been chosen, each once; and nobody who was never at the gate while this one leads.
    stage.listed(&[lifted("many", &format!("n3,n3,{}", names.join(",")))]);
    stage.pod(&lifted("late", "n1"));
    stage.round().await;
    assert_eq!(promised(&stage), [1; 8]);
    assert!(!stage.state.promises.is_made_to("late-uid"));
}
