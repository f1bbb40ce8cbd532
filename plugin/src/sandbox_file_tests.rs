use super::*;

fn soon() -> Patience {
    Patience {
        delegate: Duration::from_secs(60),
        until: Instant::now() + Duration::from_millis(50),
    }
}

fn long() -> Patience {
    Patience {
        delegate: Duration::from_secs(60),
        until: Instant::now() + Duration::from_secs(60),
    }
}

fn opened(sandboxes: &Sandboxes, id: &ContainerId) -> Option<SandboxFile> {
    match sandboxes.open(id, long()).unwrap() {
        Opened::Nothing | Opened::Gone => None,
        Opened::File(file) => Some(file),
    }
}

fn record(id: &str) -> Record {
    Record::new(id.parse().unwrap())
}

fn files(sandboxes: &Sandboxes) -> usize {
    fs::read_dir(&sandboxes.folder).unwrap().count()
}

#[test]
fn begun_read_replaced_removed() {
    let folder = tempfile::tempdir().unwrap();
    let sandboxes = Sandboxes::new(folder.path());
    let id: ContainerId = "c1".parse().unwrap();
    assert!(opened(&sandboxes, &id).is_none());
    assert_eq!(sandboxes.list().unwrap(), []);
    let mut begun = sandboxes.begin(&record("c1"), soon()).unwrap();
    begun.attached(0, "{}").unwrap();
    drop(begun);
    assert_eq!(files(&sandboxes), 1);
    assert_eq!(sandboxes.list().unwrap(), std::slice::from_ref(&id));
    let taken = sandboxes.begin(&record("c1"), soon()).unwrap_err();
    assert!(matches!(taken, Error::AlreadyAttached { .. }), "{taken}");
    assert_eq!(files(&sandboxes), 1);
    let mut open = opened(&sandboxes, &id).unwrap();
    assert_eq!(open.read(), Ok(record("c1")));
    open.replace(&record("c1")).unwrap();
    drop(open);
    let open = opened(&sandboxes, &id).unwrap();
    open.remove().unwrap();
    assert_eq!(files(&sandboxes), 0);
}

#[test]
fn what_a_killed_add_left_is_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let sandboxes = Sandboxes::new(folder.path());
    let id: ContainerId = "c1".parse().unwrap();
    sandboxes.make_folder().unwrap();
    fs::write(temporary(&sandboxes.path(&id)), "half").unwrap();
    assert_eq!(sandboxes.list().unwrap(), std::slice::from_ref(&id));
    assert!(opened(&sandboxes, &id).is_none());
    assert_eq!(files(&sandboxes), 0);
    fs::write(temporary(&sandboxes.path(&id)), "half").unwrap();
    drop(sandboxes.begin(&record("c1"), soon()).unwrap());
    fs::write(temporary(&sandboxes.path(&id)), "half").unwrap();
    let mut open = opened(&sandboxes, &id).unwrap();
    assert_eq!(open.read(), Ok(record("c1")));
    assert_eq!(files(&sandboxes), 1);
}

#[test]
fn a_torn_record_is_no_missing_record() {
    let folder = tempfile::tempdir().unwrap();
    let sandboxes = Sandboxes::new(folder.path());
    let begun = sandboxes.begin(&record("c1"), soon()).unwrap();
    fs::write(begun.path(), "{\"checksum\":").unwrap();
    drop(begun);
    let mut open = opened(&sandboxes, &"c1".parse().unwrap()).unwrap();
    assert!(open.read().unwrap_err().contains("torn"));
}

const FOLDER: &str = "SANDBOX_FILE_TESTS_FOLDER";

/// Processes, as threads of one process have its own lock in common.
#[test]
fn one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let sandboxes = Sandboxes::new(folder.path());
    let start = || {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "sandbox_file::tests::takes_its_turns",
                "--ignored",
            ])
            .env(FOLDER, folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let all: Vec<_> = std::iter::repeat_with(start).take(4).collect();
    for mut process in all {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(files(&sandboxes), 0);
}

#[test]
#[ignore = "one_at_a_time executes it"]
fn takes_its_turns() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let sandboxes = Sandboxes::new(&folder);
    let id: ContainerId = "c1".parse().unwrap();
    for _ in 0..20 {
        let file = match sandboxes.begin(&record("c1"), long()) {
            Ok(file) => Some(file),
            Err(Error::AlreadyAttached { .. }) => opened(&sandboxes, &id),
            Err(error) => panic!("{error}"),
        };
        let Some(file) = file else { continue };
        let inside = folder.join("inside");
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&inside)
            .unwrap();
        std::thread::yield_now();
        fs::remove_file(&inside).unwrap();
        file.remove().unwrap();
    }
}

#[test]
fn a_line_that_is_no_text_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let sandboxes = Sandboxes::new(folder.path());
    let begun = sandboxes.begin(&record("c1"), soon()).unwrap();
    let mut text = fs::read(begun.path()).unwrap();
    text.extend(b"{\"checksum\":\"x\xff");
    fs::write(begun.path(), text).unwrap();
    drop(begun);
    let mut open = opened(&sandboxes, &"c1".parse().unwrap()).unwrap();
    assert_eq!(open.read(), Ok(record("c1")));
}

#[test]
fn a_delegate_is_waited_for_and_killed_when_it_is_late() {
    let folder = tempfile::tempdir().unwrap();
    let sandboxes = Sandboxes::new(folder.path());
    let id: ContainerId = "c1".parse().unwrap();
    let held = sandboxes.begin(&record("c1"), soon()).unwrap();
    let mut delegate = std::process::Command::new("sleep");
    std::os::unix::process::CommandExt::process_group(&mut delegate, 0);
    let mut delegate = delegate
        .arg("60")
        .stdin(held.file.try_clone().unwrap())
        .spawn()
        .unwrap();
    // What is held by this process stands for what its delegate inherited.
    let Opened::File(busy) = sandboxes.open(&id, soon()).unwrap() else {
        panic!()
    };
    assert!(!busy.is_locked());
    drop((held, busy));
    let impatient = Patience {
        delegate: Duration::ZERO,
        ..long()
    };
    let Opened::File(free) = sandboxes.open(&id, impatient).unwrap() else {
        panic!()
    };
    assert!(free.is_locked());
    assert!(!delegate.wait().unwrap().success());
}
