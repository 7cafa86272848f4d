//! Capability names as engines read them in `cap_add` and `cap_drop`.

use dropcap_capability::{Capability, CapabilitySet};
use dropcap_manifest::{Engine, Spanned};

/// The capability that `engine` takes a word of `cap_add` or `cap_drop` for; `None` where it takes it for
/// none, as for `ALL`. containerd puts `CAP_` before each word, one that begins with it too, so that
/// `CAP_KILL` is none there.
///
/// ```
/// use dropcap_capability::Capability;
/// use dropcap_engine::capability_named;
/// use dropcap_manifest::Engine;
/// assert_eq!(capability_named("cap_kill", Engine::Docker), Some(Capability::KILL));
/// assert_eq!(capability_named("kill", Engine::Containerd), Some(Capability::KILL));
/// assert_eq!(capability_named("CAP_KILL", Engine::Containerd), None);
/// ```
#[must_use]
pub fn capability_named(word: &str, engine: Engine) -> Option<Capability> {
    let upper = upper(word);
    let bare = match engine {
        Engine::Containerd => upper.as_str(),
        _ => upper.strip_prefix("CAP_").unwrap_or(&upper),
    };
    let is_it =
        |known: &&Capability| known.name().and_then(|name| name.strip_prefix("CAP_")) == Some(bare);
    Capability::KNOWN.iter().find(is_it).copied()
}

/// `cap_add` or `cap_drop`, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Names {
    /// Whether `ALL` is in it.
    pub all: bool,
    /// What is named.
    pub set: CapabilitySet,
    /// Whether a word was not in the form `CAP_NAME` or `ALL`.
    pub odd_spelling: bool,
}

/// Reads the words: any case, with `CAP_` or without, nothing trimmed
/// (`caps.NormalizeLegacyCapabilities` of moby, `NormalizeCapabilities` of containers/common).
///
/// # Errors
/// The first word that is not in `known`, as written and as the engine makes it.
pub(crate) fn read(words: &[Spanned<String>], known: CapabilitySet) -> Result<Names, Unknown> {
    let mut names = Names::default();
    for word in words {
        let upper = upper(&word.value);
        if upper == "ALL" {
            names.all = true;
            names.odd_spelling |= word.value != "ALL";
            continue;
        }
        let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
        let found = known.iter().find(|capability| capability.name() == Some(full.as_str()));
        let Some(capability) = found else {
            return Err(Unknown { word: word.value.clone(), normalized: full });
        };
        names.set = names.set.with(capability);
        names.odd_spelling |= word.value != full;
    }
    Ok(names)
}

/// A word that an engine does not know as a capability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// As written.
    pub word: String,
    /// As the engine names it in its error.
    pub normalized: String,
}

impl Unknown {
    /// The capability that it names, if dropcap knows one.
    pub(crate) fn capability(&self) -> Option<Capability> {
        let named = |known: &&Capability| known.name() == Some(self.normalized.as_str());
        Capability::KNOWN.iter().find(named).copied()
    }
}

/// `strings.ToUpper` of Go, which maps each character to one.
pub(crate) fn upper(word: &str) -> String {
    let one = |c: char| {
        let mut mapped = c.to_uppercase();
        mapped.next().filter(|_| mapped.next().is_none()).unwrap_or(c)
    };
    word.chars().map(one).collect()
}

/// The 14 that Docker and containerd give (`caps.DefaultCapabilities`).
pub const DOCKER_DEFAULTS: CapabilitySet = CapabilitySet::EMPTY
    .with(Capability::CHOWN)
    .with(Capability::DAC_OVERRIDE)
    .with(Capability::FSETID)
    .with(Capability::FOWNER)
    .with(Capability::MKNOD)
    .with(Capability::NET_RAW)
    .with(Capability::SETGID)
    .with(Capability::SETUID)
    .with(Capability::SETFCAP)
    .with(Capability::SETPCAP)
    .with(Capability::NET_BIND_SERVICE)
    .with(Capability::SYS_CHROOT)
    .with(Capability::KILL)
    .with(Capability::AUDIT_WRITE);

/// The 11 that Podman gives (`config.DefaultCapabilities`).
pub(crate) const PODMAN_DEFAULTS: CapabilitySet = DOCKER_DEFAULTS
    .without(Capability::MKNOD)
    .without(Capability::NET_RAW)
    .without(Capability::AUDIT_WRITE);

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<Spanned<String>> {
        list.iter().map(|word| Spanned { value: (*word).to_owned(), span: 0..0 }).collect()
    }

    #[test]
    fn case_and_prefix_are_free_and_nothing_else_is() {
        let read = |list: &[&str]| read(&words(list), CapabilitySet::KNOWN);
        let names = read(&["net_raw", "Cap_Kill", "CAP_CHOWN", "all"]).expect("all known");
        assert_eq!(names.set.to_string(), "CAP_CHOWN,CAP_KILL,CAP_NET_RAW");
        assert!(names.all && names.odd_spelling);
        assert!(!read(&["CAP_KILL", "ALL"]).expect("all known").odd_spelling);
        for word in ["CAP_ALL", "CAP_CAP_KILL", " KILL", "KILL ", "5", "", "NET-RAW"] {
            assert_eq!(read(&[word]).expect_err(word).word, word);
        }
    }

    #[test]
    fn upper_case_is_that_of_go() {
        // The long s has a capital of one character, the sharp s has none.
        assert_eq!(upper("\u{17f}etuid"), "SETUID");
        assert_eq!(upper("\u{df}"), "\u{df}");
    }
}
