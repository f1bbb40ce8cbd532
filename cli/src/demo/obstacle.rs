//! Why the system gives no namespaces, in words that say what to change.

use std::{fs, io};

use anyhow::{Context, Error, anyhow};
use nix::errno::Errno;

/// The switches of the kernel that decide about unprivileged user namespaces, and the value that forbids them.
const SWITCHES: [(&str, &str, &str); 4] = [
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ("user.max_user_namespaces", "0", "10000"),
    ("user.max_net_namespaces", "0", "10000"),
];

/// The error of a refused `unshare` or `mount`.
pub(super) fn explain(error: Errno, root: bool, refused_as_root: Errno) -> Error {
    let advice = advice(&forbidding(read_switch), root);
    let as_root = if root {
        format!(" (and directly, as root: {refused_as_root})")
    } else {
        String::new()
    };
    anyhow!(
        "the demo needs a user, a mount and a network namespace of its own, and the system refuses: {error}{as_root}; {advice}"
    )
}

/// The error of a refused user or group mapping, which is how AppArmor refuses.
pub(super) fn of_mapping(error: io::Error) -> Error {
    let advice = advice(&forbidding(read_switch), false);
    Err::<(), _>(error)
        .with_context(|| format!("the new user namespace may not map its user; {advice}"))
        .expect_err("an error was put in")
}

fn read_switch(name: &str) -> Option<String> {
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

/// The `sysctl` settings that would lift what forbids namespaces.
fn forbidding(value: impl Fn(&str) -> Option<String>) -> Vec<String> {
    SWITCHES
        .iter()
        .filter(|(name, forbids, _)| value(name).as_deref() == Some(*forbids))
        .map(|(name, _, allows)| format!("{name}={allows}"))
        .collect()
}

fn advice(settings: &[String], root: bool) -> String {
    let otherwise = if root {
        "give the demo CAP_SYS_ADMIN and CAP_NET_ADMIN (in a container for example by 'docker run --privileged')"
    } else {
        "run the demo as root"
    };
    if settings.is_empty() {
        return format!(
            "no sysctl forbids it, so it is a security module or a container's seccomp profile: allow unshare there, or \
             {otherwise}"
        );
    }
    format!(
        "allow it with 'sysctl -w {}', or {otherwise}",
        settings.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_that_forbids_is_named() {
        let ubuntu = |name: &str| {
            let value = if name.starts_with("kernel.apparmor") {
                "1"
            } else {
                "9"
            };
            Some(value.to_owned())
        };
        let settings = forbidding(ubuntu);
        assert_eq!(settings, ["kernel.apparmor_restrict_unprivileged_userns=0"]);
        assert!(
            advice(&settings, false)
                .contains("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0")
        );
        let none = forbidding(|_| None);
        assert!(advice(&none, true).contains("CAP_SYS_ADMIN"));
        assert!(advice(&none, false).contains("seccomp"));
        assert!(
            explain(Errno::EPERM, true, Errno::EPERM)
                .to_string()
                .contains("as root")
        );
    }
}
