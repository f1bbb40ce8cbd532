//! What is to be done about the configuration: a function of what the folders hold and of what was done before.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use spec::cni::NetworkConf;

use super::{
    args::Compat,
    conf_folder::{ConfFolder, FoundConf},
    contention::{Answer, Contention},
    generated::{self, Wanted},
    multus_conf::{self, DaemonConf, MultusCluster, MultusConf, MultusError, NAMED},
    multus_keys::Adopted,
    notice::Notice,
    on_ours,
    primary::{self, Steady},
    settings::Install,
};

/// What the folders hold at one moment.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The folder that the runtime reads.
    pub runtime: ConfFolder,
    /// The folder of the primary, where it is another one.
    pub primary: Option<ConfFolder>,
    /// The configuration of Multus's daemon, where Multus is taken over from and there is one.
    pub daemon: Option<Result<DaemonConf, MultusError>>,
}

/// What was done before.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The file that our configuration was made from.
    primary_file: Option<String>,
    /// Since when that file is gone.
    gone_since: Option<Instant>,
    /// The last good configuration.
    last_good: Option<String>,
    /// Our file as it was seen when it was as it should be.
    in_place: Option<String>,
    /// What was written since.
    written: Option<String>,
    /// Other writers of our file.
    taken_over: Contention,
    /// Writers of files before ours.
    displaced: Contention,
}

/// A step of the plan. They are carried out in their order, and each leaves a whole configuration in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Our file is written.
    Write(String),
    /// A file is moved aside, out of the runtime's sight.
    MoveAside(String),
    /// A file is removed, as what was moved aside before is the better one.
    Discard(String),
}

/// What is to be done.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// In order.
    pub steps: Vec<Step>,
    /// What is to be told.
    pub notices: Vec<Notice>,
    /// When to look again although nothing changes.
    pub again_in: Option<Duration>,
    /// What became of the keys of Multus.
    pub adopted: Vec<Adopted>,
    /// Whether, after the steps, the runtime takes our configuration and it is true.
    pub is_ready: bool,
}

impl Memory {
    /// What was to be written was not.
    pub fn write_failed(&mut self) {
        self.written = None;
    }
}

impl Plan {
    fn again(&mut self, after: Duration) {
        self.again_in = Some(self.again_in.map_or(after, |other| other.min(after)));
    }
}

/// Decides. `keys` are the operator's.
pub fn plan(
    install: &Install,
    keys: &Map<String, Value>,
    seen: &Seen,
    memory: &mut Memory,
    now: Instant,
) -> Plan {
    let mut plan = Plan::default();
    let ours = install.places.conf_name.as_str();
    let multus = if install.adopt_multus {
        multus_of(seen, ours)
    } else {
        Ok(None)
    };
    // A configuration of an earlier life of this process serves until there is a primary to make one from.
    let has_earlier = seen
        .runtime
        .file(ours)
        .is_some_and(FoundConf::is_multiplexer);
    match multus {
        // What it restricted would be allowed from now on, and nobody would notice.
        Ok(None)
            if install.adopt_multus
                && !install.multus_may_be_absent
                && !has_earlier
                && memory.last_good.is_none() =>
        {
            plan.notices.push(Notice::NothingOfMultus {
                folder: install.places.conf_dir.display().to_string(),
            });
        }
        Ok(multus) => {
            let multus = multus.as_ref();
            if let Some(text) = wanted(install, keys, seen, multus, memory, now, &mut plan) {
                memory.last_good = Some(text);
            }
        }
        // What a pod may or may not do would be guessed: nothing is changed.
        Err(error) => {
            let why = error.to_string();
            plan.notices.push(Notice::MultusRefused { why });
        }
    }
    write(seen.runtime.file(ours), ours, memory, now, false, &mut plan);
    let is_there = memory.last_good.is_some() || has_earlier;
    let is_refused = plan
        .notices
        .iter()
        .any(|notice| matches!(notice, Notice::MultusRefused { .. }));
    let may_move = is_there && !is_refused;
    files_before(install, seen, memory, now, may_move, &mut plan);
    plan.is_ready = is_there && !plan.notices.iter().any(Notice::is_unready);
    plan
}

/// What Multus's files say: its configuration, in force or moved aside, and its daemon's.
///
/// # Errors
/// One of them is malformed. A broken file is passed over where what was moved aside says the same.
fn multus_of(seen: &Seen, ours: &str) -> Result<Option<MultusConf>, MultusError> {
    let found = on_ours::best_of_multus(&seen.runtime, ours);
    let broken = seen.runtime.files.iter().find_map(|file| {
        let problem = file.conf.as_ref().err()?;
        file.name.starts_with(NAMED).then(|| MultusError::File {
            file: file.name.clone(),
            problem: problem.clone(),
        })
    });
    match (found, broken) {
        (None, Some(broken)) => Err(broken),
        (found, _) => MultusConf::read(found, seen.daemon.clone().transpose()?.as_ref()),
    }
}

/// The file of the primary that Multus had, as long as it is there: pods keep their cluster network. What Multus has inlined
/// is a copy of the file of that name.
fn file_of_multus<'a>(
    multus: Option<&MultusConf>,
    folder: &'a ConfFolder,
    ours: Option<&str>,
) -> Option<&'a str> {
    let cluster = &multus?.cluster;
    let mut usable = folder
        .files
        .iter()
        .filter(|file| file.is_plain() && Some(file.name.as_str()) != ours);
    let is_it = |found: &&FoundConf| match cluster {
        MultusCluster::File(file) => found.name == *file,
        MultusCluster::Inlined(conf) => {
            let name = |conf: &NetworkConf| conf.name().cloned();
            let named = name(conf);
            named.is_some() && found.conf.as_ref().ok().and_then(name) == named
        }
        MultusCluster::Named(_) | MultusCluster::Unknown => false,
    };
    usable.find(is_it).map(|found| found.name.as_str())
}

/// The primary: the one that is named, else the one that Multus had, else the first.
fn choose(
    install: &Install,
    folder: &ConfFolder,
    ours: Option<&str>,
    multus: Option<&MultusConf>,
) -> primary::Choice {
    let named = install.primary_file.as_deref();
    let of_multus = file_of_multus(multus, folder, ours);
    match multus.map(|multus| &multus.cluster) {
        Some(MultusCluster::Inlined(conf)) if named.is_none() && of_multus.is_none() => {
            primary::Choice::inlined(conf)
        }
        _ => primary::choose(folder, named.or(of_multus), ours, multus),
    }
}

/// The configuration that should be there; `None` where the last good one stays.
fn wanted(
    install: &Install,
    keys: &Map<String, Value>,
    seen: &Seen,
    multus: Option<&MultusConf>,
    memory: &mut Memory,
    now: Instant,
    plan: &mut Plan,
) -> Option<String> {
    let folder = seen.primary.as_ref().unwrap_or(&seen.runtime);
    let ours = install
        .places
        .is_one_folder()
        .then_some(install.places.conf_name.as_str());
    let mut choice = choose(install, folder, ours, multus);
    let passed_over = std::mem::take(&mut choice.passed_over);
    let before = memory.primary_file.as_deref();
    let gone_since = before
        .filter(|before| folder.file(before).is_none())
        .map(|_| memory.gone_since.unwrap_or(now));
    let gone_for = gone_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
    let is_pinned = match multus.map(|multus| &multus.cluster) {
        Some(MultusCluster::File(file)) => before == Some(file.as_str()),
        _ => false,
    };
    let steady = primary::steady(&choice, folder, before, gone_for, is_pinned);
    memory.gone_since = gone_since;
    let about_others = passed_over.into_iter().filter(|(file, _)| {
        // Told of below, or what every node has that Multus was on.
        !matches!(steady, Steady::Broken(_)) || Some(file.as_str()) != before
    });
    let others: Vec<Notice> = about_others
        .filter(|(file, _)| !folder.file(file).is_some_and(FoundConf::is_multiplexer))
        .map(|(file, why)| Notice::PassedOver { file, why })
        .collect();
    plan.notices.extend(others);
    let file = || before.unwrap_or_default().to_owned();
    match steady {
        Steady::Take => {}
        Steady::Broken(why) => {
            plan.notices.push(Notice::Broken { file: file(), why });
            return None;
        }
        Steady::Gone => {
            plan.notices.push(Notice::Gone { file: file() });
            if choice.primary.is_some() {
                plan.again(primary::GONE_FOR_GOOD.saturating_sub(gone_for));
            }
            return None;
        }
    }
    let Some(primary) = choice.primary else {
        plan.notices.push(Notice::NoPrimary {
            folder: install.places.primary_dir.display().to_string(),
            wanted: install.primary_file.clone(),
            has_multus: !install.adopt_multus
                && on_ours::best_of_multus(&seen.runtime, &install.places.conf_name).is_some(),
        });
        return None;
    };
    tell_of_multus(multus, primary.file.as_deref(), plan);
    tell_of_cni_dir(install, multus, keys, &mut plan.notices);
    let all_keys = keys_with(install, multus, keys);
    let chained = seen
        .runtime
        .file(&install.places.conf_name)
        .map(|file| generated::chained(&file.text))
        .unwrap_or_default();
    let generated = generated::generate(&Wanted {
        primary: &primary,
        others: multus.map_or(&[], |multus| &multus.others),
        primary_dir: &install.places.primary_dir,
        keys: &all_keys,
        name: install
            .network_name
            .as_ref()
            .or_else(|| multus.and_then(|multus| multus.name.as_ref())),
        version: install.version,
        chained: &chained,
    });
    match generated {
        Ok(text) => {
            memory.primary_file = primary.file;
            Some(text)
        }
        Err(error) => {
            plan.notices.push(Notice::Ungenerated {
                why: error.to_string(),
            });
            None
        }
    }
}

fn tell_of_multus(multus: Option<&MultusConf>, chosen: Option<&str>, plan: &mut Plan) {
    let Some(multus) = multus else {
        return;
    };
    plan.adopted.clone_from(&multus.adopted);
    if let (MultusCluster::File(file), Some(chosen)) = (&multus.cluster, chosen)
        && file != chosen
    {
        plan.notices.push(Notice::OtherPrimary {
            multus: file.clone(),
            chosen: chosen.to_owned(),
        });
    }
}

/// Whoever else has to know where records are is told by a flag.
fn tell_of_cni_dir(
    install: &Install,
    multus: Option<&MultusConf>,
    keys: &Map<String, Value>,
    notices: &mut Vec<Notice>,
) {
    let of_multus = multus
        .and_then(|multus| multus.keys.get("cniDir"))
        .and_then(Value::as_str)
        .filter(|dir| !dir.is_empty());
    let flag = install.places.cni_dir.display().to_string();
    let ours = keys.get("cniDir").and_then(Value::as_str);
    if let Some(multus) = of_multus
        && multus.trim_end_matches('/') != ours.unwrap_or(&flag)
    {
        notices.push(Notice::OtherCniDir {
            multus: multus.to_owned(),
            ours: ours.map(str::to_owned),
        });
    }
}

/// Multus's keys, under the operator's. Multus must be able to delete what is attached from now on, unless that is not
/// wanted.
fn keys_with(
    install: &Install,
    multus: Option<&MultusConf>,
    keys: &Map<String, Value>,
) -> Map<String, Value> {
    let mut all = Map::new();
    if let Some(multus) = multus {
        all.extend(multus.keys.clone());
        if let MultusCluster::Named(name) = &multus.cluster {
            all.insert("clusterNetwork".to_owned(), name.as_str().into());
        }
    }
    if install.adopt_multus && install.compat != Some(Compat::None) {
        all.insert("compat".to_owned(), "multus".into());
    }
    all.extend(keys.clone());
    all
}

/// Puts the last good configuration where it belongs, unless another writer is to be left alone for a while and nothing
/// `insists`.
fn write(
    found: Option<&FoundConf>,
    ours: &str,
    memory: &mut Memory,
    now: Instant,
    insists: bool,
    plan: &mut Plan,
) {
    let Some(good) = memory.last_good.clone() else {
        return;
    };
    if found.is_some_and(|found| is_same(&found.text, &good)) {
        memory.in_place = Some(good);
        memory.written = None;
        return;
    }
    let own = [&memory.in_place, &memory.written];
    let is_first = own.iter().all(|own| own.is_none());
    // What we wrote is still there where the primary has changed.
    let is_own = found.is_some_and(|found| {
        own.into_iter()
            .flatten()
            .any(|own| is_same(&found.text, own))
    });
    if !is_first && !is_own {
        match memory.taken_over.found(now) {
            Answer::After(wait) if !insists => {
                plan.notices.push(Notice::Contended {
                    file: ours.to_owned(),
                });
                plan.again(wait);
                return;
            }
            Answer::Now | Answer::After(_) => {
                memory.taken_over.put_back(now);
                plan.notices.push(Notice::TakenOver {
                    file: ours.to_owned(),
                    removed: found.is_none(),
                });
            }
        }
    }
    memory.written = Some(good.clone());
    plan.steps.push(Step::Write(good));
}

/// Whether two texts are the same configuration. How it is printed does not matter, nor what others have chained after us.
fn is_same(one: &str, other: &str) -> bool {
    one == other || own_part(one).is_some_and(|one| Some(one) == own_part(other))
}

fn own_part(text: &str) -> Option<Value> {
    let mut list: Value = serde_json::from_str(text).ok()?;
    let plugins = list.get_mut("plugins")?.as_array_mut()?;
    if plugins.len() > 1 {
        if generated::chained(text).is_empty() {
            return None;
        }
        plugins.truncate(1);
    }
    Some(list)
}

/// Files that runtimes take instead of ours.
fn files_before(
    install: &Install,
    seen: &Seen,
    memory: &mut Memory,
    now: Instant,
    may_move: bool,
    plan: &mut Plan,
) {
    let ours = install.places.conf_name.as_str();
    let before = seen
        .runtime
        .files
        .iter()
        .filter(|file| file.name.as_str() < ours);
    let mut moves = Vec::new();
    for file in before {
        let is_of_multus = install.adopt_multus && multus_conf::is_of_multus(file);
        if is_of_multus && may_move {
            let is_worse = on_ours::is_worse_than_aside(&seen.runtime, file, ours);
            let name = file.name.clone();
            let step = if is_worse {
                Step::Discard(name.clone())
            } else {
                Step::MoveAside(name.clone())
            };
            moves.push((name, step));
        } else {
            plan.notices.push(Notice::Before {
                file: file.name.clone(),
                ours: ours.to_owned(),
                is_multiplexer: file.is_multiplexer(),
            });
        }
    }
    if moves.is_empty() {
        return;
    }
    match memory.displaced.found(now) {
        Answer::Now => {
            memory.displaced.put_back(now);
            if !plan.steps.iter().any(|step| matches!(step, Step::Write(_))) {
                // Where another writer of ours is left alone, what is moved is all that the runtime has.
                let is_ours =
                    |notice: &Notice| matches!(notice, Notice::Contended { file } if file == ours);
                plan.notices.retain(|notice| !is_ours(notice));
                write(seen.runtime.file(ours), ours, memory, now, true, plan);
            }
            plan.steps.extend(moves.into_iter().map(|(_, step)| step));
        }
        Answer::After(wait) => {
            plan.again(wait);
            let contended = moves
                .into_iter()
                .map(|(file, _)| Notice::Contended { file });
            plan.notices.extend(contended);
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
