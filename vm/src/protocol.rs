//! What host and guest say to each other: a plan in the initramfs, and events on a serial line, one
//! JSON document a line.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where the plan lies in the initramfs.
pub const PLAN: &str = "/plan.json";
/// The serial line of the events, in the guest.
pub const LINE: &str = "/dev/ttyS1";

/// What a guest does before it powers off.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Modules to load first, in this order: paths in the initramfs.
    pub modules: Vec<String>,
    /// Commands to run, one after another.
    pub commands: Vec<Command>,
}

/// A command for a guest, as root with every capability, in a cgroup of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Its path and its arguments.
    pub line: Vec<String>,
    /// Added to the environment, which holds PATH and HOME.
    pub environment: Vec<(String, String)>,
    /// How long it may take; then it is killed with all that it started.
    pub limit: Duration,
}

impl Command {
    /// How long a command may take, if nothing else is said.
    pub const LIMIT: Duration = Duration::from_secs(120);

    /// The program at a path in the guest, with arguments.
    pub fn new<Word: Into<String>>(line: impl IntoIterator<Item = Word>) -> Self {
        let line = line.into_iter().map(Into::into).collect();
        Self { line, environment: Vec::new(), limit: Self::LIMIT }
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With another limit of time.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

/// What a guest reports, in the order in which it happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It runs, with this release of the kernel (`uname -r`).
    Booted {
        /// Such as `6.1.0-50-cloud-amd64`.
        release: String,
        /// What the kernel says of its version, such as `#1 SMP Debian 6.1.176-1`.
        version: String,
    },
    /// The command that runs wrote this: a line, or what was left of one.
    Output {
        /// Where.
        stream: Stream,
        /// What; bytes that are no UTF-8 are replaced.
        text: String,
    },
    /// The command that ran has ended.
    Ended {
        /// How.
        end: End,
        /// How long it took, by the guest's clock.
        took: Duration,
    },
    /// All commands have ended.
    Finished,
    /// The guest cannot go on.
    Failed(String),
}

/// One of the two streams of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// The standard output.
    Stdout,
    /// The standard error.
    Stderr,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// With this code.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
    /// It took too long and was killed.
    TimedOut,
    /// It could not be started.
    NotStarted(String),
}
