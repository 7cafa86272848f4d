//! A container whose entrypoint's script is mended, for a trial: a copy of the script in its place, and
//! `dropcap` where that looks for it.

use crate::failure::Failure;
use crate::scan::own::own_path;
use dropcap_audit::{DROPCAP_AT, Mend};
use dropcap_manifest::Container;
use dropcap_observe::Session;
use dropcap_observe::docker::Configured;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The mended copy, which goes with this.
pub struct Stand {
    _folder: TempDir,
}

/// Puts the mended script in the place of the one that is mounted.
pub fn stand_in(
    configured: &mut Configured,
    container: &Container,
    mend: &Mend,
    session: &Session,
) -> Result<Stand, Failure> {
    let cannot = || Failure::new(format!("{} cannot be mended for a trial", mend.file()));
    let target = container.script_mount().map(|mount| mount.target.as_str());
    let bind = configured.binds.iter_mut().find(|(_, at, _)| Some(at.as_str()) == target);
    let (source, ..) = bind.ok_or_else(|| cannot().because("it is not mounted in the trials"))?;
    let (folder, copy) = copied(source, mend.text(), session).map_err(|e| cannot().because(e))?;
    *source = copy;
    if !configured.binds.iter().any(|(_, at, _)| at == DROPCAP_AT) {
        let own = own_path().ok_or_else(|| cannot().because("dropcap has no path here"))?;
        configured.binds.push((own.into(), DROPCAP_AT.to_owned(), true));
    }
    Ok(Stand { _folder: folder })
}

/// The mended text with the mode and the owner of what is at `path`.
fn copied(path: &Path, text: &[u8], session: &Session) -> std::io::Result<(TempDir, PathBuf)> {
    let folder = session.folder()?;
    let copy = folder.path().join("script");
    std::fs::write(&copy, text)?;
    let metadata = path.metadata()?;
    if let Err(error) = chown(&copy, Some(metadata.uid()), Some(metadata.gid()))
        && error.kind() != std::io::ErrorKind::PermissionDenied
    {
        return Err(error);
    }
    std::fs::set_permissions(&copy, metadata.permissions())?;
    Ok((folder, copy))
}
