//! One life of a container: fresh volumes, start, test, exec, stop, and once more on the same volumes.

use super::copies::Copies;
use super::left::LABEL;
use super::tracer::{Tracer, gated};
use super::{Configured, ContainerTrial, Idle};
use crate::command::{TrialError, seconds};
use crate::life::{KILLED, phase};
use crate::session::PREFIX;
use crate::trace::Trace;
use crate::{Failure, Usual};
use std::collections::HashSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Before the test is made again: at first this long, then twice as long each time.
const PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// How Docker refuses one (`daemon/pkg/oci/caps`): 20.10 has no PERFMON, BPF and CHECKPOINT_RESTORE.
const UNKNOWN_CAPABILITY: &str = "unknown capability";
/// How long an engine waits for the end that it asked for before it kills, if nothing else is said.
const GRACE: Duration = Duration::from_secs(10);
/// One that has to be killed in any case is killed sooner: nothing that it does later would count.
const SHORT_GRACE: Duration = Duration::from_secs(1);

/// One life while it lasts.
pub(super) struct Life<'a> {
    pub(super) trial: &'a ContainerTrial,
    /// The name of everything in it begins with this.
    name: String,
    pub(super) copies: Copies,
    containers: Vec<String>,
    volumes: HashSet<String>,
    network: bool,
    /// The container whose network is that of the pod.
    pub(super) holder: Option<String>,
    /// The longest that its test was waited for.
    longest: Duration,
    stopped: Vec<u8>,
    /// Where it is traced.
    tracer: Option<Tracer>,
    /// What the first start showed, and the second will not ask for again.
    shown: Option<Shown>,
}

/// What does not change from one start of a container to the next.
#[derive(Clone, Copy)]
struct Shown {
    /// Whether SIGTERM does nothing to it.
    deaf: bool,
    /// Whether the image has a health check of its own.
    has_health: bool,
}

/// Podman starts anew for each word that it is told, and two wait for each other: on a busy machine an exec
/// alone may take seconds.
const PODMANS_LEAST: Duration = Duration::from_secs(10);
/// A traced one is given so many times longer.
const TRACED: u32 = 3;

pub(super) type Lived = Result<Result<(), Failure>, TrialError>;

impl<'a> Life<'a> {
    pub fn new(trial: &'a ContainerTrial, number: u64) -> Self {
        Self {
            trial,
            name: format!("{PREFIX}{}-{number}", trial.session.name()),
            copies: Copies::new(trial.session.clone()),
            containers: Vec::new(),
            volumes: HashSet::new(),
            network: false,
            holder: None,
            longest: Duration::ZERO,
            stopped: Vec::new(),
            tracer: None,
            shown: None,
        }
    }

    /// Has it traced.
    pub fn trace(&mut self) -> Result<(), TrialError> {
        self.tracer = Some(Tracer::new()?);
        Ok(())
    }

    /// What was traced; `None` where nothing could be, or was asked for.
    pub fn traced(&mut self) -> Result<Option<Trace>, TrialError> {
        let own = std::env::temp_dir().join(PREFIX);
        self.tracer.take().map(|tracer| tracer.finish(&own.to_string_lossy())).transpose()
    }

    pub fn measured(&mut self) -> (Vec<u8>, Duration) {
        (std::mem::take(&mut self.stopped), self.longest)
    }

    /// Starts what it talks to.
    pub fn prepare(&mut self) -> Result<(), TrialError> {
        let trial = self.trial;
        if !trial.dependencies.is_empty() && !trial.is_pod {
            let label = self.label();
            trial.docker.must(&["network", "create", &label, &self.name])?;
            self.network = true;
        }
        if !trial.dependencies.is_empty() && trial.is_pod {
            self.hold_network()?;
        }
        for dependency in &trial.dependencies {
            let id = self.create(dependency, &dependency.capabilities)?;
            if let Err(said) = self.start(&id)? {
                return Err(TrialError::Engine(format!(
                    "what it depends on, {}, does not start: {}",
                    dependency.alias,
                    said.join(" ")
                )));
            }
            if dependency.ends {
                self.wait_for_end(&id, dependency)?;
            }
        }
        Ok(())
    }

    /// What comes of the test in a container like this one, which begins with `sh`.
    pub fn test_in(&mut self, container: &Configured) -> Result<Idle, TrialError> {
        let id = self.create(container, &[])?;
        if let Err(said) = self.start(&id)? {
            // What else keeps it from starting, the trials meet again.
            return Ok(if names_shell(&said) { Idle::NoShell } else { Idle::Fails });
        }
        let deadline = Instant::now() + self.trial.limit;
        let tested = self.trial.docker.ask_until(&exec(&id, &self.trial.test), deadline)?;
        Ok(if tested.success() { Idle::Passes } else { Idle::Fails })
    }

    pub fn live(&mut self, capabilities: &[String], usual: &Usual) -> Lived {
        self.prepare()?;
        if let Err(failure) = self.give_places()? {
            return Ok(Err(failure));
        }
        for start in [phase::START, phase::RESTART_VOLUMES] {
            let container = match self.tracer {
                Some(_) => gated(&self.trial.docker, &self.trial.container)?,
                None => self.trial.container.clone(),
            };
            let id = match self.create(&container, capabilities) {
                // An engine older than the capability: nobody can have it there.
                Err(TrialError::Engine(said)) if said.contains(UNKNOWN_CAPABILITY) => {
                    let how = "the engine does not know the capability".to_owned();
                    return Ok(Err(Failure { phase: start.to_owned(), how, output: vec![said] }));
                }
                created => created?,
            };
            let lived = self.live_once(&id, start, usual)?;
            self.trial.docker.remove_container(&id)?;
            self.containers.retain(|known| *known != id);
            if let Err(failure) = lived {
                return Ok(Err(failure));
            }
        }
        Ok(Ok(()))
    }

    /// The most that a phase may take.
    fn patience(&self, usual: &Usual) -> Duration {
        let slower = if self.tracer.is_some() { TRACED } else { 1 };
        let mut patience = usual.patience(self.trial.limit) * slower;
        if self.trial.docker.is_podman() {
            patience = patience.max(PODMANS_LEAST);
        }
        patience.min(self.trial.limit)
    }

    /// Until it works, after it was started.
    pub(super) fn wait_until_it_works(&mut self, id: &str, usual: &Usual) -> Lived {
        let deadline = Instant::now() + self.patience(usual);
        self.wait_for_test(id, phase::START, deadline)
    }

    fn live_once(&mut self, id: &str, start: &str, usual: &Usual) -> Lived {
        let patience = self.patience(usual);
        let failed = |phase: &str, how: String, output: Vec<String>| {
            Ok(Err(Failure { phase: phase.to_owned(), how, output }))
        };
        if let Err(said) = self.start(id)? {
            return failed(start, "the engine cannot start it".to_owned(), said);
        }
        if let Some(tracer) = &mut self.tracer
            && !tracer.attach(&self.trial.docker, id)?
        {
            self.tracer = None;
        }
        let since = Instant::now();
        if let Err(failure) = self.wait_for_test(id, start, since + patience)? {
            return Ok(Err(failure));
        }
        self.longest = self.longest.max(since.elapsed());
        let deadline = Instant::now() + patience;
        let entered = self.trial.docker.ask_until(&exec(id, ":"), deadline)?;
        if !entered.success() {
            return failed(phase::EXEC, "nothing can be executed in it".to_owned(), entered.said());
        }
        let grace = self.grace(usual);
        let time = grace.as_secs().to_string();
        let deadline = Instant::now() + grace + Duration::from_secs(60);
        let stop = self.trial.docker.ask_until(&["stop", "--time", &time, id], deadline)?;
        if !stop.success() {
            return Err(TrialError::Engine(format!("stop: {}", stop.said().join(" "))));
        }
        let code = self.trial.docker.must(&["inspect", "--format", "{{.State.ExitCode}}", id])?;
        self.stopped.push(code.parse().unwrap_or(u8::MAX));
        Ok(Ok(()))
    }

    /// How long its end is waited for before it is killed.
    fn grace(&self, usual: &Usual) -> Duration {
        if self.shown.is_some_and(|shown| shown.deaf) {
            return Duration::ZERO;
        }
        let was_killed = usual.is_killed() || self.stopped.first() == Some(&KILLED);
        if was_killed { SHORT_GRACE } else { GRACE }
    }

    /// Until the test passes and the image's own health check does, the container ends, or the time
    /// is up.
    fn wait_for_test(&mut self, id: &str, start: &str, deadline: Instant) -> Lived {
        let since = Instant::now();
        let failed = |how: String, output: Vec<String>| {
            Ok(Err(Failure { phase: start.to_owned(), how, output }))
        };
        let trial = self.trial;
        let test = || trial.docker.ask_until(&exec(id, &trial.test), deadline);
        let mut tested = test()?;
        let mut pause = PAUSE;
        loop {
            if tested.success() && self.shown.is_some_and(|shown| !shown.has_health) {
                return Ok(Ok(()));
            }
            let state = trial.docker.state(id)?;
            if !state.runs {
                return failed(format!("it ended with status {}", state.exit_code), self.logs(id)?);
            }
            let health = state.health.as_deref();
            self.shown = Some(Shown { deaf: state.is_deaf(), has_health: health.is_some() });
            if tested.success() && health.is_none_or(|health| health == "healthy") {
                return Ok(Ok(()));
            }
            if Instant::now() >= deadline {
                let what = match health.filter(|_| tested.success()) {
                    Some(health) => format!("the image's health check says {health} after"),
                    None if tested.code.is_none() => "the test did not end in".to_owned(),
                    None => "the test did not pass in".to_owned(),
                };
                let how = format!("{what} {}", seconds(since.elapsed()));
                let mut output = tested.said();
                output.extend(self.logs(id)?);
                return failed(how, output);
            }
            sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
            // Once it has passed, only the health check is waited for.
            if tested.success() {
                trial.docker.check_health(id)?;
            } else {
                let again = test()?;
                // One that was ended for want of time says less than the one before.
                if again.code.is_some() || tested.code.is_none() {
                    tested = again;
                }
            }
        }
    }

    pub(super) fn logs(&self, id: &str) -> Result<Vec<String>, TrialError> {
        Ok(self.trial.docker.ask(&["logs", id])?.said())
    }

    fn label(&self) -> String {
        format!("--label={LABEL}={}", self.trial.session)
    }

    pub(super) fn create(
        &mut self,
        container: &Configured,
        capabilities: &[String],
    ) -> Result<String, TrialError> {
        let label = self.label();
        let mut words = vec!["create".to_owned(), label.clone(), "--pull=never".to_owned()];
        words.extend(container.flags.iter().chain(capabilities).cloned());
        if let Some(holder) = &self.holder {
            words.push(format!("--network=container:{holder}"));
        } else if self.network {
            words.push(format!("--network={}", self.name));
            words.push(format!("--network-alias={}", container.alias));
        }
        for (at, (shared, target, read_only)) in container.volumes.iter().enumerate() {
            let own = format!("{}-{at}", container.alias);
            let name = if shared.is_empty() { &own } else { shared };
            let name = format!("{}-{name}", self.name);
            if self.volumes.insert(name.clone()) {
                self.trial.docker.must(&["volume", "create", &label, &name])?;
            }
            let only = if *read_only { ",readonly" } else { "" };
            words.push(format!("--mount=type=volume,source={name},target={target}{only}"));
        }
        for (source, target, read_only) in &container.binds {
            let source = if *read_only { source.clone() } else { self.copies.of(source)? };
            let only = if *read_only { ",readonly" } else { "" };
            words.push(format!(
                "--mount=type=bind,source={},target={target}{only}",
                source.display()
            ));
        }
        for folder in &container.folders {
            let source = self.folder(folder)?;
            words.push(folder.mount(&source));
        }
        words.push(container.image.clone());
        words.extend(container.words.iter().cloned());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let id = self.trial.docker.must(&words)?;
        // The client warns on the same stream; the id stands last.
        let id = id.lines().last().unwrap_or_default().to_owned();
        self.containers.push(id.clone());
        Ok(id)
    }

    /// What the engine said where it does not start.
    pub(super) fn start(&self, id: &str) -> Result<Result<(), Vec<String>>, TrialError> {
        let answer = self.trial.docker.ask(&["start", id])?;
        Ok(if answer.success() { Ok(()) } else { Err(answer.said()) })
    }

    /// Takes all of it away.
    pub fn clean_up(&mut self) -> Result<(), TrialError> {
        let docker = &self.trial.docker;
        self.holder = None;
        for id in self.containers.drain(..) {
            let removed = docker.remove_container(&id)?;
            if !removed.success() {
                return Err(TrialError::Engine(format!("rm: {}", removed.said().join(" "))));
            }
        }
        for volume in self.volumes.drain() {
            docker.must(&["volume", "rm", "--force", &volume])?;
        }
        if std::mem::take(&mut self.network) {
            docker.must(&["network", "rm", &self.name])?;
        }
        self.copies.remove();
        Ok(())
    }
}

fn exec<'w>(id: &'w str, command: &'w str) -> [&'w str; 5] {
    ["exec", id, "sh", "-c", command]
}

/// Whether it is the shell that is missing: how runc and crun say that there is no such program.
pub(super) fn names_shell(said: &[String]) -> bool {
    let said = said.join(" ");
    said.contains("\"sh\": executable file not found")
        || said.contains("executable file `sh` not found")
}
