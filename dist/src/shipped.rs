//! What is shipped, and for which machines.

use anyhow::{Context, Result};
use clap::ValueEnum;

/// A program that is shipped. Its Containerfile and its SBOM stand in its package's folder, and its image has its name.
#[derive(Debug)]
pub(crate) struct Shipped {
    /// The package, and the folder it is in.
    pub(crate) package: &'static str,
    /// The program.
    pub(crate) program: &'static str,
    /// The profile of the workspace that it is built by.
    pub(crate) profile: &'static str,
}

/// All of them.
pub(crate) const SHIPPED: [Shipped; 4] = [
    Shipped {
        package: "plugin",
        program: "polypod",
        profile: "dist",
    },
    Shipped {
        package: "webhook",
        program: "polypod-webhook",
        profile: "dist-daemon",
    },
    Shipped {
        package: "device-bridge",
        program: "polypod-device-bridge",
        profile: "dist-daemon",
    },
    Shipped {
        package: "cli",
        program: "kubectl-polypod",
        profile: "dist-daemon",
    },
];

/// The one of a package.
///
/// # Errors
/// When nothing of that package is shipped.
pub(crate) fn by_package(package: &str) -> Result<&'static Shipped> {
    SHIPPED
        .iter()
        .find(|shipped| shipped.package == package)
        .with_context(|| {
            let known = SHIPPED.map(|shipped| shipped.package).join(", ");
            format!("nothing is shipped of a package {package:?}; there are {known}")
        })
}

/// A kind of machine: static programs need no more of it than a Linux kernel.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Target {
    /// x86-64, amd64 for images.
    #[value(name = "x86_64-unknown-linux-musl", alias = "amd64")]
    X86_64,
    /// 64 bit ARM, arm64 for images.
    #[value(name = "aarch64-unknown-linux-musl", alias = "arm64")]
    Aarch64,
}

impl Target {
    /// As rustc names it.
    pub(crate) fn triple(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-musl",
            Self::Aarch64 => "aarch64-unknown-linux-musl",
        }
    }

    /// As images name it, which have it from Go.
    pub(crate) fn architecture(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }
}
