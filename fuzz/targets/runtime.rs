//! The OCI runtime's readers: the command line of both grammars, documents, and criu's images. What is understood is written
//! anew and means the same; what is confined holds at most what is allowed.
#![no_main]

use dropcap_capability::{Capability, CapabilitySet};
use dropcap_runtime::capabilities::Sets;
use dropcap_runtime::config::{confine_container, confine_process};
use dropcap_runtime::decide::Decision;
use dropcap_runtime::document::Object;
use dropcap_runtime::grammar::{Command, CommandLine, Flavour};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

fuzz_target!(|input: &[u8]| {
    let _ = dropcap_runtime::checkpoint::of_task(input);
    let _ = dropcap_runtime::checkpoint::of_task(&image(input));
    let text = String::from_utf8_lossy(input);
    let words: Vec<OsString> = text.split('\0').map(OsString::from).collect();
    for flavour in [Flavour::Runc, Flavour::Crun] {
        let Ok(line) = CommandLine::parse(&words, flavour) else { continue };
        if let Some(Command::Exec(exec)) = &line.command {
            let mut anew: Vec<OsString> = line.global.words().collect();
            anew.push("exec".into());
            anew.extend(exec.options.words());
            anew.push(exec.container.clone().into());
            anew.extend(exec.arguments.iter().map(OsString::from));
            assert_eq!(CommandLine::parse(&anew, flavour), Ok(line));
        }
    }
    let allowed = CapabilitySet::from(Capability::KILL);
    let decision = Decision {
        allowed,
        no_new_privileges: true,
        close_user_namespaces: true,
        observe: false,
        why: String::new(),
    };
    let Ok(object) = Object::parse(&text, "the input") else { return };
    let same = object.to_text().and_then(|text| Object::parse(&text, "what was written"));
    assert_eq!(same.and_then(|same| same.to_text()).ok(), object.to_text().ok());
    let mut process = object.clone();
    if confine_process(&mut process, &decision).is_ok() {
        let (after, _) = Sets::of_process(&process).expect("what was confined is a process");
        assert!(after.all().is_subset(allowed));
        same_but_for(&object, &process, &["capabilities", "noNewPrivileges"]);
    }
    let mut config = object.clone();
    if confine_container(&mut config, &decision, Path::new("/bundle")).is_ok() {
        same_but_for(&object, &config, &["process", "linux", "annotations", "root", "mounts"]);
        let part = |of: &Object, name| of.read::<Object>(name).expect(name).unwrap_or_default();
        for (name, changed) in
            [("process", &["capabilities", "noNewPrivileges"][..]), ("linux", &["seccomp"])]
        {
            same_but_for(&part(&object, name), &part(&config, name), changed);
        }
    }
});

/// Every other member, known or not, is what it was, byte for byte.
fn same_but_for(before: &Object, after: &Object, changed: &[&str]) {
    let members = |object: &Object| {
        let text = object.to_text().expect("it was read");
        let mut members: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(&text).expect("an object");
        members.retain(|name, _| !changed.contains(&name.as_str()));
        members.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(members(before), members(after));
}

/// An image of a task with this content: what nobody finds by trying is right.
fn image(entry: &[u8]) -> Vec<u8> {
    let length = u32::try_from(entry.len()).expect("an input is short").to_le_bytes();
    [&dropcap_runtime::checkpoint::MAGIC.concat(), &length[..], entry].concat()
}
