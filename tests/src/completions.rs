//! `kubectl-polypod completions` and `man`, and the same program as `kubectl_complete-polypod`, which kubectl asks.

use std::{collections::BTreeSet, os::unix::fs::symlink, process::Command};

use tempfile::TempDir;

use crate::{
    fixture::{binaries, kubectl_polypod},
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "completions::shells_complete_every_command",
            needs: &[],
            body: shells_complete_every_command,
        },
        Scenario {
            name: "completions::kubectl_is_answered",
            needs: &[],
            body: kubectl_is_answered,
        },
        Scenario {
            name: "completions::every_command_has_a_page",
            needs: &[],
            body: every_command_has_a_page,
        },
    ]
}

/// The commands, as `--help` lists them.
fn commands() -> BTreeSet<String> {
    let output = Command::new(binaries::path("kubectl-polypod"))
        .arg("--help")
        .output()
        .expect("kubectl-polypod can be executed");
    let text = String::from_utf8(output.stdout).expect("help is UTF-8");
    let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| line.starts_with("  "));
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: BTreeSet<String> = names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    assert!(names.contains("doctor") && names.contains("why"), "{text}");
    names
}

fn shells_complete_every_command() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    for shell in ["bash", "zsh", "fish"] {
        let output = kubectl_polypod::run("completions", &[shell], "");
        assert_eq!(output.status.code(), Some(0));
        let script = String::from_utf8(output.stdout).expect("a script is UTF-8");
        for command in commands() {
            assert!(script.contains(&command), "{shell} lacks {command}");
        }
        if shell == "bash" {
            let file = folder.path().join("script");
            std::fs::write(&file, &script).expect("the folder is ours");
            // What the shell makes of the words `kubectl-polypod doct`.
            let asked = format!(
                "set -e; source {}; COMP_WORDS=(kubectl-polypod doct); COMP_CWORD=1; $(complete -p kubectl-polypod | sed 's/.*-F \\([^ ]*\\) .*/\\1/') kubectl-polypod doct kubectl-polypod; echo \"${{COMPREPLY[@]}}\"",
                file.display()
            );
            let output = Command::new("bash").args(["-c", &asked]).output();
            let output = output.expect("bash is there");
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(
                said.trim(),
                "doctor",
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
    let refused = kubectl_polypod::run("completions", &["tcsh"], "");
    assert_eq!(refused.status.code(), Some(2));
}

fn kubectl_is_answered() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let program = folder.path().join("kubectl_complete-polypod");
    symlink(binaries::path("kubectl-polypod"), &program).expect("the folder is ours");
    let asked = |words: &[&str]| {
        let output = Command::new(&program).args(words).output();
        let output = output.expect("the link can be executed");
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).expect("it is UTF-8")
    };
    let all = asked(&[""]);
    for command in commands() {
        assert!(
            all.lines()
                .any(|line| line.split('\t').next() == Some(&*command)),
            "{command}: {all}"
        );
    }
    // The last line is what cobra calls a directive: no files beside these words.
    assert!(all.ends_with("\n:4\n"), "{all}");
    let flags = asked(&["doctor", "--str"]);
    assert!(
        flags.starts_with("--strict\t") && flags.ends_with(":4\n"),
        "{flags}"
    );
    assert_eq!(
        asked(&["doctor", "-o", "y"])
            .lines()
            .next()
            .map(|line| &line[..4]),
        Some("yaml")
    );
}

fn every_command_has_a_page() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let out = folder.path().join("man1");
    let output = kubectl_polypod::run("man", &["--out", &out.display().to_string()], "");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let page = |name: &str| {
        let page = std::fs::read_to_string(out.join(name));
        page.unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    assert!(page("kubectl-polypod.1").starts_with(".ie"), "it is roff");
    for command in commands().iter().filter(|command| *command != "help") {
        let page = page(&format!("kubectl-polypod-{command}.1"));
        assert!(
            page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"),
            "{command}"
        );
    }
    let refused = kubectl_polypod::run("man", &["--out", "/proc/none"], "");
    assert_eq!(refused.status.code(), Some(2));
}
