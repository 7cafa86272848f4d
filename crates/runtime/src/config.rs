//! `config.json`: the configuration of a container, and what of it is changed.

use crate::capabilities::Sets;
use crate::decide::Decision;
use crate::document::{DocumentError, Object};
use crate::seccomp;
use serde_json::value::RawValue;
use std::path::Path;

/// The configuration's name in a bundle.
pub(crate) const FILE_NAME: &str = "config.json";

/// The annotations that say what was done.
pub(crate) const WHY: &str = "dev.dropcap.why";
const ALLOWED: &str = "dev.dropcap.allowed";
const TAKEN: &str = "dev.dropcap.taken";
/// All that the image's own policy lets later processes have.
pub(crate) const IMAGE: &str = "dev.dropcap.image-allows";
/// Set to `closed` where the filter of every process of this container closes them.
pub(crate) const USER_NAMESPACES: &str = "dev.dropcap.user-namespaces";

/// crun takes the filter that is in this annotation and no other (`libcrun_container_run_internal`).
const OTHER_FILTER: &str = "run.oci.seccomp_bpf_data";

/// What a process asked for, and what it gets.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// The five sets that were asked for.
    pub before: Sets,
    /// The five sets that are given.
    pub after: Sets,
    /// Names in them that mean no capability; they are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown_names: Vec<String>,
    /// The program, without its arguments, which may hold secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
}

/// Confines a process: `process` of a configuration, or the document of an exec.
///
/// # Errors
/// A document that is no process.
pub fn confine_process(process: &mut Object, decision: &Decision) -> Result<Change, DocumentError> {
    let (before, unknown_names) = Sets::of_process(process)?;
    let after = before.within(decision.allowed);
    let arguments: Vec<String> = process.read("args")?.unwrap_or_default();
    let change = Change { before, after, unknown_names, program: arguments.into_iter().next() };
    if !decision.observe {
        after.write_to(process)?;
        if decision.no_new_privileges {
            process.set("noNewPrivileges", &true)?;
        }
    }
    Ok(change)
}

/// Confines the first process of a configuration, and every later one as far as that is decided
/// here. `bundle` is the folder that its relative paths start from, since it is moved.
///
/// # Errors
/// A configuration that is none.
pub fn confine_container(
    config: &mut Object,
    decision: &Decision,
    bundle: &Path,
) -> Result<Change, DocumentError> {
    let mut process = config.read::<Object>("process")?.unwrap_or_default();
    let change = confine_process(&mut process, decision)?;
    if decision.observe {
        return Ok(change);
    }
    config.set("process", &process)?;
    if decision.close_user_namespaces {
        let annotations = config.read::<Object>("annotations")?.unwrap_or_default();
        if annotations.get(OTHER_FILTER)?.is_some() {
            return Err(DocumentError::OtherFilter(OTHER_FILTER));
        }
        let mut linux = config.read::<Object>("linux")?.unwrap_or_default();
        seccomp::close_user_namespaces(&mut linux)?;
        config.set("linux", &linux)?;
    }
    annotate(config, decision, &change)?;
    make_absolute(config, bundle)?;
    Ok(change)
}

fn annotate(
    config: &mut Object,
    decision: &Decision,
    change: &Change,
) -> Result<(), DocumentError> {
    let mut annotations = config.read::<Object>("annotations")?.unwrap_or_default();
    annotations.set(WHY, &decision.why)?;
    annotations.set(ALLOWED, &decision.allowed.to_string())?;
    annotations.set(TAKEN, &(change.before.all() - decision.allowed).to_string())?;
    // Whatever the engine or its user wrote there is no proof.
    annotations.remove(USER_NAMESPACES);
    if decision.close_user_namespaces {
        annotations.set(USER_NAMESPACES, &"closed")?;
    }
    config.set("annotations", &annotations)
}

/// Makes the paths absolute that a runtime takes from the bundle's folder: the root, and the
/// sources of bind mounts (runc: `createLibcontainerMount`; crun: it changes its folder).
fn make_absolute(config: &mut Object, bundle: &Path) -> Result<(), DocumentError> {
    let absolute = |path: String| bundle.join(path).to_string_lossy().into_owned();
    if let Some(mut root) = config.read::<Object>("root")? {
        if let Some(path) = root.read::<String>("path")? {
            root.set("path", &absolute(path))?;
        }
        config.set("root", &root)?;
    }
    let mounts = config.read::<Vec<Box<RawValue>>>("mounts")?.unwrap_or_default();
    let mut changed = false;
    let mut written: Vec<Object> = Vec::with_capacity(mounts.len());
    for text in &mounts {
        let mut mount = Object::parse(text.get(), "a mount")?;
        let options: Vec<String> = mount.read("options")?.unwrap_or_default();
        let kind: Option<String> = mount.read("type")?;
        let bind = kind.as_deref() == Some("bind")
            || options.iter().any(|option| option == "bind" || option == "rbind");
        if let (true, Some(source)) = (bind, mount.read::<String>("source")?)
            && !Path::new(&source).is_absolute()
        {
            mount.set("source", &absolute(source))?;
            changed = true;
        }
        written.push(mount);
    }
    if changed { config.set("mounts", &written) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    fn decision(observe: bool) -> Decision {
        Decision {
            allowed: "KILL".parse().unwrap(),
            no_new_privileges: true,
            close_user_namespaces: true,
            observe,
            why: "a test".to_owned(),
        }
    }

    const CONFIG: &str = r#"{"future":{"a":1e999},"process":{"args":["sh","-c","secret"],"noNewPrivileges":false,
        "capabilities":{"bounding":["CAP_KILL","CAP_CHOWN"],"ambient":["CAP_CHOWN"]},"new":[1 ,2]},
        "root":{"path":"rootfs","readonly":true},"mounts":[{"type":"bind","source":"x","destination":"/x"},
        {"type":"proc","source":"proc","destination":"/proc"}],"annotations":{"dev.dropcap.user-namespaces":"closed","a":"b"}}"#;

    #[test]
    fn the_sets_shrink_and_the_rest_survives() {
        let mut config = Object::parse(CONFIG, "a test").unwrap();
        let change = confine_container(&mut config, &decision(false), Path::new("/b")).unwrap();
        assert_eq!(change.program.as_deref(), Some("sh"));
        assert_eq!(change.before.all().to_string(), "CAP_CHOWN,CAP_KILL");
        assert_eq!(change.after.all().to_string(), "CAP_KILL");
        let text = config.to_text().unwrap();
        for kept in [
            r#""future":{"a":1e999}"#,
            r#""new":[1 ,2]"#,
            r#""noNewPrivileges":true"#,
            r#""root":{"path":"/b/rootfs","readonly":true}"#,
            r#""source":"/b/x""#,
            r#""source":"proc""#,
            r#""a":"b""#,
            r#""dev.dropcap.taken":"CAP_CHOWN""#,
            r#""SCMP_ACT_ERRNO""#,
        ] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        assert!(!text.contains("CAP_CHOWN\"]"), "{text}");
    }

    #[test]
    fn what_is_only_observed_is_not_touched() {
        let mut config = Object::parse(CONFIG, "a test").unwrap();
        let before = config.to_text().unwrap();
        let change = confine_container(&mut config, &decision(true), Path::new("/b")).unwrap();
        assert_eq!(config.to_text().unwrap(), before);
        assert_eq!(change.after.all().to_string(), "CAP_KILL");
    }

    #[test]
    fn a_container_without_a_set_gets_five_empty_ones() {
        let mut config = Object::parse(r#"{"process":{}}"#, "a test").unwrap();
        confine_container(&mut config, &decision(false), Path::new("/b")).unwrap();
        let process: Object = config.read("process").unwrap().unwrap();
        let sets: serde_json::Value = process.read("capabilities").unwrap().unwrap();
        assert_eq!(sets.as_object().unwrap().len(), 5);
    }

    /// crun takes the filter that is in an annotation, and does not look at `linux.seccomp`.
    #[test]
    fn a_filter_from_elsewhere_is_refused_where_user_namespaces_are_closed() {
        let text = CONFIG.replacen(r#""a":"b""#, r#""run.oci.seccomp_bpf_data":"AAAA""#, 1);
        let mut config = Object::parse(&text, "a test").unwrap();
        let error = confine_container(&mut config, &decision(false), Path::new("/b")).unwrap_err();
        assert!(matches!(error, DocumentError::OtherFilter(_)), "{error}");
        let open = Decision { close_user_namespaces: false, ..decision(false) };
        let mut config = Object::parse(&text, "a test").unwrap();
        confine_container(&mut config, &open, Path::new("/b")).unwrap();
    }

    #[test]
    fn a_smuggled_second_process_is_refused() {
        let text = CONFIG.replacen("\"future\"", "\"Process\"", 1);
        let mut config = Object::parse(&text, "a test").unwrap();
        assert!(confine_container(&mut config, &decision(false), Path::new("/b")).is_err());
        let text = CONFIG.replacen("\"new\":[1 ,2]", "\"Capabilities\":{}", 1);
        let mut config = Object::parse(&text, "a test").unwrap();
        assert!(confine_container(&mut config, &decision(false), Path::new("/b")).is_err());
    }
}
