//! Programs of which it is known what they need, and what the search says of them. Needs root.
//!
//! The program that is tried is this one: `truth launch SET USER -- CMD` confines, `truth do NAMES`
//! performs operations, `truth serve KIND` is a server.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test, and its program")]
#![cfg(target_os = "linux")]

mod calls;
mod cases;
mod operations;
mod servers;

use dropcap_capability::CapabilitySet;
use dropcap_confine::sys::Linux;
use dropcap_confine::{Command, Confinement, Identity, launch};
use dropcap_observe::command::{CommandTrial, Confining};
use dropcap_observe::journal::Journal;
use dropcap_observe::{Minimum, Progress, Trials, minimise};
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["launch", set, user, "--", ..] => confined(set, user),
        ["do", names @ ..] => operations::perform(names),
        ["serve", kind] => servers::serve(kind),
        _ => judge(),
    }
}

fn confined(set: &str, user: &str) -> ExitCode {
    let id: u32 = user.parse().unwrap();
    let identity = (id != 0).then(|| Identity { uid: id, gid: id, groups: Vec::new() });
    let wanted = Confinement { allow: set.parse().unwrap(), identity, ..Confinement::default() };
    let line: Vec<OsString> = std::env::args_os().skip(5).collect();
    let command = Command::new(&line, std::env::vars_os()).unwrap();
    let error = launch(&Linux, &wanted, &[], command, |_| {});
    println!("{error}");
    ExitCode::from(error.exit_code())
}

/// This program's own words for confining.
fn launcher(confining: &Confining, set: CapabilitySet) -> Vec<OsString> {
    let user = confining.user.clone().unwrap_or_else(|| "0".to_owned());
    let words = ["launch".to_owned(), set.to_string(), user, "--".to_owned()];
    std::iter::once(confining.program.clone()).chain(words.map(OsString::from)).collect()
}

/// Every case, one after the other.
fn judge() -> ExitCode {
    let own = dropcap_confine::sys::read_credentials().unwrap();
    assert_eq!(own.uid.effective, 0, "needs root");
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let began = Instant::now();
    let cases = cases::all();
    let needing = cases.iter().filter(|case| case.needs != "none" && !case.is_server).count();
    let free = cases.iter().filter(|case| case.needs == "none").count();
    let servers = cases.iter().filter(|case| case.is_server).count();
    assert!(needing >= 40 && free >= 10 && servers >= 5, "{needing}, {free}, {servers}");
    let files = prepare();
    let (mut passed, mut failed, mut runs) = (0, 0, 0);
    for case in &cases {
        let needs: CapabilitySet = case.needs.parse().unwrap();
        match search(case, own.permitted, files.path()) {
            Ok(minimum) if minimum.needed == needs => {
                passed += 1;
                runs += minimum.runs;
            }
            Ok(minimum) => {
                failed += 1;
                println!(
                    "{}: {} where it is {needs}: {:?}",
                    case.name, minimum.needed, minimum.without
                );
            }
            Err(error) => {
                failed += 1;
                println!("{}: {error}", case.name);
            }
        }
    }
    drop(files);
    let took = began.elapsed();
    println!(
        "{needing} programs that need something, {free} that need nothing, {servers} servers: {runs} runs in {took:.1?}"
    );
    println!("{passed} passed, {failed} failed");
    ExitCode::from(u8::from(failed > 0))
}

/// The folder of what was made before anything was taken away.
const FILES: &str = "DROPCAP_TRUTH_FILES";

/// A file in there.
fn prepared(name: &str) -> std::path::PathBuf {
    std::path::Path::new(&std::env::var_os(FILES).unwrap()).join(name)
}

/// A file of another user, and one of another group.
fn prepare() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, user, group) in [("given", Some(65534), None), ("group", None, Some(65534))] {
        let file = folder.path().join(name);
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::chown(file, user, group).unwrap();
    }
    folder
}

fn search(
    case: &cases::Case,
    start: CapabilitySet,
    files: &std::path::Path,
) -> Result<Minimum, String> {
    let trial = CommandTrial {
        session: dropcap_observe::Session::own().expect("this process is there"),
        launcher,
        confining: Confining {
            program: std::env::current_exe().unwrap().into(),
            user: case.user.map(|user| user.to_string()),
            owner: case.user.map(|user| (user, user)),
            user_namespaces: false,
        },
        command: ["env".into(), format!("{FILES}={}", files.display()).into()]
            .into_iter()
            .chain([std::env::current_exe().unwrap().into()])
            .chain(case.words().into_iter().map(OsString::from))
            .collect(),
        test: case.is_server.then(|| servers::TEST.to_owned()),
        limit: Duration::from_secs(20),
    };
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("journal"), case.name).unwrap();
    let mut progress = |_: Progress| {};
    minimise(&mut Trials::new(&trial, journal, 1, &mut progress), start)
        .map_err(|error| error.to_string())
}
