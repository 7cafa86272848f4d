//! The verb's flow: what is tried, the search, and what is written of it.

use super::place::Place;
use super::record::compared;
use super::supervise::supervise;
use super::{Arguments, command};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::{Format, print, print_json};
use dropcap_capability::Credentials;
use dropcap_confine::sys::{Linux, System, read_credentials};
use std::path::Path;

/// The policy says something else than what was found.
const DRIFT: u8 = 1;
/// `CLONE_NEWUSER` of sched.h.
const NEW_USER: i32 = 0x1000_0000;

pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.output.settle_color();
    supervise(|| work(&arguments), || {})
}

fn work(arguments: &Arguments) -> Result<u8, Failure> {
    let place = Place::find(arguments.policy.as_deref(), Path::new("."))?;
    let (own, in_namespace) = privilege()?;
    let (record, journal) = command::learn(arguments, &place, &own, in_namespace)?;
    let learned = record.learned();
    let known = place.policy.as_ref().and_then(|policy| policy.workload(&record.workload));
    let comparison = learned.compare(known);
    let mut document = record.json(&comparison);
    let written = match arguments.compare {
        true => Vec::new(),
        false => place.write(&learned, document.clone())?,
    };
    // What is left of it is no harm: the same search would begin with it.
    let _ = journal.finish();
    if arguments.output.format == Format::Json {
        document["written"] = serde_json::json!(written);
        print_json(&document)?;
    } else {
        print(&record.text(arguments.output.verbose));
        if known.is_some() {
            print(&compared(&comparison));
        }
        if !written.is_empty() {
            print(&format!("written: {}\n", written.join(", ")));
        }
    }
    Ok(if arguments.compare && !comparison.is_same() { DRIFT } else { 0 })
}

/// What this process has to give; where that is nothing, all that a user namespace of its own gives.
fn privilege() -> Result<(Credentials, bool), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::new("this process holds no capability, and cannot make a user namespace either")
            .because(error)
            .help("learn as root, where the workload can be run with and without each capability")
    };
    let read = || read_credentials().map_err(cannot);
    let own = read()?;
    if !own.permitted.is_empty() {
        return Ok((own, false));
    }
    let (uid, gid) = (own.uid.effective, own.gid.effective);
    Linux.unshare(NEW_USER).map_err(cannot)?;
    // user_namespaces(7): without CAP_SETGID outside, setgroups has to be given up first.
    std::fs::write("/proc/self/setgroups", "deny").map_err(cannot)?;
    std::fs::write("/proc/self/uid_map", format!("0 {uid} 1")).map_err(cannot)?;
    std::fs::write("/proc/self/gid_map", format!("0 {gid} 1")).map_err(cannot)?;
    Ok((read()?, true))
}
