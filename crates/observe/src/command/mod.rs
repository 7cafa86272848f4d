//! Trials of a command, each with a set of capabilities and nothing beside it.

mod process;

use crate::life::{Clock, phase};
use crate::said::lines;
use crate::session::PREFIX;
use crate::trace::{Trace, strace};
use crate::{Failure, Outcome, Run, Session, Traceable, Trial, Usual};
use dropcap_capability::CapabilitySet;
pub use process::sweep;
use process::{Running, code, settle};
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// Between two attempts of a test.
const PAUSE: Duration = Duration::from_millis(50);
/// The variable that names the state's folder, which is new for each trial and the same for its
/// second start.
pub const STATE: &str = "DROPCAP_STATE";
/// What the launcher ends with where it refuses (`dropcap run`).
const REFUSED: u8 = 125;

/// What is tried.
#[derive(Debug, Clone)]
pub struct CommandTrial {
    /// The words before the command that run it with this set alone.
    pub launcher: fn(&Confining, CapabilitySet) -> Vec<OsString>,
    /// For the launcher.
    pub confining: Confining,
    /// The command.
    pub command: Vec<OsString>,
    /// For a server: what tells whether it works, for `sh -c`.
    pub test: Option<String>,
    /// The most that a phase may take.
    pub limit: Duration,
    /// Names its temporary folders.
    pub session: Session,
}

/// Ends the processes and takes away the folders that killed sessions left of trials: how many of each. A
/// process that has changed what [`STATE`] names is not found.
///
/// # Errors
/// What the system answers.
pub fn clean_up_left() -> io::Result<(usize, usize)> {
    crate::session::clean_up_left(&std::env::temp_dir(), STATE)
}

/// How a command is confined beside its set.
#[derive(Debug, Clone, Default)]
pub struct Confining {
    /// The program that confines: dropcap itself.
    pub program: OsString,
    /// Whom to become.
    pub user: Option<String>,
    /// Whether it may make user namespaces.
    pub user_namespaces: bool,
    /// The owner of the state's folder.
    pub owner: Option<(u32, u32)>,
}

/// A trial that says nothing about its set.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// A file, or a process, of the trial itself.
    #[error("a trial cannot be made: {what}")]
    Io {
        /// What was to be done.
        what: &'static str,
        /// Why it was not.
        source: io::Error,
    },
    /// The command could not be confined.
    #[error("the command cannot be confined: {0}")]
    Refused(String),
    /// The engine failed, or is gone.
    #[error("the engine does not do what a trial needs: {0}")]
    Engine(String),
}

/// Names what an error of the system was about.
pub(crate) trait During<T> {
    fn during(self, what: &'static str) -> Result<T, TrialError>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, what: &'static str) -> Result<T, TrialError> {
        self.map_err(|source| TrialError::Io { what, source })
    }
}

impl CommandTrial {
    /// The phases that a trial goes through, and what of a life it leaves out.
    pub fn phases(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        match self.test {
            None => (vec![phase::RUN], Vec::new()),
            Some(_) => (
                vec![
                    phase::START,
                    phase::TEST,
                    phase::STOP,
                    phase::RESTART,
                    phase::TEST,
                    phase::STOP,
                ],
                vec![phase::EXEC],
            ),
        }
    }

    /// Whether the test passes with nothing running: then it would prove nothing.
    ///
    /// # Errors
    /// [`TrialError`].
    pub fn test_proves_nothing(&self) -> Result<bool, TrialError> {
        let Some(test) = &self.test else { return Ok(false) };
        let directory = self.directory()?;
        let state = self.state(directory.path())?;
        let deadline = Instant::now() + self.limit;
        let passes = self.passes(test, &state, directory.path(), deadline)?.is_ok();
        sweep().during("ending what is left")?;
        Ok(passes)
    }

    /// One life with `set`, with the words of `prefix` before the launcher's; whatever it started is gone
    /// afterwards. This process has to be the subreaper of its descendants.
    ///
    /// # Errors
    /// [`TrialError`].
    pub fn traced(
        &self,
        set: CapabilitySet,
        usual: &Usual,
        prefix: &[OsString],
    ) -> Result<Run, TrialError> {
        let directory = self.directory()?;
        let state = self.state(directory.path())?;
        let patience = usual.patience(self.limit);
        let mut life = Life {
            trial: self,
            line: [prefix, &(self.launcher)(&self.confining, set), &self.command].concat(),
            directory: directory.path(),
            state: &state,
            patience,
            clock: Clock::new(),
            stopped: Vec::new(),
        };
        let lived = match &self.test {
            None => life.ends_by_itself(),
            Some(test) => life.serves(test),
        };
        if !prefix.is_empty() {
            settle().during("waiting for the trace")?;
        }
        sweep().during("ending what is left")?;
        let outcome = match lived? {
            Ok(()) => Outcome::Passed,
            Err(failure) => Outcome::Failed(failure),
        };
        let run = Run { outcome, longest: life.clock.longest(), stopped: life.stopped };
        Ok(usual.judge(run))
    }

    /// A temporary folder of one life.
    fn directory(&self) -> Result<tempfile::TempDir, TrialError> {
        let made = self.session.folder().during("making its temporary folder")?;
        // Whoever the command becomes has to come through to its state.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        std::fs::set_permissions(made.path(), open).during("opening its temporary folder")?;
        Ok(made)
    }

    /// An empty folder, the user's.
    fn state(&self, directory: &Path) -> Result<std::path::PathBuf, TrialError> {
        let state = directory.join("state");
        std::fs::create_dir(&state).during("making the folder for its state")?;
        if let Some((uid, gid)) = self.confining.owner {
            std::os::unix::fs::chown(&state, Some(uid), Some(gid))
                .during("giving its user the folder for its state")?;
        }
        Ok(state)
    }

    /// Runs the test once: what it said where it did not pass, nothing where it did not end.
    fn passes(
        &self,
        test: &str,
        state: &Path,
        directory: &Path,
        deadline: Instant,
    ) -> Result<Result<(), Option<Vec<String>>>, TrialError> {
        let line = ["sh", "-c", test].map(OsString::from);
        let mut running = Running::start(&line, &[(STATE, state)], directory, "test")
            .during("starting the test")?;
        let ended = running.wait(deadline).during("waiting for the test")?;
        Ok(match ended {
            Some(status) if status.success() => Ok(()),
            Some(_) => Err(Some(running.said())),
            None => Err(None),
        })
    }
}

impl Trial for CommandTrial {
    fn live(&self, set: CapabilitySet, usual: &Usual) -> Result<Run, TrialError> {
        self.traced(set, usual, &[])
    }
}

impl Traceable for CommandTrial {
    fn trace(&self, set: CapabilitySet, usual: &Usual) -> Result<Option<(Run, Trace)>, TrialError> {
        let folder = tempfile::tempdir().during("making a folder for the trace")?;
        let file = folder.path().join("trace");
        let run = match self.traced(set, usual, &strace(&file)) {
            Ok(run) => run,
            // There is no strace.
            Err(TrialError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let Ok(text) = std::fs::read(&file) else { return Ok(None) };
        let temporary = std::env::temp_dir().join(PREFIX);
        let trace = Trace::read(&text, &temporary.to_string_lossy());
        Ok((!text.is_empty()).then_some((run, trace)))
    }
}

/// One trial while it lasts. What fails is a [`Failure`]; what cannot be tried, a [`TrialError`].
struct Life<'a> {
    trial: &'a CommandTrial,
    line: Vec<OsString>,
    directory: &'a Path,
    state: &'a Path,
    patience: Duration,
    clock: Clock,
    stopped: Vec<u8>,
}

type Lived = Result<Result<(), Failure>, TrialError>;

impl Life<'_> {
    fn ends_by_itself(&mut self) -> Lived {
        let mut running = self.start("output")?;
        let deadline = Instant::now() + self.patience;
        match running.wait(deadline).during("waiting for the command")? {
            Some(status) if status.success() => Ok(Ok(())),
            Some(status) => ended_badly(phase::RUN, status, running.said()),
            None => Ok(Err(self.too_long(phase::RUN, &running))),
        }
    }

    fn serves(&mut self, test: &str) -> Lived {
        for start in [phase::START, phase::RESTART] {
            let mut running = self.start(start)?;
            let deadline = Instant::now() + self.patience;
            if let Err(failure) = self.wait_for_test(&mut running, test, start, deadline)? {
                return Ok(Err(failure));
            }
            self.clock.lap();
            running.terminate().during("stopping the command")?;
            let deadline = Instant::now() + self.patience;
            let Some(status) = running.wait(deadline).during("waiting for the command's end")?
            else {
                return Ok(Err(self.too_long(phase::STOP, &running)));
            };
            self.stopped.push(code(status));
            self.clock.lap();
            // What it left running would hold the second start's port.
            drop(running);
            sweep().during("ending what is left")?;
        }
        Ok(Ok(()))
    }

    fn start(&self, name: &str) -> Result<Running, TrialError> {
        Running::start(&self.line, &[(STATE, self.state)], self.directory, name)
            .during("starting the command")
    }

    /// Until the test passes, the command ends, or the time is up.
    fn wait_for_test(
        &self,
        running: &mut Running,
        test: &str,
        start: &str,
        deadline: Instant,
    ) -> Lived {
        let mut last = None;
        loop {
            let tested = self.trial.passes(test, self.state, self.directory, deadline)?;
            if let Some(status) = running.ended().during("looking after the command")? {
                return ended_badly(start, status, running.said());
            }
            let Err(said) = tested else { return Ok(Ok(())) };
            // One that was ended for want of time says less than the one before.
            last = said.or(last);
            if Instant::now() >= deadline {
                let mut output = running.said();
                output.extend(last.unwrap_or_else(|| lines(b"the test did not end in time")));
                let how = format!("the test did not pass in {}", seconds(self.patience));
                return Ok(Err(Failure { phase: start.to_owned(), how, output }));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn too_long(&self, phase: &str, running: &Running) -> Failure {
        let how = format!("it did not end in {}", seconds(self.patience));
        Failure { phase: phase.to_owned(), how, output: running.said() }
    }
}

fn ended_badly(phase: &str, status: ExitStatus, output: Vec<String>) -> Lived {
    // A command may end with it too; only the launcher says so in these words.
    let refusal = output.first().is_some_and(|line| line.starts_with("dropcap: error"));
    if code(status) == REFUSED && refusal {
        return Err(TrialError::Refused(output.join(" ")));
    }
    let how = format!("it ended with status {}", code(status));
    Ok(Err(Failure { phase: phase.to_owned(), how, output }))
}

pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
