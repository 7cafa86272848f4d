//! What was done, one JSON line each.

use crate::config::Change;
use crate::decide::Decision;
use crate::time::Time;
use rustix::fs::{FlockOperation, Mode, OFlags};
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

/// Beyond this many bytes a new file is begun; one old one is kept.
const LARGEST: u64 = 8 << 20;

/// One decision.
#[derive(Debug, Serialize)]
struct Line<'a> {
    schema: u32,
    time: String,
    container: &'a str,
    /// The runtime's root, which tells engines apart.
    root: &'a Path,
    command: &'a str,
    why: &'a str,
    /// Whether nothing was changed, but would have been.
    observed_only: bool,
    allowed: Vec<&'static str>,
    no_new_privileges: bool,
    user_namespaces: &'static str,
    #[serde(flatten)]
    change: &'a Change,
}

/// What a decision was about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub container: &'a str,
    pub root: &'a Path,
    pub command: &'a str,
}

/// Appends a line to the record at `path`.
///
/// # Errors
/// It cannot be written.
pub(crate) fn append(
    path: &Path,
    subject: Subject<'_>,
    decision: &Decision,
    change: &Change,
) -> io::Result<()> {
    let line = Line {
        schema: 1,
        time: Time::now().to_string(),
        container: subject.container,
        root: subject.root,
        command: subject.command,
        why: &decision.why,
        observed_only: decision.observe,
        allowed: crate::capabilities::names(decision.allowed),
        no_new_privileges: decision.no_new_privileges,
        user_namespaces: if decision.close_user_namespaces { "closed" } else { "as they are" },
        change,
    };
    let mut text = serde_json::to_string(&line)?;
    text.push('\n');
    let file = match (open(path), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            open(path)
        }
        (file, _) => file,
    };
    file?.write_all(text.as_bytes())
}

/// The record's file, locked, and a new one where it has become too large.
fn open(path: &Path) -> io::Result<File> {
    let flags =
        OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    loop {
        let file = File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?);
        rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
        let metadata = file.metadata()?;
        if metadata.len() > LARGEST {
            let mut old = path.as_os_str().to_owned();
            old.push(".1");
            fs::rename(path, old)?;
            continue;
        }
        // Another may have moved it between the opening and the lock.
        if fs::metadata(path).is_ok_and(|now| now.ino() == metadata.ino()) {
            return Ok(file);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    #[test]
    fn a_record_that_is_too_large_is_begun_anew_and_the_old_one_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log/runtime.jsonl");
        let decision = Decision {
            allowed: "KILL".parse().unwrap(),
            no_new_privileges: true,
            close_user_namespaces: false,
            observe: true,
            why: "a test".to_owned(),
        };
        let (before, after) = Default::default();
        let change =
            Change { before, after, unknown_names: Vec::new(), program: Some("sh".to_owned()) };
        let subject = Subject { container: "c1", root: Path::new("/run/runc"), command: "exec" };
        append(&path, subject, &decision, &change).unwrap();
        let line: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(line["allowed"][0], "CAP_KILL");
        assert_eq!(line["before"]["bounding"], serde_json::json!([]));
        fs::write(&path, vec![b' '; LARGEST as usize + 1]).unwrap();
        append(&path, subject, &decision, &change).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
        assert!(
            fs::metadata(directory.path().join("log/runtime.jsonl.1")).unwrap().len() > LARGEST
        );
    }
}
