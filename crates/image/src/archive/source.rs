//! Where bytes come from: files that can be skipped over, streams that cannot.

use super::header::{BLOCK, has_checksum};
use crate::{Budget, Fault};
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// The window that `zstd -d` takes without being told to take more (`ZSTD_WINDOWLOG_LIMIT_DEFAULT`);
/// it is what decompression may hold in memory.
const LARGEST_WINDOW: u64 = 1 << 27;
const BUFFER: usize = 64 << 10;

/// Bytes in their order, some of which are of no interest.
pub trait Source: Read {
    /// Passes over `count` bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where there are fewer.
    fn skip(&mut self, count: u64) -> io::Result<()>;
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn skip(&mut self, count: u64) -> io::Result<()> {
        (**self).skip(count)
    }
}

impl<S: Source + ?Sized> Source for &mut S {
    fn skip(&mut self, count: u64) -> io::Result<()> {
        (**self).skip(count)
    }
}

/// A file: what is skipped is not read.
pub struct FileSource {
    file: BufReader<File>,
    left: u64,
}

impl FileSource {
    /// Of a regular file.
    pub fn new(file: File) -> io::Result<Self> {
        let left = file.metadata()?.len();
        Ok(Self { file: BufReader::with_capacity(BUFFER, file), left })
    }
}

impl Read for FileSource {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(bytes)?;
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

impl Source for FileSource {
    fn skip(&mut self, count: u64) -> io::Result<()> {
        // Past the end one can seek, but there is nothing.
        let left = self.left.checked_sub(count).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.file.seek_relative(i64::try_from(count).map_err(io::Error::other)?)?;
        self.left = left;
        Ok(())
    }
}

/// A stream: what is skipped is read and dropped.
pub struct Stream<R>(BufReader<R>);

impl<R: Read> Stream<R> {
    /// Of anything.
    pub fn new(reader: R) -> Self {
        Self(BufReader::with_capacity(BUFFER, reader))
    }
}

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl<R: Read> Source for Stream<R> {
    fn skip(&mut self, mut count: u64) -> io::Result<()> {
        while count > 0 {
            let there = self.0.fill_buf()?.len();
            if there == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let step = usize::try_from(count).map_or(there, |count| count.min(there));
            self.0.consume(step);
            count -= step as u64;
        }
        Ok(())
    }
}

/// A source whose first bytes have been looked at.
struct Peeked<S> {
    head: Vec<u8>,
    at: usize,
    rest: S,
}

impl<S: Source> Read for Peeked<S> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.head.get(self.at..) {
            Some(head) if !head.is_empty() => {
                let count = head.len().min(bytes.len());
                bytes[..count].copy_from_slice(&head[..count]);
                self.at += count;
                Ok(count)
            }
            _ => self.rest.read(bytes),
        }
    }
}

impl<S: Source> Source for Peeked<S> {
    fn skip(&mut self, count: u64) -> io::Result<()> {
        let in_head = count.min((self.head.len() - self.at) as u64);
        self.at += usize::try_from(in_head).map_err(io::Error::other)?;
        self.rest.skip(count - in_head)
    }
}

/// What a member of an archive, or a blob of a layout, begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A tar archive, decompressed.
    Tar,
    /// JSON, by its first character.
    Json,
    /// Something else.
    Unknown,
}

/// Looks at the beginning of `source` and decompresses what is compressed.
///
/// # Errors
/// [`Fault::Compression`], [`Fault::Io`].
pub fn open<'a>(
    mut source: impl Source + 'a,
    budget: &'a Budget,
) -> Result<(Content, Box<dyn Source + 'a>), Fault> {
    let mut head = Vec::with_capacity(BLOCK);
    (&mut source).take(BLOCK as u64).read_to_end(&mut head).map_err(Fault::of_reader)?;
    let compressed = |name| Err(Fault::Compression(name));
    let is_skippable = matches!(head.as_slice(), [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
    let starts = |magic: &[u8]| head.starts_with(magic);
    let content = content(&head);
    let kind = match () {
        () if starts(&[0x1f, 0x8b]) => 1,
        () if starts(&[0x28, 0xb5, 0x2f, 0xfd]) || is_skippable => 2,
        () if starts(b"BZh") => return compressed("bzip2"),
        () if starts(&[0xfd, b'7', b'z', b'X', b'Z', 0]) => return compressed("xz"),
        () => 0,
    };
    let source = Peeked { head, at: 0, rest: source };
    Ok(match kind {
        0 => (content, Box::new(source)),
        1 => {
            let decoder = MultiGzDecoder::new(BufReader::with_capacity(BUFFER, source));
            (Content::Tar, Box::new(Stream::new(Metered { inner: decoder, budget })))
        }
        _ => {
            let decoder = ZstdFrames::new(BufReader::with_capacity(BUFFER, source));
            (Content::Tar, Box::new(Stream::new(Metered { inner: decoder, budget })))
        }
    })
}

fn content(head: &[u8]) -> Content {
    // An archive without entries is zeros; the oldest format has no magic, but a checksum. This comes
    // first: an entry's name may begin like JSON.
    if head.len() == BLOCK && (*head == [0; BLOCK] || has_checksum(head)) {
        return Content::Tar;
    }
    match head.trim_ascii_start().first() {
        Some(b'{' | b'[') => Content::Json,
        None => Content::Tar,
        Some(_) => Content::Unknown,
    }
}

/// Counts what is decompressed.
struct Metered<'a, R> {
    inner: R,
    budget: &'a Budget,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.budget.read(count)?;
        Ok(count)
    }
}

/// Zstandard with one frame behind another, of which some are to be skipped: RFC 8878, 3.1. What
/// zstd:chunked and eStargz write has many of both.
struct ZstdFrames<R> {
    input: R,
    decoder: FrameDecoder,
    inside: bool,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(input: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(LARGEST_WINDOW);
        Self { input, decoder, inside: false }
    }

    /// Goes on to the next frame with data: whether there is one.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped = io::copy(&mut (&mut self.input).take(length), &mut io::sink())?;
                    if skipped < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error.to_string())),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.inside {
                if !self.next_frame()? {
                    return Ok(0);
                }
                self.inside = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let step = BlockDecodingStrategy::UptoBlocks(1);
                let outcome = self.decoder.decode_blocks(&mut self.input, step);
                outcome.map_err(|error| io::Error::other(error.to_string()))?;
            }
            let count = self.decoder.read(bytes)?;
            if count > 0 {
                return Ok(count);
            }
            self.inside = false;
        }
    }
}
