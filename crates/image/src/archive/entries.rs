//! The entries of a tar archive, one after the other.

use super::header::{BLOCK, Header};
use super::pax::Records;
use super::source::Source;
use crate::Fault;
use crate::error::shown;
use std::io::{self, Read};

/// The longest name or PAX header that engines take (`maxSpecialFileSize` of Go's `archive/tar`).
const LONGEST_SPECIAL: u64 = 1 << 20;
/// Linux takes no longer path (`PATH_MAX`).
const LONGEST_PATH: u64 = 4096;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// Another name of a file.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A directory.
    Directory,
    /// A device or a FIFO.
    Special,
}

/// An entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path, as it is written.
    pub path: Vec<u8>,
    /// What a link names, as it is written.
    pub link: Vec<u8>,
    pub kind: Kind,
    /// Permission bits, setuid, setgid and sticky.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// The bytes of `security.capability`.
    pub capability: Option<Vec<u8>>,
    /// Whether what follows is not the file as it is.
    pub sparse: bool,
}

/// Goes through an archive.
pub struct Entries<S> {
    source: S,
    offset: u64,
    /// Of the last entry's content.
    unread: u64,
    padding: u64,
}

impl<S: Source> Entries<S> {
    /// Begins at the first byte of an archive.
    pub fn new(source: S) -> Self {
        Self { source, offset: 0, unread: 0, padding: 0 }
    }

    /// The next entry; what was not read of the last one's content is passed over.
    ///
    /// # Errors
    /// [`Fault`], for what Go's `archive/tar` would not take either.
    pub fn next(&mut self) -> Result<Option<Entry>, Fault> {
        let mut records = Records::default();
        let (mut long_path, mut long_link) = (None, None);
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            match header.kind {
                b'x' => records = Records::parse(&self.special("PAX header")?)?,
                b'L' => long_path = Some(until_zero(self.special("path")?)),
                b'K' => long_link = Some(until_zero(self.special("link")?)),
                // Engines leave global records alone.
                b'g' => {
                    self.special("PAX header")?;
                    (records, long_path, long_link) = (Records::default(), None, None);
                }
                _ => return self.entry(header, records, long_path, long_link).map(Some),
            }
        }
    }

    /// The content of the last entry.
    pub fn content(&mut self) -> Content<'_, S> {
        Content { entries: self }
    }

    fn header(&mut self) -> Result<Option<Header>, Fault> {
        self.pass(self.unread + self.padding)?;
        (self.unread, self.padding) = (0, 0);
        let Some(block) = self.block()? else { return Ok(None) };
        if block == [0; BLOCK] {
            // Two of these are the end, and so is the end of the file.
            return match self.block()? {
                None => Ok(None),
                Some(block) if block == [0; BLOCK] => Ok(None),
                Some(_) => Err(Fault::Header(self.offset - BLOCK as u64)),
            };
        }
        let header = Header::parse(&block, self.offset - BLOCK as u64)?;
        self.announce(header.size);
        Ok(Some(header))
    }

    /// So many bytes of content follow, filled up to whole blocks.
    fn announce(&mut self, size: u64) {
        self.unread = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
    }

    fn entry(
        &mut self,
        header: Header,
        records: Records,
        long_path: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
    ) -> Result<Entry, Fault> {
        let is_file = matches!(header.kind, 0 | b'0' | b'7' | b'S');
        let sparse_name = records.sparse_name().filter(|_| is_file).cloned();
        let sparse = header.kind == b'S' || is_file && records.is_sparse();
        let path = long_path.or(sparse_name).or(records.path).unwrap_or(header.path);
        let link = long_link.or(records.link).unwrap_or(header.link);
        for (what, bytes) in [("path", path.len()), ("link", link.len())] {
            too_long(what, bytes as u64, LONGEST_PATH)?;
        }
        let kind = match header.kind {
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' | b'4' | b'6' => Kind::Special,
            b'5' => Kind::Directory,
            // So the oldest format marks a directory.
            0 if path.ends_with(b"/") => Kind::Directory,
            // Unknown kinds are regular files: POSIX says so, though engines refuse most of them.
            _ => Kind::File,
        };
        // Whatever the header says, only files have a content (`isHeaderOnlyType`).
        let size = if kind == Kind::File { records.size.unwrap_or(header.size) } else { 0 };
        self.announce(size);
        if header.kind == b'S' {
            self.pass_sparse_maps(header.continues)?;
        }
        let id = |id: u64| u32::try_from(id).map_err(|_| Fault::Owner { path: shown(&path), id });
        let uid = id(records.uid.unwrap_or(header.uid))?;
        let gid = id(records.gid.unwrap_or(header.gid))?;
        let capability = records.capability;
        Ok(Entry { path, link, kind, mode: header.mode, uid, gid, capability, sparse })
    }

    /// The map of a sparse file goes on in blocks of its own, before the content.
    fn pass_sparse_maps(&mut self, mut continues: bool) -> Result<(), Fault> {
        /// `isextended` of the blocks that continue it: GNU tar's `struct sparse_header`.
        const CONTINUES: usize = 504;
        while continues {
            let block = self.block()?.ok_or(Fault::Truncated)?;
            continues = block[CONTINUES] != 0;
        }
        Ok(())
    }

    /// The content of an entry that says something about the next.
    fn special(&mut self, what: &'static str) -> Result<Vec<u8>, Fault> {
        too_long(what, self.unread, LONGEST_SPECIAL)?;
        let mut bytes = Vec::new();
        self.content().read_to_end(&mut bytes).map_err(Fault::of_reader)?;
        if self.unread > 0 { Err(Fault::Truncated) } else { Ok(bytes) }
    }

    /// A whole block, or nothing at the end of the file.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Fault> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.source.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(Fault::Truncated),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::of_reader(error)),
            }
        }
        self.offset += BLOCK as u64;
        Ok(Some(block))
    }

    fn pass(&mut self, count: u64) -> Result<(), Fault> {
        if count > 0 {
            self.source.skip(count).map_err(Fault::of_reader)?;
            self.offset += count;
        }
        Ok(())
    }
}

fn too_long(what: &'static str, bytes: u64, limit: u64) -> Result<(), Fault> {
    if bytes > limit { Err(Fault::TooLong { what, bytes, limit }) } else { Ok(()) }
}

fn until_zero(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    bytes
}

/// What lies in an entry.
pub struct Content<'a, S> {
    entries: &'a mut Entries<S>,
}

impl<S: Source> Read for Content<'_, S> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.entries.unread).map_or(bytes.len(), |n| n.min(bytes.len()));
        if most == 0 {
            return Ok(0);
        }
        let count = self.entries.source.read(&mut bytes[..most])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.entries.unread -= count as u64;
        self.entries.offset += count as u64;
        Ok(count)
    }
}

impl<S: Source> Source for Content<'_, S> {
    fn skip(&mut self, count: u64) -> io::Result<()> {
        let left = self.entries.unread.checked_sub(count).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.entries.source.skip(count)?;
        self.entries.unread = left;
        self.entries.offset += count;
        Ok(())
    }
}
