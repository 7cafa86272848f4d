//! One layer, as far as it bears on privilege.
//!
//! Layers do not come in their order (`docker save` sorts them by digest), and to read an archive
//! twice is dear. So of each layer all that the others could be changed by is kept: the files that
//! give privilege, the directories that not everybody may search, links, what is taken away, and
//! of everything else a hash of its name, which says "whatever lay here is covered".

use crate::Packages;
use dropcap_capability::FileCapabilities;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::BuildHasher;
use std::ops::Bound;

/// setuid or setgid, inode(7).
const SET_ID: u32 = 0o6000;

/// Names by their hashes. They are keyed anew for each image, so that nobody can make two names one.
#[derive(Debug, Default)]
pub struct Names(RandomState);

impl Names {
    /// The hash of a name.
    pub fn hash(&self, path: &[u8]) -> u64 {
        self.0.hash_one(path)
    }
}

/// Mode, owner and capabilities of a file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub capabilities: Option<FileCapabilities>,
}

impl Attributes {
    /// Whether executing such a file can give something.
    pub const fn is_privileged(&self) -> bool {
        self.mode & SET_ID != 0 || self.capabilities.is_some()
    }
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A directory that not everybody may search.
    Directory(Attributes),
    /// A name of the file of this number.
    File(usize),
    /// A symbolic link, with what it names.
    Symlink(Vec<u8>),
}

/// What is known of a file whose text is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// The text.
    Read(Vec<u8>),
    /// That of another path.
    Of(Vec<u8>),
    /// What dpkg's status file says; nothing where it cannot be read.
    Packages(Packages),
}

/// A layer.
#[derive(Debug, Default)]
pub struct Layer {
    /// What bears on privilege, by path.
    pub nodes: BTreeMap<Vec<u8>, Node>,
    /// The files that [`Node::File`] names.
    pub files: Vec<Attributes>,
    /// What is taken away from lower layers.
    pub whiteouts: BTreeSet<Vec<u8>>,
    /// The directories whose content in lower layers is taken away.
    pub opaque: BTreeSet<Vec<u8>>,
    /// Texts that were wanted, by path.
    pub texts: BTreeMap<Vec<u8>, Text>,
    /// Files of lower layers that this one has a link to: they stay what they are in all but owner,
    /// mode and capabilities.
    pub linked: BTreeSet<Vec<u8>>,
    /// What is odd.
    pub warnings: Vec<String>,
    /// Hashes of the names of all else that is no directory.
    pub(super) covers: HashSet<u64>,
    /// Hashes of the names of directories that everybody may search.
    pub(super) open_directories: HashSet<u64>,
    /// How many symbolic links there are.
    pub(super) symlinks: usize,
}

impl Layer {
    /// Whether something that is no directory lies at `path`.
    pub fn covers(&self, path: &[u8], names: &Names) -> bool {
        match self.nodes.get(path) {
            Some(node) => !matches!(node, Node::Directory(_)),
            None => self.covers.contains(&names.hash(path)),
        }
    }

    /// Whether a directory lies at `path`.
    pub fn has_directory(&self, path: &[u8], names: &Names) -> bool {
        match self.nodes.get(path) {
            Some(node) => matches!(node, Node::Directory(_)),
            None => self.open_directories.contains(&names.hash(path)),
        }
    }
}

/// The paths below a directory.
pub fn below<'a, V>(
    nodes: &'a BTreeMap<Vec<u8>, V>,
    directory: &[u8],
) -> impl Iterator<Item = &'a Vec<u8>> + use<'a, V> {
    // Whatever begins with `directory/` lies between that and `directory0`, the next character.
    let (first, end) = match directory.is_empty() {
        true => (Bound::Excluded(Vec::new()), Bound::Unbounded),
        false => (
            Bound::Excluded([directory, b"/"].concat()),
            Bound::Excluded([directory, b"0"].concat()),
        ),
    };
    nodes.range((first, end)).map(|(path, _)| path)
}
