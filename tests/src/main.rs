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
mod certificates;
mod check;
mod claims;
mod cluster;
mod conditions;
mod conformance;
mod deadlines;
mod default_route;
mod demo;
mod device_info;
mod device_order;
mod extender;
mod extender_vectors;
mod fixture;
mod fuzz;
mod gc;
mod hotplug;
mod install;
mod instructions;
mod killed;
mod legacy;
mod lint;
mod logs;
mod manifests;
mod observability;
mod parallel;
mod plugin_schemas;
mod reconcile;
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
mod why;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let conclusion = libtest_mimic::run(&arguments, scenario::trials(scenarios()));
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
        certificates::scenarios(),
        check::scenarios(),
        claims::scenarios(),
        cluster::scenarios(),
        conditions::scenarios(),
        conformance::scenarios(),
        deadlines::scenarios(),
        default_route::scenarios(),
        demo::scenarios(),
        device_info::scenarios(),
        device_order::scenarios(),
        extender::scenarios(),
        extender_vectors::scenarios(),
        fuzz::scenarios(),
        gc::scenarios(),
        install::scenarios(),
        hotplug::scenarios(),
        instructions::scenarios(),
        killed::scenarios(),
        legacy::scenarios(),
        lint::scenarios(),
        logs::scenarios(),
        manifests::scenarios(),
        observability::scenarios(),
        parallel::scenarios(),
        plugin_schemas::scenarios(),
        reconcile::scenarios(),
        render::scenarios(),
        resolution::scenarios(),
        seeds::scenarios(),
        selection::scenarios(),
        simulator::scenarios(),
        status::scenarios(),
        storm::scenarios(),
        switch_over::scenarios(),
        topology::scenarios(),
        why::scenarios(),
    ]
    .concat()
}
