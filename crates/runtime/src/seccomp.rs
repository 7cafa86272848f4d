//! `linux.seccomp`: closing user namespaces within the profile that is there.
//!
//! Whatever lets `clone`, `unshare` or `setns` make or enter a user namespace is narrowed, `clone3` (whose
//! flags no filter can see) is answered with ENOSYS, as by the engines' own profiles, and nothing is
//! allowed that was not. Where there is no profile, one is made that does only this.
//!
//! libseccomp combines the rules of one call by "or", and a rule without arguments overrules those
//! with; so a permission that is too wide is replaced, never contradicted. Conditions of one rule hold together, unless
//! two are on the same argument: then the runtimes make a rule of each (runc `matchCall`, crun `multiple_args`).

use crate::document::{self, DocumentError, Object};
use serde_json::{Value, json};

/// `CLONE_NEWUSER` of `include/uapi/linux/sched.h`.
const NEWUSER: u64 = 0x1000_0000;
/// The other kinds of namespace that setns(2) takes: time, mount, cgroup, uts, ipc, pid, network.
const OTHER_KINDS: [u64; 7] =
    [0x80, 0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x2000_0000, 0x4000_0000];
/// The bits of its argument that setns(2) reads: an `int`.
const ALL_KINDS: u64 = u32::MAX as u64;
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
    rule.get("action")?;
    let names: Vec<String> = rule.read("names")?.unwrap_or_default();
    let usual = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    // A name goes through C, which takes it to end at a NUL.
    if let Some(odd) = names.into_iter().find(|name| !name.bytes().all(usual)) {
        return Err(DocumentError::NoCall(odd));
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
        if exclude_newuser(arguments, *argument) {
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

/// Whether a rule with these conditions lets only flags through that have no `CLONE_NEWUSER`.
fn exclude_newuser(conditions: &[Value], argument: u32) -> bool {
    let index = |condition: &Value| number(condition, "index");
    let repeated = conditions.iter().enumerate().any(|(number, condition)| {
        conditions[..number].iter().any(|other| index(other) == index(condition))
    });
    let mut each = conditions.iter().map(|one| excludes_newuser(one, argument));
    if repeated { each.all(|excludes| excludes) } else { each.any(|excludes| excludes) }
}

/// A number of a condition. What is missing is 0 to both runtimes; what is no such number they refuse.
fn number(condition: &Value, name: &str) -> Option<u64> {
    match &condition[name] {
        Value::Null => Some(0),
        other => other.as_u64(),
    }
}

/// Whether one condition does.
fn excludes_newuser(condition: &Value, argument: u32) -> bool {
    let [index, value, value_two] =
        ["index", "value", "valueTwo"].map(|name| number(condition, name));
    let (Some(index), Some(value), Some(value_two)) = (index, value, value_two) else {
        return false;
    };
    if index != u64::from(argument) {
        return false;
    }
    match condition["op"].as_str() {
        // `value` is the mask here, `value_two` what is left of it. Of setns, 0 is any kind, and that is left of most.
        Some("SCMP_CMP_MASKED_EQ") => {
            argument == 0 && value & NEWUSER != 0 && value_two & NEWUSER == 0
        }
        // The kernel reads 32 bits of setns's.
        Some("SCMP_CMP_EQ") => value & NEWUSER == 0 && (argument == 0 || value & ALL_KINDS != 0),
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
                // A filter compares 64 bits, of which the kernel reads 32.
                denials.push(flagged(call, argument, ALL_KINDS, 0, "SCMP_CMP_MASKED_EQ"));
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
