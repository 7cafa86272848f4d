//! What is mounted: `/proc/self/mountinfo`.

use std::fs;
use std::path::PathBuf;

/// One line of it, as proc_pid_mountinfo(5) has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// What of its filesystem is mounted.
    pub root: PathBuf,
    /// Where.
    pub point: PathBuf,
    /// The filesystem's type.
    pub kind: String,
}

/// Every mount in sight; none where /proc is not mounted.
pub(crate) fn mounts() -> Vec<Mount> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    text.lines().filter_map(mount).collect()
}

fn mount(line: &str) -> Option<Mount> {
    // "36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw"
    let (first, last) = line.split_once(" - ")?;
    let mut first = first.split(' ').skip(3);
    Some(Mount {
        root: unescape(first.next()?),
        point: unescape(first.next()?),
        kind: last.split(' ').next()?.to_owned(),
    })
}

/// Space, tab, newline and backslash stand there as three octal digits (`mangle_path`).
fn unescape(text: &str) -> PathBuf {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    let unescaped = escapes.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    PathBuf::from(unescaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_and_without_optional_fields() {
        let expected = Mount { root: "/r".into(), point: "/a b".into(), kind: "ext4".to_owned() };
        for optional in ["", " master:1 propagate_from:2"] {
            let line = format!("36 35 98:0 /r /a\\040b rw,nosuid{optional} - ext4 /dev/root rw");
            assert_eq!(mount(&line), Some(expected.clone()));
        }
        assert_eq!(mount("36 35 98:0 /r"), None);
    }
}
