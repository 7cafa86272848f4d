//! What is missing between a policy's evidence and a container.

use dropcap_capability::CapabilitySet;
use std::fmt;

/// Why a workload's evidence does not speak of what is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvidenceGap {
    /// Nothing was learned of an image.
    None,
    /// The digest of the image that is to run is not known.
    UnknownImage,
    /// It was learned on another image.
    OtherImage {
        /// That one's digest.
        learned: String,
    },
    /// It was learned with another user, entrypoint or command.
    OtherCommand,
    /// It was learned in another engine.
    OtherEngine {
        /// That one's name and version.
        learned: String,
    },
    /// The script that its entrypoint runs had another text.
    OtherScript {
        /// Its name.
        script: Option<String>,
    },
    /// The script that its entrypoint ran then is not among what was read.
    UnreadScript {
        /// Its name.
        script: String,
    },
    /// Allowed, and nobody has seen it to be needed.
    Unseen(CapabilitySet),
    /// Refused while the test passed, and nobody has accepted it.
    Refused(CapabilitySet),
}

impl EvidenceGap {
    /// Whether there was evidence, and what is to run has moved away from it.
    pub const fn is_drift(&self) -> bool {
        matches!(
            self,
            Self::OtherImage { .. }
                | Self::OtherCommand
                | Self::OtherEngine { .. }
                | Self::OtherScript { .. }
        )
    }
}

impl fmt::Display for EvidenceGap {
    /// The end of the sentence "the policy's workload …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("has no evidence from an image that ran"),
            Self::UnknownImage => {
                f.write_str("cannot be compared with an image whose digest is not known")
            }
            Self::OtherImage { learned } => {
                write!(f, "has no evidence for this image: it was learned on {learned}")
            }
            Self::OtherCommand => {
                f.write_str("was learned with another user, entrypoint or command")
            }
            Self::OtherEngine { learned } => write!(
                f,
                "was learned in {learned}, and another engine is to run it (`--engine` says which)"
            ),
            Self::OtherScript { script } => {
                let script = script.as_deref().unwrap_or("its entrypoint's script");
                write!(f, "was learned with another text of {script}")
            }
            Self::UnreadScript { script } => write!(
                f,
                "was learned with {script}, which was not read: name the folder, or FILE#SUBJECT"
            ),
            Self::Unseen(set) => write!(f, "allows {set}, of which there is no evidence"),
            Self::Refused(set) => write!(
                f,
                "has refusals that nobody has accepted: {set} (`accepted = true` beside the verdict \
                 accepts one)"
            ),
        }
    }
}
