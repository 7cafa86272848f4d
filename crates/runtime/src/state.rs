//! What a runtime keeps of a running container: where its configuration is.

use crate::config::FILE_NAME;
use crate::document::Object;
use crate::error::Error;
use crate::file::{self, FileError, Links};
use crate::grammar::{Flavour, Options};
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The root of the runtime's own state: `--root`, or what it is for root without (`main.go` of runc,
/// `get_run_directory` of crun, which goes by `XDG_RUNTIME_DIR`).
pub(crate) fn root(
    global: &Options,
    flavour: Flavour,
    environment: &[(OsString, OsString)],
) -> Result<PathBuf, Error> {
    let usual = || match flavour {
        Flavour::Runc => PathBuf::from("/run/runc"),
        Flavour::Crun => {
            let of_user = environment.iter().find(|(key, _)| key == "XDG_RUNTIME_DIR");
            let of_user = of_user.map(|(_, value)| value).filter(|value| !value.is_empty());
            of_user.map_or(Path::new("/run"), Path::new).join("crun")
        }
    };
    let root = global.value("root").filter(|root| !root.is_empty());
    absolute(root.map_or_else(usual, PathBuf::from))
}

/// The path from `/` on. By the kernel alone: where the working directory has been removed, the C library
/// looks for it in ways that are closed before it has started.
pub(crate) fn absolute(path: PathBuf) -> Result<PathBuf, Error> {
    let whole = |path: &Path| {
        if path.is_absolute() {
            return std::path::absolute(path);
        }
        let here = rustix::process::getcwd(Vec::new())?;
        let here = Path::new(OsStr::from_bytes(here.to_bytes()));
        // `(unreachable)` where it is outside of the root.
        if !here.is_absolute() {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        std::path::absolute(here.join(path))
    };
    whole(&path).map_err(|source| Error::Path { path, source })
}

/// The configuration of a running container and the folder that it is in.
pub(crate) fn configuration(
    root: &Path,
    container: &str,
    flavour: Flavour,
) -> Result<(Object, PathBuf), Error> {
    let bundle = bundle(&root.join(container), flavour).map_err(|error| match error {
        Error::File(FileError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Error::NoContainer { container: container.to_owned(), flavour }
        }
        error => error,
    })?;
    let text = file::read(&bundle.join(FILE_NAME), Links::Refuse)?;
    Ok((Object::parse(&text, FILE_NAME)?, bundle))
}

fn bundle(kept: &Path, flavour: Flavour) -> Result<PathBuf, Error> {
    let (name, found) = match flavour {
        // `labels` of the container: the annotations, and behind them runc's own, `bundle=PATH` among them.
        Flavour::Runc => {
            let text = file::read(&kept.join("state.json"), Links::Refuse)?;
            let config = Object::parse(&text, "state.json")?.read::<Object>("config")?;
            let labels: Option<Vec<String>> =
                config.map(|config| config.read("labels")).transpose()?.flatten();
            let mut labels = labels.unwrap_or_default().into_iter().rev();
            let bundle = labels.find_map(|label| label.strip_prefix("bundle=").map(str::to_owned));
            ("state.json", bundle)
        }
        Flavour::Crun => {
            let text = file::read(&kept.join("status"), Links::Refuse)?;
            ("status", Object::parse(&text, "status")?.read("bundle")?)
        }
    };
    let path = kept.join(name);
    let bundle = PathBuf::from(found.ok_or(Error::NoBundle { path: path.clone() })?);
    if bundle.is_absolute() { Ok(bundle) } else { Err(Error::NoBundle { path }) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    #[test]
    fn each_runtime_keeps_its_state_where_it_says() {
        let environment = [("XDG_RUNTIME_DIR".into(), "/run/user/0".into())];
        let root = |flavour, environment| root(&Options::default(), flavour, environment).unwrap();
        assert_eq!(root(Flavour::Runc, &environment), Path::new("/run/runc"));
        assert_eq!(root(Flavour::Crun, &environment), Path::new("/run/user/0/crun"));
        let empty = [("XDG_RUNTIME_DIR".into(), "".into())];
        assert_eq!(root(Flavour::Crun, &empty), Path::new("/run/crun"));
        let mut named = Options::default();
        named.set("root", "/elsewhere".to_owned());
        let root = super::root(&named, Flavour::Crun, &environment).unwrap();
        assert_eq!(root, Path::new("/elsewhere"));
    }

    /// An annotation may be called `bundle`; runc's own comes behind all of them.
    #[test]
    fn the_bundle_is_the_one_that_runc_wrote() {
        let place = tempfile::tempdir().unwrap();
        let text = r#"{"config": {"labels": ["bundle=/decoy", "a=b", "bundle=/real"]}}"#;
        std::fs::write(place.path().join("state.json"), text).unwrap();
        assert_eq!(bundle(place.path(), Flavour::Runc).unwrap(), Path::new("/real"));
    }
}
