//! A second kube-scheduler as `manifests/scheduler/second` has it, with its own rights.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    machine::{A_WHILE, Machine},
    manifests::{configuration_of_second, taken_by_the_api_server},
    stage::{PODS, Stage, pod, text, until},
};
use crate::{
    fixture::{binaries::workspace, kube_scheduler::KubeScheduler},
    manifests::objects::{manifests, read},
};

const NAME: &str = "polypod-scheduler";

/// It binds the pods that name it, with devices where they fit, and leaves the others to the default scheduler. No right is
/// missing, and one of several leads.
pub(super) fn places_its_own() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let policy = folder.path().join("policy.yaml");
    let text = format!(
        "apiVersion: polypod.dev/v1alpha1\nkind: AdmissionConfiguration\nscheduling: {{schedulerName: {NAME}}}\n"
    );
    std::fs::write(&policy, text).expect("the folder is ours");
    let stage = Stage::with(&["--config".into(), policy.into()]);
    taken_by_the_api_server(&stage.plane);
    let _split = Machine::reporting(&stage, "split", &[1, 1, 1]);
    let _paired = Machine::reporting(&stage, "paired", &[2]);

    let mut configuration = configuration_of_second();
    let extender = &mut configuration["extenders"][0];
    extender["urlPrefix"] = json!(stage.extender().url_prefix);
    extender["tlsConfig"]["caFile"] = json!(stage.file("ca.crt"));
    let account = "system:serviceaccount:polypod-system:polypod-scheduler";
    let start = || KubeScheduler::of_account(&stage.plane, account, configuration.clone());
    let leader = start();
    let mut with_name = pod("own", 2);
    with_name["spec"]["schedulerName"] = json!(NAME);
    stage.create(&pod("of-others", 1));
    stage.create(&with_name);
    assert_eq!(stage.node_of("own"), "paired");
    std::thread::sleep(A_WHILE);
    assert!(
        stage.pod("of-others")["spec"]["nodeName"].is_null(),
        "nobody schedules it here"
    );

    // The webhook writes the name into pods with devices, and into no others.
    register(&stage);
    for (name, devices, scheduler) in [("given", 1, NAME), ("device-free", 0, "default-scheduler")]
    {
        stage.create(&pod(name, devices));
        assert_eq!(stage.pod(name)["spec"]["schedulerName"], scheduler);
    }
    assert_eq!(stage.node_of("given"), "split");

    // Another replica takes over.
    let follower = start();
    assert_no_right_is_missing(&leader);
    drop(leader);
    with_name["metadata"]["name"] = json!("after");
    with_name["spec"]["containers"][0]["resources"] =
        pod("", 1)["spec"]["containers"][0]["resources"].clone();
    stage.create(&with_name);
    assert_eq!(stage.node_of("after"), "split");
    assert_no_right_is_missing(&follower);
}

/// Registers the mutating hook as `docs/scheduling.md` says, for pods without networks too.
fn register(stage: &Stage) {
    let docs = std::fs::read_to_string(workspace().join("docs/scheduling.md"));
    let docs = docs.expect("the page is there");
    let condition = docs.split("```").find_map(|part| {
        let (_, text) = part.split_once('\n')?;
        text.starts_with("|| ").then_some(text)
    });
    let condition = condition.expect("the page has the condition");
    let mut hooks = read(&manifests("admission/webhook-configurations.yaml")).remove(0);
    let hook = &mut hooks["webhooks"][0];
    let selects = text(&hook["matchConditions"][0]["expression"]);
    hook["matchConditions"][0]["expression"] = json!(format!("{selects} {condition}"));
    let bundle = std::fs::read(stage.file("ca.crt")).expect("the test has written it");
    let url = stage.extender().url_prefix.replace("/scheduler", "/mutate");
    hook["clientConfig"] = json!({"url": url, "caBundle": STANDARD.encode(bundle)});
    let path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
    stage.plane.ask("POST", path, &hooks).is_created();
    // The API server reads configurations by watching; until it has, a pod passes unseen.
    until(|| {
        let created = stage
            .plane
            .ask("POST", &format!("{PODS}?dryRun=All"), &pod("probe", 1));
        (created.body["spec"]["schedulerName"] == NAME).then_some(())
    });
}

fn assert_no_right_is_missing(scheduler: &KubeScheduler) {
    let log = scheduler.log();
    let missing = log
        .lines()
        .find(|line| line.contains("forbidden") || line.contains("cannot list"));
    assert_eq!(missing, None);
}
