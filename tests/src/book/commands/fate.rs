//! What becomes of a command in the test: it is carried out, or there is a reason why not.

use super::{ours, script::Stage};

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It needs nothing but what the repository has.
    CarriedOut,
    /// The same, where network namespaces can be made.
    CarriedOutInNamespaces,
    /// It is not, and why. What it names of ours is checked.
    LeftAlone(Why),
    /// Nobody has said.
    Unknown,
}

/// Why a command is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It asks or changes a cluster.
    Cluster,
    /// It is for a node, and changes or serves it.
    Node,
    /// It takes images or programs from elsewhere, or puts them there.
    Registry,
    /// It changes the machine, or installs on it.
    Machine,
    /// It builds or tests this repository, which other tests do.
    Builds,
    /// It has words in place of something that only its reader knows.
    Placeholder,
    /// It works on what another command has printed, or on the reader's files.
    Filter,
}

/// Programs that are not ours.
const OTHERS: [(&str, Why); 40] = [
    (".", Why::Machine),
    ("apt-get", Why::Machine),
    ("buildah", Why::Registry),
    ("cat", Why::Filter),
    ("cd", Why::Filter),
    ("chmod", Why::Machine),
    ("command", Why::Machine),
    ("cp", Why::Machine),
    ("crictl", Why::Node),
    ("ctr", Why::Node),
    ("curl", Why::Cluster),
    ("docker", Why::Registry),
    ("echo", Why::Filter),
    ("git", Why::Builds),
    ("go", Why::Registry),
    ("grep", Why::Filter),
    ("helm", Why::Cluster),
    ("ip", Why::Node),
    ("journalctl", Why::Node),
    ("jq", Why::Filter),
    ("k3s", Why::Node),
    ("kind", Why::Machine),
    ("kubectl", Why::Cluster),
    ("kustomize", Why::Filter),
    ("ln", Why::Machine),
    ("ls", Why::Filter),
    ("make", Why::Builds),
    ("mdbook", Why::Builds),
    ("minikube", Why::Machine),
    ("mkdir", Why::Filter),
    ("openssl", Why::Filter),
    ("podman", Why::Registry),
    ("promtool", Why::Filter),
    ("rustup", Why::Machine),
    ("sed", Why::Filter),
    ("source", Why::Machine),
    ("ssh", Why::Node),
    ("sudo", Why::Machine),
    ("systemctl", Why::Node),
    ("tar", Why::Machine),
];

/// What cargo is asked for beside `run`.
const OF_CARGO: [(&str, Why); 10] = [
    ("+nightly", Why::Builds),
    ("bench", Why::Builds),
    ("build", Why::Builds),
    ("check", Why::Builds),
    ("clippy", Why::Builds),
    ("deny", Why::Builds),
    ("dist", Why::Builds),
    ("fmt", Why::Builds),
    ("install", Why::Machine),
    ("test", Why::Builds),
];

pub(super) fn fate(stage: &Stage) -> Fate {
    if let Some((program, arguments)) = ours::program(&stage.words) {
        return of_ours(program, arguments);
    }
    let first = stage.words.first().map_or("", String::as_str);
    let second = stage.words.get(1).map_or("", String::as_str);
    let (table, word): (&[(&str, Why)], _) = match first {
        "cargo" => (&OF_CARGO, second),
        other => (&OTHERS, other),
    };
    let known = table.iter().find(|(known, _)| *known == word);
    known.map_or(Fate::Unknown, |(_, why)| Fate::LeftAlone(*why))
}

fn of_ours(program: &str, arguments: &[String]) -> Fate {
    if arguments.iter().any(|argument| is_placeholder(argument)) {
        return Fate::LeftAlone(Why::Placeholder);
    }
    // Nothing is written beside the copy.
    if arguments
        .iter()
        .any(|argument| argument.starts_with(['/', '~']))
    {
        return Fate::LeftAlone(Why::Machine);
    }
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if has("--help") || has("-h") || has("--version") || has("-V") {
        return Fate::CarriedOut;
    }
    let reads_files = has("-f") || has("--filename");
    let command = arguments.first().map_or("", String::as_str);
    match (program, command) {
        (ours::CLI, "demo") => Fate::CarriedOutInNamespaces,
        (ours::CLI, "lint" | "render" | "policies" | "completions" | "man" | "help") => {
            Fate::CarriedOut
        }
        // It serves until it is stopped, unless it writes.
        (ours::CLI, "map") if reads_files && has("--out") => Fate::CarriedOut,
        (ours::CLI, "map") => Fate::LeftAlone(if reads_files {
            Why::Machine
        } else {
            Why::Cluster
        }),
        (ours::CLI, _) if reads_files => Fate::CarriedOut,
        (ours::CLI, _) => Fate::LeftAlone(Why::Cluster),
        _ => Fate::LeftAlone(Why::Node),
    }
}

/// Whether a word stands for something that only the reader knows: all of it capitals, or a variable of his.
pub(super) fn is_placeholder(word: &str) -> bool {
    let name = word.rsplit(['=', '/']).next().unwrap_or(word);
    let is_capital = |c: char| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit();
    let capitals = name.len() > 1
        && name.chars().all(is_capital)
        && name.starts_with(|c: char| c.is_ascii_uppercase());
    capitals || name.starts_with('$')
}
