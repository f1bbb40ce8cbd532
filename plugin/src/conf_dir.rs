//! CNI configurations in files of the node: what a NetworkAttachmentDefinition without `spec.config` means.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use spec::cni::{NetworkConf, NetworkName};

/// The first configuration of `folder` whose CNI name is `name`, in the order of file names.
///
/// A broken file does not hide the others: it is told of only when nothing is found.
///
/// # Errors
/// What was found instead, in words.
pub fn find(folder: &Path, name: &NetworkName) -> Result<NetworkConf, String> {
    let files = match conf_files(folder) {
        Ok(files) => files,
        Err(error) => {
            return Err(format!(
                "the folder {} cannot be read: {error}",
                folder.display()
            ));
        }
    };
    let mut seen = Vec::new();
    for file in files {
        match read(&file) {
            Ok(conf) if conf.name() == Some(name) => return Ok(conf),
            Ok(conf) => seen.push(format!(
                "{} is {:?}",
                file.display(),
                conf.name().map_or("", NetworkName::as_str)
            )),
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

/// The first configuration of a folder, whatever its name.
///
/// # Errors
/// What was found instead, in words.
pub fn first(folder: &Path) -> Result<NetworkConf, String> {
    let files = conf_files(folder)
        .map_err(|error| format!("the folder {} cannot be read: {error}", folder.display()))?;
    let file = files.first().ok_or_else(|| {
        format!(
            "{} holds no .conf, .conflist or .json file",
            folder.display()
        )
    })?;
    read(file)
}

/// The configuration of a file.
///
/// # Errors
/// Why it is none, in words that name the file.
pub fn read(file: &Path) -> Result<NetworkConf, String> {
    let text = fs::read_to_string(file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    NetworkConf::parse(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn conf_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| {
        file.extension().is_some_and(|ending| {
            ["conf", "conflist", "json"]
                .iter()
                .any(|known| ending == *known)
        })
    });
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_hides_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("00-broken.conf", "{");
        write("10-a.conf", r#"{"name":"a","type":"bridge"}"#);
        write(
            "20-b.conflist",
            r#"{"name":"b","plugins":[{"type":"ptp"}]}"#,
        );
        write("30-b.txt", r#"{"name":"c","type":"bridge"}"#);
        assert_eq!(
            find(folder.path(), &"b".parse().unwrap())
                .unwrap()
                .plugins()[0]
                .plugin_type()
                .as_str(),
            "ptp"
        );
        let error = find(folder.path(), &"c".parse().unwrap()).unwrap_err();
        assert!(
            error.contains("00-broken.conf") && error.contains("\"a\""),
            "{error}"
        );
        assert!(find(Path::new("/does/not/exist"), &"c".parse().unwrap()).is_err());
        assert!(first(folder.path()).is_err());
    }
}
