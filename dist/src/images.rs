//! Makes images of what was laid out.

use anyhow::{Context, Result, ensure};

use crate::{
    shipped::{Shipped, Target},
    workspace::{Workspace, succeed},
};

/// What the same sources always say of themselves.
#[derive(Debug)]
pub(crate) struct Stamp {
    /// The version of the workspace.
    version: String,
    /// The commit.
    revision: String,
    /// Seconds since 1970.
    timestamp: u64,
}

impl Stamp {
    /// What was not given is that of the commit which is checked out.
    ///
    /// # Errors
    /// When something was not given and there is no such commit.
    pub(crate) fn of(
        workspace: &Workspace,
        revision: Option<String>,
        timestamp: Option<u64>,
    ) -> Result<Self> {
        let git = |format: &str| {
            workspace
                .asked("git", &["log", "-1", &format!("--format={format}")])
                .context(
                    "no commit is checked out: give --revision, and --timestamp or SOURCE_DATE_EPOCH",
                )
        };
        let version = workspace
            .metadata()
            .workspace_packages()
            .first()
            .context("the workspace has no package")?
            .version
            .to_string();
        Ok(Self {
            version,
            revision: match revision {
                Some(given) => given,
                None => git("%H")?,
            },
            timestamp: match timestamp {
                Some(given) => given,
                None => git("%ct")?.parse().context("git says when a commit was")?,
            },
        })
    }
}

/// An image to make.
#[derive(Debug)]
pub(crate) struct Image<'a> {
    pub(crate) shipped: &'static Shipped,
    pub(crate) target: Target,
    pub(crate) registry: &'a str,
}

impl Image<'_> {
    /// Makes it, and returns its name.
    ///
    /// # Errors
    /// When the program was not laid out before, or the builder fails.
    pub(crate) fn build(
        &self,
        workspace: &Workspace,
        builder: &str,
        stamp: &Stamp,
    ) -> Result<String> {
        let laid_out = workspace
            .context()
            .join(self.target.architecture())
            .join(self.shipped.program);
        ensure!(
            laid_out.is_file(),
            "{} is not there: run cargo dist binaries --target {} before",
            laid_out.display(),
            self.target.triple()
        );
        let name = self.name(stamp);
        let mut command = std::process::Command::new(builder);
        command
            .args(self.arguments(&name, stamp))
            .arg("--file")
            .arg(
                workspace
                    .root()
                    .join(self.shipped.package)
                    .join("Containerfile"),
            )
            .arg(workspace.context());
        succeed(&mut command)?;
        Ok(name)
    }

    fn name(&self, stamp: &Stamp) -> String {
        // A manifest list takes the name without the architecture.
        let architecture = match self.target {
            Target::X86_64 => String::new(),
            Target::Aarch64 => format!("-{}", self.target.architecture()),
        };
        format!(
            "{}/{}:{}{architecture}",
            self.registry, self.shipped.program, stamp.version
        )
    }

    fn arguments(&self, name: &str, stamp: &Stamp) -> Vec<String> {
        let architecture = self.target.architecture();
        vec![
            "build".to_owned(),
            format!("--platform=linux/{architecture}"),
            // The builder's own version of it is not the same everywhere.
            format!("--build-arg=TARGETARCH={architecture}"),
            format!("--build-arg=VERSION={}", stamp.version),
            format!("--build-arg=REVISION={}", stamp.revision),
            format!("--timestamp={}", stamp.timestamp),
            // Nothing of them is to be fetched, and no layer is reused: it is one COPY.
            "--no-cache".to_owned(),
            "--pull=never".to_owned(),
            format!("--tag={name}"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shipped::SHIPPED;

    #[test]
    fn images_are_named_and_stamped_by_what_they_are() {
        let stamp = Stamp {
            version: "1.2.3".to_owned(),
            revision: "cafe".to_owned(),
            timestamp: 5,
        };
        let image = |target| Image {
            shipped: &SHIPPED[1],
            target,
            registry: "registry.example/net",
        };
        assert_eq!(
            image(Target::X86_64).name(&stamp),
            "registry.example/net/polypod-webhook:1.2.3"
        );
        assert_eq!(
            image(Target::Aarch64).name(&stamp),
            "registry.example/net/polypod-webhook:1.2.3-arm64"
        );
        let arguments = image(Target::Aarch64).arguments("n", &stamp);
        for wanted in [
            "--platform=linux/arm64",
            "--build-arg=REVISION=cafe",
            "--timestamp=5",
        ] {
            assert!(arguments.iter().any(|one| one == wanted), "{arguments:?}");
        }
    }
}
