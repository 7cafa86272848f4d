//! The verb's flow: what is tried, the search, and what is written of it.

use super::container::Asked;
use super::place::Place;
use super::record::{Record, compared};
use super::supervise::supervise;
use super::{Arguments, command, container, running};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::{Format, number, print, print_json, say};
use crate::scan::own::own_path;
use crate::scan::project::{Project, Selection};
use dropcap_audit::{Options, audit};
use dropcap_capability::Credentials;
use dropcap_confine::sys::{Linux, System, read_credentials};
use dropcap_observe::Session;
use dropcap_observe::command as trials;
use dropcap_observe::docker::{Client, Docker};
use dropcap_observe::journal::Journal;
use std::path::Path;
use std::time::Duration;

/// The policy says something else than what was found.
const DRIFT: u8 = 1;
/// `CLONE_NEWUSER` of sched.h.
const NEW_USER: i32 = 0x1000_0000;

pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.output.settle_color();
    let session = session()?;
    let in_engine = arguments.target.is_some();
    supervise(
        || work(&arguments, &session),
        || {
            if in_engine {
                clean_up(&session);
            }
        },
    )
}

/// What these trials are called.
pub fn session() -> Result<Session, Failure> {
    Session::own().map_err(|error| Failure::new("cannot read /proc").because(error))
}

/// Takes away what an interrupted trial left in the engine. An engine that is gone has nothing to be
/// asked for.
pub fn clean_up(session: &Session) {
    for client in [Client::Docker, Client::Podman] {
        if let Ok(docker) = Docker::find_by(client) {
            let _ = docker.clean_up(session);
        }
    }
}

/// Says what a killed session left, which is gone now.
pub fn say_left(left: &[(usize, &str)], quiet: bool) {
    let left = left.iter().filter(|(many, _)| *many > 0);
    let left: Vec<_> = left.map(|(many, word)| number(*many, word)).collect();
    if !left.is_empty() && !quiet {
        say(&format!("dropcap: taken away what a killed learn left: {}", left.join(", ")));
    }
}

/// Takes away what a killed session left on this machine, and says so.
fn clean_up_left(arguments: &Arguments) -> Result<(), Failure> {
    let (processes, folders) = trials::clean_up_left().map_err(|error| {
        Failure::new("what an earlier learn left cannot be taken away").because(error)
    })?;
    say_left(&[(processes, "process"), (folders, "folder")], arguments.output.quiet);
    Ok(())
}

fn work(arguments: &Arguments, session: &Session) -> Result<u8, Failure> {
    clean_up_left(arguments)?;
    let (place, record, journal) = match &arguments.target {
        Some(target) => of_target(arguments, target, session)?,
        None => of_command(arguments, session)?,
    };
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

/// Where it will be written, if it is.
fn place(arguments: &Arguments, folder: &Path) -> Result<Place, Failure> {
    let place = Place::find(arguments.policy.as_deref(), folder)?;
    if !arguments.compare {
        place.can_be_added_to()?;
    }
    Ok(place)
}

fn of_command(
    arguments: &Arguments,
    session: &Session,
) -> Result<(Place, Record, Journal), Failure> {
    let place = place(arguments, Path::new("."))?;
    let (own, in_namespace) = privilege()?;
    let (record, journal) = command::learn(arguments, &place, session, &own, in_namespace)?;
    Ok((place, record, journal))
}

fn of_target(
    arguments: &Arguments,
    target: &str,
    session: &Session,
) -> Result<(Place, Record, Journal), Failure> {
    // One that is not there yet is written in the end.
    let policy = arguments.policy.clone().filter(|file| file.exists());
    let selection = Selection { policy, ..Selection::default() };
    let running = target.strip_prefix(running::TARGET);
    if running.is_none() && !target.contains('#') {
        return Err(Failure::new(format!("{target} is no container that is written in a file")).help(
            "name one: FILE#SUBJECT, such as compose.yaml#agent; a running one: container:NAME; or a \
             command: -- CMD",
        ));
    }
    let project = match running {
        Some(name) => Project::of_container(running::find(name)?, &selection)?,
        None => Project::read(&[target.to_owned()], "", &selection)?,
    };
    let file = target.rsplit_once('#').filter(|_| running.is_none()).map_or("", |(file, _)| file);
    let folder = Path::new(file).parent().filter(|folder| *folder != Path::new(""));
    let place = place(arguments, folder.unwrap_or(Path::new(".")))?;
    let options = Options {
        policy_place: project.policy_place.clone(),
        dropcap: own_path(),
        edits: false,
        ..Options::default()
    };
    let audited = audit(&project.input, &options);
    let found = audited.containers.iter().find(|one| project.is_asked_for(&one.container.id));
    let Some(found) = found else {
        return Err(Failure::new(format!("there is no container {target}")));
    };
    let asked = Asked {
        test: arguments.test.as_deref(),
        name: arguments.name.as_deref(),
        patience: Duration::from_secs(arguments.patience),
        quiet: arguments.output.quiet,
        by_trial: arguments.by_trial,
        session,
    };
    let (record, journal) = container::learn(&asked, &place, &project, found)?;
    Ok((place, record, journal))
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
