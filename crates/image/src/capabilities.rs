//! The extended attribute of a file, as the kernel understands it.

use dropcap_capability::{FileCapabilities, FileCapabilitiesError};

/// Longer than the longest revision of the attribute (24 bytes), so that a longer one is seen to be
/// wrong.
pub const LONGEST: usize = 64;

/// What the attribute gives, and what is wrong with it.
pub fn decode(bytes: &[u8]) -> (Option<FileCapabilities>, Option<String>) {
    match FileCapabilities::decode(bytes) {
        Ok(capabilities) => (Some(capabilities), None),
        // The kernel looks at the one flag that it knows, and gives the capabilities all the same
        // (`get_vfs_caps_from_disk`).
        Err(error @ FileCapabilitiesError::UnknownFlags(flags)) => {
            let mut known = bytes.to_vec();
            for (byte, unknown) in known.iter_mut().zip(flags.to_le_bytes()) {
                *byte &= !unknown;
            }
            (FileCapabilities::decode(&known).ok(), Some(error.to_string()))
        }
        Err(error) => (None, Some(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::decode;
    use dropcap_capability::{Capability, CapabilitySet};

    /// Revision 2, effective, permitted NET_RAW.
    const NET_RAW: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    #[test]
    fn a_good_one_is_read_without_a_word() {
        let (capabilities, wrong) = decode(&NET_RAW);
        let capabilities = capabilities.expect("it is good");
        assert_eq!(capabilities.permitted, CapabilitySet::from(Capability::NET_RAW));
        assert!(capabilities.effective);
        assert_eq!(wrong, None);
    }

    #[test]
    fn an_unknown_flag_takes_nothing_away() {
        let mut bytes = NET_RAW;
        bytes[1] = 0x80;
        let (capabilities, wrong) = decode(&bytes);
        assert_eq!(capabilities, decode(&NET_RAW).0);
        assert_eq!(
            wrong.as_deref(),
            Some("file capability flags 0x8000 are unknown; only bit 0, effective, is defined")
        );
    }

    #[test]
    fn what_the_kernel_refuses_gives_nothing() {
        for bytes in [&NET_RAW[..19], &[], &[0; 20]] {
            let (capabilities, wrong) = decode(bytes);
            assert_eq!(capabilities, None);
            assert!(wrong.is_some(), "{bytes:?}");
        }
    }
}
