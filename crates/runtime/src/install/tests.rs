//! Configurations as they are found, with the runtime put in and taken out.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;

const PROGRAM: &str = "/usr/local/bin/dropcap-runtime";

fn registration(default: bool) -> Registration<'static> {
    Registration { program: Path::new(PROGRAM), directory: None, default }
}

const DAEMON: &str = r#"{
    "log-opts": { "max-size" : "10m" },
    "runtimes": {"kata": {"path": "/k"}},
    "future": [1,
      2]
}
"#;

const CONTAINERS: &str = "# ours\n[engine]\n# which one\nruntime = \"crun\" # fast\n\n[engine.runtimes]\nkata = [\"/k\"]\n";

const VERSION_2: &str = r#"version = 2 # keep
disabled_plugins = ["cri"]

[plugins."io.containerd.grpc.v1.cri"]
  # sandbox
  sandbox_image = "pause"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
    SystemdCgroup = true # cgroup v2
"#;

#[test]
fn what_is_there_stays_comments_too() {
    let files = [
        (Engine::Docker, Some(DAEMON), "\"future\": [1,\n      2]"),
        (Engine::Podman, Some(CONTAINERS), "# which one"),
        (Engine::Containerd, Some(VERSION_2), "version = 2 # keep"),
        (Engine::Containerd, Some("version = 3\n# x\n"), "# x"),
        (Engine::Crio, Some("[crio.runtime]\nlog_level = \"info\" # y\n"), "# y"),
        (Engine::Docker, None, ""),
        (Engine::Podman, None, ""),
        (Engine::Containerd, None, ""),
        (Engine::Crio, None, ""),
    ];
    for (engine, text, kept) in files {
        for default in [false, true] {
            let after = engine.register(text, registration(default)).unwrap();
            let registered = engine.registered(&after).unwrap();
            assert_eq!(registered, Registered { registered: true, default }, "{after}");
            assert!(after.contains(kept) && after.contains(PROGRAM), "{after}");
            assert_eq!(engine.register(Some(&after), registration(default)).unwrap(), after);
            // Where it was changed since, only what is ours goes.
            let without = engine.unregister(&after, None).unwrap();
            assert_eq!(engine.registered(&without).unwrap(), Registered::default(), "{without}");
            // A comment above a line that goes belongs to it.
            let kept = kept.replace("# which one", "# ours");
            assert!(without.contains(&kept) && !without.contains(PROGRAM), "{without}");
        }
    }
}

#[test]
fn docker_gets_an_entry_and_nothing_else_changes() {
    let after = Engine::Docker.register(Some(DAEMON), registration(true)).unwrap();
    let value: serde_json::Value = serde_json::from_str(&after).unwrap();
    assert_eq!(value["runtimes"]["dropcap"]["path"], PROGRAM);
    assert_eq!(value["runtimes"]["kata"]["path"], "/k");
    assert_eq!(value["default-runtime"], "dropcap");
    assert_eq!(value["log-opts"]["max-size"], "10m");
    assert!(Engine::Docker.register(Some("{ broken"), registration(false)).is_err());
}

#[test]
fn containerds_usual_options_hold_for_it_too() {
    let after = Engine::Containerd.register(Some(VERSION_2), registration(true)).unwrap();
    let value: toml::Table = toml::from_str(&after).unwrap();
    let containerd = &value["plugins"]["io.containerd.grpc.v1.cri"]["containerd"];
    let ours = &containerd["runtimes"]["dropcap"];
    assert_eq!(ours["options"]["SystemdCgroup"].as_bool(), Some(true));
    assert_eq!(ours["options"]["BinaryName"].as_str(), Some(PROGRAM));
    assert_eq!(containerd["default_runtime_name"].as_str(), Some("dropcap"));
    let three = Engine::Containerd.register(Some("version = 3\n"), registration(false)).unwrap();
    let value: toml::Table = toml::from_str(&three).unwrap();
    let runtimes = &value["plugins"]["io.containerd.cri.v1.runtime"]["containerd"]["runtimes"];
    assert_eq!(runtimes["dropcap"]["runtime_type"].as_str(), Some("io.containerd.runc.v2"));
    // Version 1 has other names, and a later one may have others again.
    assert!(Engine::Containerd.register(Some("[plugins]\n"), registration(false)).is_err());
    assert!(Engine::Containerd.register(Some("version = 4\n"), registration(false)).is_err());
}

#[test]
fn the_default_that_was_is_the_default_again() {
    let files = [
        (Engine::Docker, r#"{"default-runtime": "kata", "runtimes": {"kata": {"path": "/k"}}}"#),
        (Engine::Podman, "[engine]\nruntime = \"kata\" # fast\n"),
        (
            Engine::Containerd,
            "version = 3\n[plugins.\"io.containerd.cri.v1.runtime\".containerd]\ndefault_runtime_name = \"kata\"\n",
        ),
        (Engine::Crio, "[crio.runtime]\ndefault_runtime = \"kata\"\n"),
    ];
    for (engine, before) in files {
        let after = engine.register(Some(before), registration(true)).unwrap();
        let without = engine.unregister(&after, Some(before)).unwrap();
        assert!(without.contains("kata") && !without.contains(RUNTIME), "{without}");
        assert_eq!(engine.registered(&without).unwrap(), Registered::default());
        // It may have been dropcap's before, by hand: then there is none.
        let without = engine.unregister(&after, Some(&after)).unwrap();
        assert!(!without.contains(RUNTIME), "{without}");
    }
}
