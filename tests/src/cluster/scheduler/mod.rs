//! The scheduler extension in the real thing: kube-apiserver, kube-scheduler and `polypod-webhook`. There are no kubelets:
//! the tests play them.

mod away;
mod client_certificate;
mod gates;
mod machine;
mod manifests;
mod placed;
mod preemption;
mod refused;
mod second;
mod stage;
mod woken;

use crate::{fixture::needs::Need, scenario::Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    const SCHEDULER: &[Need] = &[Need::ControlPlane, Need::KubeScheduler];
    let bodies: [(&'static str, fn()); 13] = [
        ("cluster::scheduler_places_pods", placed::where_they_fit),
        (
            "cluster::scheduler_reads_reports_of_others",
            placed::by_reports_of_others,
        ),
        ("cluster::scheduler_is_woken", woken::by_what_is_released),
        (
            "cluster::scheduler_after_a_refusal",
            refused::by_the_kubelet,
        ),
        (
            "cluster::scheduler_without_the_webhook",
            away::pods_wait_or_not,
        ),
        (
            "cluster::scheduler_with_a_certificate",
            client_certificate::or_without,
        ),
        (
            "cluster::scheduler_does_not_preempt_in_vain",
            preemption::no_victims,
        ),
        ("cluster::gates_choose_nodes", gates::nodes_are_chosen),
        ("cluster::gates_and_wake_up_by_one_leader", gates::one_leads),
        (
            "cluster::gates_wait_for_what_is_released",
            gates::pods_wait_for_what_is_released,
        ),
        (
            "cluster::gates_promise_the_last_devices_once",
            gates::the_last_devices_are_promised_once,
        ),
        ("cluster::scheduler_manifests", manifests::are_taken),
        (
            "cluster::scheduler_beside_the_default_one",
            second::places_its_own,
        ),
    ];
    let of = |(name, body)| Scenario {
        name,
        needs: SCHEDULER,
        body,
    };
    bodies.map(of).into()
}
