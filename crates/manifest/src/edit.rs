//! What is wanted of a container's text, and the bytes that make it so.

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
    /// The capabilities to drop, all of them, in order.
    pub cap_drop: Option<Vec<String>>,
    /// The capabilities to add, all of them, in order. An empty list takes the key away.
    pub cap_add: Option<Vec<String>>,
    /// `security_opt` entries that must be there.
    pub add_security_opt: Vec<String>,
    /// `security_opt` entries, as written, that must go.
    pub remove_security_opt: Vec<String>,
    /// Sysctls that must have this value.
    pub set_sysctls: Vec<(String, String)>,
    /// Takes `privileged: true` or `--privileged` away.
    pub unprivileged: bool,
    /// The user.
    pub user: Option<String>,
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

/// Puts edits into a file. They must not overlap; [`crate::apply_and_verify`]'s never do.
#[must_use]
pub fn apply(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut result =
        Vec::with_capacity(bytes.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
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
