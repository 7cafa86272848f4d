//! What `dropcap scan` takes for 1,000 Compose files and Dockerfiles.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// How many of each kind.
const EACH: usize = 500;
/// How often the tree is scanned; the first time warms up.
const ROUNDS: usize = 21;
/// At most this long.
const TARGET: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let tree = tempfile::tempdir().unwrap();
    for number in 0..EACH {
        write(tree.path(), number);
    }
    let scan = |format: &str| {
        let mut times: Vec<Duration> = (0..ROUNDS)
            .map(|_| {
                let started = Instant::now();
                let status = Command::new(env!("CARGO_BIN_EXE_dropcap"))
                    .args(["scan", "--format", format])
                    .current_dir(tree.path())
                    .stdout(Stdio::null())
                    .status()
                    .unwrap();
                assert_eq!(status.code(), Some(1), "the tree has findings");
                started.elapsed()
            })
            .skip(1)
            .collect();
        times.sort();
        (times[0], times[times.len() / 2])
    };
    assert_sees_everything(tree.path());
    let (text, json) = (scan("text"), scan("json"));
    for (what, (fastest, median)) in [("text", text), ("JSON, with every edit", json)] {
        println!("scan of {} files, {what:22} {median:>8.1?}  (fastest {fastest:.1?})", 2 * EACH);
    }
    let met = text.1 <= TARGET;
    println!("target: text in at most {TARGET:?}: {}", if met { "met" } else { "MISSED" });
    ExitCode::from(u8::from(!met))
}

/// Speed counts only if nothing is left out: a service a Compose file, a container a Dockerfile.
fn assert_sees_everything(tree: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_dropcap"))
        .args(["scan", "--format", "json"])
        .current_dir(tree)
        .output()
        .unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["containers"].as_array().unwrap().len(), 2 * EACH + EACH / 2);
    assert!(document["errors"].as_array().unwrap().is_empty());
}

/// A Compose file of a usual size, with one service or two, and a Dockerfile that it does not build.
fn write(tree: &Path, number: usize) {
    let folder = tree.join(format!("group-{}/project-{number}", number % 20));
    fs::create_dir_all(folder.join("image")).unwrap();
    let mut compose = format!(
        "services:\n  app:\n    image: example/app-{number}:1\n    user: \"{}\"\n    restart: unless-stopped\n    \
         environment:\n      LOG_LEVEL: info\n      PORT: \"8080\"\n    ports:\n      - \"{}:8080\"\n    volumes:\n      \
         - data:/var/lib/app\n    healthcheck:\n      test: [CMD, curl, -f, http://localhost:8080/health]\n      \
         interval: 30s\n",
        number % 2 * 1000,
        8000 + number,
    );
    if number.is_multiple_of(2) {
        compose.push_str(
            "  db:\n    image: postgres:16\n    cap_drop: [NET_RAW]\n    cap_add: [SYS_NICE]\n",
        );
    }
    compose.push_str("volumes:\n  data:\n");
    fs::write(folder.join("compose.yaml"), compose).unwrap();
    let dockerfile = format!(
        "FROM debian:12 AS build\nRUN apt-get update && apt-get install -y --no-install-recommends make gcc\nCOPY . \
         /src\nRUN make -C /src install DESTDIR=/out\n\nFROM debian:12\nRUN useradd --system --uid {} app\nCOPY \
         --from=build /out /\nENV LANG=C.UTF-8\nEXPOSE 8080\n{}ENTRYPOINT [\"/usr/bin/app\"]\nCMD [\"--serve\"]\n",
        1000 + number,
        if number.is_multiple_of(3) { "" } else { "USER app\n" },
    );
    fs::write(folder.join("image/Dockerfile"), dockerfile).unwrap();
}
