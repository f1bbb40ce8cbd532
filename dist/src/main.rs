//! `cargo dist`: what is shipped, built so that everybody gets the same bytes, laid out for the Containerfiles, made into
//! images, and listed.

mod binaries;
mod images;
mod krew;
mod linked;
mod reproducible;
mod sbom;
mod shipped;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::{
    shipped::{SHIPPED, Shipped, Target},
    workspace::Workspace,
};

/// Builds what is shipped.
#[derive(Debug, Parser)]
#[command(name = "cargo dist", bin_name = "cargo dist")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the programs, static, and lay them out below target/images for the Containerfiles.
    Binaries(Choice),
    /// Make images of what was laid out, with buildah or podman.
    Images {
        #[command(flatten)]
        choice: Choice,
        /// What builds: a program that takes buildah's flags of `build`.
        #[arg(long, default_value = "buildah")]
        builder: String,
        /// The names of the images begin with it.
        #[arg(long, default_value = "localhost")]
        registry: String,
        /// What the label org.opencontainers.image.revision says, if not the commit that is checked out.
        #[arg(long)]
        revision: Option<String>,
        /// Seconds since 1970 that all files and the image get, if not the time of the commit that is checked out.
        #[arg(long, env = "SOURCE_DATE_EPOCH")]
        timestamp: Option<u64>,
    },
    /// Write to target/krew, of what was laid out, the archives and the manifest by which krew installs kubectl-polypod.
    Krew {
        /// Where the archives will be; their names are put behind it.
        #[arg(long, value_name = "URI")]
        uri_base: String,
        /// The page of the plugin.
        #[arg(long, value_name = "URI")]
        homepage: String,
        /// Only for these machines; may be given several times.
        #[arg(long = "target", value_enum, default_values_t = [Target::X86_64, Target::Aarch64])]
        targets: Vec<Target>,
    },
    /// Write, beside each Containerfile, the SBOM of what the program links: CycloneDX 1.5, as JSON.
    Sbom,
}

#[derive(Debug, Args)]
struct Choice {
    /// Which machine it is for.
    #[arg(long, value_enum, default_value_t = Target::X86_64)]
    target: Target,
    /// Only this package, and no other; may be given several times.
    #[arg(short, long = "package")]
    packages: Vec<String>,
}

impl Choice {
    fn shipped(&self) -> Result<Vec<&'static Shipped>> {
        if self.packages.is_empty() {
            return Ok(SHIPPED.iter().collect());
        }
        self.packages
            .iter()
            .map(|name| shipped::by_package(name))
            .collect()
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let workspace = Workspace::find()?;
    match command {
        Command::Binaries(choice) => {
            for shipped in choice.shipped()? {
                let program = binaries::build(&workspace, shipped, choice.target)?;
                println!("{}", program.display());
            }
        }
        Command::Images {
            choice,
            builder,
            registry,
            revision,
            timestamp,
        } => {
            let stamp = images::Stamp::of(&workspace, revision, timestamp)?;
            for shipped in choice.shipped()? {
                let image = images::Image {
                    shipped,
                    target: choice.target,
                    registry: &registry,
                };
                println!("{}", image.build(&workspace, &builder, &stamp)?);
            }
        }
        Command::Krew {
            uri_base,
            homepage,
            targets,
        } => {
            let release = krew::Release {
                uri_base: &uri_base,
                homepage: &homepage,
            };
            for path in krew::write(&workspace, &targets, &release)? {
                println!("{}", path.display());
            }
        }
        Command::Sbom => {
            for shipped in &SHIPPED {
                println!("{}", sbom::write(&workspace, shipped)?.display());
            }
        }
    }
    Ok(())
}
