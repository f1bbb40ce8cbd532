//! What the node has in the place of the machine's folders. All of it is seen in its mount namespace only.

use std::{
    fs::{self, File},
    path::Path,
};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// The machine's folders that the node has its own of, each with its name in the node's folder.
const FOLDERS: [(&str, &str); 6] = [
    ("/var/lib/kubelet", "kubelet"),
    ("/var/lib/cni", "var-cni"),
    ("/var/lib/polypod", "polypod"),
    ("/etc/cni", "etc-cni"),
    ("/opt/cni", "opt-cni"),
    ("/var/log", "var-log"),
];

/// What the kubelet would set for the whole machine, were it not as it wants it.
const KERNEL: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Makes the folders of the machine that there are none of, to mount on. They stay: to remove one would end the mounts on it of
/// another run.
pub(super) fn make_points() {
    for (point, _) in FOLDERS {
        fs::create_dir_all(point).expect("root makes folders");
    }
}

/// Mounts the node's folders, in the mount namespace of this thread.
pub(super) fn of_the_node(folder: &Path) {
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        .expect("root makes its mounts private");
    for (point, name) in FOLDERS {
        let own = folder.join(name);
        fs::create_dir_all(&own).expect("the folder is ours");
        bind(&own, Path::new(point));
    }
    for name in ["tmp", "logs"] {
        fs::create_dir_all(folder.join(name)).expect("the folder is ours");
    }
    let flags = MsFlags::empty();
    // What is hidden below another mount is listed all the same, and whoever reads the list takes it for what is there.
    detach_below("/run/");
    mount(Some("tmpfs"), "/run", Some("tmpfs"), flags, None::<&str>).expect("root mounts tmpfs");
    // Pods may see what is mounted there later, such as network namespaces.
    let shared = MsFlags::MS_SHARED;
    mount(None::<&str>, "/run", None::<&str>, shared, None::<&str>).expect("it is mounted");
    for name in ["/run/netns", "/run/lock"] {
        fs::create_dir_all(name).expect("it is a new tmpfs");
    }
}

/// Undoes what is mounted below a folder, as this mount namespace sees it, and gives back what is left of it.
pub(crate) fn detach_below(folder: &str) -> Vec<String> {
    let below = || {
        let mounted = fs::read_to_string("/proc/thread-self/mounts").unwrap_or_default();
        let points = mounted.lines().filter_map(|line| line.split(' ').nth(1));
        let mut points: Vec<String> = points
            .filter(|point| point.starts_with(folder))
            .map(str::to_owned)
            .collect();
        points.sort_unstable();
        points
    };
    for point in below().iter().rev() {
        // Some go with one that is shared.
        let _ = umount2(point.as_str(), MntFlags::MNT_DETACH);
    }
    below()
}

/// Gives the kubelet the kernel's settings as it wants them, so that it leaves those of the machine alone.
pub(super) fn of_the_kernel(folder: &Path) {
    for (name, value) in KERNEL {
        let setting = Path::new("/proc/sys").join(name);
        let own = folder.join(name.replace('/', "-"));
        fs::write(&own, value).expect("the folder is ours");
        if setting.exists() {
            bind(&own, &setting);
        }
    }
}

/// Whether overlays can be made in a folder, or containers need copies.
pub(super) fn overlays(folder: &Path) -> bool {
    let [lower, upper, work, merged] = ["lower", "upper", "work", "merged"].map(|name| {
        let path = folder.join(name);
        fs::create_dir_all(&path).expect("the folder is ours");
        path
    });
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.display(),
        upper.display(),
        work.display()
    );
    let flags = MsFlags::empty();
    let mounted = mount(
        Some("overlay"),
        &merged,
        Some("overlay"),
        flags,
        Some(options.as_str()),
    );
    let works = mounted.is_ok() && File::create(merged.join("file")).is_ok();
    if mounted.is_ok() {
        let _ = nix::mount::umount(&merged);
    }
    works
}

/// Mounts a folder or a file at another one.
pub(crate) fn bind(own: &Path, point: &Path) {
    let none = None::<&str>;
    mount(Some(own), point, none, MsFlags::MS_BIND, none)
        .unwrap_or_else(|error| panic!("{} cannot be mounted on: {error}", point.display()));
}
