//! Which engine, and which version of it.

use dropcap_manifest::Engine;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A version of an engine; what was left out counts as the newest there is (`20.10` is the last
/// patch of 20.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The 20 in 20.10.24.
    pub major: u16,
    /// The 10 in 20.10.24.
    pub minor: u16,
    /// The 24 in 20.10.24.
    pub patch: u16,
}

impl Version {
    /// Stands for a part that was left out.
    const NEWEST: u16 = u16::MAX;

    /// A version from its three numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [self.major, self.minor, self.patch];
        let given: Vec<String> =
            parts.iter().take_while(|part| **part != Self::NEWEST).map(u16::to_string).collect();
        f.pad(&given.join("."))
    }
}

impl FromStr for Version {
    type Err = EngineVersionError;

    /// Reads `20`, `20.10` or `20.10.24`, with anything behind it that starts with `+`, `-` or `~`,
    /// as distributions write it (`20.10.24+dfsg1`).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || EngineVersionError::Version(text.to_owned());
        let bare = text.strip_prefix('v').unwrap_or(text);
        let numbers = bare.split(['+', '-', '~']).next().unwrap_or(bare);
        let mut parts = [Self::NEWEST; 3];
        for (position, part) in numbers.split('.').enumerate() {
            let slot = parts.get_mut(position).ok_or_else(wrong)?;
            *slot = part.parse().map_err(|_| wrong())?;
        }
        Ok(Self { major: parts[0], minor: parts[1], patch: parts[2] })
    }
}

/// An engine with its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EngineVersion {
    /// The engine.
    pub engine: Engine,
    /// Its version; for [`Engine::OpenShell`] that of the Docker Engine below it.
    pub version: Version,
}

/// Text that names no engine, or no version of one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EngineVersionError {
    /// Not one of the engines whose rules are known.
    #[error("unknown engine `{0}`; known are docker, podman, containerd and openshell")]
    Engine(String),
    /// Not a version.
    #[error("`{0}` is no version; write it as 20.10 or 28.5.2")]
    Version(String),
    /// Older than the oldest whose rules were read.
    #[error("the rules of {name} are known from {oldest} on, not for {version}")]
    TooOld {
        /// The engine's name.
        name: &'static str,
        /// The oldest version that is known.
        oldest: Version,
        /// What was asked for.
        version: Version,
    },
}

impl EngineVersion {
    /// The version whose rules count where none is named: the newest whose source was read.
    pub const fn default_for(engine: Engine) -> Self {
        let version = match engine {
            Engine::Docker | Engine::OpenShell => Version::new(28, 5, 2),
            Engine::Podman => Version::new(5, 8, 2),
            Engine::Containerd => Version::new(2, 3, 4),
        };
        Self { engine, version }
    }

    /// The oldest version whose rules are known.
    const fn oldest(engine: Engine) -> Version {
        match engine {
            Engine::Docker | Engine::OpenShell => Version::new(20, 10, 0),
            Engine::Podman => Version::new(4, 3, 0),
            Engine::Containerd => Version::new(1, 6, 0),
        }
    }

    /// The engine's name, as `--engine` takes it.
    pub const fn name(&self) -> &'static str {
        match self.engine {
            Engine::Docker => "docker",
            Engine::Podman => "podman",
            Engine::Containerd => "containerd",
            Engine::OpenShell => "openshell",
        }
    }
}

impl fmt::Display for EngineVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}@{}", self.name(), self.version))
    }
}

impl FromStr for EngineVersion {
    type Err = EngineVersionError;

    /// Reads `docker`, `docker@20.10`, `podman@4.3.1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        let engine = match name.to_ascii_lowercase().as_str() {
            "docker" => Engine::Docker,
            "podman" => Engine::Podman,
            "containerd" => Engine::Containerd,
            "openshell" => Engine::OpenShell,
            _ => return Err(EngineVersionError::Engine(name.to_owned())),
        };
        let Some(version) = version else { return Ok(Self::default_for(engine)) };
        let read = Self { engine, version: version.parse()? };
        let oldest = Self::oldest(engine);
        if read.version < oldest {
            let version = read.version;
            return Err(EngineVersionError::TooOld { name: read.name(), oldest, version });
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_left_out_is_the_newest() {
        let short: Version = "20.10".parse().expect("a version");
        assert!(short > Version::new(20, 10, 24));
        assert!(short < Version::new(23, 0, 0));
        assert_eq!(short.to_string(), "20.10");
        assert_eq!("20.10.24+dfsg1".parse(), Ok(Version::new(20, 10, 24)));
    }

    #[test]
    fn engines_are_read_with_and_without_a_version() {
        let plain: EngineVersion = "docker".parse().expect("an engine");
        assert_eq!(plain, EngineVersion::default_for(Engine::Docker));
        let named: EngineVersion = "docker@20.10.24".parse().expect("an engine");
        assert_eq!(named.to_string(), "docker@20.10.24");
        assert_eq!(
            "lxc".parse::<EngineVersion>(),
            Err(EngineVersionError::Engine("lxc".to_owned()))
        );
        assert_eq!(
            "docker@twenty".parse::<EngineVersion>(),
            Err(EngineVersionError::Version("twenty".to_owned()))
        );
        assert!(matches!(
            "docker@19.03".parse::<EngineVersion>(),
            Err(EngineVersionError::TooOld { .. })
        ));
    }
}
