//! How many instructions the plugin takes as it is shipped: what no load of the machine disturbs, and so can be held.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use nix::libc;
use tempfile::TempDir;

use crate::{
    fixture::{
        counted,
        needs::Need,
        shipped::{self, Shipped},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    const ALL: &[Need] = &[Need::Compiler, Need::Tracing, Need::Namespaces];
    vec![
        Scenario {
            name: "instructions::stay_few_and_grow_evenly",
            needs: ALL,
            body: stay_few_and_grow_evenly,
        },
        Scenario {
            name: "instructions::the_disk_is_waited_for_only_by_the_record",
            needs: ALL,
            body: the_disk_is_waited_for_only_by_the_record,
        },
    ]
}

/// What executions may take, linked with musl as it is shipped: what was counted and about 15 % more, for other releases of
/// the compiler and of the dependencies. Whoever raises a number says in the commit what is bought with it.
const CEILINGS: [(&str, usize, u64); 5] = [
    ("VERSION", 0, 57_000),
    // With the cluster network alone, whose delegate does nothing.
    ("ADD", 0, 406_000),
    ("DEL", 0, 272_000),
    ("ADD", 10, 2_342_000),
    ("DEL", 10, 1_725_000),
];

/// What a network costs may differ by so many percent between a small sandbox and a large one.
const UNEVEN: u64 = 20;

fn stay_few_and_grow_evenly() {
    let folder = TempDir::new().unwrap();
    let shipped = shipped::build(folder.path());
    let floor = counted::instructions(&shipped.empty_rust, &[("", ""); 0], "").0;
    let delegate = counted::instructions(&shipped.nothing, &environment("ADD"), "{}").0;
    println!("an empty program: {floor}; a delegate that does nothing: {delegate}");
    let count = |verb, networks| {
        let conf = conf(folder.path(), &format!("{verb}-{networks}"), networks);
        // The first ADD of a node makes the folder of the records.
        run(&shipped, "ADD", &conf);
        if verb != "DEL" {
            run(&shipped, "DEL", &conf);
        }
        let (count, printed) = counted::instructions(&shipped.plugin, &environment(verb), &conf);
        assert!(!printed.contains("\"code\""), "{verb} failed: {printed}");
        println!("{verb} with {networks} networks more: {count}");
        count
    };
    let counts: BTreeMap<(&str, usize), u64> = std::thread::scope(|scope| {
        let counting = [
            ("VERSION", 0),
            ("ADD", 0),
            ("ADD", 5),
            ("ADD", 10),
            ("DEL", 0),
            ("DEL", 5),
            ("DEL", 10),
        ]
        .map(|(verb, networks)| ((verb, networks), scope.spawn(move || count(verb, networks))));
        counting
            .map(|(what, thread)| (what, thread.join().unwrap()))
            .into()
    });
    for verb in ["ADD", "DEL"] {
        let [none, five, ten] = [0, 5, 10].map(|networks| counts[&(verb, networks)]);
        let (former, latter) = (five - none, ten - five);
        assert!(
            former.abs_diff(latter) * 100 <= former * UNEVEN,
            "{verb}: the first five networks take {former} instructions and the next five {latter}"
        );
    }
    if !shipped.target.ends_with("musl") {
        println!("the ceilings are not looked at: they are those of musl");
        return;
    }
    let too_many: Vec<String> = CEILINGS
        .iter()
        .filter(|(verb, networks, ceiling)| counts[&(*verb, *networks)] > *ceiling)
        .map(|(verb, networks, ceiling)| {
            let count = counts[&(*verb, *networks)];
            format!("{verb} with {networks} networks more takes {count} instructions, and {ceiling} are allowed")
        })
        .collect();
    assert!(too_many.is_empty(), "{}", too_many.join("; "));
}

/// The intent and the name it gets in its folder are forced to the disk, and nothing else is, however many networks there are.
fn the_disk_is_waited_for_only_by_the_record() {
    let folder = TempDir::new().unwrap();
    let shipped = shipped::build(folder.path());
    for networks in [0, 10] {
        let conf = conf(folder.path(), "state", networks);
        // The first ADD of a node makes the folder of the records, and forces that to the disk too.
        run(&shipped, "ADD", &conf);
        run(&shipped, "DEL", &conf);
        for (verb, wanted) in [("ADD", 2), ("DEL", 0)] {
            let calls = counted::calls(&shipped.plugin, &environment(verb), &conf);
            let forced: u64 = [libc::SYS_fsync, libc::SYS_fdatasync, libc::SYS_sync]
                .iter()
                .filter_map(|call| calls.get(call))
                .sum();
            assert_eq!(forced, wanted, "{verb} with {networks} networks more");
        }
    }
}

/// Executes the plugin, and does not count.
fn run(shipped: &Shipped, verb: &'static str, conf: &str) {
    let mut child = Command::new(&shipped.plugin)
        .env_clear()
        .envs(environment(verb))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(conf.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{verb} failed");
}

/// The cluster network and so many others, all named by the configuration: nobody is asked. Going through an ADD one
/// instruction after another takes minutes where the machine has other work, which is no reason to give it up.
fn conf(folder: &Path, state: &str, networks: usize) -> String {
    let delegates: Vec<String> = (0..=networks)
        .map(|index| format!(r#"{{"cniVersion":"1.0.0","name":"net-{index}","type":"nothing"}}"#))
        .collect();
    format!(
        r#"{{"cniVersion":"1.0.0","name":"count","type":"polypod","cniDir":"{0}/{state}","binDir":"{0}/bin","bridgeSocket":"{0}/none.sock","timeout":3600,"runtimeConfig":{{"io.kubernetes.cri.pod-annotations":{{}}}},"delegates":[{1}]}}"#,
        folder.display(),
        delegates.join(",")
    )
}

/// Nothing of this process's own environment: a longer one takes more instructions.
fn environment(verb: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![
        ("CNI_COMMAND", verb),
        ("CNI_CONTAINERID", "counted"),
        ("CNI_NETNS", "/proc/self/ns/net"),
        ("CNI_IFNAME", "count0"),
        (
            "CNI_ARGS",
            "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=p;K8S_POD_UID=u",
        ),
        ("CNI_PATH", "/opt/cni/bin"),
    ]
}
