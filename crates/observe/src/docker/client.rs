//! Docker's command line, and the engine behind it.

use crate::command::{During, TrialError};
use crate::said::lines;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// The engine answers everything but a stop in less, or it is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// It has closed its outputs, so it is about to end.
const PAUSE: Duration = Duration::from_micros(200);

/// The command lines that engines have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// `docker`, which may talk to Podman too, by the API that it has for it.
    Docker,
    /// `podman`, which is the engine itself.
    Podman,
}

impl Client {
    /// The program.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// The words that ask for the engine's version and, behind a space, for what it is.
    const fn version(self) -> [&'static str; 3] {
        match self {
            Self::Docker => [
                "version",
                "--format",
                "{{.Server.Version}} {{range .Server.Components}}{{.Name}},{{end}}",
            ],
            Self::Podman => ["version", "--format", "{{.Client.Version}} Podman Engine"],
        }
    }
}

/// The engine that a client talks to.
#[derive(Debug, Clone)]
pub struct Docker {
    client: Client,
    version: EngineVersion,
    is_podman: bool,
}

/// What it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVersion(pub String);

/// What a command of the client came to.
#[derive(Debug)]
pub struct Answer {
    /// Its exit code; `None` where it was ended when its time was up.
    pub code: Option<i32>,
    /// What it wrote.
    pub output: Output,
}

impl Answer {
    /// Whether it ended well.
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// Standard output, without the newline.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).trim().to_owned()
    }

    /// The first lines of both outputs.
    pub fn said(&self) -> Vec<String> {
        lines(&[self.output.stdout.as_slice(), &self.output.stderr].concat())
    }
}

impl Docker {
    /// The engine that `docker` talks to, if one answers.
    ///
    /// # Errors
    /// No client, or nothing that answers it.
    pub fn find() -> Result<Self, TrialError> {
        Self::find_by(Client::Docker)
    }

    /// The engine that `client` talks to, if one answers.
    ///
    /// # Errors
    /// No client, or nothing that answers it.
    pub fn find_by(client: Client) -> Result<Self, TrialError> {
        let version = EngineVersion(String::new());
        let mut docker = Self { client, version, is_podman: false };
        let answer = docker.ask(&client.version())?;
        if !answer.success() {
            return Err(TrialError::Engine(format!("none answers ({})", answer.said().join(" "))));
        }
        let said = answer.text();
        let (version, what) = said.split_once(' ').unwrap_or((&said, ""));
        docker.is_podman = what.contains("Podman");
        let name = if docker.is_podman { "podman" } else { "docker" };
        docker.version = EngineVersion(format!("{name} {version}"));
        Ok(docker)
    }

    /// Whether it is Podman, whichever client talks to it.
    pub fn is_podman(&self) -> bool {
        self.is_podman
    }

    /// Its version, as the policy writes it.
    pub fn version(&self) -> &str {
        &self.version.0
    }

    /// The id of an image that is there, and every digest it is known by. Nothing is pulled.
    ///
    /// # Errors
    /// It is not there, or the engine fails.
    pub fn image(&self, reference: &str) -> Result<(String, Vec<String>), TrialError> {
        let format = "{{.Id}}{{range .RepoDigests}} {{.}}{{end}}";
        let answer = self.ask(&["image", "inspect", "--format", format, reference])?;
        if !answer.success() {
            return Err(TrialError::Engine(format!(
                "the image {reference} is not there, and nothing is pulled or built for a trial"
            )));
        }
        let text = answer.text();
        let mut words = text.split(' ');
        let id = words.next().unwrap_or_default();
        // Podman leaves the algorithm out.
        let id = if id.contains(':') { id.to_owned() } else { format!("sha256:{id}") };
        let digest =
            |word: &str| word.rsplit_once('@').map_or(word, |(_, digest)| digest).to_owned();
        let digests = std::iter::once(id.clone()).chain(words.map(digest)).collect();
        Ok((id, digests))
    }

    /// The user that an image names; empty where it names none.
    ///
    /// # Errors
    /// The engine fails.
    pub fn image_user(&self, image: &str) -> Result<String, TrialError> {
        self.must(&["image", "inspect", "--format", "{{.Config.User}}", image])
    }

    /// Where an image asks for volumes, for a container that mounts nothing there.
    ///
    /// # Errors
    /// The engine fails.
    pub fn image_volumes(&self, image: &str) -> Result<Vec<String>, TrialError> {
        let said =
            self.must(&["image", "inspect", "--format", "{{json .Config.Volumes}}", image])?;
        let said: Option<BTreeMap<String, Value>> = serde_json::from_str(&said)
            .map_err(|error| TrialError::Engine(format!("image inspect: {error}")))?;
        Ok(said.unwrap_or_default().into_keys().collect())
    }

    /// The entrypoint and the command of an image.
    ///
    /// # Errors
    /// The engine fails.
    pub(super) fn image_words(
        &self,
        image: &str,
    ) -> Result<(Vec<String>, Vec<String>), TrialError> {
        let format = "[{{json .Config.Entrypoint}},{{json .Config.Cmd}}]";
        let said = self.must(&["image", "inspect", "--format", format, image])?;
        let said: (Option<Vec<String>>, Option<Vec<String>>) = serde_json::from_str(&said)
            .map_err(|error| TrialError::Engine(format!("image inspect: {error}")))?;
        Ok((said.0.unwrap_or_default(), said.1.unwrap_or_default()))
    }

    /// Whether an image says how to tell that it is healthy.
    ///
    /// # Errors
    /// The engine fails.
    pub fn has_health_check(&self, image: &str) -> Result<bool, TrialError> {
        let format = "{{with .Config.Healthcheck}}{{join .Test \" \"}}{{end}}";
        let test = self.must(&["image", "inspect", "--format", format, image])?;
        Ok(!test.is_empty() && test != "NONE")
    }

    /// Makes the image's own health check, where nobody else does: Podman leaves that to systemd.
    ///
    /// # Errors
    /// The engine fails.
    pub(super) fn check_health(&self, container: &str) -> Result<(), TrialError> {
        if self.client == Client::Podman {
            // What came of it stands in the container's state.
            self.ask(&["healthcheck", "run", container])?;
        }
        Ok(())
    }

    /// That it still answers: what failed while it went away says nothing.
    ///
    /// # Errors
    /// It does not.
    pub fn still_there(&self) -> Result<(), TrialError> {
        self.must(&self.client.version()).map(drop)
    }

    /// Runs the client, which has to succeed: its standard output.
    pub(super) fn must(&self, arguments: &[&str]) -> Result<String, TrialError> {
        let answer = self.ask(arguments)?;
        if answer.success() {
            return Ok(answer.text());
        }
        let verb = arguments.first().copied().unwrap_or(self.client.program());
        Err(TrialError::Engine(format!("{verb}: {}", answer.said().join(" "))))
    }

    /// Runs the client, which may fail.
    ///
    /// # Errors
    /// It cannot be started, or no engine answers it in time.
    pub fn ask(&self, arguments: &[&str]) -> Result<Answer, TrialError> {
        let answer = self.ask_until(arguments, Instant::now() + PATIENCE)?;
        if answer.code.is_none() {
            return Err(TrialError::Engine(format!("it does not answer in {PATIENCE:?}")));
        }
        let gone = ["Cannot connect to the Docker daemon", "error during connect"];
        let said = String::from_utf8_lossy(&answer.output.stderr);
        if !answer.success() && gone.iter().any(|words| said.contains(words)) {
            return Err(TrialError::Engine("it is gone, or none answers".to_owned()));
        }
        Ok(answer)
    }

    /// The same, ended when the time is up; then there is no code.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn ask_until(&self, arguments: &[&str], deadline: Instant) -> Result<Answer, TrialError> {
        let mut client = Command::new(self.client.program());
        client.args(arguments);
        answer(&mut client, deadline)
    }
}

/// Runs a client, which is ended when the time is up.
fn answer(client: &mut Command, deadline: Instant) -> Result<Answer, TrialError> {
    let mut child =
        client.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(
            |error| {
                let program = client.get_program().display();
                TrialError::Engine(format!("{program} cannot be started: {error}"))
            },
        )?;
    // What nobody reads would fill its pipe and keep it from ending.
    let (send, heard) = mpsc::channel();
    child.stdout.take().into_iter().for_each(|from| read(from, Stream::Out, send.clone()));
    child.stderr.take().into_iter().for_each(|from| read(from, Stream::Error, send.clone()));
    drop(send);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match heard.recv_timeout(left) {
            Ok((Stream::Out, bytes)) => stdout.extend(bytes),
            Ok((Stream::Error, bytes)) => stderr.extend(bytes),
            Err(RecvTimeoutError::Disconnected) => break wait(&mut child, deadline)?,
            // What it left behind may hold the pipes open for as long as it likes.
            Err(RecvTimeoutError::Timeout) => break wait(&mut child, Instant::now())?,
        }
    };
    let status = child.wait().during("waiting for the engine's client")?;
    Ok(Answer { code, output: Output { status, stdout, stderr } })
}

/// Which of the client's outputs.
#[derive(Clone, Copy)]
enum Stream {
    Out,
    Error,
}

/// Hands on what is read, until the end or an error.
fn read(mut from: impl Read + Send + 'static, stream: Stream, to: mpsc::Sender<(Stream, Vec<u8>)>) {
    thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            // Nobody listens any more when its time was up.
            if to.send((stream, bytes[..length].to_vec())).is_err() {
                break;
            }
        }
    });
}

/// Its exit code, or `None` when it did not end in time and was ended.
fn wait(child: &mut Child, deadline: Instant) -> Result<Option<i32>, TrialError> {
    loop {
        if let Some(status) = child.try_wait().during("waiting for the engine's client")? {
            return Ok(Some(status.code().unwrap_or(-1)));
        }
        if Instant::now() >= deadline {
            child.kill().during("ending docker")?;
            return Ok(None);
        }
        sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(script: &str, patience: Duration) -> (Answer, Duration) {
        let since = Instant::now();
        let answer = answer(Command::new("sh").args(["-c", script]), since + patience);
        (answer.expect("sh is there"), since.elapsed())
    }

    #[test]
    fn both_outputs_and_the_code_are_kept() {
        let (answer, _) = ask("echo out; echo err >&2; exit 3", Duration::from_secs(60));
        assert_eq!((answer.code, answer.text().as_str()), (Some(3), "out"));
        assert_eq!(answer.said(), ["out", "err"]);
    }

    /// A client may be a script around the real one.
    #[test]
    fn what_a_client_left_behind_is_not_waited_for() {
        let (answer, took) = ask("echo said; sleep 20 & sleep 20", Duration::from_millis(300));
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert_eq!((answer.code, answer.text().as_str()), (None, "said"));
        let (answer, took) = ask("echo said; sleep 20 & exit 3", Duration::from_millis(300));
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert_eq!(answer.code, Some(3));
    }
}
