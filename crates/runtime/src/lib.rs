//! The OCI runtime: it stands before runc or crun, and what an engine starts or lets in by `exec` gets what
//! the policy allows.
//!
//! A drop in an entrypoint covers one process. The engine makes others (`exec`, health checks), and it
//! makes each by calling its runtime. So that is where the policy holds: `create`, `run`, `restore` and
//! `exec` are read by the runtimes' own grammar, their documents changed, and the real runtime is
//! executed in place of this process. Every other command is passed on as it is.
//!
//! # Limitations
//! - It is as good as its place: who may call runc directly, or talk to the engine as root, passes by.
//! - Names, images and labels are what the engine says; whoever may start containers chooses them, who built the image
//!   does not.
//!   What cannot be known ([`mod@running`]) matches nothing.
//! - A process that is restored from a checkpoint brings its capabilities along, and not all that holds it
//!   ([`mod@checkpoint`]): refused, unless what it brings is allowed and nothing else is asked for.
//! - Rootless engines run as a user who may call any runtime: the state folder is root's.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod bundle;
pub mod capabilities;
pub mod checkpoint;
pub mod config;
pub mod decide;
pub mod document;
mod error;
mod exec;
mod file;
pub mod grammar;
mod image;
pub mod install;
mod judge;
mod log;
mod process;
mod record;
pub mod running;
pub mod seccomp;
pub mod settings;
mod start;
mod state;
mod time;

pub use error::Error;

use dropcap_confine::sys::Linux;
use dropcap_policy::Policy;
use grammar::{Command, CommandLine, Flavour, Options};
use settings::Settings;
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The name under which the binary is the runtime.
pub const NAME: &str = "dropcap-runtime";

/// The exit code of a refusal; others are the runtime's own.
pub const REFUSED: u8 = 125;

/// dropcap's own flags, which come first. Engines pass them where they are told to when the runtime is registered. Another
/// folder for policy and settings:
const CONFIG: &str = "--dropcap-config=";
/// Another policy.
const POLICY: &str = "--policy";

/// Whether a program that was called by this name is the runtime.
pub fn is_called(by: &OsStr) -> bool {
    Path::new(by).file_name() == Some(OsStr::new(NAME))
}

/// Does what the command line says, in the end by executing the runtime below. It returns only if
/// that was refused or failed; the reason has been said then.
pub fn run(arguments: &[OsString], environment: Vec<(OsString, OsString)>) -> u8 {
    let Err((global, error)) = Invocation::new(arguments, environment, true).carry_out();
    log::error(&global, &error.chain());
    error.exit_code()
}

/// As [`run`], before the C library has started (`dropcap_confine::early`): that start would be half
/// of the runtime's time. It returns where anything is refused, fails or has to be said; [`run`]
/// then does all of it once more, and says it.
pub fn run_early(arguments: &[OsString], environment: Vec<(OsString, OsString)>) {
    let Err(_) = Invocation::new(arguments, environment, false).carry_out();
}

/// Removes the bundles of containers that are gone, and what is then empty.
///
/// # Errors
/// Something cannot be removed.
pub fn forget(state: &Path) -> std::io::Result<()> {
    bundle::forget(state)?;
    let _ = std::fs::remove_dir(state);
    Ok(())
}

/// One call of the runtime.
struct Invocation<'a> {
    words: &'a [OsString],
    environment: Vec<(OsString, OsString)>,
    /// Of policy and settings.
    directory: PathBuf,
    /// The policy, if it is not there.
    policy: Option<PathBuf>,
    /// Whether errors can be put into words: the C library's words for its own cannot be had before
    /// it has started.
    can_speak: bool,
}

/// What a command that is held back needs to know.
struct Context<'a> {
    settings: Settings,
    policy: Policy,
    flavour: Flavour,
    global: &'a Options,
    can_speak: bool,
}

impl<'a> Invocation<'a> {
    fn new(
        arguments: &'a [OsString],
        environment: Vec<(OsString, OsString)>,
        can_speak: bool,
    ) -> Self {
        let mut words = arguments.get(1..).unwrap_or_default();
        let mut directory = PathBuf::from(settings::DIRECTORY);
        let mut policy = None;
        while let Some(word) = words.first().and_then(|word| word.to_str()) {
            if let Some(own) = word.strip_prefix(CONFIG) {
                directory = own.into();
            } else if let Some(own) = word.strip_prefix(POLICY).and_then(|it| it.strip_prefix('='))
            {
                policy = Some(own.into());
            } else if let (true, Some(own)) = (word == POLICY, words.get(1)) {
                policy = Some(own.into());
                words = &words[1..];
            } else {
                break;
            }
            words = &words[1..];
        }
        Self { words, environment, directory, policy, can_speak }
    }

    fn carry_out(self) -> Result<Infallible, (Options, Error)> {
        let directory = state::absolute(self.directory.clone());
        let directory = directory.map_err(|error| (Options::default(), error))?;
        let settings = Settings::load(&directory);
        let below = match &settings {
            Ok(settings) => settings.below.clone(),
            // What runs can be stopped and deleted whatever else the settings say.
            Err(_) => settings::below(&directory)
                .map_or_else(settings::found, Ok)
                .map_err(|error| (Options::default(), error.into()))?,
        };
        let flavour = Flavour::of(below.as_os_str());
        let line = CommandLine::parse(self.words, flavour)
            .map_err(|error| (CommandLine::global_of(self.words, flavour), Error::from(error)))?;
        let with_log = |error| (line.global.clone(), error);
        let command = match line.command {
            None | Some(Command::Other) => {
                return self.replace(&below, self.words.to_vec()).map_err(with_log);
            }
            Some(command) => command,
        };
        let settings = settings.map_err(|error| with_log(error.into()))?;
        let policy = match &self.policy {
            Some(path) => state::absolute(path.clone()).map_err(with_log)?,
            None => directory.join(dropcap_policy::FILE_NAME),
        };
        let policy = Policy::load_trusted(&policy).map_err(|error| with_log(error.into()))?;
        let can_speak = self.can_speak;
        let context = Context { settings, policy, flavour, global: &line.global, can_speak };
        let done = match command {
            Command::Start(start) => self.start(&context, start),
            Command::Exec(exec) => self.exec(&context, exec),
            Command::Other => self.replace(&below, self.words.to_vec()),
        };
        done.map_err(with_log)
    }

    /// Executes the runtime below with these words: returns only if that fails.
    fn replace(&self, below: &Path, words: Vec<OsString>) -> Result<Infallible, Error> {
        let mut line = vec![below.as_os_str().to_owned()];
        line.extend(words);
        let command = dropcap_confine::Command::new(
            &line,
            self.environment.iter().map(|(key, value)| (key, value)),
        )?;
        let failed = command.execute(&Linux);
        Err(Error::Execute { path: below.to_owned(), source: failed.source })
    }
}

impl Context<'_> {
    /// Records a decision. Where that fails it is said in the log, and what was decided still holds.
    ///
    /// # Errors
    /// It cannot be said yet.
    fn record(
        &self,
        subject: record::Subject<'_>,
        decision: &decide::Decision,
        change: &config::Change,
    ) -> Result<(), Error> {
        let path = &self.settings.record;
        match record::append(path, subject, decision, change) {
            Err(error) if self.can_speak => {
                let text = format!("cannot record what was done in {}: {error}", path.display());
                log::warning(self.global, &text);
                Ok(())
            }
            done => done.map_err(Error::Record),
        }
    }

    /// The flags before the command, and the command, as words.
    fn words(&self, command: &str) -> Vec<OsString> {
        self.global.words().chain([command.into()]).collect()
    }
}
