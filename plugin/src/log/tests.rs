use std::{fs, path::Path, process::Command as Process};

use super::*;

fn conf(file: &Path, level: Level) -> LogConf {
    LogConf {
        file: Some(file.to_owned()),
        level,
        to_stderr: false,
        ..LogConf::default()
    }
}

fn context(trace: &Trace) -> Context<'_> {
    Context {
        container_id: Some("c1"),
        interface: Some("eth0"),
        namespace: Some("shop"),
        pod: Some("web-0"),
        uid: Some("u1"),
        ..Context::of_node(Command::Add, trace)
    }
}

fn one_of_each(log: &Log<'_>) {
    log.write(Severity::Panic, "panic", &[]);
    log.error("error", &[]);
    log.warning("warning", &[]);
    log.verbose("verbose", &[]);
    log.debug("debug", &[]);
}

fn read(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn each_level_shows_those_before_it() {
    let trace = Trace::default();
    for (level, shown) in [
        (Level::Panic, "panic"),
        (Level::Error, "panic error warning"),
        (Level::Verbose, "panic error warning verbose"),
        (Level::Debug, "panic error warning verbose debug"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.log");
        let conf = conf(&file, level);
        one_of_each(&Log::open(&conf, context(&trace)));
        let levels: Vec<_> = read(&file)
            .iter()
            .map(|line| line["level"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(levels.join(" "), shown);
    }
}

#[test]
fn a_hidden_line_costs_nothing() {
    struct Untouched;

    impl Display for Untouched {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("formatted")
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.log");
    let trace = Trace::default();
    let conf = conf(&file, Level::Panic);
    let log = Log::open(&conf, context(&trace));
    log.error("error", &[("error", Field::Shown(&Untouched))]);
    let interface = "net1".parse().unwrap();
    log.attachment(Command::Add, "n", "d", &interface, || panic!("made"));
    drop(log);
    assert!(!file.exists());
    // Without a place to go, every line is hidden.
    let conf = LogConf {
        file: None,
        level: Level::Debug,
        ..conf
    };
    let log = Log::open(&conf, context(&trace));
    assert!(!log.shows(Severity::Panic));
    log.error("error", &[("error", Field::Shown(&Untouched))]);
}

#[test]
fn attachments() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.log");
    let conf = conf(&file, Level::Verbose);
    let trace =
        Trace::read(|_| Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()));
    let log = Log::open(&conf, context(&trace));
    let interface = "net1".parse().unwrap();
    for (command, carried) in [
        (
            Command::Add,
            Carried::Result(serde_json::json!({"ips": []})),
        ),
        (
            Command::Check,
            Carried::Conf("{\n \"type\": \"bridge\"\n}".to_owned()),
        ),
        (Command::Status, Carried::Conf("{}".to_owned())),
        (Command::Gc, Carried::Conf("{}".to_owned())),
        (Command::Del, Carried::Conf("torn {".to_owned())),
    ] {
        log.attachment(command, "shop/storage", "storage", &interface, || carried);
    }
    let text = fs::read_to_string(&file).unwrap();
    let without_time: Vec<_> = text
        .lines()
        .map(|line| line.split_once(',').unwrap().1)
        .collect();
    insta::assert_snapshot!(without_time.join("\n"));
}

/// What the processes of [`panics_and_standard_error`] do.
#[test]
#[ignore = "a process of another test"]
fn process_with_a_standard_error() {
    let file = std::env::var_os("LOG").unwrap();
    let scene = std::env::var("SCENE").unwrap();
    let mut conf = conf(Path::new(&file), Level::Debug);
    let trace = Trace::read(|_| Some("wrong".to_owned()));
    match scene.as_str() {
        "panic" => {
            conf.level = Level::Panic;
            let log = Log::open(&conf, context(&trace));
            log.report_panics();
            panic!("at the disco");
        }
        "levels" => {
            conf.to_stderr = true;
            conf.unknown_level = Some("info".to_owned());
            one_of_each(&Log::open(&conf, context(&trace)));
        }
        "unwritable" => one_of_each(&Log::open(&conf, context(&trace))),
        other => panic!("{other}"),
    }
}

#[test]
fn panics_and_standard_error() {
    let folder = tempfile::tempdir().unwrap();
    let run = |scene: &str, file: &Path| {
        let output = Process::new("/proc/self/exe")
            .args(["--exact", "log::tests::process_with_a_standard_error"])
            .args(["--ignored", "--nocapture"])
            .env("SCENE", scene)
            .env("LOG", file)
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let messages = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with('{'));
        lines
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["message"].to_string())
            .collect::<Vec<_>>()
    };

    let file = folder.path().join("panic.log");
    let told = run("panic", &file);
    assert!(told.contains("at the disco"), "{told}");
    let lines = read(&file);
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (&lines[0]["level"], &lines[0]["pod"]),
        (&"panic".into(), &"web-0".into())
    );
    let panic = lines[0]["panic"].as_str().unwrap();
    assert!(
        panic.contains("at the disco") && panic.contains("tests.rs:"),
        "{panic}"
    );

    let file = folder.path().join("levels.log");
    let told = run("levels", &file);
    let told = messages(&told);
    assert!(told[0].contains("logLevel"), "{told:?}");
    assert!(told[1].contains("TRACEPARENT"), "{told:?}");
    assert_eq!(told.len(), 7);
    assert_eq!(told[1..], messages(&fs::read_to_string(&file).unwrap()));

    let told = run("unwritable", Path::new("/proc/a.log"));
    assert_eq!(messages(&told).len(), 1, "{told}");
    assert!(
        told.contains("/proc/a.log") && told.contains("lines are lost"),
        "{told}"
    );
}
