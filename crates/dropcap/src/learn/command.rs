//! A command as the workload.

use super::Arguments;
use super::explain::explain;
use super::place::Place;
use super::record::Record;
use super::search::{journal, search};
use crate::failure::Failure;
use crate::run::user;
use dropcap_capability::{CapabilitySet, Credentials};
use dropcap_observe::Session;
use dropcap_observe::command::{CommandTrial, Confining};
use dropcap_policy::command_hash;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Learns of the command of `arguments`.
pub fn learn(
    arguments: &Arguments,
    place: &Place,
    session: &Session,
    own: &Credentials,
    in_namespace: bool,
) -> Result<(Record, dropcap_observe::journal::Journal), Failure> {
    let name = name(arguments);
    let known = place.policy.as_ref().and_then(|policy| policy.workload(&name));
    let start = own.permitted;
    let test = match &arguments.test {
        Some(test) => Some(test.clone()),
        None => known.and_then(|workload| workload.test.clone()),
    };
    let mut trial = trial(arguments, test, session)?;
    trial.confining.user_namespaces |= known.is_some_and(|workload| workload.user_namespaces);
    proves_something(&trial)?;
    let hash = hash(arguments);
    let key = [
        name.clone(),
        hash.clone(),
        trial.test.clone().unwrap_or_default(),
        start.to_string(),
        format!("{:?}", trial.limit),
        trial.confining.user_namespaces.to_string(),
    ];
    let journal = journal(place, &name, &key, arguments.output.quiet)?;
    let found = search(&trial, start, 1, journal, arguments.output.quiet)?;
    let (phases, not_covered) = trial.phases();
    let mut record = Record::new(name, start, &found, &phases, &not_covered);
    record.test = trial.test.clone();
    record.provenance.command_hash = Some(hash);
    record.provenance.engine = Some(match in_namespace {
        false => format!("dropcap run {}", env!("CARGO_PKG_VERSION")),
        true => format!("dropcap run {} in a user namespace", env!("CARGO_PKG_VERSION")),
    });
    if in_namespace {
        record.notes.push(NAMESPACE.to_owned());
    }
    if !arguments.by_trial {
        explain(&trial, start, &found, &mut record)?;
    }
    Ok((record, found.journal))
}

/// What a search inside a user namespace cannot tell.
const NAMESPACE: &str = "learned in a user namespace, where only one user is there and the kernel asks \
    for a capability over the whole machine in vain: that it works without one there says nothing of \
    what needs it outside (devices, the clock, modules, the host's network, other users' ids)";

/// The program's name, without its folder.
fn name(arguments: &Arguments) -> String {
    let program = arguments.command.first().map_or(OsStr::new("command"), OsString::as_os_str);
    let base = Path::new(program).file_name().unwrap_or(program);
    arguments.name.clone().unwrap_or_else(|| base.to_string_lossy().into_owned())
}

fn trial(
    arguments: &Arguments,
    test: Option<String>,
    session: &Session,
) -> Result<CommandTrial, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::new("cannot find dropcap's own program").because(error))?;
    let mut confining = Confining {
        program: program.into(),
        user: arguments.user.clone(),
        user_namespaces: arguments.allow_user_namespaces,
        owner: None,
    };
    if let Some(text) = &arguments.user {
        let user = user::resolve(text, false).map_err(|failure| failure.code(2))?;
        confining.owner = Some((user.uid, user.gid));
    }
    Ok(CommandTrial {
        launcher,
        confining,
        command: arguments.command.clone(),
        test,
        limit: Duration::from_secs(arguments.patience),
        session: session.clone(),
    })
}

/// `dropcap run`, as the workload will be run in the end.
fn launcher(confining: &Confining, set: CapabilitySet) -> Vec<OsString> {
    let mut line = vec![confining.program.clone()];
    line.extend(["run", "--quiet", "--allow"].map(OsString::from));
    line.push(set.to_string().into());
    if let Some(user) = &confining.user {
        line.extend(["--user".into(), user.into()]);
    }
    if confining.user_namespaces {
        line.push("--allow-user-namespaces".into());
    }
    line.push("--".into());
    line
}

fn proves_something(trial: &CommandTrial) -> Result<(), Failure> {
    let passes = trial
        .test_proves_nothing()
        .map_err(|error| Failure::new("the test cannot be tried").because(error))?;
    if passes {
        return Err(Failure::new("the test passes while nothing runs: it proves nothing").help(
            "let it ask for what only the workload gives; or something else answers in its place: end \
             that first",
        ));
    }
    Ok(())
}

/// What is run: the words, the user, and the program itself.
fn hash(arguments: &Arguments) -> String {
    let mut words: Vec<Vec<u8>> =
        arguments.command.iter().map(|word| word.as_bytes().to_vec()).collect();
    words.insert(0, arguments.user.clone().unwrap_or_default().into_bytes());
    let program = arguments.command.first().and_then(|program| find(program));
    words.extend(program.and_then(|path| std::fs::read(path).ok()));
    command_hash(words)
}

/// Where a program lies, as execvp(3) finds it.
fn find(program: &OsStr) -> Option<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return Some(program.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
