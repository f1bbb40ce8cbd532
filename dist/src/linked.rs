//! Which packages a program links, as `cargo tree` resolves them: by the features that building it alone has.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use crate::{
    shipped::{Shipped, Target},
    workspace::{Workspace, printed},
};

/// A package of Cargo.lock.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// Each package with those that it links itself.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Linked(pub(crate) BTreeMap<Package, BTreeSet<Package>>);

impl Linked {
    /// What a program links, on any of the machines it is shipped for.
    ///
    /// # Errors
    /// When cargo fails.
    pub(crate) fn by(workspace: &Workspace, shipped: &Shipped) -> Result<Self> {
        let mut all = Self::default();
        for target in [Target::X86_64, Target::Aarch64] {
            let mut cargo = workspace.cargo();
            cargo
                .args(["tree", "--locked", "--package", shipped.package])
                // Macros and build scripts run on the builder's machine and are no part of a program.
                .args(["--edges", "normal,no-proc-macro"])
                .args(["--target", target.triple()])
                .args(["--prefix", "depth", "--format", " {p}"]);
            for (package, linked) in Self::parse(&printed(&mut cargo)?)?.0 {
                all.0.entry(package).or_default().extend(linked);
            }
        }
        Ok(all)
    }

    /// Lines of `DEPTH NAME vVERSION …`; what was shown before is shown again without what it links.
    fn parse(text: &str) -> Result<Self> {
        let mut linked = Self::default();
        let mut above: Vec<Package> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let mut words = line.split_whitespace();
            let (Some(depth), Some(name), Some(version)) =
                (words.next(), words.next(), words.next())
            else {
                bail!("cargo tree printed a line that is no package: {line:?}");
            };
            let depth: usize = depth
                .parse()
                .with_context(|| format!("cargo tree printed a line without depth: {line:?}"))?;
            let package = Package {
                name: name.to_owned(),
                version: version.trim_start_matches('v').to_owned(),
            };
            above.truncate(depth);
            if let Some(by) = above.last() {
                linked
                    .0
                    .entry(by.clone())
                    .or_default()
                    .insert(package.clone());
            }
            linked.0.entry(package.clone()).or_default();
            above.push(package);
        }
        Ok(linked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
        }
    }

    #[test]
    fn the_tree_is_read_with_what_is_shown_once_only() {
        let linked = Linked::parse(
            "0 plugin v0.1.0 (/somewhere/plugin)\n1 serde v1.0.2\n2 serde_core v1.0.2\n1 spec v0.1.0 (/somewhere/spec)\n2 serde v1.0.2 (*)\n",
        )
        .expect("it is a tree");
        let serde = package("serde", "1.0.2");
        let spec = package("spec", "0.1.0");
        assert_eq!(
            linked.0,
            BTreeMap::from([
                (
                    package("plugin", "0.1.0"),
                    BTreeSet::from([serde.clone(), spec.clone()])
                ),
                (
                    serde.clone(),
                    BTreeSet::from([package("serde_core", "1.0.2")])
                ),
                (package("serde_core", "1.0.2"), BTreeSet::new()),
                (spec, BTreeSet::from([serde])),
            ])
        );
        assert!(Linked::parse("serde v1").is_err());
    }
}
