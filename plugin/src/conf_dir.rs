//! CNI configurations in files of the node: what a NetworkAttachmentDefinition without `spec.config` means.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use spec::cni::{ConfFile, NetworkConf, NetworkName, PluginConf};

/// The endings of files that hold a configuration. Only a file that ends in the first holds a list.
const ENDINGS: [&str; 3] = ["conflist", "conf", "json"];

/// The first configuration of `folder` whose CNI name is `name`, in the order of file names.
///
/// A broken file does not hide the others: it is told of only when nothing is found.
///
/// # Errors
/// What was found instead, in words.
pub fn find(folder: &Path, name: &NetworkName) -> Result<NetworkConf, String> {
    let mut seen = Vec::new();
    for file in conf_files(folder)? {
        let found = open(&file).and_then(|conf| {
            if conf.name() == Some(name) {
                complete(&file, conf)
            } else {
                let other = conf.name().map_or("", NetworkName::as_str);
                Err(format!("{} is {other:?}", file.display()))
            }
        });
        match found {
            Ok(conf) => return Ok(conf),
            Err(problem) => seen.push(problem),
        }
    }
    let seen = if seen.is_empty() {
        "it holds no .conf, .conflist or .json file".to_owned()
    } else {
        seen.join("; ")
    };
    Err(format!(
        "no CNI configuration in {} has that name: {seen}",
        folder.display()
    ))
}

/// The first configuration of a folder, whatever its name. A broken one is an error and not passed over: the next one
/// may be another network.
///
/// # Errors
/// What was found instead, in words.
pub fn first(folder: &Path) -> Result<NetworkConf, String> {
    let files = conf_files(folder)?;
    let file = files.first().ok_or_else(|| {
        format!(
            "{} holds no .conf, .conflist or .json file",
            folder.display()
        )
    })?;
    read(file)
}

/// The configuration of a file. A list, which is in a file that ends in `.conflist`, gets the plugins of the folder
/// beside the file that has its name, unless it says `loadOnlyInlinedPlugins`.
///
/// # Errors
/// Why it is none, in words that name the file.
pub fn read(file: &Path) -> Result<NetworkConf, String> {
    complete(file, open(file)?)
}

/// The plugins in the `.conf` files of a list's folder, in the order of file names. A folder that is not there holds none.
///
/// # Errors
/// Which file cannot be read, and why. No plugin is passed over: each may be what keeps a pod apart from others.
pub fn plugins_of_folder(folder: &Path) -> Result<Vec<PluginConf>, String> {
    let files = match files(folder, &["conf"]) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(format!(
                "the folder {} cannot be read: {error}",
                folder.display()
            ));
        }
    };
    files
        .iter()
        .map(|file| {
            PluginConf::parse(&text(file)?).map_err(|error| format!("{}: {error}", file.display()))
        })
        .collect()
}

fn open(file: &Path) -> Result<ConfFile, String> {
    let conf =
        ConfFile::parse(&text(file)?).map_err(|error| format!("{}: {error}", file.display()))?;
    if conf.is_list() && file.extension() != Some(OsStr::new(ENDINGS[0])) {
        return Err(format!(
            "{}: a delegate must have the 'type' or 'plugin' field, and in a file that does not end in .conflist it must be 'type'; name the plugin, or rename the file if it holds a list of plugins",
            file.display()
        ));
    }
    Ok(conf)
}

fn complete(file: &Path, conf: ConfFile) -> Result<NetworkConf, String> {
    let folder = conf.folder().map(|name| file.with_file_name(name.as_str()));
    let plugins = folder
        .as_deref()
        .map_or(Ok(Vec::new()), plugins_of_folder)
        .map_err(|problem| format!("{}: {problem}", file.display()))?;
    conf.with(plugins).map_err(|error| {
        let searched = folder.map_or_else(String::new, |folder| {
            format!("; {} holds no .conf file either", folder.display())
        });
        format!("{}: {error}{searched}", file.display())
    })
}

/// Nothing but a plain file is opened: reading a pipe would wait for somebody to write.
fn text(file: &Path) -> Result<String, String> {
    let read = fs::metadata(file).and_then(|about| {
        if about.is_file() {
            fs::read_to_string(file)
        } else {
            Err(io::Error::other("it is no file"))
        }
    });
    read.map_err(|error| format!("{} cannot be read: {error}", file.display()))
}

fn conf_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    files(folder, &ENDINGS)
        .map_err(|error| format!("the folder {} cannot be read: {error}", folder.display()))
}

/// Folders are passed over, as one may be named like a file.
fn files(folder: &Path, endings: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.path();
        let known = file
            .extension()
            .is_some_and(|ending| endings.iter().any(|known| ending == *known));
        if known && !entry.file_type()?.is_dir() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
#[path = "conf_dir_tests.rs"]
mod tests;
