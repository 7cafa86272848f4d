//! The `security.capability` extended attribute: encoding and decoding.

use crate::CapabilitySet;
use thiserror::Error;

/// The layout of the attribute; `include/uapi/linux/capability.h`, capabilities(7), "File
/// capability versions".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// One 32-bit word a set; 12 bytes. Linux 2.6.24.
    One,
    /// Two words a set; 20 bytes. Linux 2.6.25.
    Two,
    /// As two, and the root uid of the user namespace for which it counts; 24 bytes. Linux 4.14.
    Three {
        /// The uid that is root where the capabilities count, in the filesystem's namespace.
        root_id: u32,
    },
}

/// What a file gives to whoever executes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileCapabilities {
    /// Forced: come into the permitted set as far as the bounding set goes.
    pub permitted: CapabilitySet,
    /// Pass if the thread has them in its inheritable set.
    pub inheritable: CapabilitySet,
    /// Whether the new permitted set is effective at once (one bit for all).
    pub effective: bool,
    /// The layout on disk.
    pub revision: Revision,
}

/// Why an attribute is no file capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FileCapabilitiesError {
    /// Not even the four bytes of the header.
    #[error("a file capability of {0} bytes has no header; it needs at least 4")]
    Truncated(usize),
    /// A revision that no kernel defines.
    #[error("file capability revision {0:#010x} is unknown; revisions 1 to 3 exist")]
    UnknownRevision(u32),
    /// A length that does not belong to the revision.
    #[error("a file capability of this revision has {expected} bytes, not {actual}")]
    WrongSize {
        /// What the revision asks for.
        expected: usize,
        /// What is there.
        actual: usize,
    },
    /// Flag bits in the header that no kernel defines.
    #[error("file capability flags {0:#x} are unknown; only bit 0, effective, is defined")]
    UnknownFlags(u32),
    /// A set with bits above 31, which revision 1 has no room for.
    #[error("revision 1 holds capabilities 0 to 31 only")]
    DoesNotFit,
}

const REVISION_MASK: u32 = 0xff00_0000;
const REVISION_1: u32 = 0x0100_0000;
const REVISION_2: u32 = 0x0200_0000;
const REVISION_3: u32 = 0x0300_0000;
const EFFECTIVE: u32 = 1;

impl FileCapabilities {
    /// Reads the attribute as `get_vfs_caps_from_disk` does.
    ///
    /// # Errors
    /// Whatever the kernel answers EINVAL to, and flag bits that no kernel defines (which it
    /// ignores: a file that has them was not made by a tool that we know).
    pub fn decode(bytes: &[u8]) -> Result<Self, FileCapabilitiesError> {
        let word = |index: usize| {
            bytes
                .get(index * 4..index * 4 + 4)
                .and_then(|four| four.try_into().ok())
                .map_or(0, u32::from_le_bytes)
        };
        if bytes.len() < 4 {
            return Err(FileCapabilitiesError::Truncated(bytes.len()));
        }
        let header = word(0);
        let (expected, words) = match header & REVISION_MASK {
            REVISION_1 => (12, 1),
            REVISION_2 => (20, 2),
            REVISION_3 => (24, 2),
            unknown => return Err(FileCapabilitiesError::UnknownRevision(unknown)),
        };
        if bytes.len() != expected {
            return Err(FileCapabilitiesError::WrongSize { expected, actual: bytes.len() });
        }
        let flags = header & !REVISION_MASK;
        if flags & !EFFECTIVE != 0 {
            return Err(FileCapabilitiesError::UnknownFlags(flags & !EFFECTIVE));
        }
        let set = |first: usize| {
            let high = if words == 2 { u64::from(word(first + 2)) << 32 } else { 0 };
            CapabilitySet::from_bits(high | u64::from(word(first)))
        };
        let revision = match header & REVISION_MASK {
            REVISION_1 => Revision::One,
            REVISION_2 => Revision::Two,
            _ => Revision::Three { root_id: word(5) },
        };
        Ok(Self {
            permitted: set(1),
            inheritable: set(2),
            effective: flags & EFFECTIVE != 0,
            revision,
        })
    }

    /// Writes the attribute in its revision.
    ///
    /// # Errors
    /// [`FileCapabilitiesError::DoesNotFit`] if revision 1 has no room for a set.
    pub fn encode(&self) -> Result<Vec<u8>, FileCapabilitiesError> {
        let flag = u32::from(self.effective);
        let (permitted, inheritable) = (self.permitted.bits(), self.inheritable.bits());
        let (low, high) = (|bits: u64| bits as u32, |bits: u64| (bits >> 32) as u32);
        let words = match self.revision {
            Revision::One if high(permitted | inheritable) != 0 => {
                return Err(FileCapabilitiesError::DoesNotFit);
            }
            Revision::One => vec![REVISION_1 | flag, low(permitted), low(inheritable)],
            Revision::Two | Revision::Three { .. } => {
                let header = match self.revision {
                    Revision::Three { .. } => REVISION_3,
                    _ => REVISION_2,
                };
                let mut words = vec![
                    header | flag,
                    low(permitted),
                    low(inheritable),
                    high(permitted),
                    high(inheritable),
                ];
                if let Revision::Three { root_id } = self.revision {
                    words.push(root_id);
                }
                words
            }
        };
        Ok(words.into_iter().flat_map(u32::to_le_bytes).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn what_setcap_writes_is_read() {
        // `setcap cap_net_raw,cap_bpf+ep`, as getfattr -e hex shows it.
        let bytes = words(&[REVISION_2 | EFFECTIVE, 1 << 13, 0, 1 << 7, 0]);
        let read = FileCapabilities::decode(&bytes).expect("it is whole");
        assert_eq!(read.permitted.to_string(), "CAP_NET_RAW,CAP_BPF");
        assert!(read.effective && read.inheritable.is_empty());
    }

    #[test]
    fn a_third_revision_names_its_root() {
        let bytes = words(&[REVISION_3, 0, 1, 0, 1, 100_000]);
        let read = FileCapabilities::decode(&bytes).expect("it is whole");
        assert_eq!(read.revision, Revision::Three { root_id: 100_000 });
        assert_eq!(read.inheritable.bits(), 1 | 1 << 32);
    }

    #[test]
    fn what_is_no_file_capability_is_an_error() {
        use FileCapabilitiesError::*;
        let wrong = |bytes: &[u8]| FileCapabilities::decode(bytes).expect_err("it is wrong");
        assert_eq!(wrong(&[]), Truncated(0));
        assert_eq!(wrong(&[1, 0, 0]), Truncated(3));
        assert_eq!(wrong(&words(&[0])), UnknownRevision(0));
        assert_eq!(wrong(&words(&[0x0400_0000, 0, 0])), UnknownRevision(0x0400_0000));
        assert_eq!(wrong(&words(&[REVISION_2, 0, 0])), WrongSize { expected: 20, actual: 12 });
        assert_eq!(wrong(&words(&[REVISION_1; 5])), WrongSize { expected: 12, actual: 20 });
        assert_eq!(
            wrong(&words(&[REVISION_3, 0, 0, 0, 0])),
            WrongSize { expected: 24, actual: 20 }
        );
        assert_eq!(wrong(&words(&[REVISION_1 | 6, 0, 0])), UnknownFlags(6));
    }

    #[test]
    fn the_first_revision_has_no_room_for_the_second_word() {
        let too_much = FileCapabilities {
            permitted: CapabilitySet::from_bits(1 << 32),
            inheritable: CapabilitySet::EMPTY,
            effective: false,
            revision: Revision::One,
        };
        assert_eq!(too_much.encode(), Err(FileCapabilitiesError::DoesNotFit));
    }
}
