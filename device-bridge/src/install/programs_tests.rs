//! Executables on a real folder: names that others had, older ones of ours.

use std::fs;

use clap::Parser;

use super::*;
use crate::install::{args::UninstallCommandArgs, settings::Uninstall, uninstall};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    uninstall: UninstallCommandArgs,
}

struct Node {
    folder: tempfile::TempDir,
    programs: Programs,
    uninstall: Uninstall,
}

impl Node {
    fn new(alias: Option<Alias>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap().to_owned();
        for made in ["opt/cni/bin", "etc/cni/net.d", "image"] {
            fs::create_dir_all(folder.path().join(made)).unwrap();
        }
        let line = Line::parse_from(["uninstall", "--grace", "0", "--host-root", &root]);
        let programs = Programs {
            plugin: folder.path().join("image/polypod"),
            resolver: None,
            alias,
        };
        fs::write(&programs.plugin, "version 1").unwrap();
        Self {
            folder,
            programs,
            uninstall: Uninstall::of_command(line.uninstall).unwrap().0,
        }
    }

    fn install(&self) -> Vec<Done> {
        self.programs.install(&self.uninstall.places).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("opt/cni/bin").join(name)
    }

    fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }
}

#[test]
fn installed_updated_and_removed() {
    let node = Node::new(None);
    assert_eq!(node.install(), [Done::Installed(node.path("polypod"))]);
    assert_eq!(node.install(), []);
    fs::write(&node.programs.plugin, "version 2").unwrap();
    assert_eq!(node.install(), [Done::Installed(node.path("polypod"))]);
    assert_eq!(node.text("polypod").unwrap(), "version 2");
    uninstall::run(&node.uninstall).unwrap();
    assert_eq!(node.text("polypod"), None);
    uninstall::run(&node.uninstall).unwrap();
}

#[test]
fn a_name_that_somebody_had_is_given_back() {
    let node = Node::new(Some(Alias::Multus));
    fs::write(node.path("multus"), "theirs").unwrap();
    let done = node.install();
    assert_eq!(
        done[0],
        Done::KeptForeign {
            program: node.path("multus"),
            backup: node.path("multus.polypod-backup"),
        }
    );
    assert_eq!(node.text("multus").unwrap(), "version 1");
    // An update is no stranger, even where only a part of it was made.
    fs::write(&node.programs.plugin, "version 2").unwrap();
    fs::write(node.path("multus"), "version 2").unwrap();
    assert_eq!(node.install(), [Done::Installed(node.path("polypod"))]);
    assert_eq!(node.text("multus.polypod-backup").unwrap(), "theirs");
    // Their installer comes back with a newer one.
    fs::write(node.path("multus"), "theirs, newer").unwrap();
    assert_eq!(node.install().len(), 2);
    uninstall::run(&node.uninstall).unwrap();
    assert_eq!(node.text("multus").unwrap(), "theirs, newer");
    assert_eq!(node.text("multus.polypod-backup"), None);
    assert_eq!(node.text("polypod"), None);
}

#[test]
fn a_program_that_came_while_nobody_looked_stays() {
    let node = Node::new(Some(Alias::Multus));
    fs::write(node.path("multus"), "theirs").unwrap();
    node.install();
    fs::write(node.path("multus"), "theirs, newer").unwrap();
    uninstall::run(&node.uninstall).unwrap();
    assert_eq!(node.text("multus").unwrap(), "theirs, newer");
    assert_eq!(node.text("multus.polypod-backup"), None);
    assert_eq!(node.text("polypod"), None);
}

#[test]
fn a_plugin_of_another_release_is_no_stranger() {
    const OLDER: &str = "\0ask polypod-device-bridge\0";
    let node = Node::new(Some(Alias::Multus));
    let older = || {
        fs::write(node.path("multus"), OLDER).unwrap();
        fs::write(node.path("multus.polypod-backup"), "theirs").unwrap();
    };
    older();
    let installed = ["multus", "polypod"].map(|name| Done::Installed(node.path(name)));
    assert_eq!(node.install(), installed);
    assert_eq!(node.text("multus.polypod-backup").unwrap(), "theirs");
    // Neither is it when the way is back, with the plugin and without it.
    for removed in [None, Some("polypod")] {
        older();
        if let Some(name) = removed {
            fs::remove_file(node.path(name)).unwrap();
        }
        uninstall::run(&node.uninstall).unwrap();
        assert_eq!(node.text("multus").unwrap(), "theirs");
        assert_eq!(node.text("multus.polypod-backup"), None);
        node.install();
    }
    fs::write(node.path("multus-shim"), OLDER).unwrap();
    uninstall::run(&node.uninstall).unwrap();
    assert_eq!(node.text("multus-shim"), None, "no backup: it was ours");
}

#[test]
fn an_alias_that_nobody_had_goes_with_the_plugin() {
    let node = Node::new(Some(Alias::Multus));
    node.install();
    fs::write(node.path("multus-shim"), "theirs").unwrap();
    uninstall::run(&node.uninstall).unwrap();
    assert_eq!(node.text("multus"), None);
    assert_eq!(node.text("multus-shim").unwrap(), "theirs");
}

#[test]
fn what_is_missing_is_named() {
    let node = Node::new(None);
    fs::remove_file(&node.programs.plugin).unwrap();
    let error = node
        .programs
        .install(&node.uninstall.places)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("image/polypod") && error.contains("--plugin-binary"),
        "{error}"
    );
}
