//! What a folder of CNI configurations holds, as runtimes see it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use spec::cni::{ConfFile, NetworkConf, PluginConf};

/// The endings of files that runtimes read, in libcni's order of names over all of them. Only a file that ends in the first
/// holds a list. Source: containernetworking/cni `libcni.ConfFiles`, and its callers in containerd (go-cni) and CRI-O (ocicni).
const ENDINGS: [&str; 3] = ["conflist", "conf", "json"];

/// The ending of a configuration that was moved aside; no runtime reads it.
pub const ASIDE: &str = ".polypod-backup";

/// A file of the folder.
#[derive(Clone, Debug)]
pub struct FoundConf {
    /// Its name.
    pub name: String,
    /// Its text, where it could be read.
    pub text: String,
    /// The whole configuration, with the plugins of a list's folder; or what is wrong, without the file's name.
    pub conf: Result<NetworkConf, String>,
}

/// What a folder holds at one moment.
#[derive(Clone, Debug, Default)]
pub struct ConfFolder {
    /// What runtimes read, in the order of names: they take the first.
    pub files: Vec<FoundConf>,
    /// What was moved aside by us, under the name it had.
    pub aside: Vec<FoundConf>,
}

impl FoundConf {
    /// A file `name` with this text, whose list has no folder of plugins.
    #[must_use]
    pub fn of(name: &str, text: &str) -> Self {
        Self::with_folder(name, text, |_| Ok(Vec::new()))
    }

    fn with_folder(
        name: &str,
        text: &str,
        plugins_of: impl FnOnce(&str) -> Result<Vec<PluginConf>, String>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            conf: parse(name, text, plugins_of),
        }
    }

    /// The path that a member of its first plugin says, as the node has it.
    #[must_use]
    pub fn path(&self, member: &str) -> Option<PathBuf> {
        let written = self.conf.as_ref().ok()?.plugins().first()?.field(member)?;
        serde_json::from_str(written.get()).ok()
    }

    /// Whether a runtime that takes this file would execute Polypod or Multus, at any nesting.
    #[must_use]
    pub fn is_multiplexer(&self) -> bool {
        self.conf
            .as_ref()
            .is_ok_and(|conf| conf.self_delegation().is_some())
    }

    /// Whether it is the configuration of a network, and not of one of us.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.conf.is_ok() && !self.is_multiplexer()
    }
}

impl ConfFolder {
    /// The file of this name, if runtimes read it.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&FoundConf> {
        self.files.iter().find(|file| file.name == name)
    }

    /// Looks at a folder. One that is not there holds nothing.
    ///
    /// # Errors
    /// The folder cannot be read, which says nothing of what it holds.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut found = Self::default();
        for name in names(folder)? {
            let path = folder.join(&name);
            if let Some(was) = name.strip_suffix(ASIDE).filter(|was| is_conf(was)) {
                found.aside.push(read_file(&path, was));
            } else if is_conf(&name) {
                found.files.push(read_file(&path, &name));
            }
        }
        // Whatever was removed while the folder was read was not there.
        let is_there = |file: &FoundConf| file.conf.as_ref().err().is_none_or(|why| why != GONE);
        found.files.retain(is_there);
        found.aside.retain(is_there);
        Ok(found)
    }
}

/// The name of the file that runtimes take: the first.
///
/// # Errors
/// The folder cannot be read.
pub fn first(folder: &Path) -> io::Result<Option<String>> {
    Ok(names(folder)?.into_iter().find(|name| is_conf(name)))
}

const GONE: &str = "it is gone";

fn is_conf(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
}

/// The names of what is no folder, sorted by bytes as Go sorts.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            continue;
        }
        // Ours have plain names, and what has another is nothing that a runtime would be told of.
        if let Ok(name) = entry.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn read_file(path: &Path, name: &str) -> FoundConf {
    match text_of(path) {
        Ok(text) => FoundConf::with_folder(name, &text, |list| {
            plugins_of_folder(&path.with_file_name(list))
        }),
        Err(problem) => FoundConf {
            name: name.to_owned(),
            text: String::new(),
            conf: Err(problem),
        },
    }
}

fn parse(
    name: &str,
    text: &str,
    plugins_of: impl FnOnce(&str) -> Result<Vec<PluginConf>, String>,
) -> Result<NetworkConf, String> {
    let file = ConfFile::parse(text).map_err(|error| error.to_string())?;
    if file.is_list() && !name.ends_with(".conflist") {
        return Err(
            "it holds a list of plugins and does not end in .conflist, so that runtimes do not read it as one; rename it"
                .to_owned(),
        );
    }
    let plugins = match file.folder() {
        Some(folder) => plugins_of(folder.as_str())?,
        None => Vec::new(),
    };
    file.with(plugins).map_err(|error| error.to_string())
}

/// The plugins that a list has in the folder of its name; one that is not there holds none.
fn plugins_of_folder(folder: &Path) -> Result<Vec<PluginConf>, String> {
    let wrong = |path: PathBuf, problem: &dyn std::fmt::Display| {
        format!("its plugins in {}: {problem}", path.display())
    };
    names(folder)
        .map_err(|error| wrong(folder.to_owned(), &error))?
        .into_iter()
        .filter(|name| name.ends_with(".conf"))
        .map(|name| {
            let path = folder.join(name);
            let text = text_of(&path).map_err(|error| wrong(path.clone(), &error))?;
            PluginConf::parse(&text).map_err(|error| wrong(path, &error))
        })
        .collect()
}

/// Nothing but a plain file is opened: reading a pipe would wait for somebody to write.
fn text_of(path: &Path) -> Result<String, String> {
    let read = fs::metadata(path).and_then(|about| {
        if about.is_file() {
            fs::read_to_string(path)
        } else {
            Err(io::Error::other("it is no file"))
        }
    });
    read.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => GONE.to_owned(),
        _ => format!("it cannot be read: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runtimes_read_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("20-b.conf", r#"{"name":"b","type":"bridge"}"#);
        write("10-a.conflist", r#"{"name":"a","cniVersion":"1.0.0"}"#);
        write("a/1.conf", r#"{"type":"ptp"}"#);
        write("a/2.conf", r#"{"type":"tuning"}"#);
        write("05-c.json", r#"{"name":"c","plugins":[{"type":"x"}]}"#);
        write("100-d.conf", "{");
        write("30-e.txt", r#"{"name":"e","type":"bridge"}"#);
        write(
            "00-multus.conf.polypod-backup",
            r#"{"name":"m","type":"multus"}"#,
        );
        write(".00-x.conflist.abc.polypod-new", "{");
        fs::create_dir(folder.path().join("00-folder.conf")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("01-gone.conf")).unwrap();

        let found = ConfFolder::read(folder.path()).unwrap();
        let names: Vec<&str> = found.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(
            first(folder.path()).unwrap().as_deref(),
            Some("01-gone.conf")
        );
        assert_eq!(
            names,
            ["05-c.json", "10-a.conflist", "100-d.conf", "20-b.conf"]
        );
        let a = found.file("10-a.conflist").unwrap();
        assert!(a.is_plain());
        assert_eq!(a.conf.as_ref().unwrap().plugins().len(), 2);
        let list = found.files[0].conf.as_ref().unwrap_err();
        assert!(list.contains("rename it"), "{list}");
        assert!(found.file("100-d.conf").unwrap().conf.is_err());
        assert_eq!(found.aside[0].name, "00-multus.conf");
        assert!(found.aside[0].is_multiplexer());
    }

    #[test]
    fn a_folder_that_is_not_there_and_one_that_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let none = ConfFolder::read(&folder.path().join("none")).unwrap();
        assert!(none.files.is_empty());
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(ConfFolder::read(&file).is_err());
    }
}
