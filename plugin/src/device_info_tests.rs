use std::{fs, os::unix::fs::PermissionsExt as _};

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn resource() -> ResourceName {
    "intel.com/sriov".parse().unwrap()
}

fn device() -> DeviceId {
    "0000:03:02.1".parse().unwrap()
}

fn own(base: &Path) -> PathBuf {
    path(
        base,
        "default/sriov-a",
        &"c1".parse().unwrap(),
        &"net1".parse().unwrap(),
    )
}

#[test]
fn names() {
    let base = Path::new(BASE);
    assert_eq!(
        own(base),
        Path::new("/var/run/k8s.cni.cncf.io/devinfo/cni/default-sriov-a-c1_net1")
    );
    assert_eq!(
        dp_path(base, &resource(), &device()),
        Path::new("/var/run/k8s.cni.cncf.io/devinfo/dp/intel.com-sriov-0000:03:02.1-device.json")
    );
}

#[test]
fn which_paths_are_ours() {
    for (path, ours) in [
        ("/d/cni/a-c1_net1", true),
        ("/d/cni/..", false),
        ("/d/cni/.", false),
        ("/d/cni/", false),
        ("/d/cni", false),
        ("/d/cni/../dp/a", false),
        ("/d/cni/x/../a", false),
        ("/d/cni//a", false),
        ("/d/./cni/a", false),
        ("/d/cni/a/", false),
        ("/etc/passwd", false),
        ("a", false),
        ("", false),
    ] {
        assert_eq!(is_one(Path::new("/d"), Path::new(path)), ours, "{path:?}");
    }
}

#[test]
fn copied_read_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (base, own) = (folder.path(), own(folder.path()));
    assert_eq!(copy_in(base, &resource(), &device(), &own), Ok(false));
    assert_eq!(read_back(&own), Ok(None));
    assert!(!base.join("cni").exists());

    let info = json!({"type": "pci", "version": "1.1.0", "pci": {"pci-address": "0000:03:02.1"}, "x": {"y": [1]}});
    fs::create_dir(base.join("dp")).unwrap();
    fs::write(dp_path(base, &resource(), &device()), info.to_string()).unwrap();
    // The second finds what the first has left, which nobody may write.
    for _ in 0..2 {
        assert_eq!(copy_in(base, &resource(), &device(), &own), Ok(true));
    }
    assert_eq!(read_back(&own), Ok(Some(info)));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&own), 0o444);

    fs::write(temporary(&own), "half").unwrap();
    remove(&own).unwrap();
    remove(&own).unwrap();
    assert_eq!(fs::read_dir(base.join("cni")).unwrap().count(), 0);
    assert!(dp_path(base, &resource(), &device()).exists());
}

#[test]
fn nothing_is_copied_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    let error = copy_in(folder.path(), &resource(), &device(), &elsewhere).unwrap_err();
    assert!(error.contains("is not in"), "{error}");
}

#[test]
fn what_is_no_device_info() {
    for (text, problem) in [
        ("", "not valid JSON"),
        ("{\"type\":", "not valid JSON"),
        ("null", "is null and must be an object"),
        ("[]", "is a list"),
        ("{}", "has no \"type\""),
        ("{\"type\":5}", "has a number at \"type\""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (base, own) = (folder.path(), own(folder.path()));
        for below in ["dp", "cni"] {
            fs::create_dir(base.join(below)).unwrap();
        }
        let of_plugin = dp_path(base, &resource(), &device());
        fs::write(&of_plugin, text).unwrap();
        let error = copy_in(base, &resource(), &device(), &own).unwrap_err();
        assert!(
            error.contains(problem) && error.contains("device.json"),
            "{error}"
        );
        assert!(!own.exists());
        fs::write(&own, text).unwrap();
        assert!(read_back(&own).unwrap_err().contains(problem));
    }
    let folder = tempfile::tempdir().unwrap();
    let big = folder.path().join("big");
    fs::write(&big, format!("{{\"type\":\"pci\"}}{}", " ".repeat(70_000))).unwrap();
    assert!(read_back(&big).unwrap_err().contains("more than 65536"));
}

proptest! {
    #[test]
    fn no_name_leaves_the_folder(name in "[\\PC/.]{0,40}") {
        let base = Path::new(BASE);
        let path = path(base, &name, &"c1".parse().unwrap(), &"net1".parse().unwrap());
        prop_assert_eq!(path.parent().unwrap(), base.join("cni"));
        prop_assert!(is_one(base, &path));
    }

    #[test]
    fn whatever_is_in_the_file(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("info");
        fs::write(&path, bytes).unwrap();
        if let Ok(read) = read_back(&path) {
            prop_assert!(read.unwrap()["type"].is_string());
        }
    }
}
