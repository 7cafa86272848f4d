//! What is wanted of a container's text, and the bytes that make it so.

mod command;
mod compose;
mod each;
mod kubernetes;
mod list;
mod mapping;
mod source;
mod text;
mod verify;

use std::{collections::HashMap, hash::Hash, ops::Range};

use crate::compose::mount::short;
use crate::{Container, Mount, Settings, read};
pub use each::edits_of_each;
use source::{Planned, Source};

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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
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
    let source = Source::of(read(path_shown, bytes), bytes)?;
    let by_id = by_id(&source);
    let mut planned = Vec::with_capacity(wanted.len());
    for (id, wanted) in wanted {
        let index = by_id.get(id).ok_or_else(|| EditError::NoSuchContainer((*id).to_owned()))?;
        planned.push(source.plan(*index, wanted)?);
    }
    put_in(&source, bytes, &planned).map_err(EditError::Verification)
}

/// Where the container of each id stands.
fn by_id<'s>(source: &'s Source<'_>) -> HashMap<&'s str, usize> {
    let containers = source.document.containers.iter().enumerate();
    first_by(containers.map(|(index, container)| (container.id.as_str(), index)))
}

/// A map that has the first of several values with one key.
fn first_by<K: Eq + Hash, V>(pairs: impl IntoIterator<Item = (K, V)>) -> HashMap<K, V> {
    let mut first = HashMap::new();
    for (key, value) in pairs {
        first.entry(key).or_insert(value);
    }
    first
}

/// The file with the edits of some containers in it, read again.
fn put_in<'p>(
    source: &Source<'_>,
    bytes: &[u8],
    planned: impl IntoIterator<Item = &'p Planned<'p>>,
) -> Result<Edited, String> {
    let (mut edits, mut targets) = (Vec::<Edit>::new(), Vec::new());
    for one in planned {
        edits.extend(one.edits.iter().cloned());
        targets.push((one.target, one.wanted));
    }
    edits.sort_by_key(|edit| (edit.start, edit.end));
    if edits.windows(2).any(|pair| pair[0].end > pair[1].start) {
        return Err("two edits touch the same bytes".to_owned());
    }
    let edited = apply(bytes, &edits);
    verify::verify(source, &edited, &targets)?;
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
}

impl Edit {
    fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { start: range.start, end: range.end, text: text.into() }
    }
}
