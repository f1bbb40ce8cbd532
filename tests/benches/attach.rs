//! What ADD and DEL of the plugin cost with many networks, beside what executing its delegates costs without any plugin.
//!
//! `cargo bench -p tests --bench attach` builds the plugin as it is shipped, an empty Rust program and a delegate that does
//! nothing; makes and deletes sandboxes of 0, 1, 10, 50 and 100 networks beside the cluster network, which a device-bridge
//! names; and executes as many delegates itself, in turn with them. It prints ratios within the run, and whether the aims
//! are met; `-- --json` prints everything as one JSON object, too, on the last line. It ends by itself in two or three
//! minutes, most of which is counting instructions one by one.

#[path = "measure/bridge.rs"]
mod bridge;
#[path = "attach/case.rs"]
mod case;
#[path = "../src/fixture/counted.rs"]
mod counted;
#[path = "measure/execute.rs"]
mod execute;
#[path = "../src/fixture/followed.rs"]
mod followed;
#[path = "measure/peak.rs"]
mod peak;
#[path = "attach/ratio.rs"]
mod ratio;
#[path = "attach/report.rs"]
mod report;
#[path = "measure/sample.rs"]
mod sample;
#[path = "measure/shipped.rs"]
mod shipped;
#[path = "measure/state.rs"]
mod state;
#[path = "../src/fixture/system_call.rs"]
mod system_call;
#[path = "../src/fixture/traced.rs"]
mod traced;

use std::time::{Duration, Instant};

use crate::{
    case::{Case, Costs},
    execute::environment,
    report::Run,
};

/// Networks beside the cluster network.
const EXTRA: [usize; 5] = [0, 1, 10, 50, 100];

const ROUNDS: usize = 200;
const WARM_UP: usize = 2;
/// When it stops before all rounds are made.
const BUDGET: Duration = Duration::from_secs(60);

/// Sandboxes of at least so many networks are made only in every so manieth round.
const LARGE: usize = 50;
const SELDOM: usize = 4;

fn main() {
    let wants_json = std::env::args().any(|argument| argument == "--json");
    let folder = state::folder();
    let programs = shipped::build(folder.path());
    let mut cases = EXTRA.map(|extra| Case::new(extra, folder.path(), &programs));
    let mut empty_rust = Costs::default();
    let mut rounds = 0;
    let begin = Instant::now();
    for round in 0..WARM_UP + ROUNDS {
        let counts = round >= WARM_UP;
        let quiet = environment("VERSION");
        let cost = case::measure(|| execute::execute(&programs.empty_rust, &quiet, ""));
        if counts {
            empty_rust.push(cost);
        }
        for case in &mut cases {
            if case.extra < LARGE || round % SELDOM == 0 {
                case.round(counts);
            }
        }
        rounds += usize::from(counts);
        if begin.elapsed() > BUDGET {
            break;
        }
    }
    let traced = case::trace(&cases);
    let run = Run {
        target: programs.target,
        in_memory: folder.path().starts_with("/dev/shm"),
        rounds,
        empty_rust,
        version: counted::instructions(&programs.plugin, &environment("VERSION"), "{}").0,
        cases: cases.into_iter().zip(traced).collect(),
    };
    report::print(&run);
    if wants_json {
        println!("{}", report::json(&run));
    }
}
