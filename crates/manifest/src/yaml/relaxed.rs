//! What Compose's own parser takes beyond YAML 1.2: lines within brackets that are indented too
//! little.
//!
//! ```yaml
//! command: [
//!   "serve"
//! ]
//! ```
//!
//! Where our parser stops at such a line, the line is joined to the one before it, in a copy in
//! which every byte keeps its place.

/// The text with a line joined to the one before it: the line end, and the comment before it, become
/// blanks. `None` where something else stands before `at` on its line.
pub(super) fn join_with_line_before(text: &str, at: usize) -> Option<String> {
    let end = text[..at].rfind('\n')?;
    if !text[end..at].trim().is_empty() {
        return None;
    }
    let line = text[..end].rfind('\n').map_or(0, |newline| newline + 1);
    let mut bytes = text.as_bytes().to_vec();
    let comment = comment_start(&bytes[line..end]).map_or(end, |comment| line + comment);
    bytes[comment..=end].fill(b' ');
    if let Some(before) = comment.checked_sub(1)
        && bytes[before] == b'\r'
    {
        bytes[before] = b' ';
    }
    String::from_utf8(bytes).ok()
}

/// Where the comment of a line begins: a `#` behind a blank, outside quotes.
fn comment_start(line: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in line.iter().enumerate() {
        match quote {
            Some(open) if open == *byte => quote = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => quote = Some(*byte),
            None if *byte == b'#' && (at == 0 || line[at - 1].is_ascii_whitespace()) => {
                return Some(at);
            }
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::join_with_line_before;

    #[test]
    fn every_byte_keeps_its_place() {
        for (text, joined) in [
            ("a: [\n  'b' # ü\n]", Some("a: [\n  'b'      ]")),
            ("a: [\r\n'#'\r\n]", Some("a: [\r\n'#'  ]")),
            ("a: [\nb ]", None),
            ("]", None),
        ] {
            assert_eq!(join_with_line_before(text, text.len() - 1).as_deref(), joined);
        }
    }
}
