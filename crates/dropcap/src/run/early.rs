//! The verb before the C library has started: the usual command lines, where nothing is to be said.

use super::linux::Launch;
use super::quick;
use dropcap_capability::Capability;
use dropcap_confine::early::Given;
use dropcap_confine::prepare;
use dropcap_confine::sys::{Linux, System};

/// It returns where there is something to say, or a parent is to stay: [`super::run`] then does it
/// all, and says it. What was done here does no harm there: a drop that is made already is none, and
/// each is judged by what then holds.
pub fn run(given: Given) {
    let Some(arguments) = quick(given.arguments) else { return };
    // Without CAP_SETPCAP something remains, which is said before the command is executed.
    let drops_all = || Linux.capget().is_ok_and(|now| now.permitted.contains(Capability::SETPCAP));
    if arguments.init || !(arguments.output.quiet || drops_all()) {
        return;
    }
    let Ok(launch) = Launch::new(&arguments, given.environment) else { return };
    if prepare(&Linux, &launch.wanted, &launch.keep).is_ok() {
        launch.command.execute(&Linux);
    }
}
