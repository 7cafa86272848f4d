//! The ids that a user namespace maps; user_namespaces(7), "User and group ID mappings".

/// What an id without a number shows as (`/proc/sys/kernel/overflowuid`, `overflowgid`).
pub const OVERFLOW_ID: u32 = 65534;

/// A line of `/proc/PID/uid_map`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    inside: u32,
    reference: u32,
    count: u32,
}

/// The ids that a user namespace maps, from its own numbers to those of a namespace of reference.
///
/// Credentials and files carry ids in the numbers of one namespace, the reference. Whoever asks about
/// one namespace alone takes that one, and then a map says only which ids there are. Where a thread
/// goes from one namespace into another, the reference is that of an ancestor of both, as the kernel
/// itself keeps ids (`kuid_t`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdMap(Vec<Extent>);

impl IdMap {
    /// Every valid id, as itself: the initial user namespace. 2³²−1 is no id (`INVALID_UID`).
    pub fn everything() -> Self {
        Self::from_ranges([(0, u32::MAX)])
    }

    /// No id at all: a user namespace whose maps were not written yet.
    pub const fn nothing() -> Self {
        Self(Vec::new())
    }

    /// Ids as themselves, from `(first id inside, count)` pairs: columns 1 and 3 of
    /// `/proc/PID/uid_map`.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        Self::from_extents(ranges.into_iter().map(|(first, count)| (first, first, count)))
    }

    /// From `(first id inside, first id of the reference, count)`: the columns of `/proc/PID/uid_map`
    /// as a process of the reference namespace reads them.
    pub fn from_extents(extents: impl IntoIterator<Item = (u32, u32, u32)>) -> Self {
        let extent = |(inside, reference, count)| Extent { inside, reference, count };
        Self(extents.into_iter().map(extent).collect())
    }

    /// Whether `id`, in the namespace's own numbers, means somebody; setresuid(2) answers EINVAL to one
    /// that does not.
    pub fn maps(&self, id: u32) -> bool {
        self.resolve(id).is_some()
    }

    /// What `id`, in the namespace's own numbers, is to the reference (`make_kuid`).
    pub fn resolve(&self, id: u32) -> Option<u32> {
        self.0.iter().find_map(|it| shift(id, it.inside, it.reference, it.count))
    }

    /// The namespace's own number for an id of the reference, if it has one (`from_kuid`).
    pub fn shown(&self, reference: u32) -> Option<u32> {
        self.0.iter().find_map(|it| shift(reference, it.reference, it.inside, it.count))
    }

    /// Whether an id of the reference has a number in the namespace (`kuid_has_mapping`).
    pub fn has(&self, reference: u32) -> bool {
        self.shown(reference).is_some()
    }

    /// What a getter such as getresuid(2) shows for an id of the reference (`from_kuid_munged`).
    pub fn shown_or_overflow(&self, reference: u32) -> u32 {
        self.shown(reference).unwrap_or(OVERFLOW_ID)
    }

    /// Who is id 0 in the namespace, if anybody is.
    pub fn root(&self) -> Option<u32> {
        self.resolve(0)
    }
}

/// Where `id` lands if the `count` ids from `from` on are those from `to` on.
fn shift(id: u32, from: u32, to: u32, count: u32) -> Option<u32> {
    let offset = id.checked_sub(from).filter(|offset| *offset < count)?;
    to.checked_add(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_both_ways() {
        let map = IdMap::from_extents([(0, 100_000, 2), (1000, 101_000, 2)]);
        assert_eq!(map.resolve(1), Some(100_001));
        assert_eq!(map.resolve(2), None);
        assert_eq!(map.shown(101_001), Some(1001));
        assert_eq!(map.shown_or_overflow(0), OVERFLOW_ID);
        assert_eq!(map.root(), Some(100_000));
    }

    #[test]
    fn the_last_number_is_no_id() {
        let map = IdMap::everything();
        assert!(map.maps(u32::MAX - 1) && !map.maps(u32::MAX));
        assert_eq!(IdMap::nothing().root(), None);
    }
}
