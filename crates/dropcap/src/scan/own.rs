//! This very binary, as containers can be given it.

/// What a path may not have in it: Compose takes a `:` for the end of it and a `$` for a variable.
#[cfg(target_os = "linux")]
const SPECIAL: [char; 3] = [':', '$', '\n'];

/// Its path on this machine; `None` where it has none that a Compose file can say.
#[cfg(target_os = "linux")]
pub(crate) fn own_path() -> Option<String> {
    let path = std::env::current_exe().ok()?.canonicalize().ok()?;
    let path = path.to_str().filter(|path| !path.contains(SPECIAL))?;
    Some(path.to_owned())
}

/// A container is Linux's, and this binary is not.
#[cfg(not(target_os = "linux"))]
pub(crate) fn own_path() -> Option<String> {
    None
}
