//! A shell script that changes privilege, as the rules see it.

use crate::draft::Draft;
use crate::rules::Rule;
use crate::{Level, Mend};
use dropcap_manifest::PrivilegeStep;
use std::ops::Range;

/// One script.
pub struct Script<'a> {
    /// The container whose entrypoint it is; its own file where none is known.
    pub container: String,
    /// Its file, as it is shown.
    pub file: &'a str,
    /// Its steps, from the first to the last.
    pub steps: &'a [PrivilegeStep],
    /// What becomes of it.
    pub mend: Option<&'a Mend>,
}

/// The script that a container's entrypoint runs; without steps where none is known.
#[derive(Clone, Copy, Default)]
pub struct Entrypoint<'a> {
    /// Its steps, from the first to the last.
    pub steps: &'a [PrivilegeStep],
    /// What becomes of it.
    pub mend: Option<&'a Mend>,
}

impl Script<'_> {
    /// Starts a finding at `span` of the script.
    pub fn finding(&self, rule: &'static Rule, level: Level, span: &Range<usize>) -> Draft {
        Draft::new(rule, level, &self.container, self.file, span.clone())
    }
}
