//! `process.capabilities`: five sets, each a list of names.

use crate::document::{DocumentError, Object};
use dropcap_capability::{Capability, CapabilitySet, Credentials, Ids, parse_capability};

/// The five members, as the specification names them.
const NAMES: [&str; 5] = ["bounding", "effective", "inheritable", "permitted", "ambient"];

/// The five sets, in the order of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Sets(#[serde(serialize_with = "by_name")] [CapabilitySet; 5]);

impl Sets {
    /// What `process` asks for, and the names that are none.
    ///
    /// The runtimes leave out, with at most a warning, a name that is not spelled their way (`net_raw`, or
    /// `CAP_CAP_NET_RAW`, which containerd's CRI plugin makes of an already prefixed name). Here
    /// each is read for what it means.
    ///
    /// # Errors
    /// A document that is no process.
    pub fn of_process(process: &Object) -> Result<(Self, Vec<String>), DocumentError> {
        let mut sets = Self::default();
        let mut unknown = Vec::new();
        let Some(written) = process.read::<Object>("capabilities")? else {
            return Ok((sets, unknown));
        };
        for (name, set) in NAMES.iter().zip(&mut sets.0) {
            for word in written.read::<Vec<String>>(name)?.unwrap_or_default() {
                match meant(&word) {
                    Some(capability) => *set = set.with(capability),
                    None => unknown.push(word),
                }
            }
        }
        unknown.sort_unstable();
        unknown.dedup();
        Ok((sets, unknown))
    }

    /// Each of the five with only what is allowed.
    #[must_use]
    pub fn within(&self, allowed: CapabilitySet) -> Self {
        Self(self.0.map(|set| set & allowed))
    }

    /// These five.
    pub(crate) fn of(
        bounding: CapabilitySet,
        effective: CapabilitySet,
        inheritable: CapabilitySet,
        permitted: CapabilitySet,
        ambient: CapabilitySet,
    ) -> Self {
        Self([bounding, effective, inheritable, permitted, ambient])
    }

    /// What a thread holds that a runtime gives these: effective is within permitted, and ambient is kept where both others
    /// have it.
    pub(crate) fn held(&self, uid: Ids, gid: Ids) -> Credentials {
        let Self([bounding, effective, inheritable, permitted, ambient]) = *self;
        Credentials {
            uid,
            gid,
            effective: effective & permitted,
            permitted,
            inheritable,
            ambient: ambient & permitted & inheritable,
            ..Credentials::unprivileged(uid.effective, bounding)
        }
    }

    /// Each of the five with what is in the other's.
    #[must_use]
    pub(crate) fn with(mut self, other: &Self) -> Self {
        for (set, more) in self.0.iter_mut().zip(other.0) {
            *set = *set | more;
        }
        self
    }

    /// Everything that is in any of the five.
    pub fn all(&self) -> CapabilitySet {
        self.0.iter().fold(CapabilitySet::EMPTY, |all, set| all | *set)
    }

    /// With what runc's `exec --cap` adds: to bounding, effective and permitted, and to ambient
    /// where there is an inheritable set.
    pub(crate) fn add_as_runc(&mut self, capability: Capability, inheritable: bool) {
        for (name, set) in NAMES.iter().zip(&mut self.0) {
            if matches!(*name, "bounding" | "effective" | "permitted")
                || *name == "ambient" && inheritable
            {
                *set = set.with(capability);
            }
        }
    }

    /// With what crun's `exec --cap` gives: everything but inheritable.
    pub(crate) fn add_as_crun(&mut self, capability: Capability) {
        for (name, set) in NAMES.iter().zip(&mut self.0) {
            if *name != "inheritable" {
                *set = set.with(capability);
            }
        }
    }

    /// Writes them into a process: all five, since a member that is not there is taken from elsewhere
    /// by some runtimes.
    ///
    /// # Errors
    /// [`DocumentError::Ambiguous`].
    pub fn write_to(&self, process: &mut Object) -> Result<(), DocumentError> {
        let mut written = process.read::<Object>("capabilities")?.unwrap_or_default();
        for (name, set) in NAMES.iter().zip(self.0) {
            written.set(name, &names(set))?;
        }
        process.set("capabilities", &written)
    }
}

/// The capability that a word means; a number means none here.
pub(crate) fn meant(word: &str) -> Option<Capability> {
    let mut bare = word;
    while bare.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("cap_")) {
        bare = &bare[4..];
    }
    if bare.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    parse_capability(bare).ok()
}

/// The names as the runtimes know them; without those beyond the table, which they do not know.
pub(crate) fn names(set: CapabilitySet) -> Vec<&'static str> {
    set.iter().filter_map(Capability::name).collect()
}

fn by_name<S: serde::Serializer>(sets: &[CapabilitySet; 5], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(NAMES.iter().zip(sets).map(|(name, set)| (name, names(*set))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    #[test]
    fn names_that_a_runtime_would_ignore_are_read_for_what_they_mean() {
        let process = r#"{"capabilities":{"bounding":["CAP_KILL","net_raw","CAP_CAP_CHOWN","CAP_NEW","7"],
            "effective":["Cap_Kill"],"future":["x"]}}"#;
        let mut process = Object::parse(process, "a test").unwrap();
        let (sets, unknown) = Sets::of_process(&process).unwrap();
        assert_eq!(sets.all().to_string(), "CAP_CHOWN,CAP_KILL,CAP_NET_RAW");
        assert_eq!(unknown, ["7", "CAP_NEW"]);
        sets.within("KILL".parse().unwrap()).write_to(&mut process).unwrap();
        let written = process.to_text().unwrap();
        assert_eq!(
            written,
            r#"{"capabilities":{"bounding":["CAP_KILL"],"effective":["CAP_KILL"],"future":["x"],"inheritable":[],"permitted":[],"ambient":[]}}"#
        );
    }
}
