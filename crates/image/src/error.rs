//! Why an image cannot be read.

use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why an image cannot be read.
#[derive(Debug, Error)]
pub enum ImageError {
    /// The root directory itself, or a file that has to be known, cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Unreadable {
        /// What could not be read.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Extended attributes and mounts are read as Linux has them.
    #[error("reading an image's root directory works on Linux only: run dropcap in a container")]
    LinuxOnly,
    /// An archive, an OCI layout or one of their parts is not what an engine would take.
    #[error("{place}: {fault}")]
    Faulty {
        /// The file, and the part of it.
        place: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// There are several images, and none is the one that was asked for.
    #[error("{place}: {}; there are {}", wanted(.reference), .names.join(", "))]
    NotChosen {
        /// The file.
        place: String,
        /// What was asked for.
        reference: Option<String>,
        /// What is there: names, else platforms or digests.
        names: Vec<String>,
    },
    /// No engine answers.
    #[error("no engine answers: {0}")]
    NoEngine(String),
    /// The engine has no such image, or says something else instead.
    #[error("{engine}: {message}")]
    Engine {
        /// Its socket.
        engine: String,
        /// What it says.
        message: String,
    },
}

fn wanted(reference: &Option<String>) -> String {
    match reference {
        Some(reference) => format!("`{reference}` is not in it"),
        None => "it holds several images, and none was named".to_owned(),
    }
}

/// What is wrong with an archive. Names of entries are escaped: they are the archive's own words.
#[derive(Debug, Error)]
pub enum Fault {
    /// The bytes cannot be had, or not be decompressed.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It ends in the middle of something.
    #[error("ends in the middle of an entry")]
    Truncated,
    /// The block where a header should be is none.
    #[error("is no tar archive: the header at byte {0} is broken")]
    Header(u64),
    /// A name or a PAX record that is longer than engines take.
    #[error("has a {what} of {bytes} bytes, of which engines take {limit}")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// How long it says that it is.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A PAX header that does not follow its grammar.
    #[error("has a PAX header that is broken at byte {0}")]
    Pax(u64),
    /// A path that leads out of the root.
    #[error("has an entry `{0}`, which leads out of the image's root")]
    Climbs(String),
    /// A hard link to something out of the root.
    #[error("has a hard link `{path}` to `{target}`, which is outside of the image's root")]
    LinkClimbs {
        /// The link.
        path: String,
        /// What it names.
        target: String,
    },
    /// A whiteout that would take away a folder that it lies in.
    #[error("has a whiteout `{0}`, which names nothing that can be taken away")]
    Whiteout(String),
    /// Symbolic links that lead to one another, or too many.
    #[error("has an entry below `{0}`, a path of more than 40 symbolic links")]
    Loop(String),
    /// An owner that is no id.
    #[error("has an entry `{path}` that belongs to {id}: ids go to 4294967295")]
    Owner {
        /// The entry.
        path: String,
        /// The number.
        id: u64,
    },
    /// More that bears on privilege than any image has.
    #[error(
        "holds more links, privileged files and names than are kept in memory ({0} MiB): unpack \
         it, and use rootfs:DIR"
    )]
    Memory(u64),
    /// More bytes than any image has: a compression bomb.
    #[error("is larger than {0} GiB when it is decompressed")]
    Bomb(u64),
    /// Compressed in a way that no engine writes today.
    #[error("is compressed with {0}, which is not read: gzip and zstd are")]
    Compression(&'static str),
    /// JSON that is none, or lacks a field.
    #[error("is not the JSON that it should be: {0}")]
    Json(#[from] serde_json::Error),
    /// A part that is named and is not there.
    #[error("names `{0}`, which is not in it")]
    Missing(String),
    /// A digest that is none.
    #[error("names `{0}`, which is no digest")]
    Digest(String),
    /// Neither a `docker save` archive nor an OCI layout.
    #[error("has neither a manifest.json (docker save) nor an index.json (OCI layout)")]
    NoManifest,
    /// A part that is none of what an image is made of.
    #[error("is neither a layer nor JSON")]
    Unknown,
    /// A file that has to be known is not kept as plain bytes.
    #[error("keeps `{0}` as a sparse file, which is not read")]
    Sparse(String),
}

impl Fault {
    /// With where it is.
    pub(crate) fn at(self, place: impl Into<String>) -> ImageError {
        ImageError::Faulty { place: place.into(), fault: self }
    }

    /// The error of a reader: a fault of ours that went through one comes back as it was.
    pub(crate) fn of_reader(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Truncated;
        }
        match error.downcast::<Self>() {
            Ok(fault) => fault,
            Err(error) => Self::Io(error),
        }
    }
}

/// A name as it can be shown: what does not print is escaped.
pub(crate) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).escape_debug().to_string()
}
