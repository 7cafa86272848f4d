//! What `run` says: what failed, why, and what to do about it.

use super::refused;
use crate::failure::Failure;
use dropcap_capability::CapabilitySet;
use dropcap_confine::{ConfineError, Confinement, ExecError, LaunchError, Remains};

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

/// Says what had to stay in the bounding set and cannot be reached. Where it is only the securebits,
/// nothing is said: with every set as it should be, they protect nothing.
pub fn remains(remains: Remains, wanted: &Confinement) {
    if remains.bounding.is_empty() {
        return;
    }
    let closed = if wanted.close_user_namespaces { ", user namespaces are closed" } else { "" };
    crate::output::say(&format!(
        "dropcap: note: CAP_SETPCAP is missing, so the bounding set keeps {} ({}); none of it can be \
         reached: no_new_privs is set, the other sets hold {}{closed}\n  \
         help: start with CAP_SETPCAP to drop it all; --strict refuses instead",
        remains.bounding.len(),
        remains.bounding,
        wanted.allow
    ));
}
