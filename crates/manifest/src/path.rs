//! Paths as they are shown: relative to the folder that is scanned, with `/`.

/// The folder of a file; empty for one at the top.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or(if path.starts_with('/') { "/" } else { "" }, |(folder, _)| {
        if folder.is_empty() { "/" } else { folder }
    })
}

/// The last component.
pub(crate) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Joins two paths and takes `.` and `..` out, in words alone: no file system is asked.
pub(crate) fn join(base: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{base}/{path}") };
    let absolute = path.starts_with('/') || base.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if absolute { format!("/{joined}") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::{folder, join, name};

    #[test]
    fn paths_are_joined_in_words() {
        for (base, path, expected) in [
            ("", "Dockerfile", "Dockerfile"),
            ("a/b", "../Dockerfile", "a/Dockerfile"),
            ("a", "./x/../y", "a/y"),
            ("a", "../../y", "../y"),
            ("/a", "../../y", "/y"),
            ("a", "/y", "/y"),
            ("", ".", ""),
        ] {
            assert_eq!(join(base, path), expected, "{base} {path}");
        }
        assert_eq!(folder("a/b.yaml"), "a");
        assert_eq!(folder("b.yaml"), "");
        assert_eq!(folder("/b.yaml"), "/");
        assert_eq!(name("a/b.yaml"), "b.yaml");
    }
}
