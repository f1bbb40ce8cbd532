//! What is done about what the folders hold: changes, takeovers, the way from Multus, and any interleaving of writers.

use std::collections::BTreeMap;

use clap::Parser;
use proptest::prelude::*;

use super::*;
use crate::install::{args::InstallCommandArgs, conf_folder::ASIDE};

#[path = "plan_multus_tests.rs"]
mod of_multus;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    install: InstallCommandArgs,
}

fn settings(arguments: &[&str]) -> Install {
    let line = Line::parse_from([&["install"], arguments].concat());
    Install::of_command(line.install).unwrap().0
}

const OURS: &str = "00-polypod.conflist";
const A: &str = r#"{"name":"a","cniVersion":"1.0.0","type":"bridge"}"#;
const B: &str = r#"{"name":"b","cniVersion":"0.4.0","type":"ptp"}"#;
const MULTUS: &str = r#"{"name":"multus-cni-network","cniVersion":"0.3.1","type":"multus","namespaceIsolation":true,"delegates":[{"name":"a","type":"bridge"}]}"#;

/// A folder of CNI configurations, and what keeps it.
struct Node {
    install: Install,
    files: BTreeMap<String, String>,
    memory: Memory,
    now: Instant,
    daemon: Option<DaemonConf>,
}

impl Node {
    fn new(arguments: &[&str], files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Self {
            install: settings(arguments),
            files: files.collect(),
            memory: Memory::default(),
            now: Instant::now(),
            daemon: None,
        }
    }

    fn seen(&self) -> Seen {
        let mut runtime = ConfFolder::default();
        for (name, text) in &self.files {
            match name.strip_suffix(ASIDE) {
                Some(was) => runtime.aside.push(FoundConf::of(was, text)),
                None if name.ends_with("_bak") => {}
                None => runtime.files.push(FoundConf::of(name, text)),
            }
        }
        Seen {
            runtime,
            primary: None,
            daemon: self.daemon.clone().map(Ok),
        }
    }

    /// What is planned, carried out up to `steps` steps.
    fn turn(&mut self, steps: usize) -> Plan {
        let keys = self.install.keys.clone();
        let seen = self.seen();
        let plan = plan(&self.install, &keys, &seen, &mut self.memory, self.now);
        for step in plan.steps.iter().take(steps) {
            match step {
                Step::Write(text) => {
                    self.files.insert(OURS.to_owned(), text.clone());
                }
                Step::MoveAside(name) => {
                    let text = self.files.remove(name).unwrap();
                    self.files.insert(format!("{name}{ASIDE}"), text);
                }
                Step::Discard(name) => {
                    self.files.remove(name).unwrap();
                }
            }
        }
        plan
    }

    fn settle(&mut self) -> Plan {
        self.turn(usize::MAX)
    }

    fn ours(&self) -> Value {
        serde_json::from_str(&self.files[OURS]).unwrap()
    }

    fn delegate(&self) -> Value {
        self.ours()["plugins"][0]["delegates"][0].clone()
    }

    fn put(&mut self, name: &str, text: &str) {
        self.files.insert(name.to_owned(), text.to_owned());
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// The first file, as a runtime takes it.
    fn runtime_takes(&self) -> FoundConf {
        self.seen().runtime.files.into_iter().next().unwrap()
    }
}

#[test]
fn a_late_primary_a_change_an_earlier_one_and_a_broken_one() {
    let mut node = Node::new(&[], &[]);
    let waiting = node.settle();
    assert!(!waiting.is_ready && waiting.steps.is_empty());
    assert!(matches!(
        &waiting.notices[..],
        [Notice::NoPrimary {
            has_multus: false,
            ..
        }]
    ));

    node.put("10-b.conf", B);
    assert!(node.settle().is_ready);
    assert_eq!(node.delegate()["type"], "ptp");
    assert_eq!(node.ours()["name"], "b");
    assert!(node.settle().steps.is_empty(), "nothing to do");

    node.put("10-b.conf", &B.replace("ptp", "macvlan"));
    node.settle();
    assert_eq!(node.delegate()["type"], "macvlan");

    node.put("05-a.conf", A);
    node.settle();
    assert_eq!(node.delegate()["type"], "bridge");

    node.put("05-a.conf", "{");
    let broken = node.settle();
    assert!(broken.steps.is_empty() && broken.is_ready, "{broken:?}");
    assert!(matches!(&broken.notices[..], [Notice::Broken { file, .. }] if file == "05-a.conf"));

    node.files.remove("05-a.conf");
    let gone = node.settle();
    assert!(gone.is_ready && matches!(&gone.notices[..], [Notice::Gone { .. }]));
    assert_eq!(gone.again_in, Some(primary::GONE_FOR_GOOD));
    assert_eq!(node.delegate()["type"], "bridge");
    node.now += primary::GONE_FOR_GOOD;
    assert!(node.settle().notices.is_empty());
    assert_eq!(node.delegate()["type"], "macvlan");

    node.files.remove("10-b.conf");
    node.settle();
    node.wait(100_000);
    assert!(matches!(&node.settle().notices[..], [Notice::Gone { .. }]));
    assert_eq!(
        node.delegate()["type"],
        "macvlan",
        "the last good one stays for ever"
    );
    // Not even then is it lost to another writer.
    node.files.remove(OURS);
    node.settle();
    assert_eq!(node.delegate()["type"], "macvlan");
}

#[test]
fn a_configuration_of_an_earlier_life_serves_until_there_is_a_primary() {
    let mut before = Node::new(&[], &[("10-a.conf", A)]);
    before.settle();
    let mut node = Node::new(&[], &[(OURS, &before.files[OURS])]);
    let plan = node.settle();
    assert!(plan.steps.is_empty() && matches!(&plan.notices[..], [Notice::NoPrimary { .. }]));
    node.put("10-b.conf", B);
    let plan = node.settle();
    assert!(
        plan.is_ready && plan.notices.is_empty(),
        "no takeover: {plan:?}"
    );
    assert_eq!(node.delegate()["type"], "ptp");
}

#[test]
fn another_writer_is_put_right_ever_less_often() {
    let mut node = Node::new(&[], &[("10-a.conf", A)]);
    node.settle();
    node.settle();
    let mut put_back = 0;
    // Cilium with cni.exclusive, every second for ten minutes.
    for _ in 0..600 {
        if let Some(text) = node.files.remove(OURS) {
            node.put("00-polypod.conflist.cilium_bak", &text);
        }
        let plan = node.settle();
        if node.files.contains_key(OURS) {
            put_back += 1;
            assert!(
                matches!(&plan.notices[..], [Notice::TakenOver { removed: true, .. }]),
                "{plan:?}"
            );
        } else {
            assert!(!plan.is_ready && plan.again_in.is_some());
            assert!(matches!(&plan.notices[..], [Notice::Contended { .. }]));
        }
        node.wait(1);
    }
    assert!((5..20).contains(&put_back), "{put_back} times");

    node.put(OURS, "{");
    node.wait(3600);
    let plan = node.settle();
    assert!(
        plan.is_ready
            && matches!(
                &plan.notices[..],
                [Notice::TakenOver { removed: false, .. }]
            )
    );
    assert_eq!(node.delegate()["type"], "bridge");
}

#[test]
fn what_a_mesh_chains_after_us_is_no_takeover() {
    let mut node = Node::new(&[], &[("10-a.conf", A)]);
    node.settle();
    node.settle();
    let mut ours = node.ours();
    ours["plugins"]
        .as_array_mut()
        .unwrap()
        .push(serde_json::json!({"type": "istio-cni"}));
    node.put(OURS, &serde_json::to_string_pretty(&ours).unwrap());
    let plan = node.settle();
    assert!(
        plan.steps.is_empty() && plan.is_ready && plan.notices.is_empty(),
        "{plan:?}"
    );
    node.put("10-a.conf", B);
    let plan = node.settle();
    assert!(plan.notices.is_empty(), "{plan:?}");
    assert_eq!(node.ours()["plugins"][1]["type"], "istio-cni");
    assert_eq!(node.delegate()["type"], "ptp");
}

#[test]
fn a_file_before_ours_is_told_of() {
    let mut node = Node::new(&[], &[("00-a.conf", A), ("00-multus.conf", MULTUS)]);
    let plan = node.settle();
    assert!(!plan.is_ready);
    assert!(
        matches!(&plan.notices[..],
        [Notice::Before { file: a, is_multiplexer: false, .. }, Notice::Before { file: m, is_multiplexer: true, .. }]
        if a == "00-a.conf" && m == "00-multus.conf"),
        "{:?}",
        plan.notices
    );
    assert_eq!(
        node.delegate()["type"],
        "bridge",
        "it is the primary all the same"
    );
}

#[derive(Clone, Debug)]
enum Act {
    Put(&'static str, &'static str),
    Remove(&'static str),
    Turn(usize),
    Kill,
    Wait(u64),
}

fn acts() -> impl Strategy<Value = Act> {
    let name = prop::sample::select(vec![
        OURS,
        "00-a.conf",
        "00-multus.conf",
        "05-x.conflist",
        "10-a.conf",
        "20-b.conf",
        "20-b.json",
    ]);
    let text = prop::sample::select(vec![
        A,
        B,
        MULTUS,
        "",
        "{",
        "[]",
        r#"{"name":"l","plugins":[{"type":"x"},{"type":"y"}]}"#,
        r#"{"name":"n","plugins":[{"type":"x","delegate":{"type":"polypod"}}]}"#,
        r#"{"name":"p","type":"polypod"}"#,
    ]);
    prop_oneof![
        4 => (name.clone(), text).prop_map(|(name, text)| Act::Put(name, text)),
        2 => name.prop_map(Act::Remove),
        5 => (0_usize..3).prop_map(Act::Turn),
        1 => Just(Act::Kill),
        2 => (0_u64..400).prop_map(Act::Wait),
    ]
}

proptest! {
    /// Whatever others write and whenever we are killed: what we write is whole, is ours, and never has us inside; where
    /// another file goes, ours is there; and as soon as they stop, ours is what the runtime takes, unless a file before it is told of.
    #[test]
    fn after_any_interleaving_there_is_a_whole_configuration(acts in prop::collection::vec(acts(), 0..40), replace in any::<bool>()) {
        let arguments: &[&str] = if replace { &["--adopt-multus"] } else { &[] };
        let mut node = Node::new(arguments, &[]);
        let mut has_good = false;
        for act in acts {
            match act {
                Act::Put(name, text) => node.put(name, text),
                Act::Remove(name) => { node.files.remove(name); }
                Act::Wait(seconds) => node.wait(seconds),
                Act::Kill => { node.memory = Memory::default(); has_good = false; }
                Act::Turn(steps) => {
                    let plan = node.turn(steps);
                    let mut carried_out = plan.steps.iter().take(steps);
                    if carried_out.any(|step| matches!(step, Step::MoveAside(_) | Step::Discard(_))) {
                        let seen = node.seen();
                        prop_assert!(seen.runtime.file(OURS).is_some_and(FoundConf::is_multiplexer));
                    }
                    for step in &plan.steps {
                        if let Step::Write(text) = step {
                            let written = FoundConf::of(OURS, text);
                            prop_assert!(written.is_multiplexer(), "{}", text);
                            let list: Value = serde_json::from_str(text).unwrap();
                            let delegate = FoundConf::of("d.conf", &list["plugins"][0]["delegates"][0].to_string());
                            let whole = delegate.is_plain() || delegate.text.contains("\"plugins\"");
                            prop_assert!(whole, "{}", text);
                            has_good |= steps > 0;
                        }
                    }
                }
            }
        }
        // They stop.
        for _ in 0..20 {
            node.wait(400);
            node.settle();
        }
        let last = node.settle();
        prop_assert!(last.steps.is_empty(), "{:?}", last);
        let first = node.seen().runtime.files.into_iter().next();
        let refused = last.notices.iter().any(|notice| matches!(notice, Notice::MultusRefused { .. } | Notice::NothingOfMultus { .. }));
        if refused && !has_good {
            return Ok(());
        }
        let told_of = last.notices.iter().any(|notice| matches!(notice, Notice::Before { .. }));
        if has_good || node.seen().runtime.files.iter().any(|file| file.name != OURS && file.is_plain()) {
            let ours = node.seen();
            let ours = ours.runtime.file(OURS);
            prop_assert!(ours.is_some_and(FoundConf::is_multiplexer));
            prop_assert!(told_of || first.is_some_and(|first| first.name == OURS));
        }
    }
}
