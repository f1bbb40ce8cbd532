use std::{collections::BTreeSet, io::Read as _, os::unix::fs::PermissionsExt as _};

use super::*;
use crate::log::{
    backup::{self, Form},
    compress,
};

fn options(max_bytes: u64) -> LogOptions {
    LogOptions {
        max_age: None,
        max_bytes,
        max_backups: None,
        compress: false,
    }
}

/// Every line of the log and its backups, compressed or not.
fn lines(log: &Path) -> Vec<String> {
    let mut text = fs::read_to_string(log).unwrap();
    for backup in backup::list(log).unwrap() {
        let mut file = File::open(&backup.path).unwrap();
        let _ = match backup.form {
            Form::Plain => file.read_to_string(&mut text),
            Form::Compressed => flate2::read::GzDecoder::new(file).read_to_string(&mut text),
            Form::Unfinished => panic!("{backup:?}"),
        }
        .unwrap();
    }
    text.lines().map(str::to_owned).collect()
}

/// Writers that rotate all the time, and now and then compress under each other's hands.
fn many_lines(log: &Path, writer: &str, options: &LogOptions, count: usize) {
    let file = LogFile::new(log, options);
    for number in 0..count {
        let line = format!(
            "writer {writer} line {number} {}\n",
            "x".repeat(number % 90)
        );
        file.append(line.as_bytes(), SystemTime::now()).unwrap();
        if number % 50 == 49 {
            file.tidy_up(SystemTime::now(), compress::compress).unwrap();
        }
    }
    file.tidy_up(SystemTime::now(), compress::compress).unwrap();
}

fn assert_all_there(log: &Path, expected: usize) {
    let lines = lines(log);
    for line in &lines {
        let number: usize = line.split(' ').nth(3).unwrap().parse().unwrap();
        assert!(
            line.ends_with(&format!("{number} {}", "x".repeat(number % 90))),
            "{line}"
        );
    }
    let distinct: BTreeSet<_> = lines.iter().collect();
    assert_eq!((lines.len(), distinct.len()), (expected, expected));
}

#[test]
fn threads_lose_no_line() {
    for compress in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("new/folder/a.log");
        let options = LogOptions {
            compress,
            ..options(2000)
        };
        std::thread::scope(|scope| {
            for writer in 0..6 {
                let (log, options) = (&log, &options);
                scope.spawn(move || many_lines(log, &writer.to_string(), options, 150));
            }
        });
        assert_all_there(&log, 900);
        let backups = backup::list(&log).unwrap();
        assert!(backups.len() > 10, "{}", backups.len());
        if !compress {
            for backup in backups {
                assert!(fs::metadata(backup.path).unwrap().len() <= 2000);
            }
        }
    }
}

/// What a process of [`processes_lose_no_line`] does.
#[test]
#[ignore = "a process of another test"]
fn writer_process() {
    let log = std::env::var_os("LOG").unwrap();
    let options = LogOptions {
        compress: true,
        ..options(5000)
    };
    many_lines(
        Path::new(&log),
        &std::process::id().to_string(),
        &options,
        200,
    );
}

#[test]
fn processes_lose_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.log");
    let writers: Vec<_> = (0..8)
        .map(|_| {
            std::process::Command::new("/proc/self/exe")
                .args(["--exact", "log::file::tests::writer_process", "--ignored"])
                .env("LOG", &log)
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    assert_all_there(&log, 1600);
    assert!(
        backup::list(&log)
            .unwrap()
            .iter()
            .any(|b| b.form == Form::Compressed)
    );
}

#[test]
fn a_new_file_is_as_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let (real, log) = (folder.path().join("real.log"), folder.path().join("a.log"));
    fs::write(&real, "old\n").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o664)).unwrap();
    std::os::unix::fs::symlink(&real, &log).unwrap();
    let options = options(5);
    let file = LogFile::new(&log, &options);
    file.append(b"new\n", SystemTime::now()).unwrap();
    assert!(log.is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "new\n");
    assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o664);
    let backups = backup::list(&real).unwrap();
    assert_eq!(fs::read_to_string(&backups[0].path).unwrap(), "old\n");
    // One line that is larger than a file may be has a file of its own.
    file.append(b"larger than a file may be\n", SystemTime::now())
        .unwrap();
    assert_eq!(backup::list(&real).unwrap().len(), 2);
}

#[test]
fn a_first_file_is_ours_alone() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.log");
    LogFile::new(&log, &options(9))
        .append(b"x\n", SystemTime::now())
        .unwrap();
    assert_eq!(fs::metadata(&log).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_somebody_else_moves_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (log, moved) = (folder.path().join("a.log"), folder.path().join("a.log.1"));
    let options = options(99);
    let file = LogFile::new(&log, &options);
    file.append(b"one\n", SystemTime::now()).unwrap();
    fs::rename(&log, &moved).unwrap();
    file.append(b"two\n", SystemTime::now()).unwrap();
    fs::remove_file(&log).unwrap();
    file.append(b"three\n", SystemTime::now()).unwrap();
    assert_eq!(fs::read_to_string(moved).unwrap(), "one\n");
    assert_eq!(fs::read_to_string(log).unwrap(), "three\n");
}

#[test]
fn nobody_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.log");
    fs::write(&log, "long enough\n").unwrap();
    let held = File::open(&log).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    let options = options(5);
    let file = LogFile::new(&log, &options);
    let start = Instant::now();
    for _ in 0..500 {
        file.append(b"x\n", SystemTime::now()).unwrap();
    }
    // If each waited, it would take 500 times as long as the patience of one.
    assert!(start.elapsed() < PATIENCE * 250);
    assert_eq!(lines(&log).len(), 501);
    // As soon as it is free again, it is rotated. Closing it would not do: a child of another test has it too until it
    // executes its program.
    flock(&held, FlockOperation::Unlock).unwrap();
    file.append(b"y\n", SystemTime::now()).unwrap();
    assert_eq!(fs::read_to_string(&log).unwrap(), "y\n");
}

#[test]
fn what_is_no_log_file() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [
        pipe,
        folder.path().to_owned(),
        file.join("a.log"),
        PathBuf::from("/proc/self/a.log"),
        PathBuf::from("/dev/null"),
        PathBuf::from("/"),
    ] {
        let error = LogFile::new(&path, &options(9)).append(b"x\n", SystemTime::now());
        assert!(
            matches!(error, Err(Trouble::Write(_))),
            "{path:?} {error:?}"
        );
    }
}

/// What the process of [`a_folder_that_is_read_only`] does.
#[test]
#[ignore = "a process of another test"]
fn process_without_rights() {
    let log = PathBuf::from(std::env::var_os("LOG").unwrap());
    let options = options(5);
    let file = LogFile::new(&log, &options);
    let error = file.append(b"one\n", SystemTime::now());
    assert!(matches!(error, Err(Trouble::Rotate(_))), "{error:?}");
    file.append(b"two\n", SystemTime::now()).unwrap();
    let other = log.with_file_name("b.log");
    let error = LogFile::new(&other, &options).append(b"x\n", SystemTime::now());
    assert!(matches!(error, Err(Trouble::Write(_))), "{error:?}");
}

#[test]
fn a_folder_that_is_read_only() {
    use std::os::unix::process::CommandExt as _;

    const NOBODY: u32 = 65534;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.log");
    fs::write(&log, "old\n").unwrap();
    let mut process = std::process::Command::new("/proc/self/exe");
    process
        .args([
            "--exact",
            "log::file::tests::process_without_rights",
            "--ignored",
        ])
        .env("LOG", &log);
    if rustix::process::geteuid().is_root() {
        fs::set_permissions(&log, fs::Permissions::from_mode(0o666)).unwrap();
        process.uid(NOBODY).gid(NOBODY);
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let output = process.output().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(lines(&log), ["old", "one", "two"]);
}
