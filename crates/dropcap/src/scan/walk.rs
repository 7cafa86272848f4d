//! The files of a tree, and what is in them.

use dropcap_manifest::{
    Document, Format, classify, classify_head, may_be_manifest, may_be_object, needs_head, read_as,
};
use dropcap_report::FileError;
use ignore::{DirEntry, WalkBuilder, WalkState};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// A manifest is written by hand: what is larger than this is something else. 16 MiB.
const LARGEST: u64 = 16 << 20;

/// So many bytes tell whether a file without an extension is a script.
const HEAD: u64 = 128;

/// A file as it was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// As it is shown.
    pub shown: String,
    /// Where it is.
    pub path: PathBuf,
    /// Whether the user named it, so that it has to be readable.
    pub named: bool,
}

/// A file that was read.
pub(crate) struct Read_ {
    /// Which one.
    pub found: Found,
    /// What it says.
    pub document: Document,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A file, and what became of it.
pub(crate) struct Visited {
    /// Which one.
    pub found: Found,
    outcome: Outcome,
}

/// What became of one file.
enum Outcome {
    Read {
        document: Box<Document>,
        bytes: Vec<u8>,
    },
    /// Not of a format that is read.
    Other,
    Error(FileError),
}

/// A path as it is shown: without `./` before it, and with `/` on every platform.
pub(crate) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = if std::path::MAIN_SEPARATOR == '/' { text } else { text.replace('\\', "/").into() };
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

/// The path without `name/..` detours, which the joins between files do not see through: a Compose file
/// names its entrypoint script by another way. A detour through a link leads elsewhere, and stays.
pub(crate) fn direct(path: &Path) -> PathBuf {
    let mut direct = PathBuf::new();
    for component in path.components() {
        let ends_in_a_name = matches!(direct.components().next_back(), Some(Component::Normal(_)));
        if component == Component::ParentDir && ends_in_a_name {
            direct.pop();
        } else {
            direct.push(component);
        }
    }
    if direct.as_os_str().is_empty() {
        direct.push(".");
    }
    let same =
        path.canonicalize().is_ok_and(|real| direct.canonicalize().is_ok_and(|it| it == real));
    if same { direct } else { path.to_owned() }
}

/// Reads every file under `root` that may say something of a container, in the order of their names.
/// Version control's own folder is left out, and what it ignores, unless `everything` is wanted.
///
/// Each is read where it is found, on as many threads as are of use.
pub(crate) fn walk(root: &Path, everything: bool, errors: &mut Vec<FileError>) -> Vec<Visited> {
    let walker = WalkBuilder::new(root)
        .hidden(false)
        .ignore(false)
        .git_ignore(!everything)
        .git_global(!everything)
        .git_exclude(!everything)
        .parents(!everything)
        .follow_links(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .threads(processors())
        .build_parallel();
    let seen = Mutex::new((Vec::new(), Vec::new()));
    let keep = |visited: Result<Visited, FileError>| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        match visited {
            Ok(visited) => seen.0.push(visited),
            Err(error) => seen.1.push(error),
        }
    };
    walker.run(|| {
        Box::new(|entry| {
            match entry {
                Ok(entry) if is_candidate(&entry) => {
                    let path = entry.into_path();
                    keep(Ok(visit(Found { shown: shown(&path), path, named: false })));
                }
                Ok(_) => {}
                Err(error) => {
                    keep(Err(file_error(&walked_path(&error, root), &error.to_string())));
                }
            }
            WalkState::Continue
        })
    });
    let (mut visited, found) = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    errors.extend(found);
    visited.sort_by(|a, b| a.found.shown.cmp(&b.found.shown));
    visited
}

/// How many threads are of use.
fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The path that a walker's error speaks of.
fn walked_path(error: &ignore::Error, root: &Path) -> String {
    match error {
        ignore::Error::WithPath { path, .. } => shown(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            walked_path(err, root)
        }
        _ => shown(root),
    }
}

/// Whether the name of an entry allows that it says something. Folders and sockets do not; a link
/// counts as what it leads to.
fn is_candidate(entry: &DirEntry) -> bool {
    let Some(kind) = entry.file_type() else { return false };
    let name = entry.file_name().to_string_lossy();
    !kind.is_dir() && (classify(&name).is_some() || kind.is_file() && needs_head(&name))
}

/// An error about a whole file.
pub(crate) fn file_error(shown: &str, message: &str) -> FileError {
    FileError { file: shown.to_owned(), line: 1, column: 1, message: message.to_owned() }
}

/// Reads files that were found before; the order stays.
pub(crate) fn read(files: Vec<Found>) -> Vec<Visited> {
    files.into_iter().map(visit).collect()
}

/// What was read of the files; what could not be is an error.
pub(crate) fn settle(visited: Vec<Visited>, errors: &mut Vec<FileError>) -> Vec<Read_> {
    let mut read = Vec::with_capacity(visited.len());
    for Visited { found, outcome } in visited {
        match outcome {
            // What a chart's templates become is not known before they are rendered.
            Outcome::Read { document, .. } if document.template && !found.named => {}
            Outcome::Read { document, bytes } => {
                errors.extend(document_errors(&document));
                read.push(Read_ { found, document: *document, bytes });
            }
            Outcome::Other => {}
            Outcome::Error(error) => errors.push(error),
        }
    }
    read
}

/// What the reader had to say of a document.
pub(crate) fn document_errors(document: &Document) -> impl Iterator<Item = FileError> {
    document.errors.iter().map(|error| FileError {
        file: document.path.clone(),
        line: error.line,
        column: error.column,
        message: error.message.clone(),
    })
}

/// Reads a file.
pub(crate) fn visit(found: Found) -> Visited {
    let outcome = match read_bytes(&found) {
        Ok(Some((format, bytes))) => {
            let document = Box::new(read_as(format, &found.shown, &bytes));
            Outcome::Read { document, bytes }
        }
        Ok(None) if found.named => Outcome::Error(file_error(
            &found.shown,
            "neither a Compose file, a Dockerfile, a shell script nor Markdown, by its name, nor a \
             Kubernetes manifest",
        )),
        Ok(None) => Outcome::Other,
        // It was there when the folder was listed, and is not any more: nothing is lost.
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && !found.named && !is_link(&found) =>
        {
            Outcome::Other
        }
        // Of so large a file of data, or a folder of such a name, nobody says that it is a manifest.
        Err(error) if !found.named && is_told_by_words(&found) && says_nothing(&error) => {
            Outcome::Other
        }
        Err(error) => Outcome::Error(file_error(&found.shown, &format!("cannot read it: {error}"))),
    };
    Visited { found, outcome }
}

/// Whether its name says only that it may be a manifest.
fn is_told_by_words(found: &Found) -> bool {
    classify(&found.shown) == Some(Format::Kubernetes)
}

/// Whether an error leaves open what a file is.
fn says_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::FileTooLarge | io::ErrorKind::NotFound)
}

fn is_link(found: &Found) -> bool {
    found.path.is_symlink()
}

/// The bytes of a file and the format that they are in; `None` for one that says nothing.
fn read_bytes(found: &Found) -> io::Result<Option<(Format, Vec<u8>)>> {
    // Asked before it is opened: opening a pipe would wait for somebody to write to it.
    let metadata = found.path.metadata()?;
    if !metadata.is_file() {
        let by_name = classify(&found.shown).is_some_and(|it| it != Format::Kubernetes);
        return if by_name { Err(io::Error::other("it is no regular file")) } else { Ok(None) };
    }
    let mut file = File::open(&found.path)?;
    let mut bytes = Vec::new();
    let format = match classify(&found.shown) {
        Some(format) => format,
        None => {
            Read::by_ref(&mut file).take(HEAD).read_to_end(&mut bytes)?;
            match classify_head(&found.shown, &bytes) {
                Some(format) => format,
                None => return Ok(None),
            }
        }
    };
    // One more than it holds, so that one read tells that this is the end.
    bytes.reserve(usize::try_from(metadata.len().min(LARGEST) + 1).unwrap_or_default());
    let limit = LARGEST + 1 - bytes.len() as u64;
    file.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let size = metadata.len() >> 20;
        let message = format!("it is larger than {} MiB ({size} MiB)", LARGEST >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    // Who names a file of objects without pods is told that there is no container, and no error.
    let is_worth_reading = if found.named { may_be_object } else { may_be_manifest };
    if format == Format::Kubernetes && !is_worth_reading(&bytes) {
        return Ok(None);
    }
    Ok(Some((format, bytes)))
}
