//! A set as a hexadecimal mask: `CapEff` and its kin in `/proc/PID/status`, `capsh --decode`.

use crate::CapabilitySet;
use std::fmt;
use thiserror::Error;

/// A word that is no mask.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{word}` is no mask: 1 to 16 hexadecimal digits, such as 00000000a80425fb")]
pub struct HexMaskError {
    /// The word as written.
    pub word: String,
}

impl CapabilitySet {
    /// Reads a mask, in any case, with `0x` before it or without.
    ///
    /// Where it can be read, `capsh --decode` reads the same. That one goes on where this one does
    /// not: it takes the digits before the first wrong character, or 0.
    ///
    /// ```
    /// use dropcap_capability::CapabilitySet;
    /// let docker = CapabilitySet::from_hex("00000000a80425fb").unwrap();
    /// assert_eq!(docker.len(), 14);
    /// assert_eq!(format!("{docker:016x}"), "00000000a80425fb");
    /// ```
    ///
    /// # Errors
    /// [`HexMaskError`]: something else than digits, none, or more than 64 bits.
    pub fn from_hex(word: &str) -> Result<Self, HexMaskError> {
        let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")).unwrap_or(word);
        // `from_str_radix` takes a sign.
        let begins_well = digits.starts_with(|first: char| first.is_ascii_hexdigit());
        let bits = begins_well.then(|| u64::from_str_radix(digits, 16).ok()).flatten();
        bits.map(Self::from_bits).ok_or_else(|| HexMaskError { word: word.to_owned() })
    }
}

/// `{:016x}` is how the kernel prints a set (`render_cap_t`).
impl fmt::LowerHex for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.bits(), f)
    }
}
