use super::*;

const SOON: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(60);

fn record(id: &str) -> Record {
    Record::intend(id.parse().unwrap(), None, None, &[])
}

fn files(sandboxes: &Sandboxes) -> usize {
    fs::read_dir(&sandboxes.folder).unwrap().count()
}

#[test]
fn begun_read_replaced_removed() {
    let folder = tempfile::tempdir().unwrap();
    let sandboxes = Sandboxes::new(folder.path());
    let id: ContainerId = "c1".parse().unwrap();
    assert!(sandboxes.open(&id, SOON).unwrap().is_none());
    assert_eq!(sandboxes.list().unwrap(), []);
    let mut begun = sandboxes.begin(&record("c1"), SOON).unwrap();
    begun.attached(0, "{}").unwrap();
    drop(begun);
    assert_eq!(files(&sandboxes), 1);
    assert_eq!(sandboxes.list().unwrap(), std::slice::from_ref(&id));
    let taken = sandboxes.begin(&record("c1"), SOON).unwrap_err();
    assert!(matches!(taken, Error::AlreadyAttached { .. }), "{taken}");
    assert_eq!(files(&sandboxes), 1);
    let mut open = sandboxes.open(&id, SOON).unwrap().unwrap();
    assert_eq!(open.read(), Ok(record("c1")));
    open.replace(&record("c1")).unwrap();
    drop(open);
    let open = sandboxes.open(&id, SOON).unwrap().unwrap();
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
    assert!(sandboxes.open(&id, SOON).unwrap().is_none());
    assert_eq!(files(&sandboxes), 0);
    fs::write(temporary(&sandboxes.path(&id)), "half").unwrap();
    drop(sandboxes.begin(&record("c1"), SOON).unwrap());
    fs::write(temporary(&sandboxes.path(&id)), "half").unwrap();
    let mut open = sandboxes.open(&id, SOON).unwrap().unwrap();
    assert_eq!(open.read(), Ok(record("c1")));
    assert_eq!(files(&sandboxes), 1);
}

#[test]
fn a_torn_record_is_no_missing_record() {
    let folder = tempfile::tempdir().unwrap();
    let sandboxes = Sandboxes::new(folder.path());
    let begun = sandboxes.begin(&record("c1"), SOON).unwrap();
    fs::write(begun.path(), "{\"checksum\":").unwrap();
    drop(begun);
    let mut open = sandboxes
        .open(&"c1".parse().unwrap(), SOON)
        .unwrap()
        .unwrap();
    assert!(open.read().unwrap_err().contains("torn"));
}

#[test]
fn one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let sandboxes = Sandboxes::new(folder.path());
    let id: ContainerId = "c1".parse().unwrap();
    let inside = std::sync::atomic::AtomicUsize::new(0);
    let begun = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let file = match sandboxes.begin(&record("c1"), LONG) {
                        Ok(file) => {
                            begun.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                            Some(file)
                        }
                        Err(Error::AlreadyAttached { .. }) => sandboxes.open(&id, LONG).unwrap(),
                        Err(error) => panic!("{error}"),
                    };
                    let Some(file) = file else { continue };
                    let before = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    assert_eq!(before, 0);
                    std::thread::yield_now();
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    file.remove().unwrap();
                }
            });
        }
    });
    assert!(begun.into_inner() >= 4);
    assert_eq!(files(&sandboxes), 0);
}

#[test]
fn a_lock_that_is_never_given_back_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let sandboxes = Sandboxes::new(folder.path());
    let _held = sandboxes.begin(&record("c1"), SOON).unwrap();
    assert!(
        sandboxes
            .open(&"c1".parse().unwrap(), SOON)
            .unwrap()
            .is_some()
    );
}
