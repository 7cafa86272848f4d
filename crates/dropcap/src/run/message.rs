//! What `run` says: what failed, why, and what to do about it.

use super::refused;
use crate::failure::Failure;
use crate::output::{Format, Output, say};
use dropcap_capability::{CapabilitySet, Credentials};
use dropcap_confine::{ConfineError, Confined, Confinement, ExecError, LaunchError, Remains};
use dropcap_prove::State;
use serde::Serialize;

/// The kernel's answers that have an advice of their own, by number: errno(3), the same on x86_64
/// and aarch64.
mod errno {
    pub const EPERM: i32 = 1;
    pub const ENOENT: i32 = 2;
    pub const ENOEXEC: i32 = 8;
    pub const EACCES: i32 = 13;
}

/// A failed launch, with its exit code.
pub fn failure(error: LaunchError) -> Failure {
    let help = match &error {
        LaunchError::Confine(error) => confine_help(error),
        LaunchError::Descriptors(error) => descriptors_help(error),
        LaunchError::Exec(error) => exec_help(error),
    };
    let failure = refused(error.to_string()).code(error.exit_code());
    let failure = match error {
        LaunchError::Confine(ConfineError::Call { source, .. })
        | LaunchError::Descriptors(source)
        | LaunchError::Exec(ExecError { found: true, source, .. }) => failure.because(source),
        LaunchError::Exec(_) => failure.because("there is no such file in PATH"),
        LaunchError::Confine(_) => failure,
    };
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

fn confine_help(error: &ConfineError) -> Option<String> {
    Some(match error {
        ConfineError::NotHeld { missing } => format!(
            "the container has to give it ({}; on Docker a non-root user never holds what is added: \
             start as root and use --user), or leave it out of --allow",
            cap_add(*missing)
        ),
        ConfineError::Call { what, .. }
            if what.starts_with("become") || what.contains("supplementary") =>
        {
            "becoming another user needs CAP_SETUID and CAP_SETGID: start as root, or leave --user \
             out"
            .to_owned()
        }
        ConfineError::Call { what, .. } if what.contains("user namespaces") => {
            "the kernel takes a filter with no_new_privs or from CAP_SYS_ADMIN, unless a seccomp \
             profile denies it; --allow-user-namespaces goes without one"
                .to_owned()
        }
        ConfineError::Call { what, .. } if what.contains("ambient") => {
            "its bounding set or locked securebits keep this process from passing it on: allow it \
             where the process is started"
                .to_owned()
        }
        ConfineError::Remains { .. } => {
            "give the container CAP_SETPCAP (--cap-add SETPCAP): it is dropped last; or leave \
             --strict out: what stays cannot be reached under no_new_privs"
                .to_owned()
        }
        ConfineError::Reachable { .. } => {
            "start with CAP_SETPCAP (--cap-add SETPCAP), so that it can be dropped".to_owned()
        }
        _ => return None,
    })
}

fn cap_add(set: CapabilitySet) -> String {
    let flag = |name: String| format!("--cap-add {}", name.trim_start_matches("CAP_"));
    let flags: Vec<String> = set.iter().map(|capability| flag(capability.to_string())).collect();
    flags.join(" ")
}

fn descriptors_help(error: &std::io::Error) -> Option<String> {
    /// `EBADF`.
    const NOT_OPEN: i32 = 9;
    (error.raw_os_error() == Some(NOT_OPEN))
        .then(|| "what --keep-fd and LISTEN_FDS name has to be open".to_owned())
}

fn exec_help(error: &ExecError) -> Option<String> {
    let path = error.path.display();
    if let Some(forced) = error.forces {
        return Some(format!(
            "the file capabilities of {path} force {forced}, and a file that cannot have them all \
             is not executed: allow them, or take them off the file with `setcap -r {path}`"
        ));
    }
    if !error.found {
        return None;
    }
    Some(match error.source.raw_os_error() {
        Some(errno::ENOENT) => format!("{path} is there; its interpreter or loader is not"),
        Some(errno::ENOEXEC) => format!("{path} is no program for this machine and has no #! line"),
        Some(errno::EACCES) => format!("{path} must be a file that this user may execute"),
        Some(errno::EPERM) => "a seccomp profile or the mount may deny it".to_owned(),
        _ => return None,
    })
}

/// Says on standard error what holds, as far as it is asked for; standard output is the command's.
pub fn confined(now: &Confined, wanted: &Confinement, output: &Output) {
    if output.quiet {
        return;
    }
    match output.format {
        Format::Json => say(&json(now, wanted)),
        Format::Text => {
            if output.verbose {
                say(&holds(now, wanted));
            }
            // Where it is only the securebits that stay, nothing is said: with every set as it
            // should be, they protect nothing.
            if let Some(remains) = now.remains.filter(|remains| !remains.bounding.is_empty()) {
                say(&stays(remains, wanted));
            }
        }
    }
}

/// What was read back, as one line of JSON.
fn json(now: &Confined, wanted: &Confinement) -> String {
    #[derive(Serialize)]
    struct Document {
        schema: u8,
        allowed: Vec<String>,
        state: State,
        /// What had to stay in the bounding set, and cannot be reached.
        remains: Vec<String>,
    }
    let names = |set: CapabilitySet| set.iter().map(|one| one.to_string()).collect();
    let document = Document {
        schema: 1,
        allowed: names(wanted.allow),
        state: State::of_this_thread(&now.credentials),
        remains: names(now.remains.map_or(CapabilitySet::EMPTY, |remains| remains.bounding)),
    };
    serde_json::to_string(&document).unwrap_or_default()
}

/// What was read back, for people.
fn holds(now: &Confined, wanted: &Confinement) -> String {
    let Credentials { uid, gid, permitted, no_new_privs, .. } = &now.credentials;
    let and = match (no_new_privs, wanted.close_user_namespaces) {
        (true, true) => "; no_new_privs is set, user namespaces are closed",
        (true, false) => "; no_new_privs is set, user namespaces are as before",
        (false, true) => "; user namespaces are closed",
        (false, false) => "",
    };
    let what = if permitted.is_empty() { "nothing".to_owned() } else { permitted.to_string() };
    format!(
        "dropcap: user {}, group {} holds {what}, and can come to hold no more{and}",
        uid.effective, gid.effective
    )
}

fn stays(remains: Remains, wanted: &Confinement) -> String {
    let closed = if wanted.close_user_namespaces { ", user namespaces are closed" } else { "" };
    format!(
        "dropcap: note: CAP_SETPCAP is missing, so the bounding set keeps {} ({}); none of it can be \
         reached: no_new_privs is set, the other sets hold {}{closed}\n  \
         help: start with CAP_SETPCAP to drop it all; --strict refuses instead",
        remains.bounding.len(),
        remains.bounding,
        wanted.allow
    )
}
