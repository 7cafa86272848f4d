//! Every door, tried.

use crate::{Attempt, DOORS, Door, Scene, State, Verdict};
use dropcap_capability::CapabilitySet;
use serde::{Deserialize, Serialize};

/// The version of the JSON.
const SCHEMA: u32 = 1;

/// What came of trying every door of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The version of this layout.
    pub schema: u32,
    /// What was tried, as it was named.
    pub target: String,
    /// The names of the capabilities that it may hold.
    pub allowed: Vec<String>,
    /// What it is.
    pub state: State,
    /// One for each door.
    pub attempts: Vec<Attempt>,
    /// The names of the doors that are open and should not be.
    pub open_beyond_allowed: Vec<String>,
    /// What the reader has to know beside it: what was assumed, and what could not be shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Tries every door from where this process stands.
///
/// The process must have one thread: each attempt is made in a forked child.
pub fn prove(target: &str, allowed: CapabilitySet, scene: &Scene) -> Proof {
    let attempts: Vec<Attempt> = DOORS.iter().map(|door| door.attempt(scene)).collect();
    Proof {
        schema: SCHEMA,
        target: target.to_owned(),
        allowed: crate::state::names(allowed),
        state: scene.state.clone(),
        open_beyond_allowed: beyond(&attempts, allowed),
        attempts,
        notes: Vec::new(),
    }
}

impl Proof {
    /// Judges the same attempts by what another set allows.
    #[must_use]
    pub fn with_allowed(mut self, allowed: CapabilitySet) -> Self {
        self.allowed = crate::state::names(allowed);
        self.open_beyond_allowed = beyond(&self.attempts, allowed);
        self
    }

    /// How many doors are open.
    pub fn open(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| attempt.verdict == Verdict::Open)
    }
}

/// The open doors that `allowed` does not cover. A door that is no capability is covered only where
/// all that it gives is a set of capabilities, each of them allowed.
fn beyond(attempts: &[Attempt], allowed: CapabilitySet) -> Vec<String> {
    let covered = |attempt: &Attempt| match Door::named(&attempt.door).and_then(Door::capability) {
        Some(capability) => allowed.contains(capability),
        None => {
            let allowed = crate::state::names(allowed);
            !attempt.gains.is_empty() && attempt.gains.iter().all(|gain| allowed.contains(gain))
        }
    };
    attempts
        .iter()
        .filter(|attempt| attempt.verdict == Verdict::Open && !covered(attempt))
        .map(|attempt| attempt.door.clone())
        .collect()
}
