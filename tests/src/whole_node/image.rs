//! Images made on the spot, for `ctr images import`: nothing is pulled from anywhere.
//!
//! An OCI image layout in a tar archive: a layer, a configuration and a manifest for each image, named by their digests.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::fixture::{binaries, needs::BUSYBOX};

/// What the tests' containers run: a shell, `ip`, `nc`, and a program that waits for SIGTERM unless another is asked for.
pub(crate) const POD: &str = "localhost/polypod-test:1";

/// What a sandbox runs, which the runtime is told by its configuration.
pub(crate) const PAUSE: &str = "localhost/pause:1";

/// Ends as soon as it is told to: a process without a handler of its own is not ended by SIGTERM as the first of its container.
const WAITS: [&str; 3] = [
    "/bin/sh",
    "-c",
    "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done",
];

/// An image to be.
struct Image<'a> {
    name: &'a str,
    /// The folder that is its root.
    root: &'a Path,
    config: Value,
}

/// Writes an archive with [`POD`] and [`PAUSE`] into `folder`.
pub(crate) fn write(folder: &Path) -> PathBuf {
    let root = folder.join("pod-root");
    let bin = root.join("bin");
    fs::create_dir_all(&bin).expect("the test's folder can be written");
    fs::create_dir_all(root.join("tmp")).expect("the test's folder can be written");
    fs::copy(BUSYBOX, bin.join("busybox")).expect("Need::WholeNode was checked");
    let listed = run(Command::new(BUSYBOX).arg("--list"));
    for applet in listed.lines().filter(|applet| *applet != "busybox") {
        symlink("busybox", bin.join(applet)).expect("the folder is new");
    }
    let config = json!({"Env": ["PATH=/bin"], "Entrypoint": [], "Cmd": WAITS});
    let images = [POD, PAUSE].map(|name| Image {
        name,
        root: &root,
        config: config.clone(),
    });
    archive(folder, "pod-images.tar", &images)
}

/// Writes an archive with the images of both daemons, by the names that `manifests` know them by, into `folder`.
///
/// They hold the binaries under test, and the shared libraries that these were linked with where the test was built for a
/// target that is not static.
pub(crate) fn daemons(folder: &Path) -> PathBuf {
    let roots = [
        ("polypod-webhook", &["polypod-webhook"][..]),
        (
            "polypod-device-bridge",
            &["polypod-device-bridge", "polypod"][..],
        ),
    ]
    .map(|(image, programs)| {
        let root = folder.join(format!("{image}-root"));
        for program in programs {
            put_program(&root, program);
        }
        let name = format!("localhost/{image}:{}", env!("CARGO_PKG_VERSION"));
        (name, root, json!({"Entrypoint": [format!("/{image}")]}))
    });
    let images = roots.each_ref().map(|(name, root, config)| Image {
        name,
        root,
        config: config.clone(),
    });
    archive(folder, "daemon-images.tar", &images)
}

/// Copies a program to the root's top, and its libraries to where they are on this machine.
fn put_program(root: &Path, name: &str) {
    let program = binaries::path(name);
    put(&program, &root.join(name));
    let linked = Command::new("ldd").arg(&program).output();
    let linked = linked.expect("ldd can be executed, which comes with the C library");
    // It fails for a static program, and prints why where libraries would stand.
    for library in String::from_utf8_lossy(&linked.stdout)
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
    {
        let below = library.trim_start_matches('/');
        put(Path::new(library), &root.join(below));
    }
}

fn put(from: &Path, to: &Path) {
    let folder = to.parent().expect("it is below the root");
    fs::create_dir_all(folder).expect("the test's folder can be written");
    fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).expect("the file is ours");
}

fn archive(folder: &Path, file: &str, images: &[Image<'_>]) -> PathBuf {
    let layout = folder.join(format!("{file}.layout"));
    fs::create_dir_all(layout.join("blobs/sha256")).expect("the test's folder can be written");
    let manifests: Vec<Value> = images.iter().map(|image| add(&layout, image)).collect();
    let index = json!({"schemaVersion": 2, "manifests": manifests});
    for (name, value) in [
        ("index.json", index),
        ("oci-layout", json!({"imageLayoutVersion": "1.0.0"})),
    ] {
        fs::write(layout.join(name), value.to_string()).expect("the test's folder can be written");
    }
    let archive = folder.join(file);
    tar(&layout, &archive);
    archive
}

/// Adds an image to a layout, and gives back its entry in the index.
fn add(layout: &Path, image: &Image<'_>) -> Value {
    let layer = layout.join("layer");
    tar(image.root, &layer);
    let layer = blob(layout, &layer, "application/vnd.oci.image.layer.v1.tar");
    let config = json!({
        "architecture": architecture(),
        "os": "linux",
        "config": image.config,
        // A layer that is not compressed has the digest of what is in it.
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    });
    let config = text_blob(layout, &config, "application/vnd.oci.image.config.v1+json");
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config,
        "layers": [layer],
    });
    let mut entry = text_blob(layout, &manifest, media_type);
    entry["annotations"] = json!({"io.containerd.image.name": image.name});
    entry["platform"] = json!({"architecture": architecture(), "os": "linux"});
    entry
}

fn text_blob(layout: &Path, value: &Value, media_type: &str) -> Value {
    let file = layout.join("text");
    fs::write(&file, value.to_string()).expect("the test's folder can be written");
    blob(layout, &file, media_type)
}

/// Moves a file to where its digest says, and describes it.
fn blob(layout: &Path, file: &Path, media_type: &str) -> Value {
    let printed = run(Command::new("sha256sum").arg(file));
    let digest = printed.split_whitespace().next();
    let digest = digest.expect("sha256sum prints the digest first");
    let size = fs::metadata(file).expect("it was just written").len();
    fs::rename(file, layout.join("blobs/sha256").join(digest))
        .expect("the test's folder can be written");
    json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size})
}

/// The processor's name, as Go has it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn tar(folder: &Path, archive: &Path) {
    run(Command::new("tar")
        .args(["--create", "--sort=name", "--numeric-owner"])
        .args(["--owner=0", "--group=0", "--mtime=@0", "--file"])
        .arg(archive)
        .arg("--directory")
        .arg(folder)
        .arg("."));
}

/// Runs a command of every Debian that must succeed, and gives back what it prints.
fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
