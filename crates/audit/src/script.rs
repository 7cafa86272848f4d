//! A shell script that changes privilege, as the rules see it.

use crate::Level;
use crate::rules::Rule;
use crate::subject::Draft;
use dropcap_capability::Capability;
use dropcap_manifest::{PrivilegeStep, Tool};
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

    /// The capabilities that the steps after the one at `position` still need, as they are written.
    pub fn needed_after(&self, position: usize) -> Vec<String> {
        let mut needed = Vec::new();
        let mut need = |capability: Capability| {
            let name = capability.to_string().trim_start_matches("CAP_").to_owned();
            if !needed.contains(&name) {
                needed.push(name);
            }
        };
        for step in &self.steps[position + 1..] {
            match step.tool {
                Tool::Chown => need(Capability::CHOWN),
                Tool::Gosu | Tool::SuExec | Tool::Setpriv | Tool::Dropcap => {
                    need(Capability::SETGID);
                    need(Capability::SETUID);
                }
                Tool::Capsh => {}
            }
            if !step.drops.is_empty() || step.tool == Tool::Dropcap {
                need(Capability::SETPCAP);
            }
        }
        needed.sort();
        needed
    }
}
