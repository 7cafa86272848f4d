//! What a rule has to say, in the fields of the JSON schema.

use crate::Fix;
use serde::{Serialize, Serializer};
use std::fmt;
use std::ops::Range;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Should be mended; the default of `--fail-on`.
    Warning,
    /// Something can be held, or reached, that should not be.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that one rule says of one place.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// Its weight.
    pub level: Level,
    /// The container's id, `FILE#SUBJECT`; a script that no container is known to run: its file.
    pub container: String,
    /// The file that the place is in; not the container's own where that takes values from another.
    pub file: String,
    /// The place, from 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The line of the place's end.
    pub end_line: usize,
    /// The column behind the place's last character.
    pub end_column: usize,
    /// What is wrong, on what; what is assumed is said.
    pub message: String,
    /// What to do.
    pub help: String,
    /// The change that mends it, if there is one to offer.
    pub fix: Option<Fix>,
    /// Standards and man pages.
    #[serde(serialize_with = "lines")]
    pub references: &'static [&'static str],
    /// The same for the same finding as long as rule, container and subject are the same, wherever
    /// in the file it stands.
    pub fingerprint: String,
    /// The place in bytes of `file`.
    #[serde(skip)]
    pub span: Range<usize>,
}

fn lines<S: Serializer>(lines: &&'static [&'static str], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(lines.iter())
}

/// A short name for `parts` that is the same on every machine and in every version: FNV-1a, 128
/// bits. It has to be stable and rarely the same for two things, no more; nothing secret rests on it.
pub(crate) fn fingerprint(parts: &[&str]) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut hash = OFFSET;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u128::from(byte)).wrapping_mul(PRIME);
        }
    }
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered() {
        assert!(Level::Note < Level::Warning && Level::Warning < Level::Error);
    }

    #[test]
    fn a_fingerprint_tells_parts_apart() {
        assert_ne!(fingerprint(&["ab", "c"]), fingerprint(&["a", "bc"]));
        // FNV-1a of the single byte 0, computed by hand: (offset ^ 0) * prime.
        assert_eq!(fingerprint(&[""]), "d228cb69101a8caf78912b704e4a147f");
    }
}
