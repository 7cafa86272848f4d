//! A finding in the making: how a rule says what it has found.

use crate::finding::fingerprint;
use crate::rules::Rule;
use crate::{Finding, Fix, Level};
use std::ops::Range;

/// A finding in the making.
#[must_use]
pub struct Draft {
    finding: Finding,
}

impl Draft {
    /// A finding of `rule` about `container`, at `span` of `file`.
    pub fn new(
        rule: &'static Rule,
        level: Level,
        container: &str,
        file: &str,
        span: Range<usize>,
    ) -> Self {
        Self {
            finding: Finding {
                rule: rule.name,
                level,
                container: container.to_owned(),
                file: file.to_owned(),
                line: 0,
                column: 0,
                end_line: 0,
                end_column: 0,
                message: String::new(),
                help: String::new(),
                fix: None,
                references: rule.references,
                fingerprint: fingerprint(&[rule.name, container]),
                span,
            },
        }
    }

    /// With what is wrong.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.finding.message = message.into();
        self
    }

    /// With what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.finding.help = help.into();
        self
    }

    /// With what it rests on, in place of what its rule says.
    pub fn references(mut self, references: &'static [&'static str]) -> Self {
        self.finding.references = references;
        self
    }

    /// With the change that mends it.
    pub fn fix(mut self, fix: Option<Fix>) -> Self {
        self.finding.fix = fix;
        self
    }

    /// With what tells it from another finding of the same rule in the same container.
    pub fn about(mut self, detail: &str) -> Self {
        self.finding.fingerprint =
            fingerprint(&[self.finding.rule, &self.finding.container, detail]);
        self
    }

    /// The finding, its place still in bytes alone.
    pub fn done(self) -> Finding {
        self.finding
    }
}
