//! Sandboxes of one size: how they are made and measured.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    libc,
    sys::{
        resource::{UsageWho, getrusage},
        time::TimeValLike as _,
    },
};
use spec::bridge::{Answer, Attachment, ConfSource};

use crate::{
    bridge, counted,
    execute::{Environment, environment, execute},
    peak,
    sample::Sample,
    shipped::Shipped,
};

/// Single steps take microseconds: larger sandboxes than this would take minutes.
const STEPPED: usize = 10;

const VERBS: [&str; 2] = ["ADD", "DEL"];

/// What one thing cost each time.
#[derive(Default)]
pub(crate) struct Costs {
    pub(crate) wall: Sample,
    /// Of the process and all that it waited for.
    pub(crate) cpu: Sample,
}

/// What one thing cost once.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    wall: Duration,
    cpu: Duration,
}

/// Sandboxes of one size.
pub(crate) struct Case {
    /// Networks beside the cluster network.
    pub(crate) extra: usize,
    /// As many delegates one after another, executed by the bench.
    pub(crate) chain: Costs,
    pub(crate) add: Costs,
    pub(crate) del: Costs,
    folder: PathBuf,
    socket: PathBuf,
    plugin: PathBuf,
    delegate: PathBuf,
}

/// What a traced run tells of the plugin's own process.
pub(crate) struct Traced {
    /// KiB.
    pub(crate) peak: u64,
    /// None where counting would take too long.
    pub(crate) instructions: Option<u64>,
    pub(crate) calls: u64,
    pub(crate) fsyncs: u64,
}

impl Costs {
    pub(crate) fn push(&mut self, cost: Cost) {
        self.wall.push(cost.wall);
        self.cpu.push(cost.cpu);
    }
}

impl Case {
    /// With a device-bridge that names the networks.
    pub(crate) fn new(extra: usize, folder: &Path, programs: &Shipped) -> Self {
        let socket = folder.join(format!("{extra}.sock"));
        let networks = (0..extra).map(attachment).collect();
        bridge::serve(
            &socket,
            Answer {
                networks,
                ..Answer::default()
            },
        );
        Self {
            extra,
            chain: Costs::default(),
            add: Costs::default(),
            del: Costs::default(),
            folder: folder.to_owned(),
            socket,
            plugin: programs.plugin.clone(),
            delegate: programs.nothing.clone(),
        }
    }

    /// Measures everything once, and takes it down if it `counts`.
    pub(crate) fn round(&mut self, counts: bool) {
        let verb = environment("ADD");
        let conf = r#"{"cniVersion":"1.0.0","name":"net-1","type":"nothing"}"#;
        let chain = measure(|| {
            (0..=self.extra)
                .map(|_| execute(&self.delegate, &verb, conf))
                .sum()
        });
        let add = measure(|| self.execute(&verb));
        let del = measure(|| self.execute(&environment("DEL")));
        if counts {
            self.chain.push(chain);
            self.add.push(add);
            self.del.push(del);
        }
    }

    fn execute(&self, environment: &Environment) -> Duration {
        execute(&self.plugin, environment, &self.conf("state"))
    }

    /// The plugin's configuration, with this folder for its state.
    fn conf(&self, state: &str) -> String {
        format!(
            r#"{{"cniVersion":"1.0.0","name":"bench","type":"polypod","cniDir":"{0}/{state}","binDir":"{0}/bin","bridgeSocket":"{1}","delegates":[{{"cniVersion":"1.0.0","name":"cluster","type":"nothing"}}]}}"#,
            self.folder.display(),
            self.socket.display()
        )
    }

    fn peak_and_calls(&self, verb: &'static str) -> (u64, BTreeMap<libc::c_long, u64>) {
        let conf = self.conf("state");
        let environment = environment(verb);
        self.prepare(verb, &conf);
        let peak = peak::measure(&self.plugin, &environment, &conf);
        self.prepare(verb, &conf);
        let calls = counted::calls(&self.plugin, &environment, &conf);
        self.prepare("ADD", &conf);
        (peak, calls)
    }

    fn instructions(&self, verb: &'static str) -> Option<u64> {
        if self.extra > STEPPED {
            return None;
        }
        // All sizes and verbs are counted at the same time.
        let conf = self.conf(&format!("{verb}-{}", self.extra));
        self.prepare(verb, &conf);
        let (count, _) = counted::instructions(&self.plugin, &environment(verb), &conf);
        Some(count)
    }

    /// ADD finds nothing of the sandbox, but the folder of the records, which a node's first ADD makes; DEL finds what ADD
    /// has made.
    fn prepare(&self, verb: &'static str, conf: &str) {
        let run = |verb| execute(&self.plugin, &environment(verb), conf);
        run("DEL");
        run("ADD");
        if verb == "ADD" {
            run("DEL");
        }
    }
}

/// What ADD and DEL do of each case when they are traced.
pub(crate) fn trace(cases: &[Case]) -> Vec<[Traced; 2]> {
    std::thread::scope(|scope| {
        let counting: Vec<_> = cases
            .iter()
            .map(|case| VERBS.map(|verb| scope.spawn(move || case.instructions(verb))))
            .collect();
        let instructions = counting.into_iter().map(|verbs| {
            verbs.map(|thread| thread.join().expect("the plugin is followed to its end"))
        });
        let instructions: Vec<_> = instructions.collect();
        cases
            .iter()
            .zip(instructions)
            .map(|(case, instructions)| {
                [0, 1].map(|verb| {
                    let (peak, calls) = case.peak_and_calls(VERBS[verb]);
                    let count = |call| calls.get(&call).copied().unwrap_or_default();
                    Traced {
                        peak,
                        instructions: instructions[verb],
                        calls: calls.values().sum(),
                        fsyncs: count(libc::SYS_fsync) + count(libc::SYS_fdatasync),
                    }
                })
            })
            .collect()
    })
}

/// Each has a CNI network of its own, as NetworkAttachmentDefinitions have.
fn attachment(index: usize) -> Attachment {
    let network = format!("net-{index}");
    Attachment {
        name: format!("default/{network}"),
        conf: ConfSource::Inline(format!(
            r#"{{"cniVersion":"1.0.0","name":"{network}","type":"nothing"}}"#
        )),
        network: network.parse().expect("a name of a network"),
        interface: None,
        device: None,
        runtime_config: serde_json::Map::default(),
        cni_args: None,
        default_route: None,
        parallel: false,
    }
}

/// What `work` costs that executes programs and tells how long that took.
pub(crate) fn measure(work: impl FnOnce() -> Duration) -> Cost {
    let before = of_children();
    let wall = work();
    Cost {
        wall,
        cpu: of_children().saturating_sub(before),
    }
}

/// User and system time of all children that were waited for, and of theirs.
fn of_children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("a process knows what it used");
    let spent = usage.user_time() + usage.system_time();
    Duration::from_micros(u64::try_from(spent.num_microseconds()).unwrap_or_default())
}
