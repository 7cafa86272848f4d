//! A container as somebody wrote it down, as the engine here is asked for it.

use crate::failure::Failure;
use dropcap_manifest::{Container, Kind, Mount, Settings};
use dropcap_observe::command::TrialError;
use dropcap_observe::docker::{Configured, Docker};
use std::path::{Path, PathBuf};

/// Paths of the host that a trial never mounts: the machine itself, and what steers it.
const THE_MACHINE: [&str; 6] = ["/", "/proc", "/sys", "/dev", "/run", "/var/run"];

/// A container to be created, with every digest of its image and what of it is left out.
pub struct Translated {
    pub configured: Configured,
    pub digests: Vec<String>,
    pub notes: Vec<String>,
    /// Where it is not what would be started in its place.
    pub gaps: Vec<String>,
}

/// Translates `container`, whose image has to be there.
pub fn translate(docker: &Docker, container: &Container) -> Result<Translated, Failure> {
    let Some(image) = &container.image else {
        return Err(Failure::new(format!("{}: its image has no name", container.id))
            .help("nothing is built for a trial: build it, and name it with `image:`"));
    };
    let engine = |error: TrialError| {
        Failure::new(format!("{} cannot be tried", container.id)).because(error)
    };
    let (id, digests) = docker.image(&image.value).map_err(engine)?;
    let settings = &container.settings;
    let mut notes = Vec::new();
    let mut configured = Configured {
        image: id,
        alias: container.subject().to_owned(),
        flags: flags(settings, &mut notes),
        capabilities: capabilities(settings),
        words: settings.words_behind_image(),
        ..Configured::default()
    };
    let another =
        |key: &String| ["healthcheck", "--health-cmd", "--no-healthcheck"].contains(&key.as_str());
    if settings.start.left_out.iter().any(another) {
        // The image's is not the one that would tell.
        configured.flags.push("--no-healthcheck".to_owned());
    } else if docker.has_health_check(&configured.image).map_err(engine)? {
        // It is the same check, only that nobody waits half a minute for the first.
        configured.flags.push("--health-interval=1s".to_owned());
    }
    for mount in &settings.mounts {
        add_mount(&mut configured, container, mount, &mut notes)?;
    }
    for target in docker.image_volumes(&configured.image).map_err(engine)? {
        // The engine would make it anew for the second start, which a container that is started again does not meet.
        if !settings.mounts.iter().any(|mount| is_same(&mount.target, &target)) {
            configured.volumes.push((String::new(), target, false));
        }
    }
    notes.extend(
        settings.start.left_out.iter().map(|key| format!("`{key}` is left out of the trials")),
    );
    Ok(Translated { configured, digests, notes, gaps: Vec::new() })
}

/// What stays the same whatever it may hold.
fn flags(settings: &Settings, notes: &mut Vec<String>) -> Vec<String> {
    let mut flags = Vec::new();
    let mut flag = |name: &str, value: &str| flags.push(format!("--{name}={value}"));
    let value = |word: &Option<dropcap_manifest::Spanned<String>>| {
        word.as_ref().map(|word| word.value.clone())
    };
    match value(&settings.network).as_deref() {
        Some("none") => flag("network", "none"),
        Some("host") => notes.push("the host's network is not used in the trials".to_owned()),
        _ => {}
    }
    if settings.privileged.as_ref().is_some_and(|privileged| privileged.value) {
        notes.push("`privileged` is tried as its capabilities alone, without devices".to_owned());
    }
    for (name, word) in [("pid", &settings.pid), ("ipc", &settings.ipc)] {
        if let Some(word) = value(word) {
            notes.push(format!("`{name}: {word}` is left out of the trials"));
        }
    }
    if let Some(userns) = value(&settings.userns) {
        flag("userns", &userns);
    }
    if settings.read_only {
        flag("read-only", "true");
    }
    settings.user.iter().for_each(|user| flag("user", &user.value));
    settings
        .security_opt
        .iter()
        .filter(|word| !word.value.starts_with("no-new-privileges"))
        .for_each(|word| flag("security-opt", &word.value));
    settings.group_add.iter().for_each(|word| flag("group-add", &word.value));
    settings.sysctls.iter().for_each(|(name, value)| flag("sysctl", &format!("{name}={value}")));
    let tmpfs = settings.mounts.iter().filter(|mount| mount.tmpfs);
    tmpfs.for_each(|mount| flag("tmpfs", &mount.target));
    if let Some(words) = &settings.entrypoint {
        flag("entrypoint", words.value.first().map_or("", String::as_str));
    }
    let start = &settings.start;
    for (name, value) in &start.environment {
        match value {
            Some(value) => flag("env", &format!("{name}={value}")),
            None => flag("env", name),
        }
    }
    start.working_dir.iter().for_each(|folder| flag("workdir", folder));
    start.hostname.iter().for_each(|name| flag("hostname", name));
    start.stop_signal.iter().for_each(|signal| flag("stop-signal", signal));
    start.extra_hosts.iter().for_each(|host| flag("add-host", host));
    if start.init {
        flag("init", "true");
    }
    flags
}

/// What it may hold, as it is written.
fn capabilities(settings: &Settings) -> Vec<String> {
    let mut flags = Vec::new();
    flags.extend(settings.cap_drop.iter().map(|word| format!("--cap-drop={}", word.value)));
    flags.extend(settings.cap_add.iter().map(|word| format!("--cap-add={}", word.value)));
    let options = settings.security_opt.iter().filter(|word| word.value.starts_with("no-new-"));
    flags.extend(options.map(|word| format!("--security-opt={}", word.value)));
    flags
}

fn add_mount(
    configured: &mut Configured,
    container: &Container,
    mount: &Mount,
    notes: &mut Vec<String>,
) -> Result<(), Failure> {
    if mount.tmpfs {
        return Ok(());
    }
    if !mount.bind {
        configured.volumes.push((mount.source.clone(), mount.target.clone(), mount.read_only));
        return Ok(());
    }
    if mount.source.contains(['$', '~']) {
        notes.push(format!("{} is not known, and not mounted in the trials", mount.source));
        return Ok(());
    }
    let path = host_path(container, &mount.source)?;
    let Ok(metadata) = path.metadata() else {
        // The engine would make an empty folder there; a fresh volume is as good, and not the user's.
        configured.volumes.push((String::new(), mount.target.clone(), mount.read_only));
        return Ok(());
    };
    let ordinary = metadata.is_dir() || metadata.is_file();
    let machine = THE_MACHINE.iter().any(|folder| Path::new(folder) == path)
        || ["/proc", "/sys", "/dev"].iter().any(|folder| path.starts_with(folder));
    if machine || !ordinary {
        notes.push(format!("{} is the machine's own, and not mounted in the trials", mount.source));
        return Ok(());
    }
    configured.binds.push((path, mount.target.clone(), mount.read_only));
    Ok(())
}

/// Whether two paths in a container are one.
fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// Where a bind mount's source lies: a Compose file means its own folder, a command line this one.
fn host_path(container: &Container, source: &str) -> Result<PathBuf, Failure> {
    let folder = match container.kind {
        Kind::Compose => Path::new(&container.file).parent().unwrap_or(Path::new("")),
        _ => Path::new(""),
    };
    std::path::absolute(folder.join(source))
        .map(|path| path.canonicalize().unwrap_or(path))
        .map_err(|error| Failure::new(format!("{source} cannot be found")).because(error))
}
