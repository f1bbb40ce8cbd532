//! An agent that still runs is waited for, wherever its socket is.

use std::{fs, os::unix::net::UnixListener};

use clap::Parser;

use super::*;
use crate::install::{args::UninstallCommandArgs, settings::Uninstall};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    uninstall: UninstallCommandArgs,
}

const SHORT: Duration = Duration::from_millis(200);

fn places(root: &Path) -> Places {
    let line = Line::parse_from(["uninstall", "--host-root", root.to_str().unwrap()]);
    Uninstall::of_command(line.uninstall).unwrap().0.places
}

fn wait(root: &Path) -> Result<Option<Sole>, InstallError> {
    let places = places(root);
    let runtime = ConfFolder::read(&places.here(&places.conf_dir)).unwrap();
    wait_for(&places, &runtime, SHORT)
}

#[test]
fn one_that_runs_is_told_and_one_that_ends_is_waited_for() {
    let root = tempfile::tempdir().unwrap();
    assert!(wait(root.path()).unwrap().is_none(), "it is not mounted");
    let socket = root.path().join("run/polypod/bridge.sock");
    fs::create_dir_all(socket.parent().unwrap()).unwrap();
    let agent = Sole::wait_for(&socket, SHORT).unwrap().unwrap();
    let error = wait(root.path()).unwrap_err().to_string();
    let words = [
        "nothing is changed",
        "run/polypod/bridge.sock",
        "--cascade=foreground",
    ];
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
    drop(agent);
    assert!(wait(root.path()).unwrap().is_some());

    let of_before = UnixListener::bind(&socket).unwrap();
    assert!(wait(root.path()).is_err(), "an agent without the lock");
    drop(of_before);
    assert!(wait(root.path()).unwrap().is_some(), "what it left");
}

#[test]
fn the_socket_of_our_configuration() {
    let root = tempfile::tempdir().unwrap();
    for folder in ["run/polypod", "own", "etc/cni/net.d"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    let ours = r#"{"name":"a","plugins":[{"type":"polypod","bridgeSocket":"/own/b.sock","delegates":[{"name":"a","type":"bridge"}]}]}"#;
    fs::write(root.path().join("etc/cni/net.d/00-polypod.conflist"), ours).unwrap();
    let socket = root.path().join("own/b.sock");
    let _agent = Sole::wait_for(&socket, SHORT).unwrap().unwrap();
    let error = wait(root.path()).unwrap_err().to_string();
    assert!(error.contains("own/b.sock"), "{error}");
}
