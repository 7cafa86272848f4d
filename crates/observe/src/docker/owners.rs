//! To whom the files belong that a container writes to, as it leaves them; and a life in which they are that from
//! the start.

use super::life::Life;
use super::{Configured, ContainerTrial};
use crate::command::TrialError;
use crate::life::phase;
use crate::{Failure, Usual};
use dropcap_capability::CapabilitySet;

/// Gives each path, the second of two words, to the first.
const GIVE: &str = "while [ $# -gt 1 ]; do chown -R \"$1\" \"$2\" || exit 1; shift 2; done";
/// What that takes, in folders that others have closed too.
const GIVES: [&str; 3] = ["--cap-drop=ALL", "--cap-add=CHOWN", "--cap-add=DAC_OVERRIDE"];

/// User and group ids, as `USER:GROUP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owners {
    /// Whom its first process runs as while it works.
    pub process: String,
    /// Whom each place belongs to that it may write to and that is not the image's.
    pub places: Vec<(String, String)>,
}

impl ContainerTrial {
    /// Who owns what, once it works with `set`; `None` where that cannot be told: it does not work, or its image
    /// has no stat(1).
    ///
    /// # Errors
    /// The engine fails.
    pub fn owners(&self, set: CapabilitySet, usual: &Usual) -> Result<Option<Owners>, TrialError> {
        let mut life = Life::new(self, self.next());
        let owners = life.owners(&self.flags(set), usual);
        let cleaned = life.clean_up();
        let owners = owners?;
        cleaned.map(|()| owners)
    }
}

impl Life<'_> {
    fn owners(
        &mut self,
        capabilities: &[String],
        usual: &Usual,
    ) -> Result<Option<Owners>, TrialError> {
        self.prepare()?;
        let container = &self.trial.container;
        let id = self.create(container, capabilities)?;
        if self.start(&id)?.is_err() || self.wait_until_it_works(&id, usual)?.is_err() {
            return Ok(None);
        }
        let volumes = container.volumes.iter().filter(|(_, _, only_read)| !only_read);
        let binds = container.binds.iter().filter(|(_, _, only_read)| !only_read);
        let folders = container.folders.iter().filter(|folder| !folder.read_only);
        let places: Vec<&str> = volumes
            .map(|(_, target, _)| target)
            .chain(binds.map(|(_, target, _)| target))
            .chain(folders.map(|folder| &folder.target))
            .map(String::as_str)
            .collect();
        let words = [&["exec", &id, "stat", "-c", "%u:%g", "/proc/1"], places.as_slice()].concat();
        let said = self.trial.docker.ask(&words)?;
        let text = said.text();
        let mut owners = text.lines().map(str::to_owned);
        let Some(process) = owners.next().filter(|_| said.success()) else { return Ok(None) };
        let places = places.into_iter().map(str::to_owned).zip(owners).collect();
        Ok(Some(Owners { process, places }))
    }

    /// Prepares the places of the trial, before it starts for the first time.
    pub(super) fn give_places(&mut self) -> Result<Result<(), Failure>, TrialError> {
        if self.trial.owned.is_empty() {
            return Ok(Ok(()));
        }
        let mut words = vec!["-c".to_owned(), GIVE.to_owned(), "sh".to_owned()];
        words.extend(self.trial.owned.iter().flat_map(|(place, owner)| [owner, place]).cloned());
        let giver = Configured {
            flags: vec!["--entrypoint=sh".to_owned(), "--user=0".to_owned()],
            words,
            ..self.trial.container.clone()
        };
        let id = self.create(&giver, &GIVES.map(str::to_owned))?;
        let given = self.trial.docker.ask(&["start", "--attach", &id])?;
        if given.success() {
            return Ok(Ok(()));
        }
        let how = "what it writes to cannot be given to others".to_owned();
        Ok(Err(Failure { phase: phase::START.to_owned(), how, output: given.said() }))
    }
}
