//! What one execution of the plugin costs beside the floors: an ELF file that only exits, and an empty static Rust program.
//!
//! `cargo bench -p tests --bench start` builds all three, executes them in turn, and prints medians and ratios. Times are
//! told as ratios within one run, because machines differ; peak memory is read by ptrace when a program is about to end,
//! and is the program's own.

#[path = "measure/bridge.rs"]
mod bridge;
#[path = "start/empty_elf.rs"]
mod empty_elf;
#[path = "measure/execute.rs"]
mod execute;
#[path = "../src/fixture/followed.rs"]
mod followed;
#[path = "measure/peak.rs"]
mod peak;
#[path = "measure/sample.rs"]
mod sample;
#[path = "measure/shipped.rs"]
mod shipped;
#[path = "measure/state.rs"]
mod state;
#[path = "../src/fixture/traced.rs"]
mod traced;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use spec::bridge::Answer;

use crate::{
    execute::{environment, execute},
    sample::Sample,
    shipped::Shipped,
};

const ROUNDS: usize = 300;
const WARM_UP: usize = 10;

/// One way to execute one program.
struct Case {
    name: &'static str,
    program: PathBuf,
    environment: Vec<(&'static str, String)>,
    stdin: String,
    /// Executed after each measured run, to leave the same state for the next.
    undo: Option<Vec<(&'static str, String)>>,
    times: Sample,
}

fn main() {
    let folder = state::folder();
    let shipped = shipped::build(folder.path());
    println!(
        "target {}; {ROUNDS} rounds, interleaved; every program is executed with its standard input and output piped\n",
        shipped.target
    );
    bridge::serve(&folder.path().join("bridge.sock"), Answer::default());

    let mut cases = cases(folder.path(), &shipped);
    for round in 0..WARM_UP + ROUNDS {
        for case in &mut cases {
            let time = execute(&case.program, &case.environment, &case.stdin);
            if let Some(undo) = &case.undo {
                execute(&case.program, undo, &case.stdin);
            }
            if round >= WARM_UP {
                case.times.push(time);
            }
        }
    }
    report(&cases);
}

fn cases(folder: &Path, shipped: &Shipped) -> Vec<Case> {
    let empty_elf = folder.join("empty-elf");
    fs::write(&empty_elf, empty_elf::EMPTY_ELF).expect("the folder can be written");
    fs::set_permissions(&empty_elf, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    let conf = |more: &str| {
        format!(
            r#"{{"cniVersion":"1.0.0","name":"bench","type":"polypod","cniDir":"{0}/state","binDir":"{0}/bin",{more}"delegates":[{{"cniVersion":"1.0.0","name":"none","type":"nothing"}}]}}"#,
            folder.display()
        )
    };
    let quiet = conf(r#""runtimeConfig":{"io.kubernetes.cri.pod-annotations":{}},"#);
    let asking = conf(&format!(
        r#""bridgeSocket":"{}/bridge.sock","#,
        folder.display()
    ));
    let plain = |name, program: &Path, stdin: &str, verb| Case {
        name,
        program: program.to_owned(),
        environment: environment(verb),
        stdin: stdin.to_owned(),
        undo: None,
        times: Sample::default(),
    };
    let plugin = &shipped.plugin;
    let add = |name, stdin: &str| Case {
        undo: Some(environment("DEL")),
        ..plain(name, plugin, stdin, "ADD")
    };
    vec![
        plain("an ELF file that only exits", &empty_elf, &quiet, "VERSION"),
        plain(
            "an empty static Rust program",
            &shipped.empty_rust,
            &quiet,
            "VERSION",
        ),
        plain("polypod VERSION", plugin, &quiet, "VERSION"),
        plain("polypod DEL, nothing recorded", plugin, &quiet, "DEL"),
        plain(
            "a delegate that does nothing",
            &shipped.nothing,
            &quiet,
            "ADD",
        ),
        add("polypod ADD, that delegate, nobody asked", &quiet),
        add("polypod ADD, that delegate, bridge asked", &asking),
    ]
}

fn report(cases: &[Case]) {
    let floor = cases[1].times.median();
    println!("| program | file, bytes | median µs | p10 µs | × empty Rust | peak memory, KiB |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for case in cases {
        let time = case.times.median();
        let bytes = fs::metadata(&case.program).map_or(0, |metadata| metadata.len());
        let peak = peak::measure(&case.program, &case.environment, &case.stdin);
        if let Some(undo) = &case.undo {
            execute(&case.program, undo, &case.stdin);
        }
        println!(
            "| {} | {bytes} | {time:.0} | {:.0} | {:.2} | {peak} |",
            case.name,
            case.times.p10(),
            time / floor
        );
    }
}
