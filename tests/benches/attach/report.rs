//! What was measured: as tables for people, and as JSON for programs.

use serde_json::{Value, json};

use crate::{
    case::{Case, Costs, Traced},
    ratio,
};

/// Everything that was measured.
pub(crate) struct Run {
    pub(crate) target: &'static str,
    /// Whether the state is in memory, so that no disk's fsync is in the times.
    pub(crate) in_memory: bool,
    pub(crate) rounds: usize,
    pub(crate) empty_rust: Costs,
    /// The instructions of VERSION.
    pub(crate) version: u64,
    /// With what ADD and DEL do when they are traced.
    pub(crate) cases: Vec<(Case, [Traced; 2])>,
}

pub(crate) fn print(run: &Run) {
    let Run {
        target,
        rounds,
        empty_rust,
        version,
        ..
    } = run;
    println!(
        "target {target}; {rounds} rounds, interleaved, every fourth with 50 and 100 networks; {}",
        if run.in_memory {
            "the state is in memory: the fsyncs are made, and no disk is waited for"
        } else {
            "the state is on a disk, whose fsync is in the times"
        }
    );
    println!(
        "An empty static Rust program takes {:.0} µs (p10 {:.0}). VERSION takes {version} instructions.\n",
        empty_rust.wall.median(),
        empty_rust.wall.p10()
    );
    println!(
        "| extra networks | what | median µs | p10 µs | CPU µs | CPU without delegates µs | peak memory, KiB | instructions | system calls | fsyncs |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (case, [add, del]) in &run.cases {
        println!(
            "| {} | its delegates alone | {:.0} | {:.0} | {:.0} | | | | | |",
            case.extra,
            case.chain.wall.median(),
            case.chain.wall.p10(),
            case.chain.cpu.median()
        );
        for (verb, costs, traced) in [("ADD", &case.add, add), ("DEL", &case.del, del)] {
            println!(
                "| {} | {verb} | {:.0} | {:.0} | {:.0} | {:.0} | {} | {} | {} | {} |",
                case.extra,
                costs.wall.median(),
                costs.wall.p10(),
                costs.cpu.median(),
                own(case, costs),
                traced.peak,
                traced
                    .instructions
                    .map(|count| count.to_string())
                    .unwrap_or_default(),
                traced.calls,
                traced.fsyncs
            );
        }
    }
    println!("\n| ratio | value | aim | |");
    println!("| --- | --- | --- | --- |");
    for ratio in ratio::all(empty_rust, &run.cases) {
        let aim = ratio.aim.map(|aim| format!("≤ {aim}"));
        let is_met = ratio
            .is_met()
            .map(|is_met| if is_met { "met" } else { "missed" });
        println!(
            "| {} | {:.2} | {} | {} |",
            ratio.name,
            ratio.value,
            aim.unwrap_or_default(),
            is_met.unwrap_or_default()
        );
    }
}

pub(crate) fn json(run: &Run) -> Value {
    let sizes: Vec<Value> = run.cases.iter().map(size).collect();
    let ratios: Vec<Value> = ratio::all(&run.empty_rust, &run.cases)
        .iter()
        .map(|ratio| {
            json!({
                "key": ratio.key,
                "name": ratio.name,
                "value": ratio.value,
                "aim": ratio.aim,
                "met": ratio.is_met(),
            })
        })
        .collect();
    json!({
        "target": run.target,
        "stateInMemory": run.in_memory,
        "rounds": run.rounds,
        "emptyRust": times(&run.empty_rust),
        "versionInstructions": run.version,
        "sizes": sizes,
        "ratios": ratios,
    })
}

fn size((case, [add, del]): &(Case, [Traced; 2])) -> Value {
    let verb = |costs: &Costs, traced: &Traced| {
        let mut all = times(costs);
        all["ownCpuMedianUs"] = json!(own(case, costs));
        all["peakKib"] = json!(traced.peak);
        all["instructions"] = json!(traced.instructions);
        all["systemCalls"] = json!(traced.calls);
        all["fsyncs"] = json!(traced.fsyncs);
        all
    };
    json!({
        "extraNetworks": case.extra,
        "delegatesAlone": times(&case.chain),
        "add": verb(&case.add, add),
        "del": verb(&case.del, del),
    })
}

fn times(costs: &Costs) -> Value {
    json!({
        "wallMedianUs": costs.wall.median(),
        "wallP10Us": costs.wall.p10(),
        "cpuMedianUs": costs.cpu.median(),
    })
}

/// The CPU time of the plugin without that of its delegates.
fn own(case: &Case, costs: &Costs) -> f64 {
    costs.cpu.median() - case.chain.cpu.median()
}
