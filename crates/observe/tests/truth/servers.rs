//! Servers that need more at their second start, or at their end, than at their first start.

use crate::calls::{at, call};
use dropcap_confine::sys::signals;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::ExitCode;

/// Passes as long as one of them runs.
pub const TEST: &str = "test -e \"$DROPCAP_STATE/ready\"";

fn state(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os("DROPCAP_STATE").unwrap()).join(name)
}

pub fn serve(kind: &str) -> ExitCode {
    match live(kind) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{kind}: {error}");
            let _ = fs::remove_file(state("ready"));
            ExitCode::FAILURE
        }
    }
}

fn live(kind: &str) -> std::io::Result<()> {
    /// `SIGTERM`.
    const END: i32 = 15;
    signals::block_all()?;
    let data = state("data");
    let second = data.symlink_metadata().is_ok();
    match (kind, second) {
        ("reads-what-it-shut", true) => drop(fs::read(&data)?),
        ("chowns-at-the-second-start", true) => chown(&data, Some(65534), None)?,
        ("gives-away-and-changes", true) => {
            fs::set_permissions(&data, fs::Permissions::from_mode(0o600))?;
        }
        (_, false) => {
            fs::write(&data, "kept")?;
            match kind {
                "reads-what-it-shut" => {
                    fs::set_permissions(&data, fs::Permissions::from_mode(0o000))?
                }
                "gives-away-and-changes" => chown(&data, Some(65534), None)?,
                _ => {}
            }
        }
        _ => {}
    }
    fs::write(state("ready"), "")?;
    while signals::next()? != END {}
    fs::remove_file(state("ready"))?;
    match kind {
        "chowns-at-the-end" => chown(&data, Some(65534), None),
        "chroots-at-the-end" => {
            call(libc::SYS_chroot, [at(c"/")]).map(drop).map_err(std::io::Error::from_raw_os_error)
        }
        _ => Ok(()),
    }
}
