//! From a privileged process to a confined command: nothing is executed unless all of it worked.

use crate::command::{Command, ExecError};
use crate::confinement::{ConfineError, Confinement, confine};
use crate::descriptors;
use crate::sys::System;
use crate::verify::Confined;
use std::io;

/// Why a command was not executed.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The confinement does not hold.
    #[error(transparent)]
    Confine(#[from] ConfineError),
    /// An inherited descriptor could not be closed, or one to be kept is not open.
    #[error("cannot close the inherited file descriptors")]
    Descriptors(#[source] io::Error),
    /// The confinement holds; the command cannot be executed in it.
    #[error(transparent)]
    Exec(#[from] ExecError),
}

impl LaunchError {
    /// 125 where dropcap refused or failed, 126 where the command cannot be executed, 127 where it
    /// was not found.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Confine(_) | Self::Descriptors(_) => 125,
            Self::Exec(error) => error.exit_code(),
        }
    }
}

/// Closes descriptors and confines the calling thread; see [`confine`].
///
/// # Errors
/// Never [`LaunchError::Exec`].
pub fn prepare(
    system: &impl System,
    wanted: &Confinement,
    keep_descriptors: &[u32],
) -> Result<Confined, LaunchError> {
    descriptors::close_all_but(system, keep_descriptors).map_err(LaunchError::Descriptors)?;
    confine(system, wanted).map_err(LaunchError::from)
}

/// Confines the calling thread and executes `command` in its place; `confined` hears what holds.
///
/// # Errors
/// It returns only if something failed.
pub fn launch(
    system: &impl System,
    wanted: &Confinement,
    keep_descriptors: &[u32],
    command: Command,
    confined: impl FnOnce(&Confined),
) -> LaunchError {
    match prepare(system, wanted, keep_descriptors) {
        Ok(now) => {
            confined(&now);
            command.execute(system).into()
        }
        Err(error) => error,
    }
}

#[cfg(test)]
mod tests;
