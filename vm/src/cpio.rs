//! The archive that the kernel unpacks into its first root: cpio in the "new ASCII" form.
//!
//! Form: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst; reader:
//! `do_header` in init/initramfs.c.

use std::collections::BTreeSet;
use std::path::Path;

const MAGIC: &str = "070701";
const TRAILER: &str = "TRAILER!!!";
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

/// An archive in the making. Everything in it is root's.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
    directories: BTreeSet<String>,
}

impl Archive {
    /// Adds a directory with those above it, mode 0755, unless it is there.
    pub fn directory(&mut self, path: &Path) {
        let Some(name) = name(path) else { return };
        if self.directories.insert(name.clone()) {
            if let Some(parent) = path.parent() {
                self.directory(parent);
            }
            self.entry(&name, DIRECTORY | 0o755, b"");
        }
    }

    /// Adds a file with the directories above it; a later one with the same path replaces it.
    pub fn file(&mut self, path: &Path, mode: u32, contents: &[u8]) {
        self.at(path, REGULAR | mode, contents);
    }

    /// Adds a symbolic link with the directories above it.
    pub fn symlink(&mut self, path: &Path, target: &str) {
        self.at(path, SYMLINK | 0o777, target.as_bytes());
    }

    /// The archive, whole.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry(TRAILER, 0, b"");
        self.bytes
    }

    fn at(&mut self, path: &Path, mode: u32, contents: &[u8]) {
        if let Some(parent) = path.parent() {
            self.directory(parent);
        }
        if let Some(name) = name(path) {
            self.entry(&name, mode, contents);
        }
    }

    fn entry(&mut self, name: &str, mode: u32, contents: &[u8]) {
        self.entries += 1;
        let links = if mode & DIRECTORY == DIRECTORY { 2 } else { 1 };
        let length = u32::try_from(contents.len()).unwrap_or(u32::MAX);
        let name_length = u32::try_from(name.len() + 1).unwrap_or(u32::MAX);
        // inode, mode, uid, gid, links, mtime, size, device (2), its own device (2), name, checksum
        let fields = [self.entries, mode, 0, 0, links, 0, length, 0, 0, 0, 0, name_length, 0];
        self.bytes.extend(MAGIC.as_bytes());
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend(contents);
        self.align();
    }

    /// Names and contents begin at multiples of four bytes.
    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

/// The path as it stands in an archive: from the root, without a leading slash.
fn name(path: &Path) -> Option<String> {
    let name = path.to_string_lossy().trim_matches('/').to_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a header says, without what differs from entry to entry for no reason.
    #[test]
    fn entries_stand_as_the_kernel_reads_them() {
        let mut archive = Archive::default();
        archive.file(Path::new("/etc/os"), 0o600, b"abcde");
        archive.symlink(Path::new("/etc/link"), "os");
        let bytes = archive.finish();
        let text = String::from_utf8_lossy(&bytes);
        let etc = text.find("etc\0").unwrap_or_default();
        assert_eq!(etc, 110, "a header is 110 bytes, and its directory comes first");
        assert!(text.starts_with("07070100000001000041ed"), "{text}");
        let file = text.find("etc/os\0").map(|at| &text[at - 110..]).unwrap_or_default();
        assert!(file.starts_with("07070100000002000081800000000000000000000000010000000000000005"));
        assert!(file.contains("etc/os\0\0\0\0abcde\0\0\x00070701"), "{file:?}");
        assert!(text.contains("etc/link\0\0os\0\x00070701"), "{text:?}");
        assert!(text.contains("TRAILER!!!\0"), "{text:?}");
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(text.matches("etc\0").count(), 1, "a directory is there once");
    }
}
