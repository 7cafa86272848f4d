//! What a file says, read once.

use std::ops::Range;

use crate::{Container, Format, Spanned};

/// All that was read from one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The file, as it is shown.
    pub path: String,
    /// How it was read.
    pub format: Format,
    /// Its length in bytes.
    pub length: usize,
    /// The containers, in the order in which they are written.
    pub containers: Vec<Container>,
    /// The stages of a Dockerfile, first to last.
    pub stages: Vec<Stage>,
    /// `docker build` lines.
    pub builds: Vec<BuildCommand>,
    /// Steps of a shell script that change privilege.
    pub steps: Vec<PrivilegeStep>,
    /// Whether it is a template that has to be rendered before it is a manifest: its error says so, and
    /// nothing of it was read.
    pub template: bool,
    /// What could not be read. The rest of the document is what could.
    pub errors: Vec<ReadError>,
}

impl Document {
    pub(crate) fn empty(path: &str, format: Format, length: usize) -> Self {
        Self {
            path: path.to_owned(),
            format,
            length,
            containers: Vec::new(),
            stages: Vec::new(),
            builds: Vec::new(),
            steps: Vec::new(),
            template: false,
            errors: Vec::new(),
        }
    }

    /// Moves every span, for a text that began behind a byte order mark.
    pub(crate) fn shift(&mut self, by: usize) {
        let stages = self.stages.iter_mut().map(|stage| &mut stage.container);
        for container in self.containers.iter_mut().chain(stages) {
            container.shift(by);
        }
        let drops = |step: &mut PrivilegeStep| {
            step.drops.iter_mut().for_each(|drop| shift(&mut drop.span, by));
            shift(&mut step.span, by);
        };
        self.steps.iter_mut().for_each(drops);
        self.builds.iter_mut().for_each(|build| shift(&mut build.span, by));
    }
}

fn shift(span: &mut Range<usize>, by: usize) {
    *span = span.start + by..span.end + by;
}

/// Why a file, or a part of it, could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ReadError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, in words.
    pub message: String,
}

/// A stage of a Dockerfile, with what it inherits from its parent stages in the same file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The name after `AS`.
    pub name: Option<String>,
    /// The container that starting this stage makes.
    pub container: Container,
    /// What `COPY` and `ADD` bring in from the build context: source as written, path in the image.
    pub copies: Vec<(String, String)>,
}

/// `docker build -t TAG -f FILE CONTEXT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildCommand {
    /// `-t`: the names that the image gets.
    pub tags: Vec<String>,
    /// The folder, as written.
    pub context: String,
    /// `-f`, as written.
    pub dockerfile: Option<String>,
    /// `--target`.
    pub target: Option<String>,
    /// The file that the line stands in, as it is shown.
    pub file: String,
    /// The command's first words.
    pub span: Range<usize>,
}

/// The program of a [`PrivilegeStep`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tool {
    /// capsh(1).
    Capsh,
    /// setpriv(1).
    Setpriv,
    /// gosu.
    Gosu,
    /// su-exec.
    SuExec,
    /// chown(1).
    Chown,
    /// `dropcap run`.
    Dropcap,
}

/// A command in a shell script that changes what the process, or what follows, may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivilegeStep {
    /// The script, as it is shown.
    pub file: String,
    /// The program.
    pub tool: Tool,
    /// Its words, the program's name first, as far as they can be resolved.
    pub arguments: Vec<String>,
    /// Capabilities that it takes from the bounding set, in the order in which it takes them, as
    /// written (`all` for all).
    pub drops: Vec<Spanned<String>>,
    /// Whether it takes no_new_privs (`setpriv --no-new-privs`).
    pub no_new_privs: bool,
    /// Whether the script goes on when it fails: `|| true`, a condition without an `exit`, a script without
    /// `set -e`. A step behind `exec` takes the shell with it.
    pub failure_ignored: bool,
    /// Whether it runs only under a condition: within `if` or `case`, behind `&&` or `||`.
    pub conditional: bool,
    /// Whether it replaces the shell (`exec capsh ...`).
    pub exec: bool,
    /// The whole command.
    pub span: Range<usize>,
}
