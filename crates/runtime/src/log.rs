//! Saying why in the runtime's own log, where engines look for it.
//!
//! runc and crun write one line an event into `--log`, as `--log-format` says; containerd and Docker show the
//! last message of a JSON log, Podman and conmon what is on standard error.

use crate::grammar::Options;
use crate::time::Time;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Writes an error to the log and to standard error. Where neither can be written, nothing else
/// changes: the process is not started.
pub(crate) fn error(global: &Options, message: &str) {
    line(global, "error", message);
    let _ = writeln!(std::io::stderr(), "dropcap-runtime: {message}");
}

/// Writes a warning to the log, where there is one: standard error may be the container's.
pub(crate) fn warning(global: &Options, message: &str) {
    line(global, "warning", message);
}

fn line(global: &Options, level: &str, message: &str) {
    let Some(path) = global.value("log").and_then(file) else { return };
    let message = format!("dropcap: {message}");
    let time = Time::now();
    let line = if global.value("log-format") == Some("json") {
        serde_json::json!({"level": level, "msg": message, "time": time.to_string()}).to_string()
    } else {
        format!("time=\"{time}\" level={level} msg={message:?}")
    };
    let log = OpenOptions::new().append(true).create(true).open(path);
    let _ = log.and_then(|mut log| log.write_all((line + "\n").as_bytes()));
}

/// The log's file; crun has other places, which are named by a scheme.
fn file(log: &str) -> Option<&Path> {
    let path = log.strip_prefix("file:").unwrap_or(log);
    let elsewhere = ["journald:", "syslog:"].iter().any(|scheme| path.starts_with(scheme));
    (!elsewhere && !path.is_empty()).then(|| Path::new(path))
}
