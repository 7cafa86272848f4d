//! OpenShell by its Docker driver: other settings, then Docker.
//!
//! It starts its own supervisor as root with what the supervisor needs to set up; the agent comes
//! later, as its user. What is said here is the state of the supervisor, and of an exec into the
//! same container.

use crate::docker::Docker;
use crate::start::{self, Given};
use crate::{InitialState, Process, Refusal, Rule};
use dropcap_manifest::{Settings, Spanned};

/// What the driver adds to Docker's defaults.
const ADDED: [&str; 4] = ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYSLOG"];

/// The settings that the driver hands to Docker; of those that are written, only what does not
/// bear on privilege passes.
fn rewrite(written: &Settings) -> Settings {
    let word = |text: &str| Spanned { value: text.to_owned(), span: 0..0 };
    Settings {
        user: Some(word("0")),
        cap_add: ADDED.iter().map(|name| word(name)).collect(),
        security_opt: vec![word("apparmor=unconfined")],
        mounts: written.mounts.clone(),
        command: written.command.clone(),
        ..Settings::default()
    }
}

/// As [`crate::initial_state`]; the version that is given is that of Docker.
pub(crate) fn initial_state(
    given: Given<'_>,
    process: Process<'_>,
) -> Result<InitialState, Refusal> {
    let settings = given.settings;
    let given = Given { settings: &rewrite(settings), ..given };
    let mut state = start::initial_state::<Docker>(given, process)?;
    let ignored = settings.privileged.is_some()
        || !settings.cap_add.is_empty()
        || !settings.cap_drop.is_empty()
        || !settings.security_opt.is_empty()
        || !settings.group_add.is_empty();
    if ignored {
        state.rules.push(Rule::OpenShellIgnoresSettings);
    }
    state.rules.extend([Rule::OpenShellUser, Rule::OpenShellCapabilities, Rule::OpenShellAppArmor]);
    state.assumptions.push(
        "this is the state of OpenShell's supervisor and of an exec into its container; the agent \
         itself is started by the supervisor, as its own user"
            .to_owned(),
    );
    Ok(state)
}
