//! The verb's flow: what is wanted, then one launch.

use super::{Arguments, descriptors, message, refused, user};
use crate::exit::ExitCode;
use crate::failure::Failure;
use dropcap_capability::CapabilitySet;
use dropcap_confine::sys::Linux;
use dropcap_confine::{Command, Confined, Confinement, ExecError, Identity, init, launch, prepare};
use dropcap_policy::{Policy, TRUSTED};
use std::ffi::{NulError, OsString};

pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.output.settle_color();
    let Launch { command, wanted, keep, passed } =
        Launch::new(&arguments, std::env::vars_os().collect())?;
    let tell = |now: &Confined| message::confined(now, &wanted, &arguments.output);
    if !arguments.init {
        return Err(message::failure(launch(&Linux, &wanted, &keep, command, tell)));
    }
    tell(&prepare(&Linux, &wanted, &keep).map_err(message::failure)?);
    let failed = |error: ExecError| {
        let code = error.exit_code();
        message::failure(error.into()).report();
        code
    };
    init::supervise(command, passed, failed)
        .map(ExitCode::from)
        .map_err(|error| refused("cannot stay as the parent").because(error))
}

/// All that is decided before anything changes.
pub struct Launch {
    pub command: Command,
    pub wanted: Confinement,
    /// The descriptors to leave open.
    pub keep: Vec<u32>,
    /// Whether some of them were passed by `LISTEN_FDS`.
    passed: bool,
}

impl Launch {
    pub fn new(
        arguments: &Arguments,
        environment: Vec<(OsString, OsString)>,
    ) -> Result<Self, Failure> {
        let mut wanted = confinement(arguments)?;
        let passed = descriptors::passed(&environment)?;
        let mut command = Command::new(&arguments.command, environment).map_err(nul)?;
        if let Some(text) = &arguments.user {
            let user = user::resolve(text, arguments.init_groups)?;
            command.set("HOME", &user.home).map_err(nul)?;
            wanted.identity = Some(Identity { uid: user.uid, gid: user.gid, groups: user.groups });
        }
        let keep = arguments.keep.iter().copied().chain(passed.clone()).collect();
        Ok(Self { command, wanted, keep, passed: !passed.is_empty() })
    }
}

/// From the flags, or from the policy that they name. Nothing is looked for beside that: whoever is
/// to be confined may be able to write into the working directory.
fn confinement(arguments: &Arguments) -> Result<Confinement, Failure> {
    let mut wanted = Confinement {
        allow: arguments.allow.unwrap_or(CapabilitySet::EMPTY),
        close_user_namespaces: !arguments.allow_user_namespaces,
        strict: arguments.strict,
        ..Confinement::default()
    };
    let Some(name) = &arguments.workload else { return Ok(wanted) };
    let policy = match &arguments.policy {
        Some(file) => Policy::load(file),
        None => Policy::trusted().transpose().unwrap_or_else(|| Policy::load(TRUSTED.as_ref())),
    };
    let cannot = || refused(format!("cannot tell what workload `{name}` may hold"));
    let policy = policy.map_err(|error| {
        cannot().because(error).help(format!("name the policy with --policy FILE, or put it at {TRUSTED}, owned by root and writable by nobody else"))
    })?;
    let workload = policy.require(name).map_err(|error| cannot().because(error))?;
    wanted.allow = workload.allow;
    wanted.no_new_privs = workload.no_new_privileges;
    wanted.close_user_namespaces &= !workload.user_namespaces;
    Ok(wanted)
}

fn nul(error: NulError) -> Failure {
    refused("an argument or a variable cannot be passed on").because(error)
}
