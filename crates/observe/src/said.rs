//! What a run said, in few lines.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// So many lines are kept of a run.
const LINES: usize = 10;
/// Of each at most so many characters.
const WIDTH: usize = 300;
/// And nothing beyond so many bytes is read.
const LARGEST: u64 = 64 << 10;

/// The first lines of a file, without what a terminal would take for more than text.
pub(crate) fn first_lines(path: &Path) -> Vec<String> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(path) {
        // What could not be read was not said.
        let _ = file.take(LARGEST).read_to_end(&mut bytes);
    }
    lines(&bytes)
}

/// The first lines of a text.
pub(crate) fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let plain = |line: &str| {
        let kept = line.trim().chars().filter(|c| !c.is_control()).take(WIDTH);
        kept.collect::<String>()
    };
    text.lines().map(plain).filter(|line| !line.is_empty()).take(LINES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_short_lines_without_control_characters_are_kept() {
        let text = format!("\x1b[31mred\n\n  \n{}\n{}", "x".repeat(1000), "line\n".repeat(50));
        let kept = lines(text.as_bytes());
        assert_eq!((kept.len(), kept[0].as_str(), kept[1].len()), (LINES, "[31mred", WIDTH));
    }
}
