//! What the engines' command lines have in common.

use std::path::Path;
use std::process::{Command, Stdio};

/// What a command writes; where it fails, what it said.
pub(crate) fn answer(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{}{}", text(&output.stderr), text(&output.stdout)))
    }
}

/// Gives a command a tar archive of a directory, extended attributes and all, as its input.
///
/// # Panics
/// Where tar or the command fails.
pub(crate) fn pack(root: &Path, import: &mut Command) {
    let mut tar = Command::new("tar")
        .args(["--create", "--xattrs", "--xattrs-include=*", "--file=-", "--directory"])
        .args([root, Path::new(".")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("tar");
    let archive = tar.stdout.take().expect("a pipe");
    let answered = answer(import.stdin(archive));
    // Whoever holds that end keeps tar writing for ever, where the engine did not read to the end.
    import.stdin(Stdio::null());
    let tarred = tar.wait().expect("tar");
    answered.expect("the engine takes the archive");
    assert!(tarred.success(), "tar of {} failed", root.display());
}
