//! Reads a layer, entry by entry, as an engine would unpack it.

use super::entries::{Entry, Kind};
use super::layer::{Attributes, Layer, Names, Node, Text, below};
use super::path::{ancestors, clean, follow, join, split};
use crate::capabilities::{self, LONGEST};
use crate::error::shown;
use crate::packages::STATUS;
use crate::{Budget, Fault, Packages};
use std::collections::{BTreeSet, HashSet};
use std::io::Read;

/// What a directory must have for everybody to get through.
const SEARCH_BY_OTHERS: u32 = 0o001;
/// What takes the file behind it away: OCI image specification, "Whiteouts".
const WHITEOUT: &[u8] = b".wh.";
/// Takes away what lies below in lower layers.
const OPAQUE: &[u8] = b".wh..wh..opq";
/// What is the layer driver's own (AUFS).
const DRIVERS_OWN: &[u8] = b".wh..wh.";
/// Beside each name: the node of a tree, a length, a mode and owners.
const OVERHEAD: usize = 128;
/// A hash in a set, with the room that a set keeps.
const HASH: usize = 18;
/// What the largest `/etc/passwd` are far from.
const LARGEST_TEXT: u64 = 16 << 20;
/// A layer that is odd all over is not listed entry by entry.
const MOST_WARNINGS: usize = 50;

/// A layer in the making.
pub struct Reader<'a> {
    layer: Layer,
    names: &'a Names,
    wanted: &'a BTreeSet<Vec<u8>>,
    budget: &'a Budget,
    /// The directory of the last entry, as written and as it is reached: entries of one directory
    /// mostly come together.
    last: Option<(Vec<u8>, Vec<u8>)>,
    /// Hashes of the names of devices, pipes and sockets.
    special: HashSet<u64>,
}

impl<'a> Reader<'a> {
    /// Of a layer of which the texts of `wanted` are kept.
    pub fn new(names: &'a Names, wanted: &'a BTreeSet<Vec<u8>>, budget: &'a Budget) -> Self {
        let (layer, special) = (Layer::default(), HashSet::new());
        Self { layer, names, wanted, budget, last: None, special }
    }

    /// The layer.
    pub fn done(self) -> Layer {
        self.layer
    }

    /// Takes an entry.
    ///
    /// # Errors
    /// [`Fault`], for what engines refuse to unpack and what costs too much.
    pub fn add(&mut self, entry: Entry, content: impl Read) -> Result<(), Fault> {
        let path = clean(&entry.path).ok_or_else(|| Fault::Climbs(shown(&entry.path)))?;
        if path.is_empty() {
            if entry.kind == Kind::Directory {
                self.directory(path, entry)?;
            }
            return Ok(());
        }
        let (parent, name) = split(&path);
        if name.starts_with(WHITEOUT) {
            return self.whiteout(&path);
        }
        let path = join(&self.reach(parent)?, name);
        match entry.kind {
            Kind::Directory => self.directory(path, entry),
            Kind::File => self.file(path, entry, content),
            Kind::Symlink => {
                self.clear(&path);
                self.text_of(&path, None)?;
                self.layer.symlinks += 1;
                self.last = None;
                self.keep(path.len() + entry.link.len() + OVERHEAD)?;
                self.layer.nodes.insert(path, Node::Symlink(entry.link));
                Ok(())
            }
            Kind::HardLink => self.hard_link(path, entry),
            Kind::Special => {
                self.clear(&path);
                self.text_of(&path, None)?;
                self.special(&path)
            }
        }
    }

    fn directory(&mut self, path: Vec<u8>, entry: Entry) -> Result<(), Fault> {
        let hash = self.names.hash(&path);
        let was_directory = matches!(self.layer.nodes.get(&path), Some(Node::Directory(_)));
        if !was_directory {
            self.clear(&path);
            self.text_of(&path, None)?;
        }
        self.layer.covers.remove(&hash);
        if entry.mode & SEARCH_BY_OTHERS == 0 {
            self.layer.open_directories.remove(&hash);
            self.keep(path.len() + OVERHEAD)?;
            let attributes = self.attributes(&path, &entry);
            self.layer.nodes.insert(path, Node::Directory(attributes));
        } else {
            self.layer.nodes.remove(&path);
            self.keep(HASH)?;
            self.layer.open_directories.insert(hash);
        }
        Ok(())
    }

    fn file(&mut self, path: Vec<u8>, entry: Entry, content: impl Read) -> Result<(), Fault> {
        self.clear(&path);
        let text = match self.wanted.contains(&path) {
            false => None,
            true if path == STATUS.as_bytes() => self.packages(&entry, content)?,
            true if entry.sparse => return Err(Fault::Sparse(shown(&path))),
            true => Some(Text::Read(self.read(content)?)),
        };
        self.text_of(&path, text)?;
        let attributes = self.attributes(&path, &entry);
        if !attributes.is_privileged() {
            return self.cover(&path);
        }
        self.keep(path.len() + 2 * OVERHEAD)?;
        self.layer.files.push(attributes);
        self.layer.nodes.insert(path, Node::File(self.layer.files.len() - 1));
        Ok(())
    }

    /// Another name of a file. Engines set owner, capabilities and mode again by what the link's own
    /// header says, and those are the file's, whichever name they are set by (`createTarFile` of
    /// moby and containerd; chown(2) takes capabilities away).
    fn hard_link(&mut self, path: Vec<u8>, entry: Entry) -> Result<(), Fault> {
        let leads_out = || Fault::LinkClimbs { path: shown(&path), target: shown(&entry.link) };
        let target = clean(&entry.link).ok_or_else(leads_out)?;
        let (parent, name) = split(&target);
        let target = join(&self.reach(parent)?, name);
        if target == path {
            return Ok(());
        }
        self.clear(&path);
        let text = self.wanted.contains(&path).then(|| Text::Of(target.clone()));
        self.text_of(&path, text)?;
        let attributes = self.attributes(&path, &entry);
        self.keep(path.len() + target.len() + 2 * OVERHEAD)?;
        let node = match self.layer.nodes.get(&target) {
            Some(Node::File(number)) => {
                self.layer.files[*number] = attributes;
                Node::File(*number)
            }
            // A link to a link is the same link.
            Some(node @ Node::Symlink(_)) => {
                self.layer.symlinks += 1;
                self.last = None;
                node.clone()
            }
            // The root is one, whether or not the layer has an entry for it.
            _ if target.is_empty() || self.layer.has_directory(&target, self.names) => {
                self.warn(&path, "is a hard link to a directory, which no engine makes");
                return Ok(());
            }
            _ => {
                let hash = self.names.hash(&target);
                if self.special.contains(&hash) {
                    return self.special(&path);
                }
                // An ordinary file until now. Every other name that it may have is a link as well, so
                // it is known which files are one when a later header gives them all a privilege.
                if !self.layer.covers.remove(&hash) {
                    self.layer.linked.insert(target.clone());
                }
                self.layer.files.push(attributes);
                let node = Node::File(self.layer.files.len() - 1);
                self.layer.nodes.insert(target, node.clone());
                node
            }
        };
        self.layer.nodes.insert(path, node);
        Ok(())
    }

    fn whiteout(&mut self, path: &[u8]) -> Result<(), Fault> {
        let (parent, name) = split(path);
        let parent = self.reach(parent)?;
        self.keep(path.len() + OVERHEAD)?;
        if name == OPAQUE {
            self.layer.opaque.insert(parent);
        } else if name.starts_with(DRIVERS_OWN) {
            self.warn(path, "is a layer driver's own, and was left out");
        } else {
            match &name[WHITEOUT.len()..] {
                b"" | b"." | b".." => return Err(Fault::Whiteout(shown(path))),
                name => self.layer.whiteouts.insert(join(&parent, name)),
            };
        }
        Ok(())
    }

    /// Where a directory is reached through the links of this layer.
    fn reach(&mut self, directory: &[u8]) -> Result<Vec<u8>, Fault> {
        if self.layer.symlinks == 0 || directory.is_empty() {
            return Ok(directory.to_vec());
        }
        if let Some((written, reached)) = &self.last
            && written == directory
        {
            return Ok(reached.clone());
        }
        let link = |path: &[u8]| match self.layer.nodes.get(path) {
            Some(Node::Symlink(target)) => Some(target.as_slice()),
            _ => None,
        };
        let reached = follow(directory, link).ok_or_else(|| Fault::Loop(shown(directory)))?;
        self.last = Some((directory.to_vec(), reached.clone()));
        Ok(reached)
    }

    /// Takes away what this layer has put at `path` and below: the later entry counts.
    fn clear(&mut self, path: &[u8]) {
        let names = self.names;
        if self.layer.has_directory(path, names) {
            // Engines take the directory away with all in it, but what it hides of lower layers
            // depends on how they keep layers.
            self.warn(path, "is in one layer twice, as a directory and as something else");
        }
        let hash = names.hash(path);
        self.layer.covers.remove(&hash);
        self.special.remove(&hash);
        self.layer.open_directories.remove(&hash);
        let mut gone: Vec<Vec<u8>> = below(&self.layer.nodes, path).cloned().collect();
        gone.extend(self.layer.nodes.contains_key(path).then(|| path.to_vec()));
        for path in &gone {
            if let Some(Node::Symlink(_)) = self.layer.nodes.remove(path) {
                self.layer.symlinks -= 1;
                self.last = None;
            }
        }
    }

    /// Says what the text at `path` is now, and that there is none below any more.
    fn text_of(&mut self, path: &[u8], text: Option<Text>) -> Result<(), Fault> {
        let inside = |wanted: &Vec<u8>| ancestors(wanted).any(|directory| directory == path);
        self.layer.texts.retain(|wanted, _| wanted != path && !inside(wanted));
        if let Some(text) = text {
            self.layer.texts.insert(path.to_vec(), text);
        }
        Ok(())
    }

    /// The packages of dpkg's status file; what is none takes nothing away but the names of packages.
    fn packages(&self, entry: &Entry, content: impl Read) -> Result<Option<Text>, Fault> {
        if entry.sparse {
            return Ok(None);
        }
        let Some(packages) = Packages::read(content).map_err(Fault::of_reader)? else {
            return Ok(None);
        };
        self.keep(packages.size())?;
        Ok(Some(Text::Packages(packages)))
    }

    fn read(&self, content: impl Read) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        content.take(LARGEST_TEXT + 1).read_to_end(&mut bytes).map_err(Fault::of_reader)?;
        let (what, length) = ("user list", bytes.len() as u64);
        if length > LARGEST_TEXT {
            return Err(Fault::TooLong { what, bytes: length, limit: LARGEST_TEXT });
        }
        self.keep(bytes.len())?;
        Ok(bytes)
    }

    /// No file: executing it gives nothing, whatever its mode.
    fn special(&mut self, path: &[u8]) -> Result<(), Fault> {
        self.keep(HASH)?;
        self.special.insert(self.names.hash(path));
        self.cover(path)
    }

    fn cover(&mut self, path: &[u8]) -> Result<(), Fault> {
        self.keep(HASH)?;
        self.layer.covers.insert(self.names.hash(path));
        Ok(())
    }

    fn attributes(&mut self, path: &[u8], entry: &Entry) -> Attributes {
        let capabilities = match &entry.capability {
            Some(bytes) if entry.kind != Kind::Directory => {
                let (capabilities, wrong) = if bytes.len() > LONGEST {
                    (None, Some("it is too long".to_owned()))
                } else {
                    capabilities::decode(bytes)
                };
                if let Some(wrong) = wrong {
                    self.warn(path, &format!("has a security.capability that is wrong: {wrong}"));
                }
                capabilities
            }
            _ => None,
        };
        Attributes { mode: entry.mode, uid: entry.uid, gid: entry.gid, capabilities }
    }

    fn keep(&self, bytes: usize) -> Result<(), Fault> {
        self.budget.keep(bytes)
    }

    fn warn(&mut self, path: &[u8], what: &str) {
        if self.layer.warnings.len() < MOST_WARNINGS {
            self.layer.warnings.push(format!("/{} {what}", shown(path)));
        }
    }
}
