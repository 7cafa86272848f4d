//! What holds for any command line and any document.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use dropcap_capability::CapabilitySet;
use dropcap_runtime::capabilities::Sets;
use dropcap_runtime::config::{confine_container, confine_process};
use dropcap_runtime::decide::Decision;
use dropcap_runtime::document::Object;
use dropcap_runtime::grammar::{Command, CommandLine, Flavour};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::ffi::OsString;
use std::path::Path;

/// Words of both grammars, and some of neither.
fn word() -> impl Strategy<Value = String> {
    let known = "--root --root=/x --log --debug -root --systemd-cgroup exec create run state restore --process -p \
                 -p=/y --tty -t --tty=false -dt -dtfalse -eA=B --env --cap=KILL -c --user=1 --bundle -b/z --detach \
                 --detach=true -- - c1 sh --cwd --bun --preserve-fds=2 --no-new-privs --help";
    let known: Vec<&str> = known.split_whitespace().collect();
    prop_oneof![8 => prop::sample::select(known).prop_map(str::to_owned), 1 => ".{0,8}"]
}

fn flavour() -> impl Strategy<Value = Flavour> {
    prop::sample::select(vec![Flavour::Runc, Flavour::Crun])
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "[a-zA-Z_é\"\\\\]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z.]{1,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn names() -> impl Strategy<Value = Vec<String>> {
    let name: Vec<&str> =
        "CAP_KILL net_raw CAP_CAP_CHOWN CAP_SYS_ADMIN x CAP_NEW".split(' ').collect();
    prop::collection::vec(prop::sample::select(name).prop_map(str::to_owned), 0..5)
}

fn decision(allowed: CapabilitySet, close_user_namespaces: bool) -> Decision {
    Decision {
        allowed,
        no_new_privileges: true,
        close_user_namespaces,
        observe: false,
        why: "a test".to_owned(),
    }
}

proptest! {
    /// What is understood is written anew, and means the same again.
    #[test]
    fn a_command_line_that_is_written_anew_means_the_same(
        words in prop::collection::vec(word(), 0..9),
        flavour in flavour(),
    ) {
        let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
        let Ok(line) = CommandLine::parse(&words, flavour) else { return Ok(()) };
        let mut anew: Vec<OsString> = line.global.words().collect();
        match &line.command {
            Some(Command::Start(start)) => {
                anew.push(start.verb.into());
                anew.extend(start.options.words());
                anew.push(start.container.clone().into());
            }
            Some(Command::Exec(exec)) => {
                anew.push("exec".into());
                anew.extend(exec.options.words());
                anew.push(exec.container.clone().into());
                anew.extend(exec.arguments.iter().map(OsString::from));
            }
            _ => return Ok(()),
        }
        prop_assert_eq!(CommandLine::parse(&anew, flavour), Ok(line));
    }

    /// Whatever a process asks for, it gets at most what is allowed, and keeps all else.
    #[test]
    fn a_document_keeps_what_is_not_dropcaps(
        unknown in prop::collection::btree_map("[f-m]{3,6}", json_value(), 0..5),
        sets in prop::collection::vec(names(), 5),
        allowed in 0_u64..1 << 41,
        close in any::<bool>(),
    ) {
        let five = ["bounding", "effective", "inheritable", "permitted", "ambient"];
        let written: Map<String, Value> =
            five.iter().zip(&sets).map(|(name, set)| ((*name).to_owned(), json!(set))).collect();
        let mut process: Map<String, Value> = unknown.clone().into_iter().collect();
        process.insert("capabilities".to_owned(), written.into());
        let mut config: Map<String, Value> = unknown.clone().into_iter().collect();
        config.insert("process".to_owned(), process.clone().into());
        let allowed = CapabilitySet::from_bits(allowed);
        let decision = decision(allowed, close);

        let mut object = Object::parse(&Value::from(process).to_string(), "a test").unwrap();
        confine_process(&mut object, &decision).unwrap();
        let (after, unknown_names) = Sets::of_process(&object).unwrap();
        prop_assert!(after.all().is_subset(allowed) && unknown_names.is_empty());

        let mut whole = Object::parse(&Value::from(config).to_string(), "a test").unwrap();
        confine_container(&mut whole, &decision, Path::new("/b")).unwrap();
        let whole: Value = serde_json::from_str(&whole.to_text().unwrap()).unwrap();
        prop_assert_eq!(whole["process"]["noNewPrivileges"].as_bool(), Some(true));
        for (name, value) in &unknown {
            prop_assert_eq!(&whole[name], value);
            prop_assert_eq!(&whole["process"][name], value);
        }
    }

    /// Any text is read, or refused in words.
    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}", seed in json_value()) {
        let nested = format!("{{\"process\":{seed},\"linux\":{{\"seccomp\":{seed}}},\"mounts\":[{seed}]}}");
        for text in [text, seed.to_string(), nested] {
            let Ok(mut object) = Object::parse(&text, "a test") else { continue };
            let decision = decision(CapabilitySet::EMPTY, true);
            let _ = confine_container(&mut object, &decision, Path::new("/b"));
        }
    }
}
