//! Paths inside an image: bytes, without a slash at either end; the root is empty.

use std::collections::VecDeque;

/// As many links as the kernel follows (`MAXSYMLINKS`).
const MOST_LINKS: usize = 40;

/// A path as Go's `filepath.Clean` leaves it, or `None` where it leads out of the root.
pub fn clean(path: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join(&b'/'))
}

/// The directory that a path lies in, and its name there.
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

/// The path of `name` in `directory`.
pub fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, name].join(&b'/') }
}

/// The directories that a path lies in, the root first.
pub fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let root = (!path.is_empty()).then_some(&b""[..]);
    root.into_iter().chain(slashes.map(move |(at, _)| &path[..at]))
}

/// Where a path leads when the symbolic links on its way are followed, as a process does whose root
/// this is: nothing leads out of it. `None` where there are too many.
pub fn follow<'a>(path: &[u8], link: impl Fn(&[u8]) -> Option<&'a [u8]>) -> Option<Vec<u8>> {
    let parts = |path: &[u8]| -> Vec<Vec<u8>> {
        path.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect()
    };
    let mut left: VecDeque<Vec<u8>> = parts(path).into();
    let mut reached: Vec<u8> = Vec::new();
    let mut followed = 0;
    while let Some(part) = left.pop_front() {
        match part.as_slice() {
            b"" | b"." => continue,
            b".." => {
                reached = split(&reached).0.to_vec();
                continue;
            }
            _ => {}
        }
        let next = join(&reached, &part);
        let Some(target) = link(&next) else {
            reached = next;
            continue;
        };
        followed += 1;
        if followed > MOST_LINKS {
            return None;
        }
        if target.starts_with(b"/") {
            reached.clear();
        }
        parts(target).into_iter().rev().for_each(|part| left.push_front(part));
    }
    Some(reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cleaned_and_never_leads_out() {
        for (path, cleaned) in [
            (&b"./usr//bin/./su/"[..], Some(&b"usr/bin/su"[..])),
            (b"/etc/passwd", Some(b"etc/passwd")),
            (b"a/../b", Some(b"b")),
            (b"./", Some(b"")),
            (b"..", None),
            (b"a/../../b", None),
            (b"/../b", None),
        ] {
            assert_eq!(clean(path).as_deref(), cleaned, "{path:?}");
        }
    }

    #[test]
    fn links_are_followed_inside_the_root() {
        let link = |path: &[u8]| -> Option<&[u8]> {
            match path {
                b"etc" => Some(b"/private/etc"),
                b"private/etc/passwd" => Some(b"../../../../data/passwd"),
                b"loop" => Some(b"loop"),
                _ => None,
            }
        };
        assert_eq!(follow(b"etc/passwd", link).as_deref(), Some(&b"data/passwd"[..]));
        assert_eq!(follow(b"etc/group", link).as_deref(), Some(&b"private/etc/group"[..]));
        assert_eq!(follow(b"loop/x", link), None);
    }

    #[test]
    fn the_directories_above_a_path_begin_with_the_root() {
        assert_eq!(ancestors(b"usr/bin/su").collect::<Vec<_>>(), [&b""[..], b"usr", b"usr/bin"]);
        assert_eq!(ancestors(b"").count(), 0);
    }
}
