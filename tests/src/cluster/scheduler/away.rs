//! The webhook is not there.

use super::{
    machine::{A_WHILE, Machine, runs_on},
    stage::{RESOURCE, Stage, pod, until},
};

/// Pods of managed resources wait, and are bound when it is back; others never wait.
pub(super) fn pods_wait_or_not() {
    let mut stage = Stage::new();
    let mut node = Machine::reporting(&stage, "node-1", &[1, 1]);
    let mut extender = stage.extender();
    extender.managed_resources = &[RESOURCE];
    stage.start_scheduler(&extender);
    stage.create(&pod("before", 1));
    runs_on(&stage, &mut node, "before");

    stage.stop_webhook();
    stage.create(&pod("waits", 1));
    stage.create(&pod("device-free", 0));
    assert_eq!(stage.node_of("device-free"), "node-1");
    let said = until(|| {
        let events = stage.events("waits").into_iter();
        events
            .into_iter()
            .find(|event| event.contains("connection refused"))
    });
    println!("without the webhook: {said}");
    std::thread::sleep(A_WHILE);
    assert!(stage.pod("waits")["spec"]["nodeName"].is_null());

    // It knows again what it knew: `before` holds a device, and a third pod finds none.
    stage.start_webhook(&[]);
    let took = stage.takes_to_bind("waits");
    println!("with the webhook again it took {} ms", took.as_millis());
    runs_on(&stage, &mut node, "waits");
    stage.create(&pod("too-many", 1));
    stage.refusal("too-many");

    // A scheduler that asks about every pod makes all of them wait.
    stage.stop_webhook();
    stage.start_scheduler(&stage.extender());
    stage.create(&pod("asked-about", 0));
    until(|| {
        stage
            .events("asked-about")
            .iter()
            .any(|event| event.contains("connection refused"))
            .then_some(())
    });
    assert!(stage.pod("asked-about")["spec"]["nodeName"].is_null());
    stage.start_webhook(&[]);
    assert_eq!(stage.node_of("asked-about"), "node-1");
}
