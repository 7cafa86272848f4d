//! Layers, one upon the other.

use super::layer::{Attributes, Layer, Names, Node, Text, below};
use super::path::{ancestors, follow, join, split};
use crate::error::shown;
use dropcap_capability::{Directory, Executable};
use std::collections::BTreeMap;

/// What lies at a path of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Merged {
    /// A directory that not everybody may search.
    Directory(Attributes),
    /// A file that gives privilege.
    File(Attributes),
    /// A symbolic link.
    Symlink(Vec<u8>),
}

/// The layers up to one of them.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<Vec<u8>, Merged>,
    texts: BTreeMap<Vec<u8>, Text>,
    /// What is odd.
    pub warnings: Vec<String>,
}

impl Tree {
    /// Lays `layer` on top.
    pub fn add(&mut self, layer: &Layer, names: &Names) {
        self.warnings.extend(layer.warnings.iter().cloned());
        for directory in &layer.opaque {
            self.remove_below(directory);
        }
        for path in &layer.whiteouts {
            self.nodes.remove(path);
            self.texts.remove(path);
            // By the specification what lay below is gone. Docker's overlay2 makes the directory in
            // the whiteout's place, through which it shows again (measured with 20.10).
            let shows = below(&self.nodes, path).chain(below(&self.texts, path)).next().is_some();
            if layer.has_directory(path, names) && shows {
                self.warnings.push(format!(
                    "/{} is taken away and made anew by one layer: with some engines what lay \
                     there still does",
                    shown(path)
                ));
            } else {
                self.remove_below(path);
            }
        }
        let stays = |path: &Vec<u8>| {
            !layer.covers(path, names)
                && !ancestors(path).skip(1).any(|directory| layer.covers(directory, names))
        };
        // A directory is changed by one, everything else gives way to it.
        self.nodes.retain(|path, _| stays(path) && !layer.has_directory(path, names));
        self.texts.retain(|path, _| {
            layer.linked.contains(path) || stays(path) && !layer.has_directory(path, names)
        });
        self.texts.extend(layer.texts.iter().map(|(path, text)| (path.clone(), text.clone())));

        let mut above: Vec<(Vec<u8>, Merged)> = Vec::with_capacity(layer.nodes.len());
        for (path, node) in &layer.nodes {
            let merged = match node {
                Node::Directory(attributes) => Merged::Directory(attributes.clone()),
                Node::Symlink(target) => Merged::Symlink(target.clone()),
                Node::File(number) => match layer.files.get(*number) {
                    Some(attributes) if attributes.is_privileged() => {
                        Merged::File(attributes.clone())
                    }
                    _ => continue,
                },
            };
            above.push((path.clone(), merged));
        }
        let is_link = |node: &Merged| matches!(node, Merged::Symlink(_));
        let privileged = above.iter().filter(|(_, node)| !is_link(node)).cloned();
        let elsewhere: Vec<_> = privileged
            .filter_map(|(path, node)| Some((self.elsewhere(&path)?, path, node)))
            .collect();
        for (other, path, node) in elsewhere {
            self.warn_of_elsewhere(&path, &other);
            above.push((other, node));
        }
        for (path, text) in &layer.texts {
            match (self.elsewhere(path), text) {
                // Which packages there are is not known then, and nothing rests on it.
                (Some(_), Text::Packages(_)) => _ = self.texts.remove(path),
                (Some(other), _) => self.warn_of_elsewhere(path, &other),
                (None, _) => {}
            }
        }
        self.nodes.extend(above);
    }

    fn warn_of_elsewhere(&mut self, path: &[u8], other: &[u8]) {
        self.warnings.push(format!(
            "/{} lies behind a link of a lower layer: with some engines it is /{}",
            shown(path),
            shown(other)
        ));
    }

    /// Where else a path is, if a lower layer has a symbolic link on its way: engines that unpack
    /// onto the lower layers follow it (containerd), others put a directory in its place (Docker's
    /// overlay2).
    fn elsewhere(&self, path: &[u8]) -> Option<Vec<u8>> {
        let (parent, name) = split(path);
        let reached = self.follow(parent)?;
        (reached != parent).then(|| join(&reached, name))
    }

    /// The files that give privilege, in the order of their paths.
    pub fn executables(&self) -> Vec<Executable> {
        let files = self.nodes.iter().filter_map(|(path, node)| match node {
            Merged::File(attributes) => Some((path, attributes)),
            _ => None,
        });
        let executables = files.map(|(path, file)| Executable {
            path: format!("/{}", String::from_utf8_lossy(path)),
            mode: file.mode,
            uid: Some(file.uid),
            gid: Some(file.gid),
            file_capabilities: file.capabilities,
            nosuid: false,
            noexec: false,
            restricted_directories: self.restricted_directories(path),
        });
        executables.collect()
    }

    fn restricted_directories(&self, path: &[u8]) -> Vec<Directory> {
        let above = ancestors(path).filter_map(|directory| match self.nodes.get(directory) {
            Some(Merged::Directory(attributes)) => Some(attributes),
            _ => None,
        });
        let directories = above.map(|directory| Directory {
            mode: directory.mode,
            uid: Some(directory.uid),
            gid: Some(directory.gid),
        });
        directories.collect()
    }

    /// Where a path leads, all links followed; `None` where there are too many.
    pub fn follow(&self, path: &[u8]) -> Option<Vec<u8>> {
        follow(path, |path| match self.nodes.get(path) {
            Some(Merged::Symlink(target)) => Some(target.as_slice()),
            _ => None,
        })
    }

    /// What is known of the text at a path without links.
    pub fn text(&self, path: &[u8]) -> Option<&Text> {
        self.texts.get(path)
    }

    fn remove_below(&mut self, directory: &[u8]) {
        let gone: Vec<Vec<u8>> = below(&self.nodes, directory).cloned().collect();
        gone.iter().for_each(|path| {
            self.nodes.remove(path);
        });
        let gone: Vec<Vec<u8>> = below(&self.texts, directory).cloned().collect();
        gone.iter().for_each(|path| {
            self.texts.remove(path);
        });
    }
}
