//! What one execution of the plugin costs beside the floors: an ELF file that only exits, and an empty static Rust program.
//!
//! `cargo bench -p tests --bench start` builds all three, executes them in turn, and prints medians and ratios. Times are
//! told as ratios within one run, because machines differ; peak memory is read by ptrace when a program is about to end,
//! and is the program's own.

#[path = "start/floor.rs"]
mod floor;
#[path = "start/peak.rs"]
mod peak;

use std::{
    ffi::OsString,
    fs,
    io::{Read as _, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use spec::bridge::{Answer, HEADER, Reply, encode, frame_length};
use tempfile::TempDir;

const ROUNDS: usize = 300;
const WARM_UP: usize = 10;

/// One way to execute one program.
struct Case {
    name: &'static str,
    program: PathBuf,
    environment: Vec<(&'static str, OsString)>,
    stdin: String,
    /// Executed after each measured run, to leave the same state for the next.
    undo: Option<Vec<(&'static str, OsString)>>,
    times: Vec<Duration>,
}

fn main() {
    // State goes to memory where there is such a folder: the disk's own fsync is no cost of the plugin.
    let folder = TempDir::new_in(if Path::new("/dev/shm").is_dir() {
        "/dev/shm"
    } else {
        "."
    })
    .expect("a folder can be made");
    let floor::Built {
        plugin,
        empty_rust,
        target,
    } = floor::build(folder.path());
    println!(
        "target {target}; {ROUNDS} rounds, interleaved; every program is executed with its standard input and output piped\n"
    );
    answer_questions(&folder.path().join("bridge.sock"));

    let mut cases = cases(folder.path(), plugin, empty_rust);
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
    report(&mut cases);
}

fn cases(folder: &Path, plugin: PathBuf, empty_rust: PathBuf) -> Vec<Case> {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).expect("the folder can be written");
    let empty_elf = folder.join("empty-elf");
    fs::write(&empty_elf, floor::EMPTY_ELF).expect("the folder can be written");
    fs::set_permissions(&empty_elf, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    let conf = |more: &str| {
        format!(
            r#"{{"cniVersion":"1.0.0","name":"bench","type":"polypod","cniDir":"{0}/state","binDir":"{0}/bin",{more}"delegates":[{{"cniVersion":"1.0.0","name":"none","type":"nothing"}}]}}"#,
            folder.display()
        )
    };
    // The delegate is the empty Rust program with one line of output, so that it costs what a program must.
    fs::copy(folder.join("nothing"), bin.join("nothing")).expect("the delegate was built");
    let environment = |verb: &'static str| -> Vec<(&'static str, OsString)> {
        [
            ("CNI_COMMAND", verb),
            ("CNI_CONTAINERID", "bench"),
            ("CNI_NETNS", "/proc/self/ns/net"),
            ("CNI_IFNAME", "bench0"),
            (
                "CNI_ARGS",
                "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=bench;K8S_POD_UID=u",
            ),
            ("CNI_PATH", "/opt/cni/bin"),
        ]
        .map(|(name, value)| (name, OsString::from(value)))
        .into()
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
        times: Vec::new(),
    };
    let add = |name, stdin: &str| Case {
        undo: Some(environment("DEL")),
        ..plain(name, &plugin, stdin, "ADD")
    };
    vec![
        plain("an ELF file that only exits", &empty_elf, &quiet, "VERSION"),
        plain(
            "an empty static Rust program",
            &empty_rust,
            &quiet,
            "VERSION",
        ),
        plain("polypod VERSION", &plugin, &quiet, "VERSION"),
        plain("polypod DEL, nothing recorded", &plugin, &quiet, "DEL"),
        plain(
            "a delegate that does nothing",
            &bin.join("nothing"),
            &quiet,
            "ADD",
        ),
        add("polypod ADD, that delegate, nobody asked", &quiet),
        add("polypod ADD, that delegate, bridge asked", &asking),
    ]
}

fn execute(program: &Path, environment: &[(&'static str, OsString)], stdin: &str) -> Duration {
    let begin = Instant::now();
    let mut child = Command::new(program)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} cannot be executed: {error}", program.display()));
    let mut pipe = child.stdin.take().expect("standard input is piped");
    // The floors end without reading.
    let _ = pipe.write_all(stdin.as_bytes());
    drop(pipe);
    let mut printed = Vec::new();
    child
        .stdout
        .take()
        .expect("standard output is piped")
        .read_to_end(&mut printed)
        .expect("a pipe can be read");
    let status = child.wait().expect("it is our child");
    let time = begin.elapsed();
    assert!(
        status.success(),
        "{}: {}",
        program.display(),
        String::from_utf8_lossy(&printed)
    );
    time
}

/// A device-bridge that knows of no networks, and answers at once.
fn answer_questions(socket: &Path) {
    let listener = UnixListener::bind(socket).expect("the folder can be written");
    let nothing = encode(&Reply::Answer(Answer::default())).expect("a small message");
    let taken = encode(&Reply::Taken).expect("a small message");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection can be taken");
            let mut header = [0; HEADER];
            stream.read_exact(&mut header).expect("the plugin asks");
            let mut json = vec![0; frame_length(header).expect("a sound frame")];
            stream.read_exact(&mut json).expect("the plugin asks");
            let is_question = json.windows(11).any(|part| part == b"\"question\":");
            // The plugin may be gone already.
            let _ = stream.write_all(if is_question { &nothing } else { &taken });
        }
    });
}

fn report(cases: &mut [Case]) {
    let median = |case: &mut Case| {
        case.times.sort();
        case.times[case.times.len() / 2].as_secs_f64() * 1e6
    };
    let floor = median(&mut cases[1]);
    println!("| program | file, bytes | median µs | p10 µs | × empty Rust | peak memory, KiB |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for case in cases {
        let time = median(case);
        let p10 = case.times[case.times.len() / 10].as_secs_f64() * 1e6;
        let bytes = fs::metadata(&case.program).map_or(0, |metadata| metadata.len());
        let peak = peak::measure(&case.program, &case.environment, &case.stdin);
        if let Some(undo) = &case.undo {
            execute(&case.program, undo, &case.stdin);
        }
        println!(
            "| {} | {bytes} | {time:.0} | {p10:.0} | {:.2} | {peak} |",
            case.name,
            time / floor
        );
    }
}
