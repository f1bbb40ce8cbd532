//! A second kube-scheduler as `manifests/scheduler` has it, with its own rights.

use serde_json::json;

use super::{
    machine::{A_WHILE, Machine},
    manifests::{configuration_of_second, taken_by_the_api_server},
    stage::{Stage, pod},
};
use crate::fixture::kube_scheduler::KubeScheduler;

const NAME: &str = "polypod-scheduler";

/// It binds the pods that name it, with devices where they fit, and leaves the others to the default scheduler. No right is
/// missing, and one of several leads.
pub(super) fn places_its_own() {
    let stage = Stage::new();
    taken_by_the_api_server(&stage.plane);
    let _split = Machine::reporting(&stage, "split", &[1, 1, 1]);
    let _paired = Machine::reporting(&stage, "paired", &[2]);

    let mut configuration = configuration_of_second();
    let extender = &mut configuration["extenders"][0];
    extender["urlPrefix"] = json!(stage.extender().url_prefix);
    extender["tlsConfig"]["caFile"] = json!(stage.file("ca.crt"));
    let account = "system:serviceaccount:kube-system:polypod-scheduler";
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

fn assert_no_right_is_missing(scheduler: &KubeScheduler) {
    let log = scheduler.log();
    let missing = log
        .lines()
        .find(|line| line.contains("forbidden") || line.contains("cannot list"));
    assert_eq!(missing, None);
}
