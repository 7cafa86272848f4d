//! From bytes to text, or a clear reason why not.

use crate::{ReadError, line_column};

/// The largest file that is read. No manifest written by people comes near it.
pub(crate) const MAX_BYTES: usize = 10 * 1024 * 1024;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The text of a file, without its byte order mark, and that mark's length.
pub(crate) fn of(bytes: &[u8]) -> Result<(&str, usize), ReadError> {
    if bytes.len() > MAX_BYTES {
        let message = format!(
            "{} MB is more than is read of one file ({} MB)",
            // A byte too many is a megabyte too many to the eye.
            bytes.len().div_ceil(1 << 20),
            MAX_BYTES >> 20
        );
        return Err(ReadError { line: 1, column: 1, message });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        at_offset(bytes, at, format!("not UTF-8: the byte 0x{:02x}", bytes[at]))
    })?;
    if let Some(at) = text.find('\0') {
        return Err(at_offset(
            bytes,
            at,
            "a binary file, not text: it holds a zero byte".to_owned(),
        ));
    }
    match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => Ok((rest, BYTE_ORDER_MARK.len())),
        None => Ok((text, 0)),
    }
}

pub(crate) fn at_offset(bytes: &[u8], offset: usize, message: String) -> ReadError {
    let (line, column) = line_column(bytes, offset);
    ReadError { line, column, message }
}

/// Where each line begins, for a text that is asked about often.
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub fn new(text: &'t str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// As [`line_column`].
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        let before = &self.text.as_bytes()[start..offset.min(self.text.len())];
        (line, line_column(before, before.len()).1)
    }
}
