//! What the containers of a pod share: a network, and the folders that the kubelet makes for them.

use super::Configured;
use super::life::{Life, names_shell};
use crate::command::{During, TrialError};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The sysctls of a pod's network on a node that sets none, as `docker create` takes them: containerd sets
/// some from 2.0 on, and what works without works there too.
pub const POD: [&str; 2] =
    ["net.ipv4.ip_unprivileged_port_start=1024", "net.ipv4.ping_group_range=1 0"];

/// A volume that is empty at first: a folder of this machine, made for one life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The name by which the pod's containers share it.
    pub name: String,
    /// Where it is mounted.
    pub target: String,
    /// Whether it may not be written to.
    pub read_only: bool,
    /// Its permissions.
    pub mode: u32,
    /// Its group, if that is not root's.
    pub group: Option<u32>,
}

impl Folder {
    /// The flag of `docker create`.
    pub(super) fn mount(&self, source: &Path) -> String {
        let only = if self.read_only { ",readonly" } else { "" };
        format!("--mount=type=bind,source={},target={}{only}", source.display(), self.target)
    }
}

impl Life<'_> {
    /// Starts what holds the network of the pod, and does nothing else: of the containers that share it each
    /// may end. Without a shell nothing can be tried, and whoever tests it idle says so.
    pub(super) fn hold_network(&mut self) -> Result<(), TrialError> {
        let holder = Configured {
            image: self.trial.container.image.clone(),
            flags: vec!["--entrypoint=sh".to_owned(), "--user=0".to_owned()],
            words: vec!["-c".to_owned(), "while :; do sleep 1000; done".to_owned()],
            ..Configured::default()
        };
        let id = self.create(&holder, &[])?;
        match self.start(&id)? {
            Ok(()) => self.holder = Some(id),
            Err(said) if names_shell(&said) => {}
            Err(said) => return Err(TrialError::Engine(said.join(" "))),
        }
        Ok(())
    }

    /// Where a folder lies in this life.
    pub(super) fn folder(&mut self, folder: &Folder) -> Result<PathBuf, TrialError> {
        let path = self.copies.place(&folder.name)?;
        if !path.exists() {
            let doing = "making a volume of the pod";
            fs::create_dir(&path).during(doing)?;
            if let Some(group) = folder.group {
                chown(&path, None, Some(group)).during(doing)?;
            }
            // In this order: a change of the group takes the setgid bit away.
            fs::set_permissions(&path, fs::Permissions::from_mode(folder.mode)).during(doing)?;
        }
        Ok(path)
    }

    /// Waits until an init container has ended, which has to be well.
    pub(super) fn wait_for_end(
        &mut self,
        id: &str,
        container: &Configured,
    ) -> Result<(), TrialError> {
        let deadline = Instant::now() + self.trial.limit;
        let ended = self.trial.docker.ask_until(&["wait", id], deadline)?;
        let name = &container.alias;
        if ended.text() == "0" {
            return Ok(());
        }
        let said = self.logs(id)?.join(" | ");
        Err(TrialError::Engine(match ended.code {
            None => format!("the init container {name} does not end: {said}"),
            Some(_) => format!("the init container {name} ends with {}: {said}", ended.text()),
        }))
    }
}
