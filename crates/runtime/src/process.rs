//! The process that an `exec` without a document asks for: what runc and crun themselves would make
//! of the container's configuration and the flags (`getProcess` of runc's `exec.go`,
//! `crun_command_exec` and `exec_process_entrypoint` of crun).

use crate::capabilities::{self, Sets};
use crate::document::Object;
use crate::error::Error;
use crate::grammar::{Exec, Flavour, GrammarError};
use serde::Serialize;
use serde_json::value::RawValue;

/// The flags that the document holds; the runtime reads them no more.
pub(crate) const IN_DOCUMENT: [&str; 10] = [
    "cwd",
    "env",
    "tty",
    "user",
    "additional-gids",
    "process",
    "process-label",
    "apparmor",
    "no-new-privs",
    "cap",
];

/// Builds the document for `exec` in a container with this configuration.
///
/// # Errors
/// Flags or a configuration that the runtime would refuse too.
pub(crate) fn build(exec: &Exec, config: &Object, flavour: Flavour) -> Result<Object, Error> {
    if exec.arguments.is_empty() {
        return Err(Error::NoArguments);
    }
    let base = config.read::<Object>("process")?.unwrap_or_default();
    let mut process = match flavour {
        Flavour::Runc => base.clone(),
        // crun begins with an empty one, and takes these from the container.
        Flavour::Crun => {
            let mut process = Object::default();
            for name in ["user", "env", "selinuxLabel", "apparmorProfile", "capabilities"] {
                if let Some(value) = base.read::<Box<RawValue>>(name)? {
                    process.set(name, &value)?;
                }
            }
            process.set("cwd", &"/")?;
            process
        }
    };
    let options = &exec.options;
    process.set("args", &exec.arguments)?;
    process.set("terminal", &options.switch("tty")?.unwrap_or(false))?;
    for (flag, member) in
        [("cwd", "cwd"), ("apparmor", "apparmorProfile"), ("process-label", "selinuxLabel")]
    {
        if let Some(value) = options.value(flag).filter(|value| !value.is_empty()) {
            process.set(member, &value)?;
        }
    }
    let added: Vec<String> = options.values("env").map(str::to_owned).collect();
    if !added.is_empty() {
        let mut environment: Vec<String> = process.read("env")?.unwrap_or_default();
        environment.extend(added);
        process.set("env", &environment)?;
    }
    if let Some(on) = options.switch("no-new-privs")? {
        process.set("noNewPrivileges", &on)?;
    }
    set_user(&mut process, exec, flavour)?;
    add_capabilities(&mut process, exec, flavour)?;
    Ok(process)
}

fn set_user(process: &mut Object, exec: &Exec, flavour: Flavour) -> Result<(), Error> {
    let bad =
        |flag, value: &str| Error::from(GrammarError::BadValue { flag, value: value.to_owned() });
    let mut user = process.read::<Object>("user")?.unwrap_or_default();
    if let Some(text) = exec.options.value("user").filter(|text| !text.is_empty()) {
        let id = |text: &str| text.parse::<u32>().map_err(|_| bad("user", text));
        if flavour == Flavour::Crun {
            user = Object::default();
            user.set("gid", &0)?;
        }
        let (uid, gid) = match text.split_once(':') {
            Some((uid, gid)) => (uid, Some(gid)),
            None => (text, None),
        };
        user.set("uid", &id(uid)?)?;
        if let Some(gid) = gid {
            user.set("gid", &id(gid)?)?;
        }
    }
    let added = exec.options.values("additional-gids");
    let added: Vec<u32> = added
        .map(|text| text.parse().map_err(|_| bad("additional-gids", text)))
        .collect::<Result<_, _>>()?;
    if !added.is_empty() {
        let mut groups: Vec<u32> = user.read("additionalGids")?.unwrap_or_default();
        groups.extend(added);
        user.set("additionalGids", &groups)?;
    }
    Ok(process.set("user", &user)?)
}

fn add_capabilities(process: &mut Object, exec: &Exec, flavour: Flavour) -> Result<(), Error> {
    let mut words = exec.options.values("cap").peekable();
    if words.peek().is_none() {
        return Ok(());
    }
    let (mut sets, _) = Sets::of_process(process)?;
    let inheritable = process
        .read::<Object>("capabilities")?
        .map(|sets| sets.get("inheritable").map(|set| set.is_some()))
        .transpose()?
        .unwrap_or(false);
    if flavour == Flavour::Crun {
        sets = Sets::default();
    }
    for word in words {
        // runc and crun warn of it and go on, so nobody holds it.
        let Some(capability) = capabilities::meant(word) else { continue };
        match flavour {
            Flavour::Runc => sets.add_as_runc(capability, inheritable),
            Flavour::Crun => sets.add_as_crun(capability),
        }
    }
    Ok(sets.write_to(process)?)
}

/// A document as text; only for what was read.
pub(crate) fn text(process: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(process).map_err(|source| {
        crate::document::DocumentError::Json { what: "the process".to_owned(), source }.into()
    })
}
