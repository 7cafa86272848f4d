//! `container:NAME`: from where a shell stands that the engine's own exec opens.

use super::Arguments;
use crate::failure::Failure;
use crate::running::{Running, last_line};
use dropcap_prove::{Inspection, Proof, inspect_pid};
use std::fs::File;
use std::process::{Command, Stdio};

/// Where a file may be written and executed, in most images.
const PLACES: [&str; 5] = ["/tmp", "/dev/shm", "/var/tmp", "/run", "."];

/// Proves it from where an exec stands, and notes what its first process is.
pub(super) fn proof(arguments: &Arguments, name: &str) -> Result<Proof, Failure> {
    let running = Running::find(name)?;
    let mut proof = running.prove(arguments)?;
    proof.target = arguments.target.clone();
    proof.notes.push(format!(
        "tried from where `{} exec{} {name}` stands",
        running.engine,
        user(arguments).map(|user| format!(" -u {user}")).unwrap_or_default()
    ));
    proof.notes.push(first_process(running.pid));
    Ok(proof.with_allowed(arguments.allow))
}

fn user(arguments: &Arguments) -> Option<&str> {
    arguments.exec_user.as_deref()
}

/// What the first process of the container is, as far as it can be seen from here.
fn first_process(pid: i32) -> String {
    match inspect_pid(pid) {
        Ok(Inspection { state, reachable, .. }) => format!(
            "its first process (pid {pid} here) is user {}, holds {} and can reach {}",
            state.uid,
            count(&state.permitted),
            count(&reachable)
        ),
        Err(error) => format!("its first process cannot be seen from here: {error}"),
    }
}

fn count(names: &[String]) -> String {
    match names {
        [] => "no capability".to_owned(),
        [one] => one.clone(),
        many => format!("{} capabilities", many.len()),
    }
}

/// How `prove` gets into it.
impl Running {
    /// A command that runs in the container by the engine's own exec.
    fn exec(&self, arguments: &Arguments, words: &[&str]) -> Command {
        let mut command = Command::new(self.engine);
        command.args(["exec", "-i"]);
        if let Some(user) = user(arguments) {
            command.args(["-u", user]);
        }
        command.arg(&self.name).args(words);
        command
    }

    fn prove(&self, arguments: &Arguments) -> Result<Proof, Failure> {
        let mut said = Vec::new();
        for place in PLACES {
            let path = format!("{place}/.dropcap-{}", std::process::id());
            // The program takes its file away itself: an image may lack rm.
            let script = format!(
                "umask 077; cat > '{path}' && chmod 700 '{path}' && exec '{path}' prove self \
                 --remove-own-file --format json"
            );
            let own = File::open("/proc/self/exe")
                .map_err(|error| Failure::new("dropcap cannot read its own file").because(error))?;
            let output = self
                .exec(arguments, &["sh", "-c", &script])
                .stdin(Stdio::from(own))
                .output()
                .map_err(|error| {
                    Failure::new(format!("cannot start {}", self.engine)).because(error)
                })?;
            if let Ok(proof) = serde_json::from_slice::<Proof>(&output.stdout) {
                return Ok(proof);
            }
            said.push(format!("{place}: {}", last_line(&output)));
        }
        super::entering::proof(self.engine, &self.name, self.pid, user(arguments)).map_err(
            |failure| {
                failure
                    .help(format!("no shell with a place to write to either: {}", said.join("; ")))
            },
        )
    }
}
