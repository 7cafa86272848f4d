//! `runtime.toml`: which runtime is below, and what happens to a container that no policy matches.

use dropcap_capability::{CapabilitySet, Tier};
use dropcap_policy::read_trusted;
use serde::Deserialize;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The folder of the policy and of the settings.
pub const DIRECTORY: &str = "/etc/dropcap";
/// The settings' name in it.
pub const FILE_NAME: &str = "runtime.toml";

/// Where a runtime is looked for if none is named: what only root can write to.
const FOLDERS: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const RUNTIMES: [&str; 2] = ["runc", "crun"];

/// What happens to a container that no workload matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithoutMatch {
    /// It holds nothing.
    DropAll,
    /// It stays as it is; what would have been taken is recorded.
    ObserveOnly,
    /// It keeps what the engine gives, less what leads to the host and what redirects the network.
    LeastRisk,
}

impl WithoutMatch {
    /// What may be held.
    pub fn allowed(self) -> CapabilitySet {
        match self {
            Self::DropAll | Self::ObserveOnly => CapabilitySet::EMPTY,
            Self::LeastRisk => {
                let risky = |tier| matches!(tier, Tier::RootEquivalent | Tier::Network);
                CapabilitySet::KNOWN.iter().filter(|one| !risky(one.tier())).collect()
            }
        }
    }

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DropAll => "drop-all",
            Self::ObserveOnly => "observe-only",
            Self::LeastRisk => "least-risk",
        }
    }
}

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The runtime below.
    pub below: PathBuf,
    /// What happens without a match.
    pub without_match: WithoutMatch,
    /// Where each decision is recorded.
    pub record: PathBuf,
    /// Where the configurations lie that containers are made from.
    pub state: PathBuf,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    version: u32,
    without_match: WithoutMatch,
    below: Option<PathBuf>,
    #[serde(default = "record")]
    record: PathBuf,
    #[serde(default = "state")]
    state: PathBuf,
}

fn record() -> PathBuf {
    "/var/log/dropcap/runtime.jsonl".into()
}

fn state() -> PathBuf {
    "/run/dropcap".into()
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SettingsError {
    #[error(transparent)]
    Policy(#[from] dropcap_policy::PolicyError),
    #[error("{} is not what it should be: {message}", path.display())]
    Toml { path: PathBuf, message: String },
    #[error("{}: version {version} is not understood; this dropcap reads version 1", path.display())]
    Version { path: PathBuf, version: u32 },
    #[error("{}: `{key}` is not an absolute path", path.display())]
    Relative { path: PathBuf, key: &'static str },
    #[error(transparent)]
    Below(#[from] NoRuntime),
}

/// There is no runtime below.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is neither runc nor crun in /usr/sbin, /usr/bin and their like: name one as `below`"
)]
pub struct NoRuntime;

impl Settings {
    /// Those in `directory`, if only root can have written them.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn load(directory: &Path) -> Result<Self, SettingsError> {
        let path = directory.join(FILE_NAME);
        let written: Written = toml::from_str(&read_trusted(&path)?).map_err(|error| {
            let message = error.to_string().trim_end().to_owned();
            SettingsError::Toml { path: path.clone(), message }
        })?;
        if written.version != 1 {
            return Err(SettingsError::Version { path, version: written.version });
        }
        let below = written.below.map_or_else(found, Ok)?;
        let paths = [("below", &below), ("record", &written.record), ("state", &written.state)];
        if let Some((key, _)) = paths.into_iter().find(|(_, path)| !path.is_absolute()) {
            return Err(SettingsError::Relative { path, key });
        }
        Ok(Self {
            below,
            without_match: written.without_match,
            record: written.record,
            state: written.state,
        })
    }
}

/// The runtime that is named in settings of which something else is wrong: so that what runs already can
/// still be asked for, stopped and deleted.
pub(crate) fn below(directory: &Path) -> Option<PathBuf> {
    let written = read_trusted(&directory.join(FILE_NAME)).ok()?;
    let written: toml::Table = toml::from_str(&written).ok()?;
    Some(PathBuf::from(written.get("below")?.as_str()?)).filter(|path| path.is_absolute())
}

/// The runtime to hand over to where none is named.
///
/// # Errors
/// There is none.
pub fn found() -> Result<PathBuf, NoRuntime> {
    let executable = |path: &PathBuf| {
        path.metadata().is_ok_and(|file| file.is_file()) && !is_this_program(path).unwrap_or(true)
    };
    let names = RUNTIMES.iter().flat_map(|name| FOLDERS.map(|folder| Path::new(folder).join(name)));
    names.into_iter().find(executable).ok_or(NoRuntime)
}

/// A dropcap under a runtime's name would call itself for ever.
fn is_this_program(path: &Path) -> io::Result<bool> {
    let [one, own] = [path, Path::new("/proc/self/exe")].map(std::fs::metadata);
    let (one, own) = (one?, own?);
    Ok((one.dev(), one.ino()) == (own.dev(), own.ino()))
}
