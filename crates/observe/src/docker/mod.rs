//! Trials of a container in the Docker Engine that answers here.
//!
//! Everything that a trial makes (containers, volumes, networks) is named and labelled as dropcap's own,
//! and goes with it. No port is published. What is mounted from the host to be written to is copied
//! first, and the copy is mounted: the user's data is read, and never written.

mod client;
mod copies;
mod deaf;
mod left;
mod life;
mod owners;
mod pod;
mod state;
mod tracer;

pub use client::{Answer, Client, Docker, EngineVersion};
pub use owners::Owners;
pub use pod::{Folder, POD};

use crate::command::TrialError;
use crate::life::phase;
use crate::trace::Trace;
use crate::{Outcome, Run, Session, Traceable, Trial, Usual};
use dropcap_capability::CapabilitySet;
use life::Life;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A container as it is configured, but for its capabilities.
#[derive(Debug, Clone, Default)]
pub struct Configured {
    /// The image, by its id.
    pub image: String,
    /// What the others on its network know it by.
    pub alias: String,
    /// Flags of `docker create` that stay the same.
    pub flags: Vec<String>,
    /// The flags of its capabilities as they are now.
    pub capabilities: Vec<String>,
    /// Volumes: the name that several containers may share, empty for its own, where, and whether it is only read.
    pub volumes: Vec<(String, String, bool)>,
    /// What is mounted from the host: the path there, where, and whether it is only read.
    pub binds: Vec<(PathBuf, String, bool)>,
    /// Folders of a pod, which its containers share.
    pub folders: Vec<Folder>,
    /// The words behind the image.
    pub words: Vec<String>,
    /// Whether it has to end, and well, before the next one is started.
    pub ends: bool,
}

/// What comes of a test where the workload does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// It passes: it proves nothing.
    Passes,
    /// It fails, as it should.
    Fails,
    /// It cannot be run: the image has no `sh`.
    NoShell,
}

/// A container that is tried, with what it talks to.
#[derive(Debug)]
pub struct ContainerTrial {
    /// The engine.
    pub docker: Docker,
    /// It.
    pub container: Configured,
    /// What has to run before, in that order, as it is configured.
    pub dependencies: Vec<Configured>,
    /// Whether they are containers of one pod, whose network is one.
    pub is_pod: bool,
    /// Places that belong to somebody, as `USER:GROUP`, before it starts for the first time.
    pub owned: Vec<(String, String)>,
    /// What tells whether it works, for `sh -c` in the container.
    pub test: String,
    /// Whether no_new_privs is set, as it will be in the end.
    pub no_new_privileges: bool,
    /// The most that a phase may take.
    pub limit: Duration,
    /// Names what these trials make.
    pub session: Session,
    counter: AtomicU64,
}

impl ContainerTrial {
    /// A trial of `container`; `session` is part of every name.
    pub fn new(docker: Docker, container: Configured, test: &str, session: &Session) -> Self {
        Self {
            docker,
            container,
            dependencies: Vec::new(),
            is_pod: false,
            owned: Vec::new(),
            test: test.to_owned(),
            no_new_privileges: true,
            limit: Duration::from_secs(30),
            session: session.clone(),
            counter: AtomicU64::new(0),
        }
    }

    /// The phases of every trial.
    pub const PHASES: [&str; 7] = [
        phase::START,
        phase::TEST,
        phase::EXEC,
        phase::STOP,
        phase::RESTART_VOLUMES,
        phase::TEST,
        phase::STOP,
    ];

    /// What comes of the test in a container of this image in which nothing runs but a sleep.
    ///
    /// # Errors
    /// The engine fails.
    pub fn test_while_idle(&self) -> Result<Idle, TrialError> {
        let mut life = Life::new(self, self.next());
        let idle = Configured {
            flags: vec!["--entrypoint=sh".to_owned()],
            words: vec!["-c".to_owned(), "sleep 1000".to_owned()],
            binds: Vec::new(),
            ends: false,
            ..self.container.clone()
        };
        let tested = life.prepare().and_then(|()| life.test_in(&idle));
        let cleaned = life.clean_up();
        let tested = tested?;
        cleaned.map(|()| tested)
    }

    fn next(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// Lives once with the capabilities that are configured, in place of a set.
    ///
    /// # Errors
    /// The engine fails.
    pub fn live_as_configured(&self, usual: &Usual) -> Result<Run, TrialError> {
        self.live_with(&self.container.capabilities.clone(), usual)
    }

    /// The flags that let it hold `set` and nothing else.
    fn flags(&self, set: CapabilitySet) -> Vec<String> {
        let mut flags = vec!["--cap-drop=ALL".to_owned()];
        flags.extend(set.iter().map(|capability| {
            let name = capability.to_string();
            format!("--cap-add={}", name.strip_prefix("CAP_").unwrap_or(&name))
        }));
        if self.no_new_privileges {
            flags.push("--security-opt=no-new-privileges".to_owned());
        }
        flags
    }

    fn live_with(&self, capabilities: &[String], usual: &Usual) -> Result<Run, TrialError> {
        let (run, _) = self.end(Life::new(self, self.next()), capabilities, usual)?;
        Ok(run)
    }

    /// Lives this life to its end.
    fn end(
        &self,
        mut life: Life,
        capabilities: &[String],
        usual: &Usual,
    ) -> Result<(Run, Option<Trace>), TrialError> {
        let lived = life.live(capabilities, usual);
        // Whatever came of it, nothing is left behind.
        let cleaned = life.clean_up();
        let outcome = match lived? {
            Ok(()) => Outcome::Passed,
            Err(failure) => Outcome::Failed(failure),
        };
        cleaned?;
        let (stopped, longest) = life.measured();
        let run = usual.judge(Run { outcome, stopped, longest });
        if !run.outcome.passed() {
            self.docker.still_there()?;
        }
        Ok((run, life.traced()?))
    }
}

impl Trial for ContainerTrial {
    fn live(&self, set: CapabilitySet, usual: &Usual) -> Result<Run, TrialError> {
        self.live_with(&self.flags(set), usual)
    }
}

impl Traceable for ContainerTrial {
    fn trace(&self, set: CapabilitySet, usual: &Usual) -> Result<Option<(Run, Trace)>, TrialError> {
        let mut life = Life::new(self, self.next());
        life.trace()?;
        let (run, traced) = self.end(life, &self.flags(set), usual)?;
        Ok(traced.map(|trace| (run, trace)))
    }
}
