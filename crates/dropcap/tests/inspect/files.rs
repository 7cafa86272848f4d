//! Executable files: what is said of them, and what really happens.

use crate::place::Place;
use dropcap_testkit::status::Status;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

#[test]
fn a_file_tells_what_executing_it_gives_to_whom() {
    let place = Place::new();
    let ping = place.text(&["root/bin/ping"]);
    // What root holds is the machine's own.
    let ping: Vec<&str> = ping.lines().filter(|line| !line.contains("    root  ")).collect();
    insta::assert_snapshot!(ping.join("\n"));
}

/// Each of those who are said to execute it does.
#[test]
fn what_is_said_is_what_happens() {
    let place = Place::new();
    let mounted_nosuid = "one of its folders is mounted nosuid: TMPDIR has to name another";
    for (path, mode, capabilities) in [
        ("plain", 0o755, None),
        ("setuid", 0o4755, None),
        ("setgid", 0o2755, None),
        ("private", 0o700, None),
        ("forced", 0o755, Some("cap_net_raw,cap_kill=ep")),
        ("forced-idle", 0o755, Some("cap_net_raw=p")),
        ("both", 0o4755, Some("cap_chown=ep")),
    ] {
        let program = place.program(path, mode, capabilities);
        let said = place.json(&[program.to_str().unwrap()]);
        assert_eq!(said["nosuid"], false, "{mounted_nosuid}");
        let who: Vec<&str> = said["executed_by"].as_array().unwrap().iter().map(name).collect();
        assert_eq!(
            who,
            ["another user", "the same, no_new_privs", "root", "root with ALL dropped"]
        );
        for one in said["executed_by"].as_array().unwrap() {
            assert_eq!(happens(name(one), &program), shown(one), "{path} by {}", name(one));
        }
    }
}

fn name(one: &Value) -> &str {
    one["who"].as_str().expect("who")
}

/// User, group, how many capabilities are effective and permitted; or nothing where it is refused.
type Shown = Option<(u64, u64, usize, usize)>;

fn shown(one: &Value) -> Shown {
    let outcome = &one["outcome"];
    let count = |set: &str| outcome[set].as_array().expect("a set").len();
    let id = |id: &str| outcome[id].as_u64().expect("an id");
    (!outcome.is_null()).then(|| (id("uid"), id("gid"), count("effective"), count("permitted")))
}

/// Executes the program, which prints its own status, as the one who is named. What the machine
/// itself lacks in its bounding set is added to a set that is full but for it.
fn happens(who: &str, program: &Path) -> Shown {
    let user: &[&str] = &["--reuid=65534", "--regid=65534", "--clear-groups"];
    let dropped: &[&str] = &["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"];
    let mut command = Command::new("setpriv");
    match who {
        "another user" => command.args(user).arg("--inh-caps=-all"),
        "the same, no_new_privs" => command.args(user).args(["--inh-caps=-all", "--no-new-privs"]),
        "root" => command.arg("--inh-caps=-all"),
        _ => command.args(dropped),
    };
    // A shell between: setpriv itself still has root's effective set when it executes.
    command.args(["sh", "-c", r#"exec "$0" /proc/self/status"#]).arg(program);
    let output = command.output().expect("setpriv");
    if !output.status.success() {
        return None;
    }
    let status = Status::parse(&String::from_utf8_lossy(&output.stdout));
    let last: u32 = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap")
        .expect("the last capability")
        .trim()
        .parse()
        .expect("a number");
    let all = (2_u64 << last) - 1;
    let lacking = all & !Status::of(std::process::id()).bounding;
    let bounding_is_ours = who != "root with ALL dropped";
    let count = |set: u64| {
        let full = bounding_is_ours && set | lacking == all;
        (if full { all } else { set }).count_ones() as usize
    };
    let (uid, gid) = (status.uid[1].into(), status.gid[1].into());
    Some((uid, gid, count(status.effective), count(status.permitted)))
}
