//! The list of what a program links, for those who look for known faults and for licences.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use cyclonedx_bom::{
    external_models::{normalized_string::NormalizedString, spdx::SpdxExpression, uri::Purl},
    models::{
        bom::{Bom, SpecVersion},
        component::{Classification, Component, Components, Scope},
        dependency::{Dependencies, Dependency},
        license::{LicenseChoice, Licenses},
        metadata::Metadata,
    },
    validation::Validate as _,
};

use crate::{
    linked::{Linked, Package},
    shipped::Shipped,
    workspace::Workspace,
};

/// Writes it beside the Containerfile and returns where.
///
/// # Errors
/// When cargo cannot say what is linked, or the file cannot be written.
pub(crate) fn write(workspace: &Workspace, shipped: &Shipped) -> Result<PathBuf> {
    let linked = Linked::by(workspace, shipped)?;
    let known = |package: &Package| {
        let known = workspace.metadata().packages.iter().find(|known| {
            known.name.as_str() == package.name && known.version.to_string() == package.version
        })?;
        Some(Known {
            license: known.license.clone()?,
            is_published: known.source.is_some(),
        })
    };
    let text = text(shipped, &linked, known)?;
    let file = workspace.sbom(shipped);
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// What a package says of itself.
struct Known {
    license: String,
    /// On crates.io. There are others there that are called as ours are.
    is_published: bool,
}

/// Nothing in it depends on when or where it is made: no serial number, no time, no path.
fn text(
    shipped: &Shipped,
    linked: &Linked,
    known: impl Fn(&Package) -> Option<Known>,
) -> Result<String> {
    let mut components = Vec::new();
    let mut own = None;
    for package in linked.0.keys() {
        let known = known(package)
            .with_context(|| format!("{} {} names no licence", package.name, package.version))?;
        let component = component(package, known)?;
        if package.name == shipped.package {
            own = Some(Component {
                component_type: Classification::Application,
                name: NormalizedString::new(shipped.program),
                scope: None,
                ..component
            });
        } else {
            components.push(component);
        }
    }
    let dependencies = linked
        .0
        .iter()
        .map(|(package, linked)| Dependency {
            dependency_ref: reference(package),
            dependencies: linked.iter().map(reference).collect(),
        })
        .collect();
    let bom = Bom {
        serial_number: None,
        metadata: Some(Metadata {
            component: Some(
                own.with_context(|| format!("cargo tree does not name {}", shipped.package))?,
            ),
            ..Metadata::default()
        }),
        components: Some(Components(components)),
        dependencies: Some(Dependencies(dependencies)),
        spec_version: SpecVersion::V1_5,
        ..Bom::default()
    };
    let valid = bom.validate_version(SpecVersion::V1_5);
    if !valid.passed() {
        bail!("the SBOM of {} is not valid: {valid:?}", shipped.program);
    }
    let mut json = Vec::new();
    bom.output_as_json_v1_5(&mut json)
        .map_err(|error| anyhow!("the SBOM of {} cannot be written: {error}", shipped.program))?;
    let mut text = String::from_utf8(json).context("JSON is UTF-8")?;
    text.push('\n');
    Ok(text)
}

fn component(package: &Package, known: Known) -> Result<Component> {
    let license = SpdxExpression::parse_lax(known.license)
        .with_context(|| format!("{} has a licence that SPDX does not know", package.name))?;
    let purl = known
        .is_published
        .then(|| Purl::new("cargo", &package.name, &package.version))
        .transpose()
        .with_context(|| format!("{} has no package URL", package.name))?;
    Ok(Component {
        licenses: Some(Licenses(vec![LicenseChoice::Expression(license)])),
        purl,
        scope: Some(Scope::Required),
        ..Component::new(
            Classification::Library,
            &package.name,
            &package.version,
            Some(reference(package)),
        )
    })
}

fn reference(package: &Package) -> String {
    format!("{}@{}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::shipped::SHIPPED;

    fn package(name: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
        }
    }

    fn linked() -> Linked {
        Linked(BTreeMap::from([
            (package("plugin"), BTreeSet::from([package("serde")])),
            (package("serde"), BTreeSet::new()),
        ]))
    }

    #[test]
    fn old_licences_are_written_as_spdx_has_them() {
        let text = text(&SHIPPED[0], &linked(), of_crates_io).expect("it is an SBOM");
        assert!(text.contains("MIT OR Apache-2.0"), "{text}");
        assert!(text.contains("pkg:cargo/serde@1.0.0"), "{text}");
        assert!(!text.contains("serialNumber"), "{text}");
    }

    fn of_crates_io(package: &Package) -> Option<Known> {
        Some(Known {
            license: "MIT/Apache-2.0".to_owned(),
            is_published: package.name != "plugin",
        })
    }

    #[test]
    fn nobody_elses_package_is_taken_for_ours() {
        let text = text(&SHIPPED[0], &linked(), of_crates_io).expect("it is an SBOM");
        assert!(!text.contains("pkg:cargo/plugin"), "{text}");
    }

    #[test]
    fn a_package_without_licence_is_named() {
        let error = text(&SHIPPED[0], &linked(), |_| None).expect_err("there is none");
        assert!(error.to_string().contains("names no licence"), "{error}");
    }
}
