//! Before and after, started by the Docker Engine that answers here, and tested.

use dropcap_manifest::{Container, Kind, Settings};
use dropcap_observe::docker::{Answer, Docker};
use serde::Serialize;
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

/// Starts the container as it is and as it is to be, and runs the test in each.
/// A workload has `patience` until its test passes.
pub(super) fn compare(
    docker: &Docker,
    before: &Container,
    after: &Container,
    test: &str,
    patience: Duration,
) -> Trial {
    if before.kind == Kind::Kubernetes {
        return Trial::Untried("a pod is tried by `learn` alone".to_owned());
    }
    let Some(image) = &before.image else {
        let why = "its image has no name, and nothing is built for a trial";
        return Trial::Untried(why.to_owned());
    };
    let image = match docker.image(&image.value) {
        Ok((id, _)) => id,
        Err(why) => return Trial::Untried(why.to_string()),
    };
    if let Err(why) = attempt(docker, before, &image, test, patience) {
        return Trial::FailsBefore(why);
    }
    match attempt(docker, after, &image, test, patience) {
        Ok(()) => Trial::Passed,
        Err(why) => Trial::Broken(why),
    }
}

/// Starts the container and waits until its test passes. It goes away whatever comes.
fn attempt(
    docker: &Docker,
    container: &Container,
    image: &str,
    test: &str,
    patience: Duration,
) -> Result<(), String> {
    let mut arguments = vec!["run".to_owned(), "--detach".to_owned()];
    arguments.extend(flags(&container.settings));
    arguments.push(image.to_owned());
    arguments.extend(container.settings.words_behind_image());
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ask = |words: &[&str]| docker.ask(words).map_err(|error| error.to_string());
    let start = ask(&words)?;
    if !start.success() {
        return Err(format!("it does not start: {}", said(&start)));
    }
    let started = Started { docker, id: start.text() };
    let deadline = Instant::now() + patience;
    loop {
        let test = docker
            .ask_until(&["exec", &started.id, "sh", "-c", test], deadline)
            .map_err(|error| error.to_string())?;
        if test.success() {
            return Ok(());
        }
        let running = ask(&["inspect", "--format", "{{.State.Running}}", &started.id])?;
        if running.text() != "true" {
            let logs = ask(&["logs", "--tail", "3", &started.id])?;
            return Err(format!("it ended before its test passed: {}", said(&logs)));
        }
        if Instant::now() >= deadline {
            let why = test.code.map_or("it did not end in time".to_owned(), |_| said(&test));
            return Err(format!("its test fails: {why}"));
        }
        sleep(PAUSE);
    }
}

/// A started container, taken away at the end.
struct Started<'a> {
    docker: &'a Docker,
    id: String,
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        let _ = self.docker.ask(&["rm", "--force", "--volumes", &self.id]);
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

/// The last line that a command said.
fn said(answer: &Answer) -> String {
    let outputs = [&answer.output.stdout[..], &answer.output.stderr[..]];
    let text = outputs.map(String::from_utf8_lossy).join("\n");
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    last.unwrap_or("nothing was said").to_owned()
}
