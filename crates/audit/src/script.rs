//! A shell script that changes privilege, as the rules see it.

use crate::Level;
use crate::rules::Rule;
use crate::subject::Draft;
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
    /// Its bytes.
    pub source: &'a [u8],
}

impl Script<'_> {
    /// Starts a finding at `span` of the script.
    pub fn finding(&self, rule: &'static Rule, level: Level, span: &Range<usize>) -> Draft {
        Draft::new(rule, level, &self.container, self.file, span.clone())
    }
}
