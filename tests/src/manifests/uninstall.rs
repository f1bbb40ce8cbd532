//! What hands every node back does so where the agent of the same preset has installed.

use std::path::Path;

use clap::ValueEnum as _;
use device_bridge::{config::Task, install::preset::Preset};
use serde_json::Value;
use spec::cni::RUNTIME_RESULTS;

use super::{
    arguments::{install, of_agent, of_uninstall},
    objects::{items, manifests, read, rendered, word},
};

/// The presets of base and overlays.
const PRESETS: [&str; 5] = ["containerd", "crio", "k3s", "openshift", "rke2"];

/// The one to apply without kustomize.
pub(super) fn the_file_is_what_is_patched() {
    let file = read(&manifests("uninstall.yaml"));
    assert!(
        file == read(&manifests("uninstall/containerd/daemon-set.yaml")),
        "copy one over the other"
    );
    hold(&file, Preset::Containerd);
}

pub(super) fn every_preset_holds() {
    let folder = std::fs::read_dir(manifests("uninstall")).expect("the folder is there");
    let mut names: Vec<String> = folder
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.is_dir())
        .map(|path| {
            word(&Value::from(
                path.file_name().unwrap_or_default().to_string_lossy(),
            ))
        })
        .collect();
    names.sort();
    assert_eq!(names, PRESETS);
    for name in PRESETS {
        let preset = Preset::from_str(name, false).expect("it is a preset");
        let objects = rendered(&manifests("uninstall").join(name));
        hold(&objects, preset);
        let installed = match preset {
            Preset::Containerd => manifests("base"),
            _ => manifests("overlays").join(name),
        };
        let agent = install(of_agent(&rendered(&installed))).places;
        for task in of_uninstall(&objects[0]) {
            let Task::Uninstall(uninstall) = task else {
                panic!("it does not uninstall");
            };
            assert_eq!(uninstall.places, agent, "{name}");
        }
    }
}

/// Its containers uninstall, and find every folder of the preset below --host-root, and no other.
fn hold(objects: &[Value], preset: Preset) {
    let [set] = objects else {
        panic!("it is one object: {objects:?}");
    };
    let pod = &set["spec"]["template"]["spec"];
    let containers = items(&pod["initContainers"]).chain(items(&pod["containers"]));
    let tasks = of_uninstall(set);
    assert_eq!(tasks.len(), 2);
    for (index, (container, task)) in containers.zip(tasks).enumerate() {
        let Task::Uninstall(uninstall) = task else {
            panic!("it does not uninstall");
        };
        assert_eq!(uninstall.stay, index == 1, "the last one waits");
        let (places, paths) = (&uninstall.places, preset.paths());
        let kubeconfig = places.kubeconfig.as_deref().expect("the plugin has one");
        let mut wanted = vec![
            Path::new(paths.cni_bin_dir),
            Path::new(paths.cni_conf_dir),
            places.cni_dir.as_path(),
            kubeconfig.parent().expect("a file is in a folder"),
        ];
        if !places.is_one_folder() {
            wanted.push(Path::new(paths.primary_conf_dir));
        }
        if places.deletes_by_cache {
            wanted.push(Path::new(RUNTIME_RESULTS));
        }
        wanted.sort_unstable();
        let mut found: Vec<(String, String)> = items(&container["volumeMounts"])
            .map(|mount| {
                let volume = items(&pod["volumes"]).find(|volume| volume["name"] == mount["name"]);
                let volume = volume.expect("it is a volume");
                (word(&volume["hostPath"]["path"]), word(&mount["mountPath"]))
            })
            .collect();
        found.sort();
        let wanted: Vec<(String, String)> = wanted
            .into_iter()
            .map(|path| {
                let here = places.here(path);
                (path.display().to_string(), here.display().to_string())
            })
            .collect();
        assert_eq!(found, wanted, "{preset:?}");
    }
}
