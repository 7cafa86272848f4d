//! The runtime's own settings and flags, before runc and crun called by hand.

use crate::plain::{KILL, Place};
use crate::world::{NET_BIND_SERVICE, text};
use dropcap_testkit::status::Status;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Nobody knows the container, and less is left of what leads to the host or redirects the network.
#[test]
fn least_risk_takes_what_leads_to_the_host() {
    for runtime in ["runc", "crun"] {
        let place = Place::new(runtime);
        let settings = place.path("etc/runtime.toml");
        let least = fs::read_to_string(&settings).unwrap().replace("drop-all", "least-risk");
        fs::write(&settings, least).unwrap();
        let mut config = place.configure(&["sleep", "1000"]);
        let set = json!([
            "CAP_KILL",
            "CAP_NET_BIND_SERVICE",
            "CAP_SYS_ADMIN",
            "CAP_SETUID",
            "CAP_NET_RAW"
        ]);
        for name in ["bounding", "effective", "permitted"] {
            config["process"]["capabilities"][name] = set.clone();
        }
        place.write(&config);
        place.start(false, &["run", "--detach", "bare7"]);
        place.start(true, &["run", "--detach", "other7"]);
        let (bare, held) = (place.status(false, &[], "bare7"), place.status(true, &[], "other7"));
        assert_eq!(
            (bare.bounding.count_ones(), held.bounding),
            (5, KILL | NET_BIND_SERVICE),
            "{runtime}"
        );
        assert_eq!((held.permitted, held.no_new_privs), (held.bounding, false), "{runtime}");
        let asked = place.status(true, &["--cap=CAP_SYS_ADMIN", "--cap=CAP_KILL"], "other7");
        assert_eq!(asked.bounding & !(KILL | NET_BIND_SERVICE), 0, "{runtime}: {asked:?}");
    }
}

/// Settings that cannot be used start nothing; what runs is ended all the same, by the runtime that they name.
#[test]
fn what_runs_is_ended_whatever_else_the_settings_say() {
    let place = Place::new("crun");
    place.configure(&["sleep", "1000"]);
    place.start(true, &["run", "--detach", "server8"]);
    let settings = place.path("etc/runtime.toml");
    let bad = fs::read_to_string(&settings).unwrap() + "unknown = 1\n";
    fs::write(&settings, bad).unwrap();
    let refused = place.run(true, &["exec", "server8", "true"]);
    assert_eq!(refused.status.code(), Some(125));
    assert!(text(&refused.stderr).contains("unknown"), "{}", text(&refused.stderr));
    let deleted = place.run(true, &["delete", "--force", "server8"]);
    assert!(deleted.status.success(), "{}", text(&deleted.stderr));
    assert!(!place.path("run/server8").exists());
}

/// Another policy by the runtime's own flag, on the same terms; and a runtime below that is not there.
#[test]
fn another_policy_is_named_by_a_flag() {
    let place = Place::new("runc");
    place.configure(&["cat", "/proc/self/status"]);
    let etc = format!("--dropcap-config={}", place.path("etc").display());
    let policy = place.path("other.toml");
    let written = "version = 1\n[[workload]]\nname = \"a\"\nallow = [\"KILL\"]\nmatch = [{ name = \"other10*\" }]\n";
    fs::write(&policy, written).unwrap();
    let run = |flags: &[&str], container: &str| {
        let mut command = Command::new(place.path("dropcap-runtime"));
        command.arg(&etc).args(flags).arg("--root").arg(place.path("run"));
        command.args(["run", container]).current_dir(place.path("bundle")).output().unwrap()
    };
    let named = policy.to_str().unwrap();
    for (flags, container) in
        [(vec!["--policy", named], "other10a"), (vec![&*format!("--policy={named}")], "other10b")]
    {
        let output = run(&flags, container);
        let said = text(&output.stdout);
        assert!(output.status.success(), "{flags:?}: {}", text(&output.stderr));
        assert_eq!(Status::parse(&said).permitted, KILL, "{flags:?}");
    }
    fs::set_permissions(&policy, fs::Permissions::from_mode(0o666)).unwrap();
    let output = run(&["--policy", named], "other10c");
    assert_eq!(output.status.code(), Some(125), "{}", text(&output.stderr));
    // As a shell has it.
    let settings = place.path("etc/runtime.toml");
    let missing = fs::read_to_string(&settings).unwrap();
    for (below, code) in [("/nowhere/runc", 127), ("/etc/passwd", 126)] {
        let line = missing.lines().filter(|line| !line.starts_with("below"));
        let line: Vec<&str> = line.collect();
        fs::write(&settings, format!("{}\nbelow = \"{below}\"\n", line.join("\n"))).unwrap();
        assert_eq!(run(&[], "other10d").status.code(), Some(code), "{below}");
    }
}
