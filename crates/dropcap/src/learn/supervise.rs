//! One process learns, and another sees to it that nothing is left behind, however the first ends.

use crate::exit::ExitCode;
use crate::failure::Failure;
use dropcap_confine::sys::{self, Fork, signals};
use dropcap_observe::command::sweep;
use rustix::process::Signal;
use std::io::{self, Write};

/// The signals by which somebody ends it.
const ENDING: [i32; 4] = [1, 2, 3, 15];
/// `SIGCHLD`.
const CHILD: i32 = 17;
/// `SIGKILL`.
const KILL: i32 = 9;

/// Runs `work` in a child. When that ends, by itself or because somebody ends this process, whatever it
/// started is ended too, and `clean_up` takes away what is no process.
pub fn supervise(
    work: impl FnOnce() -> Result<u8, Failure>,
    clean_up: impl FnOnce(),
) -> Result<ExitCode, Failure> {
    let cannot = |error: io::Error| Failure::new("cannot start to learn").because(error);
    let supervisor = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(supervisor)).map_err(|error| cannot(error.into()))?;
    let mask = signals::block_all().map_err(cannot)?;
    match sys::fork().map_err(cannot)? {
        Fork::Child => {
            let ready = signals::restore(&mask)
                .and_then(|()| {
                    let own = rustix::process::getpid();
                    rustix::process::set_child_subreaper(Some(own))?;
                    // Nobody would see to it any more that nothing is left.
                    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
                    match rustix::process::getppid() == Some(supervisor) {
                        true => Ok(()),
                        false => Err(io::Error::from(io::ErrorKind::BrokenPipe)),
                    }
                })
                .map_err(cannot);
            let code =
                ready.and_then(|()| work()).unwrap_or_else(|failure| failure.report().into());
            let _ = io::stdout().flush();
            sys::exit_now(code);
        }
        Fork::Parent(worker) => {
            let code = wait(worker).map_err(cannot)?;
            sweep().map_err(|error| {
                Failure::new("something that was started cannot be ended").because(error)
            })?;
            clean_up();
            Ok(ExitCode::from(code))
        }
    }
}

/// Waits for the worker's end, and brings it about where somebody asks for it.
fn wait(worker: i32) -> io::Result<u8> {
    let mut asked = None;
    loop {
        match signals::next()? {
            CHILD => {
                while let Some((ended, how)) = sys::reap_any()? {
                    if ended == worker {
                        return Ok(asked.unwrap_or(how.code()));
                    }
                }
            }
            signal if ENDING.contains(&signal) => {
                asked = u8::try_from(128 + signal).ok();
                // One that has just ended is reaped all the same.
                let _ = signals::send(worker, KILL);
            }
            _ => {}
        }
    }
}
