//! What was measured: as a table for people, and as JSON for programs.

use serde_json::{Value, json};

use crate::storm::Outcome;

/// Aims of the issue that asked for this bench.
const PEAK_MIB: f64 = 32.0;
const STEADY_MIB: f64 = 20.0;

pub(crate) fn print(target: &str, runs: &[(&str, Outcome)]) {
    println!("target {target}\n");
    println!(
        "| run | sandboxes | correct | devices in two answers | kubelet calls | of them turned away | peak RSS, MiB | RSS at the end, MiB | p50 ms | p99 ms | published | inventory: times, KiB |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (name, outcome) in runs {
        println!(
            "| {name} | {} | {} | {} | {} | {} | {:.1} | {:.1} | {:.0} | {:.0} | {} | {}, {} |",
            outcome.sandboxes,
            outcome.correct,
            outcome.duplicate_devices,
            outcome.kubelet_calls,
            outcome.refused_calls,
            mib(outcome.peak_rss_kib),
            mib(outcome.rss_kib),
            ms(outcome, 50),
            ms(outcome, 99),
            outcome.published,
            outcome.inventory.0,
            outcome.inventory.1 / 1024
        );
        for failure in outcome.failures.iter().take(5) {
            println!("{name}: {failure}");
        }
    }
    println!("\n| aim | |");
    println!("| --- | --- |");
    for (index, (name, outcome)) in runs.iter().enumerate() {
        let all = outcome.correct == outcome.sandboxes && outcome.duplicate_devices == 0;
        line(&format!("{name}: all right, no device twice"), all);
        if index + 1 < runs.len() {
            line(
                &format!("{name}: at most one kubelet call per sandbox"),
                outcome.kubelet_calls <= outcome.sandboxes,
            );
            line(
                &format!("{name}: peak RSS ≤ {PEAK_MIB} MiB"),
                mib(outcome.peak_rss_kib) <= PEAK_MIB,
            );
        } else {
            line(
                &format!("{name}: RSS ≤ {STEADY_MIB} MiB"),
                mib(outcome.rss_kib) <= STEADY_MIB,
            );
        }
    }
}

fn line(aim: &str, is_met: bool) {
    println!("| {aim} | {} |", if is_met { "met" } else { "missed" });
}

pub(crate) fn json(storm: &Outcome, steady: &Outcome) -> Value {
    json!({
        "sandboxes": storm.sandboxes,
        "correct": storm.correct,
        "duplicate_devices": storm.duplicate_devices,
        "kubelet_calls": storm.kubelet_calls,
        "peak_rss_mib": mib(storm.peak_rss_kib),
        "p50_ms": ms(storm, 50),
        "p99_ms": ms(storm, 99),
        "steady_rss_mib": mib(steady.rss_kib),
    })
}

fn ms(outcome: &Outcome, percent: usize) -> f64 {
    outcome.percentile(percent).as_secs_f64() * 1000.0
}

fn mib(kib: u64) -> f64 {
    // Exact for every size of memory there is.
    #[allow(clippy::cast_precision_loss, reason = "see above")]
    let kib = kib as f64;
    (kib / 1024.0 * 10.0).round() / 10.0
}
