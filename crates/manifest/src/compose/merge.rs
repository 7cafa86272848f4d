//! One Compose service laid over another: an override file, a later document, `extends`.

use std::collections::HashSet;

use crate::{Container, Settings, Spanned, Start};

/// The service that Compose makes of `base` and `over`: single values are replaced, lists appended,
/// mounts merged by their target, sysctls by their name.
///
/// Source: the Compose specification, "Merge Compose files".
pub(crate) fn merge(base: &Container, over: &Container) -> Container {
    let replaces = |key: &str| over.replaces.iter().any(|replaced| replaced == key);
    let pick = |key: &str, base: &Option<Spanned<String>>, over: &Option<Spanned<String>>| {
        if replaces(key) { over.clone() } else { over.clone().or_else(|| base.clone()) }
    };
    let append = |key: &str, base: &[Spanned<String>], over: &[Spanned<String>]| {
        let base = if replaces(key) { &[] } else { base };
        let mut known: HashSet<&str> = base.iter().map(|item| item.value.as_str()).collect();
        let new = over.iter().filter(|item| known.insert(item.value.as_str()));
        base.iter().chain(new).cloned().collect::<Vec<_>>()
    };
    let words =
        |key: &str, base: &Option<Spanned<Vec<String>>>, over: &Option<Spanned<Vec<String>>>| {
            if replaces(key) { over.clone() } else { over.clone().or_else(|| base.clone()) }
        };
    let (below, above) = (&base.settings, &over.settings);
    let settings = Settings {
        privileged: if replaces("privileged") {
            above.privileged.clone()
        } else {
            above.privileged.clone().or_else(|| below.privileged.clone())
        },
        user: pick("user", &below.user, &above.user),
        cap_add: append("cap_add", &below.cap_add, &above.cap_add),
        cap_drop: append("cap_drop", &below.cap_drop, &above.cap_drop),
        security_opt: append("security_opt", &below.security_opt, &above.security_opt),
        group_add: append("group_add", &below.group_add, &above.group_add),
        userns: pick("userns_mode", &below.userns, &above.userns),
        pid: pick("pid", &below.pid, &above.pid),
        network: pick("network_mode", &below.network, &above.network),
        ipc: pick("ipc", &below.ipc, &above.ipc),
        sysctls: {
            let mut sysctls = if replaces("sysctls") { Vec::new() } else { below.sysctls.clone() };
            let replaced: HashSet<&str> =
                above.sysctls.iter().map(|(name, _)| name.as_str()).collect();
            sysctls.retain(|(name, _)| !replaced.contains(name.as_str()));
            sysctls.extend(above.sysctls.iter().cloned());
            sysctls
        },
        mounts: {
            let mut mounts = if replaces("volumes") { Vec::new() } else { below.mounts.clone() };
            let replaced: HashSet<&str> =
                above.mounts.iter().map(|mount| mount.target.as_str()).collect();
            mounts.retain(|mount| !replaced.contains(mount.target.as_str()));
            mounts.extend(above.mounts.iter().cloned());
            mounts
        },
        read_only: if replaces("read_only") { above.read_only } else { below.read_only },
        entrypoint: words("entrypoint", &below.entrypoint, &above.entrypoint),
        command: words("command", &below.command, &above.command),
        start: start(&below.start, &above.start),
        ..Settings::default()
    };
    Container {
        id: over.id.clone(),
        file: over.file.clone(),
        span: over.span.clone(),
        kind: over.kind,
        engine: over.engine,
        starter: over.starter,
        image: pick("image", &base.image, &over.image),
        build: if replaces("build") {
            over.build.clone()
        } else {
            over.build.clone().or_else(|| base.build.clone())
        },
        base: None,
        settings,
        parts: over.parts.clone(),
        entrypoint_script: None,
        replaces: base.replaces.iter().chain(&over.replaces).cloned().collect(),
        unknowns: base.unknowns.iter().chain(&over.unknowns).cloned().collect(),
    }
}

/// Single values are replaced, variables by their name, the rest appended.
fn start(below: &Start, above: &Start) -> Start {
    let mut environment = below.environment.clone();
    environment.retain(|(name, _)| !above.environment.iter().any(|(other, _)| other == name));
    environment.extend(above.environment.iter().cloned());
    let append = |below: &[String], above: &[String]| {
        let new = above.iter().filter(|item| !below.contains(item));
        below.iter().chain(new).cloned().collect()
    };
    let pick =
        |below: &Option<String>, above: &Option<String>| above.clone().or_else(|| below.clone());
    Start {
        environment,
        working_dir: pick(&below.working_dir, &above.working_dir),
        hostname: pick(&below.hostname, &above.hostname),
        init: below.init || above.init,
        stop_signal: pick(&below.stop_signal, &above.stop_signal),
        extra_hosts: append(&below.extra_hosts, &above.extra_hosts),
        depends_on: append(&below.depends_on, &above.depends_on),
        left_out: append(&below.left_out, &above.left_out),
        ..Start::default()
    }
}
