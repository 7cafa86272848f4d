//! The engines' rules as one table: what each says, since when, where it was read and how it was
//! checked.

use crate::Version;
use dropcap_manifest::Engine;

/// How a rule was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The random test compares it with the real engine.
    Measured,
    /// The random test compares it where the daemon lacks a capability, as in a virtual machine or
    /// a container.
    MeasuredOnLimitedHost,
    /// Compared with what a real engine made of random configurations once: the record is kept.
    Recorded,
    /// Only read in the engine's source.
    Read,
}

impl Evidence {
    /// Its word in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::MeasuredOnLimitedHost => "measured where the daemon lacks a capability",
            Self::Recorded => "recorded",
            Self::Read => "read",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row {
    /// Its name, `engine/rule`.
    pub id: &'static str,
    /// Whose rule it is.
    pub engine: Engine,
    /// The first version that has it; `None`: all that are known.
    pub since: Option<Version>,
    /// The first version that no longer has it.
    pub until: Option<Version>,
    /// What it says.
    pub says: &'static str,
    /// Where it is written.
    pub source: &'static str,
    /// How it was checked.
    pub evidence: Evidence,
}

impl Row {
    /// Whether this version of the engine has the rule.
    pub fn applies(&self, version: Version) -> bool {
        self.since.is_none_or(|since| version >= since)
            && self.until.is_none_or(|until| version < until)
    }
}

/// Writes the table: `Name "engine/rule" Engine Evidence`, with `since` and `until` where not every version
/// has it, then what it says and where it is written.
macro_rules! rules {
    ($($rule:ident $id:literal $engine:ident $evidence:ident
       $(since ($($since:literal),+))? $(until ($($until:literal),+))?
       $says:literal [$source:literal];)+) => {
        /// The name of a row.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "each row says itself what it means")]
        pub enum Rule { $($rule),+ }

        impl Rule {
            /// Every row.
            pub const ALL: &'static [Self] = &[$(Self::$rule),+];

            /// What the table says of it.
            pub const fn row(self) -> $crate::Row {
                match self {
                    $(Self::$rule => $crate::Row {
                        id: $id,
                        engine: dropcap_manifest::Engine::$engine,
                        since: rules!(@version $($($since),+)?),
                        until: rules!(@version $($($until),+)?),
                        says: $says,
                        source: $source,
                        evidence: $crate::Evidence::$evidence,
                    }),+
                }
            }
        }
    };
    (@version) => { None };
    (@version $major:literal, $minor:literal, $patch:literal) => {
        Some($crate::Version::new($major, $minor, $patch))
    };
}

// Behind the macro that it is written with.
mod table;

pub use table::Rule;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_row_has_a_name_of_its_own_that_starts_with_its_engine() {
        let ids: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.row().id).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            let row = rule.row();
            let engine = crate::EngineVersion::default_for(row.engine);
            assert_eq!(row.id.split('/').next(), Some(engine.name()), "{}", row.id);
        }
    }

    #[test]
    fn a_row_applies_from_its_first_version_up_to_its_last() {
        let row = Rule::DockerTooNewCapability.row();
        assert!(row.applies(Version::new(20, 10, 24)));
        assert!(!row.applies(Version::new(23, 0, 0)));
        let row = Rule::DockerUnavailableCapability.row();
        assert!(!row.applies(Version::new(20, 10, 24)));
        assert!(row.applies(Version::new(28, 5, 2)));
    }
}
