//! Before and after, started by the Docker Engine that answers here, and tested.

use dropcap_manifest::{Container, Settings};
use serde::Serialize;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two attempts of the test.
const PAUSE: Duration = Duration::from_millis(200);

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "detail")]
pub(super) enum Trial {
    /// The test passed before and after.
    Passed,
    /// It passed before and fails after: the change is left out.
    Broken(String),
    /// It fails already now, so it tells nothing.
    FailsBefore(String),
    /// It could not be tried.
    Untried(String),
}

impl Trial {
    /// Whether the change may stay.
    pub const fn may_stay(&self) -> bool {
        !matches!(self, Self::Broken(_))
    }
}

/// Docker's command line, and the engine behind it.
#[derive(Debug, Clone)]
pub(super) struct Docker;

impl Docker {
    /// The engine that `docker` talks to, if one answers.
    pub fn find() -> Result<Self, String> {
        let output = docker(&["version", "--format", "{{.Server.Version}}"])?;
        if output.status.success() {
            Ok(Self)
        } else {
            Err(format!("no engine answers: {}", said(&output)))
        }
    }

    /// Starts the container as it is and as it is to be, and runs the test in each.
    /// A workload has `patience` until its test passes.
    pub fn compare(
        &self,
        before: &Container,
        after: &Container,
        test: &str,
        patience: Duration,
    ) -> Trial {
        let image = match image(before) {
            Ok(image) => image,
            Err(why) => return Trial::Untried(why),
        };
        if let Err(why) = attempt(before, &image, test, patience) {
            return Trial::FailsBefore(why);
        }
        match attempt(after, &image, test, patience) {
            Ok(()) => Trial::Passed,
            Err(why) => Trial::Broken(why),
        }
    }
}

/// The image, which has to be there already: nothing is pulled or built for a trial.
fn image(container: &Container) -> Result<String, String> {
    let Some(image) = &container.image else {
        return Err("its image has no name, and nothing is built for a trial".to_owned());
    };
    let output = docker(&["image", "inspect", "--format", "{{.Id}}", &image.value])?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(format!("the image {} is not there, and nothing is pulled for a trial", image.value))
    }
}

/// Starts the container and waits until its test passes. It goes away whatever comes.
fn attempt(
    container: &Container,
    image: &str,
    test: &str,
    patience: Duration,
) -> Result<(), String> {
    let mut arguments = vec!["run".to_owned(), "--detach".to_owned()];
    arguments.extend(flags(&container.settings));
    arguments.push(image.to_owned());
    arguments.extend(words(&container.settings));
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = docker(&words)?;
    if !output.status.success() {
        return Err(format!("it does not start: {}", said(&output)));
    }
    let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let started = Started { id };
    let deadline = Instant::now() + patience;
    loop {
        let test = docker_until(&["exec", &started.id, "sh", "-c", test], deadline);
        if test.as_ref().is_ok_and(|output| output.status.success()) {
            return Ok(());
        }
        let running = docker(&["inspect", "--format", "{{.State.Running}}", &started.id])?;
        if String::from_utf8_lossy(&running.stdout).trim() != "true" {
            let logs = docker(&["logs", "--tail", "3", &started.id])?;
            return Err(format!("it ended before its test passed: {}", said(&logs)));
        }
        if Instant::now() >= deadline {
            return Err(format!(
                "its test fails: {}",
                test.map_or_else(|why| why, |output| said(&output))
            ));
        }
        sleep(PAUSE);
    }
}

/// A started container, taken away at the end.
struct Started {
    id: String,
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = docker(&["rm", "--force", "--volumes", &self.id]);
    }
}

/// What of the settings bears on privilege, as flags. Ports, host mounts, volumes and networks are left
/// out: a trial must touch nothing that is in use.
fn flags(settings: &Settings) -> Vec<String> {
    let mut flags = Vec::new();
    let mut flag = |name: &str, value: &str| flags.push(format!("--{name}={value}"));
    if settings.network.as_ref().is_some_and(|network| network.value == "none") {
        flag("network", "none");
    }
    if settings.privileged.as_ref().is_some_and(|privileged| privileged.value) {
        flag("privileged", "true");
    }
    if settings.read_only {
        flag("read-only", "true");
    }
    settings.user.iter().for_each(|user| flag("user", &user.value));
    settings.cap_drop.iter().for_each(|word| flag("cap-drop", &word.value));
    settings.cap_add.iter().for_each(|word| flag("cap-add", &word.value));
    settings.security_opt.iter().for_each(|word| flag("security-opt", &word.value));
    settings.group_add.iter().for_each(|word| flag("group-add", &word.value));
    settings.sysctls.iter().for_each(|(name, value)| flag("sysctl", &format!("{name}={value}")));
    settings
        .mounts
        .iter()
        .filter(|mount| mount.tmpfs)
        .for_each(|mount| flag("tmpfs", &mount.target));
    if let Some(program) = settings.entrypoint.as_ref().and_then(|words| words.value.first()) {
        flag("entrypoint", program);
    }
    flags
}

/// The words behind the image.
fn words(settings: &Settings) -> Vec<String> {
    let of = |words: &Option<dropcap_manifest::Spanned<Vec<String>>>| {
        words.as_ref().map(|words| words.value.clone()).unwrap_or_default()
    };
    let mut words: Vec<String> = of(&settings.entrypoint).into_iter().skip(1).collect();
    words.extend(of(&settings.command));
    words
}

fn docker(arguments: &[&str]) -> Result<Output, String> {
    Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("docker cannot be started: {error}"))
}

/// The same, ended when the time is up: a test may wait for what never comes.
fn docker_until(arguments: &[&str], deadline: Instant) -> Result<Output, String> {
    let failed = |error: std::io::Error| format!("docker cannot be started: {error}");
    let mut child = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    while child.try_wait().map_err(failed)?.is_none() {
        if Instant::now() >= deadline {
            child.kill().map_err(failed)?;
            child.wait().map_err(failed)?;
            return Err("it did not end in time".to_owned());
        }
        sleep(PAUSE / 10);
    }
    child.wait_with_output().map_err(failed)
}

/// The last line that a command said.
fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).join("\n");
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    last.unwrap_or("nothing was said").to_owned()
}
