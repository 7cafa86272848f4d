//! A profile as libseccomp means it, with and without the closing.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;

/// What a profile answers to a call with these flags: the rules that apply, joined as libseccomp
/// does (one without arguments overrules those with), else the default.
fn answer(profile: &Value, call: &str, flags: u64) -> String {
    let index = if call == "setns" { 1 } else { 0 };
    let rules = profile["syscalls"].as_array().unwrap().iter();
    let rules = rules.filter(|rule| rule["names"].as_array().unwrap().iter().any(|n| n == call));
    let holds = |condition: &Value| {
        let number = |name: &str| condition[name].as_u64().unwrap_or(0);
        assert_eq!(condition["index"], index);
        match condition["op"].as_str().unwrap() {
            "SCMP_CMP_EQ" => flags == number("value"),
            "SCMP_CMP_MASKED_EQ" => flags & number("value") == number("valueTwo"),
            other => panic!("{other}"),
        }
    };
    let arguments = |rule: &Value| rule["args"].as_array().cloned().unwrap_or_default();
    let mut chosen = None;
    for rule in rules {
        let conditions = arguments(rule);
        if conditions.is_empty() {
            return rule["action"].as_str().unwrap().to_owned();
        }
        if conditions.iter().all(holds) {
            chosen = rule["action"].as_str();
        }
    }
    chosen.unwrap_or(profile["defaultAction"].as_str().unwrap()).to_owned()
}

fn closed(profile: Option<Value>) -> Value {
    let mut linux = Object::default();
    if let Some(profile) = profile {
        linux.set("seccomp", &profile).unwrap();
    }
    close_user_namespaces(&mut linux).unwrap();
    linux.read("seccomp").unwrap().unwrap()
}

fn rule(names: &[&str], action: &str, arguments: Value) -> Value {
    json!({"names": names, "action": action, "args": arguments})
}

/// Docker's two shapes, an unconfined container, a deny-list, and permissions by odd arguments.
fn profiles() -> Vec<Option<Value>> {
    let allow = "SCMP_ACT_ALLOW";
    let deny = |syscalls: Value| {
        Some(json!({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": syscalls, "flags": ["X"]}))
    };
    let masked = |mask: u64| json!([{"index": 0, "value": mask, "op": "SCMP_CMP_MASKED_EQ"}]);
    vec![
        None,
        deny(json!([rule(
            &["read", "clone", "clone3", "setns", "unshare", "mount"],
            allow,
            json!([])
        )])),
        deny(json!([
            rule(&["read"], allow, json!([])),
            rule(&["clone"], allow, masked(0x7e02_0000)),
            json!({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38})
        ])),
        deny(json!([
            rule(&["unshare"], "SCMP_ACT_NOTIFY", masked(0x2_0000)),
            rule(&["setns"], allow, json!([{"index": 1, "value": 0, "op": "SCMP_CMP_EQ"}]))
        ])),
        Some(json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            rule(&["mount", "unshare"], "SCMP_ACT_ERRNO", json!([]))]})),
        Some(json!({"defaultAction": "SCMP_ACT_LOG"})),
    ]
}

#[test]
fn no_profile_lets_a_user_namespace_through_and_none_allows_more_than_it_did() {
    let permits = |answer: &str| PERMITS.contains(&answer);
    for profile in profiles() {
        let after = closed(profile.clone());
        let mut before = profile.unwrap_or(json!({"defaultAction": "SCMP_ACT_ALLOW"}));
        if before["syscalls"].is_null() {
            before["syscalls"] = json!([]);
        }
        for call in ["clone", "unshare", "setns"] {
            for flags in [NEWUSER, NEWUSER | 17, NEWUSER | 0x7e02_0000, u64::from(u32::MAX)] {
                assert!(!permits(&answer(&after, call, flags)), "{call} {flags:#x}: {after}");
            }
            for flags in [0, 17, 0x2_0000, 0x4000_0000, 0x80] {
                let (was, is) = (answer(&before, call, flags), answer(&after, call, flags));
                assert!(permits(&was) || !permits(&is), "{call} {flags:#x}: {was} became {is}");
            }
        }
        assert!(!permits(&answer(&after, "setns", 0)), "any kind: {after}");
        assert!(!permits(&answer(&after, "clone3", 0)), "{after}");
        for call in ["read", "mount"] {
            assert_eq!(answer(&before, call, 0), answer(&after, call, 0), "{call}");
        }
        assert_eq!(before["flags"], after["flags"]);
    }
}

#[test]
fn what_is_no_user_namespace_stays_possible() {
    for profile in [profiles().remove(0), profiles().remove(1)] {
        let after = closed(profile);
        for (call, flags) in
            [("clone", 17), ("clone", 0x2_0000), ("unshare", 0x4000_0000), ("setns", 0x2_0000)]
        {
            assert_eq!(answer(&after, call, flags), "SCMP_ACT_ALLOW", "{call}: {after}");
        }
        let clone3 = after["syscalls"]
            .as_array()
            .unwrap()
            .iter()
            .find(|r| r["names"][0] == "clone3")
            .unwrap();
        assert_eq!(clone3["errnoRet"], 38, "so that C libraries fall back");
    }
    // A second time changes nothing.
    let once = closed(None);
    assert_eq!(closed(Some(once.clone())), once);
}

#[test]
fn what_a_filter_compares_and_the_kernel_does_not_read_opens_nothing() {
    for profile in profiles() {
        let after = closed(profile);
        for high in [1 << 32, 1 << 63, u64::MAX << 32] {
            for kind in [0, NEWUSER] {
                let answer = answer(&after, "setns", high | kind);
                assert!(!PERMITS.contains(&answer.as_str()), "{:#x}: {after}", high | kind);
            }
        }
    }
}

/// Two conditions on one argument are two rules to the runtimes, either of which permits.
#[test]
fn a_permission_that_only_looks_narrow_goes() {
    let masked = |mask: u64| json!({"index": 0, "value": mask, "op": "SCMP_CMP_MASKED_EQ"});
    let at_least = |index: u32| json!({"index": index, "value": 0, "op": "SCMP_CMP_GE"});
    let equal = |value: Value| json!({"index": 1, "value": value, "op": "SCMP_CMP_EQ"});
    let kept = |call: &str, arguments: Value| {
        let rule = rule(&[call], "SCMP_ACT_ALLOW", arguments);
        let after = closed(Some(json!({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule]})));
        after["syscalls"].as_array().unwrap().contains(&rule)
    };
    assert!(kept("clone", json!([masked(NEWUSER)])));
    assert!(kept("clone", json!([masked(NEWUSER), at_least(1)])));
    assert!(kept("clone", json!([masked(NEWUSER), masked(NEWUSER | 1)])));
    assert!(!kept("clone", json!([masked(NEWUSER), at_least(0)])));
    assert!(!kept("clone", json!([masked(NEWUSER), at_least(1), at_least(1)])));
    // Without an index it is the first argument's.
    let first = json!({"value": 0, "op": "SCMP_CMP_GE"});
    assert!(!kept("clone", json!([masked(NEWUSER), first])));
    assert!(!kept(
        "clone",
        json!([{"index": 0, "value": "268435456", "op": "SCMP_CMP_MASKED_EQ"}])
    ));
    assert!(kept("setns", json!([equal(0x2_0000.into())])));
    for value in
        [json!(0), json!(1_u64 << 32), json!(NEWUSER), json!(1.5), json!("131072"), Value::Null]
    {
        assert!(!kept("setns", json!([equal(value.clone())])), "{value}");
    }
    let any = json!([{"index": 1, "value": NEWUSER, "op": "SCMP_CMP_MASKED_EQ"}]);
    assert!(!kept("setns", any), "0 is any kind");
}

#[test]
fn a_name_that_c_would_read_as_another_is_refused() {
    for name in ["unshare\0", "unshare ", "Unshare", "clone\u{0}3"] {
        let mut linux = Object::default();
        let rules = json!({"syscalls": [rule(&[name], "SCMP_ACT_ALLOW", json!([]))]});
        linux.set("seccomp", &rules).unwrap();
        let error = close_user_namespaces(&mut linux).unwrap_err();
        assert!(matches!(error, DocumentError::NoCall(_)), "{name:?}: {error}");
    }
}
