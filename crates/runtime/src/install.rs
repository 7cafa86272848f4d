//! Registering the runtime with an engine: what its configuration has to say, and saying no more.
//!
//! Each engine's file is a pure edit of a text. What an edit need not touch stays, comments too; and
//! what was there before is kept, so that it can be brought back to the byte.

mod containerd;
mod crio;
mod docker;
mod podman;
mod tables;

use std::path::Path;
use std::str::FromStr;

/// The name under which engines know the runtime.
pub const RUNTIME: &str = "dropcap";

/// An engine that the runtime can be registered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Engine {
    Docker,
    Podman,
    Containerd,
    Crio,
}

/// What is to be registered.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'a> {
    /// The file that the engine is to execute.
    pub program: &'a Path,
    /// Another folder for policy and settings than `/etc/dropcap`.
    pub directory: Option<&'a Path>,
    /// Whether it becomes the runtime of every container that names none.
    pub default: bool,
}

/// What a configuration says of the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Registered {
    /// Whether a container can ask for it.
    pub registered: bool,
    /// Whether a container that asks for none gets it.
    pub default: bool,
}

/// Why a configuration is not edited.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum EditError {
    #[error("it is not the JSON that dockerd reads")]
    Json(#[from] crate::document::DocumentError),
    #[error("it is not TOML: {0}")]
    Toml(String),
    #[error("`{0}` is not a table in it")]
    NoTable(String),
    #[error("its version is {0}; 2 and 3 are understood")]
    Version(i64),
    #[error("only Docker passes a folder for the policy on: leave it at /etc/dropcap")]
    Directory,
    #[error("a path is not Unicode")]
    NotUnicode,
}

impl Engine {
    /// Every engine.
    pub const ALL: [Self; 4] = [Self::Docker, Self::Podman, Self::Containerd, Self::Crio];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Containerd => "containerd",
            Self::Crio => "crio",
        }
    }

    /// The program that shows that it is there.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Docker => "dockerd",
            other => other.name(),
        }
    }

    /// Its configuration.
    pub fn configuration(self) -> &'static Path {
        Path::new(match self {
            Self::Docker => "/etc/docker/daemon.json",
            Self::Podman => "/etc/containers/containers.conf",
            Self::Containerd => "/etc/containerd/config.toml",
            Self::Crio => "/etc/crio/crio.conf.d/99-dropcap.conf",
        })
    }

    /// What makes an edit count.
    pub const fn takes_effect(self) -> &'static str {
        match self {
            Self::Docker => "dockerd reads it when it is told to reload: systemctl reload docker",
            Self::Podman => "the next podman reads it",
            Self::Containerd => "containerd has to be restarted: systemctl restart containerd",
            Self::Crio => "CRI-O has to be restarted: systemctl restart crio",
        }
    }

    /// What makes it count that the runtime is gone from the configuration.
    pub const fn is_forgotten(self) -> &'static str {
        match self {
            Self::Docker => {
                "no dockerd that runs was seen to read it; one that does keeps the runtime until it is restarted: \
                 systemctl restart docker"
            }
            other => other.takes_effect(),
        }
    }

    /// How a container asks for it where it is not the default.
    pub const fn asked_for_by(self) -> &'static str {
        match self {
            Self::Docker => "docker run --runtime dropcap …",
            Self::Podman => "podman --runtime dropcap run …",
            Self::Containerd | Self::Crio => "a RuntimeClass with `handler: dropcap`",
        }
    }

    /// The configuration with the runtime in it; `text` is what there is now.
    ///
    /// # Errors
    /// What there is now cannot be read.
    pub fn register(
        self,
        text: Option<&str>,
        registration: Registration<'_>,
    ) -> Result<String, EditError> {
        if registration.directory.is_some() && self != Self::Docker {
            return Err(EditError::Directory);
        }
        match self {
            Self::Docker => docker::register(text, registration),
            Self::Podman => podman::register(text, registration),
            Self::Containerd => containerd::register(text, registration),
            Self::Crio => crio::register(text, registration),
        }
    }

    /// The configuration without the runtime, where somebody has changed it since it was registered. If it is the
    /// default, what was the default `before` is so again.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn unregister(self, text: &str, before: Option<&str>) -> Result<String, EditError> {
        match self {
            Self::Docker => docker::unregister(text, before),
            Self::Podman => podman::unregister(text, before),
            Self::Containerd => containerd::unregister(text, before),
            Self::Crio => crio::unregister(text, before),
        }
    }

    /// What an engine that runs has to read before `then`, so that the runtime is gone from it; `None` where it need
    /// not. Where something runs by it, `keep` is what is read now: then it is only the default no more.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn between(
        self,
        then: Option<&str>,
        keep: Option<&str>,
    ) -> Result<Option<String>, EditError> {
        match (self, keep) {
            (Self::Docker, Some(now)) => docker::retires(now, then).map(Some),
            (Self::Docker, None) => docker::forgets(then).map(Some),
            (Self::Podman | Self::Containerd | Self::Crio, _) => Ok(None),
        }
    }

    /// What the configuration says.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn registered(self, text: &str) -> Result<Registered, EditError> {
        match self {
            Self::Docker => docker::registered(text),
            Self::Podman => podman::registered(text),
            Self::Containerd => containerd::registered(text),
            Self::Crio => crio::registered(text),
        }
    }
}

/// A word that names no engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no engine is called `{0}`: docker, podman, containerd, crio")]
pub struct NoEngine(String);

impl FromStr for Engine {
    type Err = NoEngine;

    fn from_str(text: &str) -> Result<Self, NoEngine> {
        Self::ALL
            .into_iter()
            .find(|engine| engine.name() == text)
            .ok_or_else(|| NoEngine(text.to_owned()))
    }
}

impl Registration<'_> {
    fn program(&self) -> Result<&str, EditError> {
        self.program.to_str().ok_or(EditError::NotUnicode)
    }
}

#[cfg(test)]
mod tests;
