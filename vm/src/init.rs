//! The guest's side: pid 1. Mounts what a system has, runs the commands of the plan, reports each on
//! the serial line, and powers off.

mod job;
mod loopback;
mod mounts;

use crate::protocol::{Event, LINE, PLAN, Plan};
use rustix::system::{RebootCommand, finit_module, reboot, uname};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, Write};

/// The argument that makes a program the guest's init.
pub const ARGUMENT: &str = "guest-init";

/// `MODULE_INIT_COMPRESSED_FILE` of finit_module(2).
const COMPRESSED: i32 = 4;

/// Whether this process is a guest's first.
pub fn is_asked_for() -> bool {
    std::process::id() == 1 && std::env::args().any(|argument| argument == ARGUMENT)
}

/// Does what the plan says, and powers off.
pub fn main() -> ! {
    if let Err(error) = serve() {
        // The console, which the host shows where no report came.
        let _ = writeln!(io::stderr(), "init: {error}");
    }
    let _ = reboot(RebootCommand::PowerOff);
    // The kernel panics where its init ends, and the host sees that.
    std::process::exit(1)
}

fn serve() -> io::Result<()> {
    mounts::make()?;
    let mut line = Line::open()?;
    match carry_out(&mut line) {
        Ok(()) => line.tell(&Event::Finished),
        Err(error) => line.tell(&Event::Failed(error.to_string())),
    }
}

fn carry_out(line: &mut Line) -> io::Result<()> {
    let name = uname();
    line.tell(&Event::Booted {
        release: name.release().to_string_lossy().into_owned(),
        version: name.version().to_string_lossy().into_owned(),
    })?;
    loopback::up().map_err(|error| saying("loopback", error))?;
    let plan: Plan = serde_json::from_slice(&std::fs::read(PLAN)?)?;
    for path in &plan.modules {
        let module = File::open(path)?;
        let flags = if path.ends_with(".ko") { 0 } else { COMPRESSED };
        finit_module(&module, c"", flags).map_err(|error| saying(path, error.into()))?;
    }
    for (number, command) in plan.commands.iter().enumerate() {
        let (end, took) = job::run(number, command, line)?;
        line.tell(&Event::Ended { end, took })?;
    }
    Ok(())
}

/// The serial line to the host.
struct Line(File);

impl Line {
    fn open() -> io::Result<Self> {
        let line = File::options().read(true).write(true).open(LINE)?;
        let mut settings = tcgetattr(&line)?;
        settings.make_raw();
        tcsetattr(&line, OptionalActions::Now, &settings)?;
        Ok(Self(line))
    }

    fn tell(&mut self, event: &Event) -> io::Result<()> {
        let mut text = serde_json::to_vec(event)?;
        text.push(b'\n');
        self.0.write_all(&text)?;
        // Powering off does not wait for what is still on its way.
        rustix::termios::tcdrain(&self.0).map_err(Into::into)
    }
}

fn saying(what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
