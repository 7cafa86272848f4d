//! `linux.seccomp`: closing user namespaces within the profile that is there.
//!
//! Whatever lets `clone`, `unshare` or `setns` make or enter a user namespace is narrowed, `clone3` (whose
//! flags no filter can see) is answered with ENOSYS, as by the engines' own profiles, and nothing is
//! allowed that was not. Where there is no profile, one is made that does only this.
//!
//! libseccomp combines the rules of one call by "or", and a rule without arguments overrules those
//! with; so a permission that is too wide is replaced, never contradicted.

use crate::document::{self, DocumentError, Object};
use serde_json::{Value, json};

/// `CLONE_NEWUSER` of `include/uapi/linux/sched.h`.
const NEWUSER: u64 = 0x1000_0000;
/// The other kinds of namespace that setns(2) takes: time, mount, cgroup, uts, ipc, pid, network.
const OTHER_KINDS: [u64; 7] =
    [0x80, 0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x2000_0000, 0x4000_0000];
/// The calls that bear on user namespaces, and the argument that has the flags.
const CALLS: [(&str, Option<u32>); 4] =
    [("clone", Some(0)), ("unshare", Some(0)), ("setns", Some(1)), ("clone3", None)];
/// Actions by which a call goes on, now or by somebody else's decision.
const PERMITS: [&str; 4] = ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY"];
const ENOSYS: u32 = 38;
const EPERM: u32 = 1;

/// Closes user namespaces in the `linux` part of a configuration.
///
/// # Errors
/// A profile that cannot be read.
pub fn close_user_namespaces(linux: &mut Object) -> Result<(), DocumentError> {
    let mut profile = match linux.read::<Object>("seccomp")? {
        Some(profile) => profile,
        None => unconfined()?,
    };
    let default: String = profile.read("defaultAction")?.unwrap_or_default();
    let mut rules: Vec<Value> = Vec::new();
    for rule in profile.read::<Vec<Object>>("syscalls")?.unwrap_or_default() {
        narrow(certain(&rule)?, &mut rules);
    }
    let mut denials = denials(&rules, PERMITS.contains(&default.as_str()));
    denials.retain(|denial| !rules.contains(denial));
    rules.extend(denials);
    profile.set("syscalls", &rules)?;
    linux.set("seccomp", &profile)
}

/// A profile that allows everything, in every entry that the kernel has.
fn unconfined() -> Result<Object, DocumentError> {
    let architectures = if cfg!(target_arch = "x86_64") {
        ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"].as_slice()
    } else {
        &["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
    };
    let mut profile = Object::default();
    profile.set("defaultAction", &"SCMP_ACT_ALLOW")?;
    profile.set("architectures", &architectures)?;
    Ok(profile)
}

/// A rule whose members mean one thing only.
fn certain(rule: &Object) -> Result<Value, DocumentError> {
    for name in ["names", "action"] {
        rule.get(name)?;
    }
    for condition in rule.read::<Vec<Object>>("args")?.unwrap_or_default() {
        for name in ["index", "value", "valueTwo", "op"] {
            condition.get(name)?;
        }
    }
    document::json(&rule.to_text()?, "a rule of `seccomp`")
}

/// Passes a rule on, less what of it leads into a user namespace.
fn narrow(mut rule: Value, rules: &mut Vec<Value>) {
    let permits = rule["action"].as_str().is_none_or(|action| PERMITS.contains(&action));
    let names = rule["names"].as_array_mut();
    let Some(names) = names.filter(|_| permits) else { return rules.push(rule) };
    let (ours, others): (Vec<Value>, Vec<Value>) =
        names.drain(..).partition(|name| CALLS.iter().any(|(call, _)| name == call));
    *names = others;
    let template = rule.clone();
    if !template["names"].as_array().is_some_and(Vec::is_empty) {
        rules.push(rule);
    }
    for name in ours {
        let call = CALLS.iter().find(|(call, _)| name == *call);
        let Some((call, Some(argument))) = call else { continue };
        let arguments = template["args"].as_array().map(Vec::as_slice).unwrap_or_default();
        let with = |arguments: Value| {
            let mut narrowed = template.clone();
            narrowed["names"] = json!([call]);
            narrowed["args"] = arguments;
            narrowed
        };
        if arguments.iter().any(|one| excludes_newuser(one, *argument)) {
            rules.push(with(Value::from(arguments)));
        } else if arguments.is_empty() && *call == "setns" {
            // Type 0 is any kind, so the kinds are listed.
            rules.extend(OTHER_KINDS.map(|kind| {
                with(json!([{"index": argument, "value": kind, "op": "SCMP_CMP_EQ"}]))
            }));
        } else if arguments.is_empty() {
            rules.push(with(json!([{"index": argument, "value": NEWUSER, "valueTwo": 0,
                "op": "SCMP_CMP_MASKED_EQ"}])));
        }
        // Of a permission by other arguments nothing is known: it goes.
    }
}

/// Whether a condition on the flags lets only those through that have no `CLONE_NEWUSER`.
fn excludes_newuser(condition: &Value, argument: u32) -> bool {
    let number = |name: &str| condition[name].as_u64().unwrap_or_default();
    if condition["index"].as_u64() != Some(argument.into()) {
        return false;
    }
    match condition["op"].as_str() {
        // `value` is the mask here, `valueTwo` what is left of it.
        Some("SCMP_CMP_MASKED_EQ") => {
            number("value") & NEWUSER != 0 && number("valueTwo") & NEWUSER == 0
        }
        // setns of 0 is any kind.
        Some("SCMP_CMP_EQ") => {
            number("value") & NEWUSER == 0 && (argument == 0 || number("value") != 0)
        }
        _ => false,
    }
}

/// What has to be said besides.
fn denials(rules: &[Value], default_permits: bool) -> Vec<Value> {
    let refused = |call: &str| {
        let names = |rule: &Value| {
            rule["names"].as_array().is_some_and(|names| names.iter().any(|name| name == call))
        };
        let all = |rule: &Value| rule["args"].as_array().is_none_or(Vec::is_empty);
        rules.iter().any(|rule| names(rule) && all(rule))
    };
    let mut denials = Vec::new();
    if default_permits {
        let flagged = |call, index: u32, value: u64, value_two: u64, op| {
            json!({"names": [call], "action": "SCMP_ACT_ERRNO", "errnoRet": EPERM,
                "args": [{"index": index, "value": value, "valueTwo": value_two, "op": op}]})
        };
        for (call, argument) in CALLS {
            let Some(argument) = argument.filter(|_| !refused(call)) else { continue };
            denials.push(flagged(call, argument, NEWUSER, NEWUSER, "SCMP_CMP_MASKED_EQ"));
            if call == "setns" {
                denials.push(flagged(call, argument, 0, 0, "SCMP_CMP_EQ"));
            }
        }
    }
    if !refused("clone3") {
        denials.push(json!({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS}));
    }
    denials
}

#[cfg(test)]
mod tests;
