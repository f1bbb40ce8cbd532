//! End-to-end scenarios on real parts. Each module is a story; [`fixture`] is what they share.
//!
//! A test that lacks something (root, the CNI reference plugins, a kube-apiserver) is skipped, says why on its line, and
//! is counted at the end: a skipped test is never taken for a passed one.

mod architecture;
mod attach;
mod bad_input;
mod fixture;
mod scenario;
mod seeds;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let scenarios = [
        architecture::scenarios(),
        attach::scenarios(),
        bad_input::scenarios(),
        seeds::scenarios(),
    ]
    .concat();
    let conclusion = libtest_mimic::run(&arguments, scenario::trials(scenarios));
    scenario::report_skipped();
    conclusion.exit_code()
}
