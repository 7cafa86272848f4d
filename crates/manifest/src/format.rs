//! Which format a file is in, told by its name.

use crate::kubernetes;

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Compose, <https://github.com/compose-spec/compose-spec>.
    Compose,
    /// A Dockerfile or Containerfile.
    Dockerfile,
    /// A shell script.
    Shell,
    /// Markdown: its fenced code blocks are read as shell.
    Markdown,
    /// A Kubernetes manifest. A name says only that a file may be one: ask [`may_be_manifest`].
    Kubernetes,
}

/// What a file's name says of its format.
///
/// A name without an extension says nothing unless it is a Dockerfile's: ask [`classify_head`].
#[must_use]
pub fn classify(path: &str) -> Option<Format> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_ascii_lowercase();
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) => (stem, extension),
        None => (name.as_str(), ""),
    };
    match extension {
        // One without a top-level `services` map has no containers.
        "yaml" | "yml" if is_compose_stem(stem) => Some(Format::Compose),
        "yaml" | "yml" | "json" => Some(Format::Kubernetes),
        "sh" | "bash" => Some(Format::Shell),
        "md" | "markdown" => Some(Format::Markdown),
        "dockerfile" | "containerfile" => Some(Format::Dockerfile),
        // Each of these lies beside a Dockerfile, or is a program about one.
        "dockerignore" | "containerignore" | "go" | "rs" | "py" | "js" | "ts" | "rb" | "java"
        | "toml" | "txt" | "html" => None,
        _ => ["dockerfile", "containerfile"]
            .iter()
            .any(|word| {
                name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
            .then_some(Format::Dockerfile),
    }
}

/// Whether a YAML or JSON file has the words that a Kubernetes manifest with pods cannot do without.
///
/// ```
/// use dropcap_manifest::may_be_manifest;
/// assert!(may_be_manifest(b"apiVersion: v1\nkind: Pod\nspec: {containers: []}\n"));
/// assert!(!may_be_manifest(b"apiVersion: v1\nkind: Service\n"));
/// ```
#[must_use]
pub fn may_be_manifest(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(kubernetes::may_be_manifest)
}

/// Whether a YAML or JSON file has the words of any Kubernetes object. One without pods has no
/// containers.
#[must_use]
pub fn may_be_object(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(kubernetes::may_be_object)
}

/// Whether [`classify_head`] is worth asking: the name has no extension, so the first line tells.
#[must_use]
pub fn needs_head(path: &str) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    !name.is_empty() && !name.contains('.') && classify(path).is_none()
}

/// What a file's first bytes say of its format, for a name that says nothing: `#!/bin/sh` and its
/// kin make a shell script. 128 bytes are enough.
#[must_use]
pub fn classify_head(path: &str, head: &[u8]) -> Option<Format> {
    if let Some(format) = classify(path) {
        return Some(format);
    }
    let line = head.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.trim_end().strip_prefix("#!")?;
    let mut words =
        line.split_ascii_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let mut program = words.next()?;
    if program == "env" {
        program = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    }
    matches!(program, "sh" | "bash" | "dash" | "ash" | "ksh").then_some(Format::Shell)
}

fn is_compose_stem(stem: &str) -> bool {
    stem.split(['.', '-', '_']).any(|word| word == "compose")
}
