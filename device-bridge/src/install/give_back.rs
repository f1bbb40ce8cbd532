//! How a node is given back to Multus: a function of what the folder holds.

use std::path::{Path, PathBuf};

use super::{
    conf_folder::{ConfFolder, FoundConf},
    multus_conf, on_ours,
};

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
    runtime: &ConfFolder,
    ours: &str,
    has_program: impl Fn(&str) -> bool,
    listens: impl Fn(&Path) -> bool,
    force: bool,
) -> Result<Plan, Refusal> {
    let of_multus = |file: &&FoundConf| multus_conf::is_of_multus(file) && file.name != ours;
    let is_usable = |file: &&FoundConf| of_multus(file) && !on_ours::is_on_ours(file, ours);
    let in_force = runtime.files.iter().find(is_usable);
    let Some(found) = in_force.or_else(|| runtime.aside.iter().find(is_usable)) else {
        let mut all = runtime.files.iter().chain(&runtime.aside);
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
        steps.extend([Step::RemoveOurs, Step::HandOver]);
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
        plan(folder, OURS, |_| true, |_| true, false).unwrap().steps
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
                let plan = plan(&refused, OURS, |_| true, |_| true, true);
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
        let refused = plan(&nothing, OURS, |_| true, |_| true, true);
        assert_eq!(refused, Err(Refusal::NoMultus));
        let thick = folder(&[(OURS, OWN)], &[("70-multus.conf", THICK)]);
        let refused = plan(&thick, OURS, |name| name != "multus-shim", |_| true, false);
        assert!(matches!(
            refused,
            Err(Refusal::NoProgram {
                program: "multus-shim",
                ..
            })
        ));
        let refused = plan(&thick, OURS, |_| true, |_| false, false);
        let socket = PathBuf::from("/run/multus/multus.sock");
        assert!(matches!(refused, Err(Refusal::NoDaemon { socket: found, .. }) if found == socket));
        assert!(plan(&thick, OURS, |_| false, |_| false, true).is_ok());
        let thin = folder(&[(OURS, OWN)], &[("00-multus.conf", THIN)]);
        assert!(
            plan(&thin, OURS, |_| true, |_| false, false).is_ok(),
            "it has no daemon"
        );
    }
}
