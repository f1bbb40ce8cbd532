//! The plugin of kubectl as krew takes it: an archive for each machine, and the manifest that names them with their digests.
//!
//! `manifests/krew/polypod.yaml` is what does not change with a release; what is added to it comes from the programs that were
//! laid out.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use flate2::{Compression, GzBuilder};
use serde_yaml_ng::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    shipped::{self, Target},
    workspace::Workspace,
};

/// What only whoever publishes knows.
#[derive(Debug)]
pub(crate) struct Release<'a> {
    /// Where the archives will be: their names are put behind it.
    pub(crate) uri_base: &'a str,
    /// The plugin's page.
    pub(crate) homepage: &'a str,
}

/// An archive, and what krew checks it by.
#[derive(Debug)]
struct Archive {
    architecture: &'static str,
    name: String,
    sha256: String,
}

/// Writes archives and manifest to `target/krew`; returns where they are.
///
/// # Errors
/// When a program was not laid out before, the manifest is none, or a file cannot be written.
pub(crate) fn write(
    workspace: &Workspace,
    targets: &[Target],
    release: &Release<'_>,
) -> Result<Vec<PathBuf>> {
    for given in [release.uri_base, release.homepage] {
        ensure!(
            given.starts_with("https://") || given.starts_with("http://"),
            "{given:?} is no address: krew fetches by http:// or https://"
        );
    }
    let program = shipped::by_package("cli")?.program;
    let template = workspace.root().join("manifests/krew/polypod.yaml");
    let mut manifest: Value = serde_yaml_ng::from_str(&read_text(&template)?)
        .with_context(|| format!("{} is no YAML", template.display()))?;
    let version = manifest["spec"]["version"].as_str();
    let version = version
        .context("the manifest has no spec.version")?
        .to_owned();
    let folder = workspace.target().join("krew");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (mut archives, mut written) = (Vec::new(), Vec::new());
    for target in targets {
        let architecture = target.architecture();
        let laid_out = workspace.context().join(architecture).join(program);
        ensure!(
            laid_out.is_file(),
            "{} is not there: cargo dist binaries -p cli --target {}",
            laid_out.display(),
            target.triple()
        );
        let name = format!("{program}-{version}-linux-{architecture}.tar.gz");
        let files = [
            (program, laid_out.as_path(), 0o755),
            ("LICENSE", &workspace.root().join("LICENSE"), 0o644),
        ];
        let bytes = archive(&files)?;
        let path = folder.join(&name);
        put(&path, &bytes)?;
        written.push(path);
        archives.push(Archive {
            architecture,
            name,
            sha256: hex(&Sha256::digest(&bytes)),
        });
    }
    fill_in(&mut manifest, &archives, release)?;
    let path = folder.join("polypod.yaml");
    put(&path, serde_yaml_ng::to_string(&manifest)?.as_bytes())?;
    written.push(path);
    Ok(written)
}

/// Adds to each platform where its archive is, and leaves those out that there is none for.
fn fill_in(manifest: &mut Value, archives: &[Archive], release: &Release<'_>) -> Result<()> {
    let base = release.uri_base.trim_end_matches('/');
    let spec = &mut manifest["spec"];
    let platforms = spec["platforms"].as_sequence_mut();
    let platforms = platforms.context("the manifest has no spec.platforms")?;
    platforms.retain_mut(|platform| {
        let wanted = platform["selector"]["matchLabels"]["arch"].as_str();
        let archive = archives
            .iter()
            .find(|archive| Some(archive.architecture) == wanted);
        if let Some(Archive { name, sha256, .. }) = archive {
            platform["uri"] = format!("{base}/{name}").into();
            platform["sha256"] = sha256.as_str().into();
        }
        archive.is_some()
    });
    if platforms.len() != archives.len() {
        bail!("the manifest has no platform for each of {archives:?}");
    }
    spec["homepage"] = release.homepage.into();
    Ok(())
}

/// A compressed archive of these files, each by the name it gets: the same bytes of the same files, whoever makes it and when.
fn archive(files: &[(&str, &Path, u32)]) -> Result<Vec<u8>> {
    // Without a file's name and with the time 0.
    let compressed = GzBuilder::new().write(Vec::new(), Compression::best());
    let mut archive = tar::Builder::new(compressed);
    for (name, path, mode) in files {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len().try_into().context("a file is too large")?);
        header.set_mode(*mode);
        header.set_mtime(0);
        archive
            .append_data(&mut header, name, bytes.as_slice())
            .with_context(|| format!("cannot put {} into an archive", path.display()))?;
    }
    let mut compressed = archive.into_inner()?;
    compressed.flush()?;
    Ok(compressed.finish()?)
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// The manifest of the repository.
    fn template() -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests/krew/polypod.yaml");
        serde_yaml_ng::from_str(&read_text(&path).expect("it is there")).expect("it is YAML")
    }

    fn of(architecture: &'static str) -> Archive {
        Archive {
            architecture,
            name: format!("a-{architecture}.tar.gz"),
            sha256: hex(&Sha256::digest(architecture)),
        }
    }

    const RELEASE: Release<'_> = Release {
        uri_base: "https://example.com/v1/",
        homepage: "https://example.com",
    };

    #[test]
    fn every_platform_gets_its_own_archive() {
        let mut manifest = template();
        fill_in(&mut manifest, &[of("arm64"), of("amd64")], &RELEASE).expect("it is filled in");
        let spec = &manifest["spec"];
        assert_eq!(spec["homepage"], "https://example.com");
        let platforms = spec["platforms"].as_sequence().expect("it has platforms");
        assert_eq!(platforms.len(), 2);
        for platform in platforms {
            let architecture = platform["selector"]["matchLabels"]["arch"]
                .as_str()
                .expect("a word");
            assert_eq!(
                platform["uri"],
                format!("https://example.com/v1/a-{architecture}.tar.gz")
            );
            assert_eq!(platform["sha256"], hex(&Sha256::digest(architecture)));
        }
    }

    #[test]
    fn a_machine_without_an_archive_is_left_out() {
        let mut manifest = template();
        fill_in(&mut manifest, &[of("amd64")], &RELEASE).expect("it is filled in");
        let text = serde_yaml_ng::to_string(&manifest).expect("it is YAML");
        assert!(text.contains("amd64") && !text.contains("arm64"), "{text}");
        fill_in(&mut template(), &[of("riscv64")], &RELEASE).expect_err("it has no such platform");
    }

    #[test]
    fn an_archive_has_the_same_bytes_again_and_what_was_put_in() {
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        let program = folder.path().join("program");
        fs::write(&program, "bytes").expect("it can be written");
        let files = [("kubectl-polypod", program.as_path(), 0o755)];
        let bytes = archive(&files).expect("it is made");
        fs::write(&program, "bytes").expect("it can be written at another time");
        assert_eq!(archive(&files).expect("it is made again"), bytes);
        let mut read = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let mut entries = read.entries().expect("it is an archive");
        let mut entry = entries
            .next()
            .expect("it has a file")
            .expect("it can be read");
        assert_eq!(
            entry.path().expect("it has a name").as_ref(),
            Path::new("kubectl-polypod")
        );
        assert_eq!(entry.header().mode().expect("it has a mode"), 0o755);
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("it can be read");
        assert_eq!(text, "bytes");
    }
}
