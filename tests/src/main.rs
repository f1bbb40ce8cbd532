//! End-to-end scenarios on real parts. Each module is a story; [`fixture`] is what they share.
//!
//! A test that lacks something (root, the CNI reference plugins, a kube-apiserver) is skipped, says why on its line, and
//! is counted at the end: a skipped test is never taken for a passed one.

#![allow(
    clippy::unwrap_used,
    reason = "all of it is test code: a test may simply fail"
)]

mod admission;
mod adopt;
mod allocation;
mod architecture;
mod attach;
mod bad_input;
mod book;
mod certificates;
mod check;
mod claims;
mod cluster;
mod completions;
mod conditions;
mod conformance;
mod deadlines;
mod default_route;
mod demo;
mod device_info;
mod device_order;
mod doctor;
mod ended_token;
mod examples;
mod extender;
mod extender_vectors;
mod fixture;
mod fuzz;
mod gc;
mod hotplug;
mod images;
mod install;
mod instructions;
mod killed;
mod krew;
mod legacy;
mod lifecycle;
mod lint;
mod logs;
mod manifests;
mod map;
mod metrics;
mod observability;
mod parallel;
mod plugin_schemas;
mod reconcile;
mod references;
mod render;
mod resolution;
mod scenario;
mod seeds;
mod selection;
mod serving;
mod simulator;
mod status;
mod storm;
mod switch_over;
mod topology;
mod traced_admission;
mod traced_sandbox;
mod whole_node;
mod why;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    if let Some(code) = whole_node::inside() {
        return code;
    }
    let arguments = Arguments::from_args();
    let conclusion = libtest_mimic::run(&arguments, scenario::trials(scenarios()));
    whole_node::report();
    scenario::report_skipped();
    conclusion.exit_code()
}

/// Every scenario there is.
fn scenarios() -> Vec<scenario::Scenario> {
    [
        admission::scenarios(),
        adopt::scenarios(),
        serving::scenarios(),
        allocation::scenarios(),
        architecture::scenarios(),
        attach::scenarios(),
        bad_input::scenarios(),
        book::scenarios(),
        certificates::scenarios(),
        check::scenarios(),
        claims::scenarios(),
        cluster::scenarios(),
        completions::scenarios(),
        conditions::scenarios(),
        conformance::scenarios(),
        deadlines::scenarios(),
        ended_token::scenarios(),
        default_route::scenarios(),
        demo::scenarios(),
        device_info::scenarios(),
        doctor::scenarios(),
        device_order::scenarios(),
        examples::scenarios(),
        extender::scenarios(),
        extender_vectors::scenarios(),
        fuzz::scenarios(),
        gc::scenarios(),
        install::scenarios(),
        hotplug::scenarios(),
        images::scenarios(),
        instructions::scenarios(),
        killed::scenarios(),
        krew::scenarios(),
        legacy::scenarios(),
        lifecycle::scenarios(),
        lint::scenarios(),
        logs::scenarios(),
        manifests::scenarios(),
        map::scenarios(),
        metrics::scenarios(),
        observability::scenarios(),
        parallel::scenarios(),
        plugin_schemas::scenarios(),
        reconcile::scenarios(),
        references::scenarios(),
        render::scenarios(),
        resolution::scenarios(),
        seeds::scenarios(),
        selection::scenarios(),
        simulator::scenarios(),
        status::scenarios(),
        storm::scenarios(),
        switch_over::scenarios(),
        topology::scenarios(),
        traced_admission::scenarios(),
        traced_sandbox::scenarios(),
        whole_node::scenarios(),
        why::scenarios(),
    ]
    .concat()
}
