//! What `install` and `uninstall` have done, for people or as JSON.

use super::files;
use crate::failure::Failure;
use crate::output::{Format, Output, print, print_json};
use dropcap_runtime::install::Engine;
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
pub struct Report {
    schema: u32,
    /// Whether it was only shown.
    dry_run: bool,
    changes: Vec<Change>,
    /// What follows, in words.
    said: Vec<String>,
    #[serde(skip)]
    text: String,
}

#[derive(Serialize)]
struct Change {
    engine: &'static str,
    configuration: PathBuf,
    /// Unified; empty where nothing changes.
    diff: String,
}

impl Report {
    pub fn new(dry_run: bool) -> Self {
        Self { schema: 1, dry_run, changes: Vec::new(), said: Vec::new(), text: String::new() }
    }

    /// What changes in an engine's configuration.
    pub fn change(
        &mut self,
        engine: Engine,
        path: &Path,
        before: Option<&str>,
        after: Option<&str>,
    ) {
        let diff = files::diff(path, before, after);
        self.text.push_str(&diff);
        let configuration = path.to_owned();
        self.changes.push(Change { engine: engine.name(), configuration, diff });
    }

    /// Whole lines.
    pub fn say(&mut self, text: &str) {
        self.text.push_str(text);
        self.said.push(text.trim_end().to_owned());
    }

    /// Prints what was done, whether or not all of it could be.
    pub fn print(&self, output: &Output) -> Result<(), Failure> {
        output.settle_color();
        match output.format {
            Format::Json => print_json(self),
            Format::Text => {
                print(&self.text);
                Ok(())
            }
        }
    }
}
