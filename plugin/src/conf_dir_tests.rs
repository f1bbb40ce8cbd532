use super::*;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

fn types(conf: &NetworkConf) -> Vec<&str> {
    let plugins = conf.plugins().iter();
    plugins
        .map(|plugin| plugin.plugin_type().as_str())
        .collect()
}

fn found(folder: &tempfile::TempDir, name: &str) -> Result<NetworkConf, String> {
    find(folder.path(), &name.parse().unwrap())
}

#[test]
fn a_broken_file_hides_nothing() {
    let folder = folder(&[
        ("00-broken.conf", "{"),
        ("05-folder.conf/x", ""),
        ("10-a.conf", r#"{"name":"a","type":"bridge"}"#),
        (
            "20-b.conflist",
            r#"{"name":"b","plugins":[{"type":"ptp"}]}"#,
        ),
        ("30-b.txt", r#"{"name":"c","type":"bridge"}"#),
    ]);
    assert_eq!(types(&found(&folder, "b").unwrap()), ["ptp"]);
    let error = found(&folder, "c").unwrap_err();
    assert!(
        error.contains("00-broken.conf") && error.contains("\"a\""),
        "{error}"
    );
    assert!(find(Path::new("/does/not/exist"), &"c".parse().unwrap()).is_err());
    assert!(first(folder.path()).unwrap_err().contains("00-broken.conf"));
}

#[test]
fn a_list_gets_the_plugins_of_its_folder() {
    let inlined = r#"{"name":"n","plugins":[{"type":"ptp"}]}"#;
    let folder = folder(&[
        ("10-n.conflist", inlined),
        ("n/20-b.conf", r#"{"type":"b"}"#),
        ("n/10-a.conf", r#"{"type":"a","x":1.50}"#),
        ("n/30-c.conflist", "{"),
        ("20-bare.conflist", r#"{"name":"bare"}"#),
        ("bare/a.conf", r#"{"type":"a"}"#),
        (
            "30-only.conflist",
            r#"{"name":"only","loadOnlyInlinedPlugins":true,"plugins":[{"type":"ptp"}]}"#,
        ),
        ("only/a.conf", "{"),
        ("40-none.conflist", r#"{"name":"none"}"#),
        (
            "50-broken.conflist",
            r#"{"name":"broken","plugins":[{"type":"ptp"}]}"#,
        ),
        ("broken/a.conf", r#"{"type":"a"}"#),
        ("broken/b.conf", r#"{"name":"b"}"#),
        ("60-single.conf", r#"{"name":"single","type":"ptp"}"#),
        ("single/a.conf", r#"{"type":"a"}"#),
    ]);
    for (name, wanted) in [
        ("n", &["ptp", "a", "b"][..]),
        ("bare", &["a"]),
        ("only", &["ptp"]),
        ("single", &["ptp"]),
    ] {
        assert_eq!(types(&found(&folder, name).unwrap()), wanted, "{name}");
    }
    let kept = found(&folder, "n").unwrap().to_json();
    assert_eq!(
        kept,
        r#"{"name":"n","plugins":[{"type":"ptp"},{"type":"a","x":1.50},{"type":"b"}]}"#
    );
    assert_eq!(
        types(&read(&folder.path().join("10-n.conflist")).unwrap()),
        ["ptp", "a", "b"]
    );
    assert_eq!(types(&first(folder.path()).unwrap()), ["ptp", "a", "b"]);
    for (name, words) in [
        ("none", "none holds no .conf file either"),
        (
            "broken",
            "broken/b.conf: the CNI configuration has no 'type' at /",
        ),
    ] {
        let error = found(&folder, name).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn what_is_no_list_needs_a_type() {
    let text = r#"{"name":"n","plugins":[{"type":"ptp"}]}"#;
    let folder = folder(&[("10-n.conf", text), ("20-n.json", "{}"), ("30-n", text)]);
    for file in ["10-n.conf", "20-n.json", "30-n"] {
        let error = read(&folder.path().join(file)).unwrap_err();
        assert!(
            error.contains(file)
                && error.contains("delegate must have the 'type' or 'plugin' field"),
            "{error}"
        );
    }
    assert!(found(&folder, "n").is_err());
    let error = read(folder.path()).unwrap_err();
    assert!(error.contains("it is no file"), "{error}");
}
