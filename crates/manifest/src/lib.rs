//! Readers and byte-preserving editors of what people write: one file a format.
//!
//! ```
//! let document = dropcap_manifest::read("compose.yaml", b"services:\n  a:\n    image: alpine\n");
//! assert_eq!(document.containers[0].id, "compose.yaml#a");
//! ```
#![forbid(unsafe_code)]

mod compose;
mod container;
mod dockerfile;
mod document;
mod edit;
mod format;
mod interpolate;
mod join;
mod kubernetes;
mod markdown;
#[cfg(test)]
mod parses;
mod path;
mod shell;
mod text;
mod words;
mod yaml;

pub use container::{
    Build, Container, Engine, Kind, Mount, Part, Settings, Spanned, Start, Starter,
};
pub use document::{BuildCommand, Document, PrivilegeStep, ReadError, Stage, Tool};
pub use edit::{
    Edit, EditError, Edited, Wanted, apply, apply_all_and_verify, apply_and_verify, edits_of_each,
};
pub use format::{Format, classify, classify_head, may_be_manifest, may_be_object, needs_head};
pub use join::join;

/// Reads a file in the format that its name, its first line or the words in it tell. A file of no known
/// format is an empty Compose document with an error.
#[must_use]
pub fn read(path_shown: &str, bytes: &[u8]) -> Document {
    let format = classify_head(path_shown, bytes)
        .filter(|format| *format != Format::Kubernetes || may_be_object(bytes));
    match format {
        Some(format) => read_as(format, path_shown, bytes),
        None => {
            let mut document = Document::empty(path_shown, Format::Compose, bytes.len());
            document.errors.push(ReadError {
                line: 1,
                column: 1,
                message: "neither its name nor what is in it tells a format that is read"
                    .to_owned(),
            });
            document
        }
    }
}

/// Reads a file in a given format. Never panics: what cannot be read is in `errors`, the rest is read.
#[must_use]
pub fn read_as(format: Format, path_shown: &str, bytes: &[u8]) -> Document {
    let (text, bom) = match text::of(bytes) {
        Ok(text) => text,
        Err(error) => {
            let mut document = Document::empty(path_shown, format, bytes.len());
            document.errors.push(error);
            return document;
        }
    };
    let mut document = match format {
        Format::Compose => compose::read(path_shown, text),
        Format::Dockerfile => dockerfile::read(path_shown, text),
        Format::Shell => shell::read(path_shown, text),
        Format::Markdown => markdown::read(path_shown, text),
        Format::Kubernetes => kubernetes::read(path_shown, text),
    };
    shell::number_repeated(&mut document);
    if bom > 0 {
        document.shift(bom);
    }
    document.length = bytes.len();
    document
}

/// The line and column, each from 1, of a byte offset; columns count characters.
#[must_use]
pub fn line_column(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = &bytes[..offset.min(bytes.len())];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    // A continuation byte of UTF-8 is no character of its own.
    let column = before[line_start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count() + 1;
    (line, column)
}
