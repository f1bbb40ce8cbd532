//! Real files: replaced while they run, left over, unreadable.

use std::{
    os::unix::fs::symlink,
    process::{Command, Stdio},
};

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn written_once_with_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    assert_eq!(write(&path, b"one", 0o600).unwrap(), Placed::Written);
    assert_eq!(write(&path, b"one", 0o600).unwrap(), Placed::Same);
    assert_eq!(write(&path, b"one", 0o755).unwrap(), Placed::Written);
    assert_eq!(mode(&path), 0o755);
    assert_eq!(write(&path, b"onetwo", 0o755).unwrap(), Placed::Written);
    assert_eq!(write(&path, b"", 0o755).unwrap(), Placed::Written);
    assert_eq!(fs::read(&path).unwrap(), b"");
    assert!(write(&folder.path().join("none/a"), b"x", 0o600).is_err());
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        1,
        "nothing is left over"
    );
}

#[test]
fn a_running_program_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("polypod");
    copy(Path::new("/bin/sleep"), &path, 0o755).unwrap();
    let mut running = Command::new(&path)
        .arg("60")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    // What a copy in place would meet.
    let in_place = File::options().write(true).open(&path).unwrap_err();
    assert_eq!(in_place.kind(), io::ErrorKind::ExecutableFileBusy);

    assert_eq!(
        copy(Path::new("/bin/true"), &path, 0o755).unwrap(),
        Placed::Written
    );
    assert!(running.try_wait().unwrap().is_none(), "it goes on");
    assert!(
        Command::new(&path).status().unwrap().success(),
        "the new one is executed"
    );
    running.kill().unwrap();
    running.wait().unwrap();
}

#[test]
fn a_link_is_replaced_and_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (link, target) = (folder.path().join("link"), folder.path().join("target"));
    fs::write(&target, "theirs").unwrap();
    symlink(&target, &link).unwrap();
    write(&link, b"ours", 0o644).unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"theirs");
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
}

#[test]
fn only_old_temporary_files_of_this_file_are_cleaned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("00-polypod.conflist");
    let now = SystemTime::now();
    let old = now - LEFT_OVER - Duration::from_secs(1);
    for (name, modified) in [
        (".00-polypod.conflist.abc.polypod-new", old),
        (".00-polypod.conflist.def.polypod-new", now),
        (".polypod.abc.polypod-new", old),
        ("00-polypod.conflist", old),
        (".00-polypod.conflist.abc", old),
    ] {
        let file = File::create(folder.path().join(name)).unwrap();
        file.set_modified(modified).unwrap();
    }
    assert_eq!(clean(&path, now).unwrap(), 1);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
    assert_eq!(clean(&path, now).unwrap(), 0);
}

#[test]
fn files_of_any_length_are_compared_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("1"), folder.path().join("2"));
    let mut text = vec![7_u8; 200_000];
    fs::write(&one, &text).unwrap();
    fs::write(&other, &text).unwrap();
    assert!(are_same(&one, &other).unwrap());
    text[199_999] = 8;
    fs::write(&other, &text).unwrap();
    assert!(!are_same(&one, &other).unwrap());
    fs::write(&other, &text[..100_000]).unwrap();
    assert!(!are_same(&one, &other).unwrap());
    assert!(!are_same(&one, &folder.path().join("3")).unwrap());
    assert!(are_same(&one, folder.path()).is_err());
}

#[test]
fn bytes_are_found_across_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    assert!(!contains(&path, b"mark").unwrap());
    for at in [0, 1, 65_530, 65_533, 65_535, 65_536, 131_070, 200_000] {
        let mut text = vec![b'm'; at];
        text.extend(b"mark");
        fs::write(&path, &text).unwrap();
        assert!(contains(&path, b"mark").unwrap(), "{at}");
        text.truncate(at + 3);
        fs::write(&path, &text).unwrap();
        assert!(!contains(&path, b"mark").unwrap(), "{at}");
    }
    assert!(contains(folder.path(), b"mark").is_err());
}
