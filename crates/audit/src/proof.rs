//! Whether the model shows that a change to the settings changes nothing that works.

use crate::analysis::{first_process, mounted};
use crate::{Input, States};
use dropcap_capability::{
    CapabilitySet, Credentials, Environment, Errno, Executable, execve, reachable,
};
use dropcap_engine::EngineVersion;
use dropcap_image::Image;
use dropcap_manifest::{Container, Mount, Settings};

/// A container as it is before a change.
pub(crate) struct Before<'a> {
    /// As it is written.
    pub container: &'a Container,
    /// As it starts.
    pub states: &'a States,
    /// Its image, if it was read.
    pub image: Option<&'a Image>,
}

impl Before<'_> {
    /// Proves that with `after` in place of its settings, which drop every capability and set
    /// no_new_privs, the process tree is what it is now.
    ///
    /// That holds where the image is read, the first process is not root and holds nothing, and its
    /// user may execute no file that would give it anything: then no process in the tree ever holds
    /// a capability, with the bounding set full or empty, and no execve is refused that was not
    /// before.
    ///
    /// # Errors
    /// What stands in the way, as the end of a sentence.
    pub fn prove_no_change(
        &self,
        after: &Settings,
        input: &Input,
        engine: &EngineVersion,
    ) -> Result<(), String> {
        self.everything_is_known(input)?;
        self.holds_nothing()?;
        let environment = Environment::default();
        let credentials = &self.states.first.credentials;
        let open = self
            .states
            .executables
            .iter()
            .find(|file| execve(credentials, file, &environment) != Err(Errno::EACCES));
        if let Some(file) = open {
            return Err(format!("its user may execute {}, which gives privilege", file.path));
        }
        // The argument above, once more by the model itself.
        self.prove_same_after(after, input, engine)
    }

    /// Proves that with `after` in place of its settings, which differ in the bounding set at most,
    /// every privileged file does what it does now, and the reachable set is the same.
    ///
    /// # Errors
    /// What stands in the way, as the end of a sentence.
    pub fn prove_same_after(
        &self,
        after: &Settings,
        input: &Input,
        engine: &EngineVersion,
    ) -> Result<(), String> {
        self.everything_is_known(input)?;
        self.holds_nothing()?;
        let after = first_process(after, self.image, engine).map_err(|refusal| refusal.reason)?;
        let environment = Environment::default();
        let before = &self.states.first.credentials;
        let differs = |file: &&Executable| {
            let now = execve(before, file, &environment).map(|after| held(&after));
            now != execve(&after.credentials, file, &environment).map(|after| held(&after))
        };
        if let Some(file) = self.states.executables.iter().find(differs) {
            return Err(format!("{} would no longer do what it does", file.path));
        }
        let reachable = reachable(&after.credentials, &self.states.executables, &environment);
        if reachable.set != self.states.reachable.set {
            return Err("what it can reach would change".to_owned());
        }
        if after.gate != self.states.first.gate {
            return Err("what it can do with user namespaces would change".to_owned());
        }
        Ok(())
    }

    /// No privileged file is out of sight.
    fn everything_is_known(&self, input: &Input) -> Result<(), String> {
        let image = self.image.ok_or("its image was not read (`--image` reads one)")?;
        if let Some(warning) = image.warnings.first() {
            return Err(format!("its image could not be read to the end: {warning}"));
        }
        if let Some(unknown) = self.container.unknowns.first() {
            return Err(format!("its settings are not all known: {}", unknown.value));
        }
        for mount in &self.container.settings.mounts {
            let (source, target) = (&mount.source, &mount.target);
            let known = mounted(self.container, input).any(|(one, _)| one.target == *target);
            if mount.bind && !known {
                return Err(format!("what lies in {source}, mounted at {target}, is not known"));
            }
            if let Some(other) = self.shares_volume(mount, input) {
                return Err(format!(
                    "what {} puts into the volume {source} is not known",
                    other.id
                ));
            }
        }
        Ok(())
    }

    /// Another container that writes into the same volume. What this one writes there itself gives
    /// nothing: it can make no file that is root's.
    fn shares_volume<'i>(&self, mount: &Mount, input: &'i Input) -> Option<&'i Container> {
        let volume = |other: &Mount| {
            let is_named = !other.bind && !other.tmpfs && !other.source.is_empty();
            is_named && !other.read_only && other.source == mount.source
        };
        let mounts_it = |other: &&Container| {
            other.id != self.container.id && other.settings.mounts.iter().any(volume)
        };
        input.containers.iter().find(mounts_it)
    }

    /// The first process is an ordinary user's and has nothing to lose.
    fn holds_nothing(&self) -> Result<(), String> {
        let credentials = &self.states.first.credentials;
        if credentials.uid.has(0) {
            return Err("it starts as root".to_owned());
        }
        let held = credentials.permitted | credentials.inheritable | credentials.ambient;
        if !held.is_empty() {
            return Err(format!("its first process holds {held}"));
        }
        Ok(())
    }
}

/// The executables that `before` may execute and `after`, which differs in the bounding set, may not:
/// their file capabilities are forced and cannot be had any more (execve(2), EPERM).
pub(crate) fn broken<'e>(
    before: &Credentials,
    after: &Credentials,
    executables: &'e [Executable],
) -> Vec<&'e Executable> {
    let environment = Environment::default();
    let breaks = |file: &&Executable| {
        execve(before, file, &environment).is_ok()
            && execve(after, file, &environment) == Err(Errno::EPERM)
    };
    executables.iter().filter(breaks).collect()
}

/// What a process holds, leaving out the bounding set, which holds nothing itself, and no_new_privs.
fn held(credentials: &Credentials) -> Credentials {
    Credentials { bounding: CapabilitySet::EMPTY, no_new_privs: false, ..credentials.clone() }
}
