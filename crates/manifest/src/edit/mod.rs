//! What is wanted of a container's text, and the bytes that make it so.

mod command;
mod compose;
mod kubernetes;
mod list;
mod mapping;
mod text;
mod verify;

use std::ops::Range;

use crate::compose::mount::short;
use crate::{Container, Format, Mount, Settings, line_column, read, text as bytes_text};

/// Bytes to put in place of others. Offsets are those of the file before any edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The first byte that goes.
    pub start: usize,
    /// The first byte that stays again; `start` for an insertion.
    pub end: usize,
    /// What comes in.
    pub text: String,
}

/// What one container should say. What is left at its default stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The capabilities to drop, all of them. Those that are there keep their order and spelling.
    pub cap_drop: Option<Vec<String>>,
    /// The capabilities to add, all of them, likewise. An empty list takes what is there away.
    pub cap_add: Option<Vec<String>>,
    /// `security_opt` entries that must be there.
    pub add_security_opt: Vec<String>,
    /// `security_opt` entries, as written, that must go.
    pub remove_security_opt: Vec<String>,
    /// Sysctls that must have this value.
    pub set_sysctls: Vec<(String, String)>,
    /// Makes `privileged: true` false, takes `--privileged` away.
    pub unprivileged: bool,
    /// Sets `allowPrivilegeEscalation: false`; of Kubernetes alone.
    pub no_privilege_escalation: bool,
    /// The user.
    pub user: Option<String>,
    /// Mounts that must be there, as Compose's short syntax writes them; of Compose services alone.
    pub add_mounts: Vec<String>,
}

impl Wanted {
    /// All `security_opt` entries that a container with `settings` should have.
    fn security_opt(&self, settings: &Settings) -> Vec<String> {
        let kept = settings.security_opt.iter().map(|option| &option.value);
        kept.filter(|option| !self.remove_security_opt.contains(option))
            .chain(&self.add_security_opt)
            .cloned()
            .collect()
    }

    /// Whether a container says all of it.
    #[must_use]
    pub fn holds(&self, container: &Container) -> bool {
        verify::says(container, self)
    }

    /// The mounts that must be there, as they are read.
    fn mounts(&self) -> impl Iterator<Item = Mount> {
        self.add_mounts.iter().map(|text| short(text, 0..0))
    }
}

/// Whether two mounts mean the same, wherever they are written.
fn is_same_mount(one: &Mount, other: &Mount) -> bool {
    let anywhere = |mount: &Mount| Mount { span: 0..0, ..mount.clone() };
    anywhere(one) == anywhere(other)
}

/// A file after an edit that was read again and found to mean what was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The edits, by offset; none where the file already says it.
    pub edits: Vec<Edit>,
    /// The file after them.
    pub bytes: Vec<u8>,
}

/// Why no edit is given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file cannot be read, so it cannot be changed either.
    #[error(transparent)]
    Unreadable(#[from] crate::ReadError),
    /// There is no such container in the file.
    #[error("there is no container {0}")]
    NoSuchContainer(String),
    /// The text is written in a way that the editor does not change.
    #[error("line {line}: {reason}")]
    Unsupported {
        /// From 1.
        line: usize,
        /// What stands in the way, and what to do by hand.
        reason: String,
    },
    /// The edited text does not mean what was intended: nothing is given.
    #[error("the edited text would not mean what was intended: {0}")]
    Verification(String),
}

/// Puts edits into a file. They must not overlap; [`apply_and_verify`]'s never do.
#[must_use]
pub fn apply(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let added = edits.iter().map(|edit| edit.text.len()).sum::<usize>();
    let mut result = Vec::with_capacity(bytes.len() + added);
    let mut at = 0;
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.start, edit.end));
    for edit in sorted {
        result.extend_from_slice(&bytes[at..edit.start]);
        result.extend_from_slice(edit.text.as_bytes());
        at = edit.end;
    }
    result.extend_from_slice(&bytes[at..]);
    result
}

/// The edits that make the container `id` of this file say what is wanted.
///
/// The edited text is read again: it must say exactly what is wanted of this container, and what it
/// said of everything else, or no edit is given. Where the file already says it, there are no edits.
///
/// ```
/// use dropcap_manifest::{Wanted, apply_and_verify};
/// let file = b"services:\n  a:\n    image: alpine # ours\n";
/// let wanted = Wanted { cap_drop: Some(vec!["ALL".to_owned()]), ..Wanted::default() };
/// let edited = apply_and_verify("compose.yaml", file, "compose.yaml#a", &wanted)?;
/// assert_eq!(
///     String::from_utf8_lossy(&edited.bytes),
///     "services:\n  a:\n    image: alpine # ours\n    cap_drop:\n      - ALL\n"
/// );
/// # Ok::<(), dropcap_manifest::EditError>(())
/// ```
///
/// # Errors
/// When the file cannot be read, has no such container, is written in a way that is not edited, or
/// would mean something else after the edit.
pub fn apply_and_verify(
    path_shown: &str,
    bytes: &[u8],
    id: &str,
    wanted: &Wanted,
) -> Result<Edited, EditError> {
    apply_all_and_verify(path_shown, bytes, &[(id, wanted)])
}

/// As [`apply_and_verify`], for several containers of one file at once.
///
/// # Errors
/// As [`apply_and_verify`]; nothing is given where one of them cannot be had.
pub fn apply_all_and_verify(
    path_shown: &str,
    bytes: &[u8],
    wanted: &[(&str, &Wanted)],
) -> Result<Edited, EditError> {
    let before = read(path_shown, bytes);
    if let Some(error) = before.errors.first() {
        return Err(error.clone().into());
    }
    let (text, bom) = bytes_text::of(bytes)?;
    let mut edits = Vec::new();
    let mut targets = Vec::new();
    for (id, wanted) in wanted {
        let index = before.containers.iter().position(|container| container.id == *id);
        let index = index.ok_or_else(|| EditError::NoSuchContainer((*id).to_owned()))?;
        targets.push((index, *wanted));
        let mut container = before.containers[index].clone();
        if verify::says(&container, wanted) {
            continue;
        }
        // The planners count from behind a byte order mark.
        container.unshift(bom);
        let planned = match before.format {
            Format::Compose => compose::plan(text, &container, wanted),
            Format::Shell | Format::Markdown => command::plan(&before, text, &container, wanted),
            Format::Kubernetes => kubernetes::plan(text, &container, wanted),
            Format::Dockerfile => Err(Refusal {
                at: container.span.start,
                reason:
                    "a Dockerfile cannot say which capabilities its container is started with: \
                         they are given where it is started"
                        .to_owned(),
            }),
        };
        edits.extend(planned.map_err(|refusal| refusal.at_line(text))?);
    }
    for edit in &mut edits {
        edit.start += bom;
        edit.end += bom;
    }
    edits.sort_by_key(|edit| (edit.start, edit.end));
    if edits.windows(2).any(|pair| pair[0].end > pair[1].start) {
        return Err(EditError::Verification("two edits touch the same bytes".to_owned()));
    }
    let edited = apply(bytes, &edits);
    verify::verify(&before, text, &edited, &targets).map_err(EditError::Verification)?;
    Ok(Edited { edits, bytes: edited })
}

/// Why a planner gives no edits, and where.
struct Refusal {
    at: usize,
    reason: String,
}

impl Refusal {
    fn new(at: usize, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into() }
    }

    fn at_line(self, text: &str) -> EditError {
        let (line, _) = line_column(text.as_bytes(), self.at);
        EditError::Unsupported { line, reason: self.reason }
    }
}

impl Edit {
    fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { start: range.start, end: range.end, text: text.into() }
    }
}
