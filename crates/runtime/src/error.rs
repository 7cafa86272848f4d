//! Why a process is not started.

use crate::REFUSED;
use crate::checkpoint::CheckpointError;
use crate::document::DocumentError;
use crate::file::FileError;
use crate::grammar::{Flavour, GrammarError};
use crate::running::RunningError;
use crate::settings::{NoRuntime, SettingsError};
use dropcap_confine::ConfineError;
use dropcap_policy::PolicyError;
use std::io;
use std::path::PathBuf;

/// There is no runtime below.
const NOT_FOUND: u8 = 127;
/// There is one, and it cannot be executed.
const NOT_EXECUTABLE: u8 = 126;

/// Why the runtime below was not called.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error("this command line is not understood")]
    Grammar(#[from] GrammarError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    NoRuntime(#[from] NoRuntime),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    Running(#[from] RunningError),
    #[error("the process would not stay within what is allowed")]
    Beyond(#[from] ConfineError),
    #[error("cannot tell what {} means", path.display())]
    Path { path: PathBuf, source: io::Error },
    #[error("{} does not say where the container's bundle is", path.display())]
    NoBundle { path: PathBuf },
    #[error("container {container} does not exist")]
    NoContainer { container: String, flavour: Flavour },
    #[error("the policy inside the image cannot be used")]
    Image(#[source] io::Error),
    #[error("exec needs a command, or a document with --process")]
    NoArguments,
    #[error(
        "the policy closes user namespaces, and this container was made without: make it anew under dropcap"
    )]
    NotClosed,
    #[error("a restored process is as its checkpoint has it, and {0}: start the container anew")]
    Restore(String),
    #[error("cannot tell what a restored process would hold")]
    Checkpoint(#[from] CheckpointError),
    #[error("cannot write the configuration that the container would be made from")]
    Bundle(#[source] io::Error),
    #[error("cannot hand the process over to the runtime")]
    Handover(#[source] io::Error),
    #[error("cannot record what is done")]
    Record(#[source] io::Error),
    #[error("cannot execute the runtime {}", path.display())]
    Execute { path: PathBuf, source: io::Error },
    #[error("a string with a NUL byte")]
    Nul(#[from] std::ffi::NulError),
    #[error("{0}")]
    Usage(&'static str),
}

impl Error {
    /// The exit code: of a refusal, as a shell has it for a runtime that is not there or cannot be executed, or the runtime's own
    /// where there is nothing to refuse.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoRuntime(_) | Self::Settings(SettingsError::Below(_)) => NOT_FOUND,
            Self::Execute { source, .. } if source.kind() == io::ErrorKind::NotFound => NOT_FOUND,
            Self::Execute { .. } => NOT_EXECUTABLE,
            Self::NoContainer { flavour: Flavour::Runc, .. } => 255,
            Self::NoContainer { flavour: Flavour::Crun, .. } => 1,
            _ => REFUSED,
        }
    }

    /// What failed and why, in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        text.replace('\n', " ")
    }
}
