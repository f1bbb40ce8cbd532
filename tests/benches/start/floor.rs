//! The programs that are measured: the plugin as it is shipped, and the least a program can be.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// An ELF file for x86-64 Linux that calls `exit(0)` and holds nothing else: header, one segment, three instructions.
pub(crate) const EMPTY_ELF: &[u8] = &{
    const CODE: [u8; 9] = [0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05];
    let header: [u8; 120] = [
        0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, // 64 bit, little endian
        2, 0, 62, 0, 1, 0, 0, 0, 0x78, 0, 0x40, 0, 0, 0, 0,
        0, // executable, x86-64, entry 0x400078
        64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // program headers at 64, no sections
        0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0, // one program header of 56 bytes
        1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, // load, readable and executable, from offset 0
        0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, // at 0x400000
        129, 0, 0, 0, 0, 0, 0, 0, 129, 0, 0, 0, 0, 0, 0, 0, // 129 bytes
        0, 0x10, 0, 0, 0, 0, 0, 0, // aligned to a page
    ];
    let mut file = [0; 129];
    let mut at = 0;
    while at < file.len() {
        file[at] = if at < header.len() {
            header[at]
        } else {
            CODE[at - header.len()]
        };
        at += 1;
    }
    file
};

/// What was built, and for which target.
pub(crate) struct Built {
    pub(crate) plugin: PathBuf,
    pub(crate) empty_rust: PathBuf,
    pub(crate) target: &'static str,
}

const MUSL: &str = "x86_64-unknown-linux-musl";
const GNU: &str = "x86_64-unknown-linux-gnu";

/// Builds the plugin by the profile `dist`, statically: for musl, or for gnu where that target is not installed.
pub(crate) fn build(folder: &Path) -> Built {
    let has_musl = compile(MUSL, "fn main() {}", &folder.join("empty-rust"));
    let target = if has_musl { MUSL } else { GNU };
    if !has_musl {
        println!(
            "the target {MUSL} is not installed (rustup target add {MUSL}): glibc is linked statically instead"
        );
        assert!(
            compile(GNU, "fn main() {}", &folder.join("empty-rust")),
            "rustc compiles an empty program"
        );
    }
    let delegate = r#"fn main() { print!("{{\"cniVersion\":\"1.0.0\"}}"); }"#;
    assert!(
        compile(target, delegate, &folder.join("nothing")),
        "rustc compiles a program of one line"
    );
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the benches are in a member of a workspace");
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--quiet",
            "--locked",
            "--profile",
            "dist",
            "-p",
            "plugin",
            "--target",
            target,
        ])
        // musl is static as it is; flags that differ from an ordinary build would only build everything twice.
        .envs((target == GNU).then_some(("RUSTFLAGS", "-C target-feature=+crt-static")))
        .current_dir(workspace)
        .status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "building the plugin failed"
    );
    // target/<profile>/deps/start-<hash>
    let own = std::env::current_exe().expect("a process knows its executable");
    let target_folder = own
        .ancestors()
        .nth(3)
        .expect("a bench is built into target/<profile>/deps");
    let plugin = target_folder.join(target).join("dist/polypod");
    Built {
        plugin,
        empty_rust: folder.join("empty-rust"),
        target,
    }
}

fn compile(target: &str, source: &str, to: &Path) -> bool {
    let file = to.with_extension("rs");
    std::fs::write(&file, source).expect("the folder can be written");
    let flags = [
        "opt-level=3",
        "panic=abort",
        "lto=fat",
        "codegen-units=1",
        "strip=symbols",
        "target-feature=+crt-static",
    ];
    Command::new("rustc")
        .args(["--edition", "2024", "--target", target])
        .args(flags.iter().flat_map(|flag| ["-C", flag]))
        .arg("-o")
        .arg(to)
        .arg(file)
        .output()
        .is_ok_and(|output| output.status.success())
}
