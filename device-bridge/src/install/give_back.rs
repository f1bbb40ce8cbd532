//! How a node is given back to Multus: a function of what the folder holds.

use std::path::{Path, PathBuf};

use super::{
    conf_folder::{ConfFolder, FoundConf},
    multus_conf::{self, DaemonConf},
    on_ours,
};

/// What a node has of Multus.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The folder that runtimes read.
    pub runtime: &'a ConfFolder,
    /// The configuration of its daemon.
    pub daemon: Option<&'a DaemonConf>,
}

/// A step; each leaves a configuration in the folder with which pods start, and none harms when it is taken again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Our sandboxes become Multus's.
    HandOver,
    /// Programs get the names back that we took.
    GiveProgramsBack,
    /// Multus's configuration gets its name back.
    PutBack(String),
    /// A configuration that needs ours, which goes, goes before it.
    Remove(String),
    /// Our configuration goes.
    RemoveOurs,
    /// Whoever has read ours before executes the plugin in a moment; what it attaches is waited for.
    Grace,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Multus's configuration.
    pub file: String,
    /// In order.
    pub steps: Vec<Step>,
}

/// Why it cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no configuration of Multus, neither in force nor moved aside.
    NoMultus,
    /// All that there are have ours for their cluster network, which goes.
    OnOurs {
        /// The first of them.
        file: String,
    },
    /// All that could do without ours are of the daemon's client, and the daemon has ours for its cluster network.
    DaemonOnOurs {
        /// The daemon's configuration.
        file: PathBuf,
    },
    /// Its program is not there.
    NoProgram {
        /// Multus's configuration.
        file: String,
        /// The program that it executes.
        program: &'static str,
    },
    /// Its daemon does not listen, so that no pod would start.
    NoDaemon {
        /// Multus's configuration.
        file: String,
        /// Where it should, as the node has it.
        socket: PathBuf,
    },
}

/// Decides. `ours` is our file; `has_program` says whether Multus's own program of a name is there, or kept by us; `listens`
/// whether somebody listens on a socket of the node.
///
/// # Errors
/// No pod would start with Multus's configuration, and `force` does not say that this is meant; or there is none that could do
/// without ours.
pub fn plan(
    known: Known<'_>,
    ours: &str,
    has_program: impl Fn(&str) -> bool,
    listens: impl Fn(&Path) -> bool,
    force: bool,
) -> Result<Plan, Refusal> {
    let Known { runtime, daemon } = known;
    let daemon_on_ours = daemon.filter(|daemon| on_ours::is_daemon_on_ours(daemon, ours));
    let of_multus = |file: &&FoundConf| multus_conf::is_of_multus(file) && file.name != ours;
    let could_be = |file: &&FoundConf| of_multus(file) && !on_ours::is_on_ours(file, ours);
    let is_usable = |file: &&FoundConf| {
        let is_of_daemon = multus_conf::program(file) == Some(multus_conf::SHIM);
        could_be(file) && !(is_of_daemon && daemon_on_ours.is_some())
    };
    let in_force = runtime.files.iter().find(is_usable);
    let Some(found) = in_force.or_else(|| runtime.aside.iter().find(is_usable)) else {
        let mut all = runtime.files.iter().chain(&runtime.aside);
        if let Some(daemon) = daemon_on_ours.filter(|_| all.clone().any(|file| could_be(&file))) {
            let file = daemon.file.clone();
            return Err(Refusal::DaemonOnOurs { file });
        }
        return Err(all.find(of_multus).map_or(Refusal::NoMultus, |on_ours| {
            let file = on_ours.name.clone();
            Refusal::OnOurs { file }
        }));
    };
    let file = found.name.clone();
    if !force {
        if let Some(program) = multus_conf::program(found).filter(|name| !has_program(name)) {
            return Err(Refusal::NoProgram { file, program });
        }
        if let Some(socket) = multus_conf::daemon_socket(found).filter(|socket| !listens(socket)) {
            return Err(Refusal::NoDaemon { file, socket });
        }
    }
    let mut steps = vec![Step::HandOver, Step::GiveProgramsBack];
    if in_force.is_none() {
        steps.push(Step::PutBack(file.clone()));
    }
    let on_ours = runtime
        .files
        .iter()
        .filter(|other| of_multus(other) && !is_usable(other) && other.name != file);
    steps.extend(on_ours.map(|other| Step::Remove(other.name.clone())));
    if runtime.file(ours).is_some() {
        // What was attached since the first time is handed over as soon as nothing is attached any more.
        steps.extend([Step::RemoveOurs, Step::Grace, Step::HandOver]);
    }
    Ok(Plan { file, steps })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "00-polypod.conflist";
    const OWN: &str = r#"{"name":"m","cniVersion":"1.0.0","plugins":[{"type":"polypod","delegates":[{"type":"bridge"}]}]}"#;
    const THIN: &str = r#"{"name":"m","type":"multus","delegates":[{"name":"a","type":"bridge"}]}"#;
    const THICK: &str = r#"{"name":"m","type":"multus-shim","clusterNetwork":"/host/a.conf"}"#;

    fn folder(files: &[(&str, &str)], aside: &[(&str, &str)]) -> ConfFolder {
        let all = |files: &[(&str, &str)]| {
            let files = files.iter();
            files
                .map(|(name, text)| FoundConf::of(name, text))
                .collect()
        };
        ConfFolder {
            files: all(files),
            aside: all(aside),
        }
    }

    fn steps(folder: &ConfFolder) -> Vec<Step> {
        let known = alone(folder);
        plan(known, OURS, |_| true, |_| true, false).unwrap().steps
    }

    const fn alone(runtime: &ConfFolder) -> Known<'_> {
        Known {
            runtime,
            daemon: None,
        }
    }

    #[test]
    fn a_daemon_that_has_ours_is_refused_and_a_thin_one_knows_nothing_of_it() {
        let daemon = |text: &str| DaemonConf::parse(Path::new("/d.json"), text).unwrap();
        let thick = r#"{"name":"m","type":"multus-shim"}"#;
        let thick = folder(&[("00-multus.conf", thick), (OURS, OWN)], &[]);
        let by_path = r#"{"clusterNetwork":"/host/etc/cni/net.d/00-polypod.conflist"}"#;
        let inlined = format!(r#"{{"delegates":[{OWN}]}}"#);
        for on_ours in [
            by_path,
            r#"{"ClusterNetwork":"/etc/cni/net.d/00-polypod.conflist"}"#,
            r#"{"defaultNetworks":["/etc/cni/net.d/00-polypod.conflist"]}"#,
            &inlined,
        ] {
            let on_ours = daemon(on_ours);
            let known = Known {
                runtime: &thick,
                daemon: Some(&on_ours),
            };
            let file = PathBuf::from("/d.json");
            assert_eq!(
                plan(known, OURS, |_| true, |_| true, true),
                Err(Refusal::DaemonOnOurs { file })
            );
        }
        let other = daemon(r#"{"clusterNetwork":"/host/etc/cni/net.d/10-a.conflist"}"#);
        let known = Known {
            runtime: &thick,
            daemon: Some(&other),
        };
        assert!(plan(known, OURS, |_| true, |_| true, false).is_ok());
        // What was moved aside is of a thin Multus, which reads nothing of a daemon's.
        let on_ours = daemon(by_path);
        let mut with_thin = thick;
        with_thin.aside = folder(&[], &[("00-multus.conf", THIN)]).aside;
        let known = Known {
            runtime: &with_thin,
            daemon: Some(&on_ours),
        };
        let steps = plan(known, OURS, |_| true, |_| true, false).unwrap().steps;
        assert_eq!(steps[2], Step::PutBack("00-multus.conf".to_owned()));
    }

    #[test]
    fn moved_aside_written_again_and_half_done() {
        let put_back = Step::PutBack("00-multus.conf".to_owned());
        let aside = folder(&[(OURS, OWN)], &[("00-multus.conf", THIN)]);
        assert_eq!(
            steps(&aside),
            [
                Step::HandOver,
                Step::GiveProgramsBack,
                put_back,
                Step::RemoveOurs,
                Step::Grace,
                Step::HandOver
            ]
        );
        let again = folder(
            &[("00-multus.conf", THICK), (OURS, OWN)],
            &[("00-multus.conf", THICK)],
        );
        assert_eq!(
            steps(&again),
            [
                Step::HandOver,
                Step::GiveProgramsBack,
                Step::RemoveOurs,
                Step::Grace,
                Step::HandOver
            ]
        );
        let done = folder(&[("00-multus.conf", THIN), ("10-a.conf", OWN)], &[]);
        assert_eq!(steps(&done), [Step::HandOver, Step::GiveProgramsBack]);
    }

    #[test]
    fn what_multus_made_from_ours_is_replaced_or_refused() {
        let put_back = |name: &str| Step::PutBack(name.to_owned());
        let thick = r#"{"name":"m","type":"multus-shim","clusterNetwork":"/host/etc/cni/net.d/00-polypod.conflist"}"#;
        let thin = format!(r#"{{"name":"m","type":"multus","delegates":[{OWN}]}}"#);
        let thin_list = format!(
            r#"{{"name":"m","cniVersion":"1.0.0","plugins":[{{"type":"multus","delegates":[{OWN}]}}]}}"#
        );
        for on_ours in [thick, &thin] {
            let bad = [("00-multus.conf", on_ours), (OURS, OWN)];
            let expected = [
                Step::HandOver,
                Step::GiveProgramsBack,
                put_back("00-multus.conf"),
                Step::RemoveOurs,
                Step::Grace,
                Step::HandOver,
            ];
            assert_eq!(steps(&folder(&bad, &[("00-multus.conf", THIN)])), expected);
            // Nor is it anything without ours, or moved aside; not even by force.
            for refused in [
                folder(&bad, &[]),
                folder(&bad[..1], &[]),
                folder(&bad[1..], &bad[..1]),
            ] {
                let file = "00-multus.conf".to_owned();
                let plan = plan(alone(&refused), OURS, |_| true, |_| true, true);
                assert_eq!(plan, Err(Refusal::OnOurs { file }));
            }
        }
        // Its name follows the version of what it was made from.
        let bad = [("00-multus.conflist", thin_list.as_str()), (OURS, OWN)];
        assert_eq!(
            steps(&folder(&bad, &[("00-multus.conf", THIN)]))[2..4],
            [
                put_back("00-multus.conf"),
                Step::Remove("00-multus.conflist".to_owned())
            ]
        );
    }

    #[test]
    fn what_would_leave_pods_without_anything() {
        let nothing = folder(
            &[(OURS, OWN)],
            &[("05-a.conf", r#"{"name":"a","type":"bridge"}"#)],
        );
        let refused = plan(alone(&nothing), OURS, |_| true, |_| true, true);
        assert_eq!(refused, Err(Refusal::NoMultus));
        let thick = folder(&[(OURS, OWN)], &[("70-multus.conf", THICK)]);
        let refused = plan(
            alone(&thick),
            OURS,
            |name| name != "multus-shim",
            |_| true,
            false,
        );
        assert!(matches!(
            refused,
            Err(Refusal::NoProgram {
                program: "multus-shim",
                ..
            })
        ));
        let refused = plan(alone(&thick), OURS, |_| true, |_| false, false);
        let socket = PathBuf::from("/run/multus/multus.sock");
        assert!(matches!(refused, Err(Refusal::NoDaemon { socket: found, .. }) if found == socket));
        assert!(plan(alone(&thick), OURS, |_| false, |_| false, true).is_ok());
        let thin = folder(&[(OURS, OWN)], &[("00-multus.conf", THIN)]);
        assert!(
            plan(alone(&thin), OURS, |_| true, |_| false, false).is_ok(),
            "it has no daemon"
        );
    }
}
