//! The programs that are measured: the plugin as it is shipped, an empty program, and a delegate that does nothing.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What was built, and for which target.
pub(crate) struct Shipped {
    pub(crate) plugin: PathBuf,
    pub(crate) empty_rust: PathBuf,
    /// Reads its configuration and prints a result. It is in the folder `bin`.
    pub(crate) nothing: PathBuf,
    pub(crate) target: &'static str,
}

const MUSL: &str = "x86_64-unknown-linux-musl";
const GNU: &str = "x86_64-unknown-linux-gnu";

/// A delegate that does nothing does what each plugin must: it reads to the end, and prints a result.
const NOTHING: &str = r##"
fn main() {
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    print!("{}", r#"{"cniVersion":"1.0.0","interfaces":[{"name":"net","mac":"02:00:00:00:00:01","sandbox":"/proc/self/ns/net"}],"ips":[{"address":"10.0.0.5/24","gateway":"10.0.0.1","interface":0}]}"#);
}
"##;

/// Builds the plugin by the profile `dist`, statically: for musl, or for gnu where that target is not installed. The other
/// two are compiled into `folder`, for the same target.
pub(crate) fn build(folder: &Path) -> Shipped {
    let empty_rust = folder.join("empty-rust");
    let has_musl = compile(MUSL, "fn main() {}", &empty_rust);
    let target = if has_musl { MUSL } else { GNU };
    if !has_musl {
        println!(
            "the target {MUSL} is not installed (rustup target add {MUSL}): glibc is linked statically instead"
        );
        assert!(
            compile(GNU, "fn main() {}", &empty_rust),
            "rustc compiles an empty program"
        );
    }
    let bin = folder.join("bin");
    std::fs::create_dir_all(&bin).expect("the folder can be written");
    let nothing = bin.join("nothing");
    assert!(
        compile(target, NOTHING, &nothing),
        "rustc compiles a program of two lines"
    );
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a member of a workspace");
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
    // target/<profile>/deps/<name>-<hash>
    let own = std::env::current_exe().expect("a process knows its executable");
    let target_folder = own
        .ancestors()
        .nth(3)
        .expect("benches and tests are built into target/<profile>/deps");
    Shipped {
        plugin: target_folder.join(target).join("dist/polypod"),
        empty_rust,
        nothing,
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
