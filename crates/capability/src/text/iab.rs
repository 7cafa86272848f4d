//! libcap's text form of what passes through execve: Inh, Amb, Bound; cap_iab(3).

use super::names::{libcap_name, parse_libcap_name};
use crate::{CapabilitySet, CapabilityTextError, Credentials};
use std::fmt;
use std::str::FromStr;

/// What passes through execve of a file without capabilities, as pam_cap(8) and `capsh --iab` take it.
///
/// Ambient is always inside inheritable: `^` raises both. Bound lists what is *not* in the bounding
/// set ("think blocked").
///
/// ```
/// use dropcap_capability::Iab;
/// let iab: Iab = "!%cap_chown,^cap_net_raw,cap_kill".parse().unwrap();
/// assert_eq!(iab.blocked().to_string(), "CAP_CHOWN");
/// assert_eq!(iab.ambient().to_string(), "CAP_NET_RAW");
/// assert_eq!(iab.inheritable().to_string(), "CAP_CHOWN,CAP_KILL,CAP_NET_RAW");
/// assert_eq!(iab.to_string(), "!%cap_chown,cap_kill,^cap_net_raw");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Iab {
    inheritable: CapabilitySet,
    ambient: CapabilitySet,
    blocked: CapabilitySet,
}

impl Iab {
    /// With these sets; what is ambient becomes inheritable too.
    pub fn new(inheritable: CapabilitySet, ambient: CapabilitySet, blocked: CapabilitySet) -> Self {
        Self { inheritable: inheritable | ambient, ambient, blocked }
    }

    /// Those of a thread on a kernel that has the capabilities `all`.
    pub fn of(credentials: &Credentials, all: CapabilitySet) -> Self {
        let Credentials { inheritable, ambient, bounding, .. } = credentials;
        Self::new(*inheritable, *ambient, all - *bounding)
    }

    /// Inh: the inheritable set.
    pub const fn inheritable(self) -> CapabilitySet {
        self.inheritable
    }

    /// Amb: the ambient set.
    pub const fn ambient(self) -> CapabilitySet {
        self.ambient
    }

    /// Bound: what is missing from the bounding set.
    pub const fn blocked(self) -> CapabilitySet {
        self.blocked
    }
}

impl FromStr for Iab {
    type Err = CapabilityTextError;

    /// Reads a text as `cap_iab_from_text` does: a comma list, each with any of `!`, `^` and `%`
    /// before it; without one, `%` is meant. A comma or prefixes at the very end say nothing.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut iab = Self::default();
        let mut words = text.split(',').peekable();
        while let Some(word) = words.next() {
            let name = word.trim_start_matches(['!', '^', '%']);
            if name.is_empty() && words.peek().is_none() {
                break;
            }
            let capability = parse_libcap_name(name)?;
            let prefixes = &word[..word.len() - name.len()];
            let add = |set: &mut CapabilitySet| *set = set.with(capability);
            if prefixes.is_empty() || prefixes.contains(['%', '^']) {
                add(&mut iab.inheritable);
            }
            if prefixes.contains('^') {
                add(&mut iab.ambient);
            }
            if prefixes.contains('!') {
                add(&mut iab.blocked);
            }
        }
        Ok(iab)
    }
}

/// As `cap_iab_to_text` writes it, which leaves out what the running kernel does not have.
impl fmt::Display for Iab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |capability| {
            let blocked = self.blocked.contains(capability);
            let passes =
                match (self.ambient.contains(capability), self.inheritable.contains(capability)) {
                    (true, _) => "^",
                    (false, true) if blocked => "%",
                    _ => "",
                };
            format!("{}{passes}{}", if blocked { "!" } else { "" }, libcap_name(capability))
        };
        let words: Vec<String> = (self.inheritable | self.blocked).iter().map(word).collect();
        f.pad(&words.join(","))
    }
}
