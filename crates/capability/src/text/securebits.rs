//! Securebits by name, as the kernel, setpriv(1), systemd.exec(5) and capsh(1) write them.

use super::number::c_number;
use crate::Securebits;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A word that names no flag.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{word}` is no securebit: names are those of capabilities(7), such as noroot_locked")]
pub struct SecurebitsTextError {
    /// The word as written.
    pub word: String,
}

/// What capsh(1) calls differently.
const ALIASES: [(&str, Securebits); 2] = [
    ("no_suid_fixup", Securebits::NO_SETUID_FIXUP),
    ("no_ambient_raise", Securebits::NO_CAP_AMBIENT_RAISE),
];

impl FromStr for Securebits {
    type Err = SecurebitsTextError;

    /// Reads names and numbers between commas, blanks or `|`; `none`, `[none]` or nothing is empty.
    ///
    /// A name may be in any case, with `-` for `_`, and behind `SECBIT_` (the kernel's masks) or
    /// `secure-` (its bits, and capsh). A number is the bits themselves, in C's spelling.
    ///
    /// ```
    /// use dropcap_capability::Securebits;
    /// let systemd: Securebits = "noroot noroot-locked".parse().unwrap();
    /// let kernel: Securebits = "SECBIT_NOROOT | SECBIT_NOROOT_LOCKED".parse().unwrap();
    /// let capsh: Securebits = "0x3".parse().unwrap();
    /// assert!(systemd == kernel && kernel == capsh);
    /// assert_eq!(systemd.to_string(), "noroot,noroot_locked");
    /// ```
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if matches!(text.trim(), "none" | "[none]") {
            return Ok(Self::EMPTY);
        }
        let words = text.split([',', ' ', '\t', '\n', '|']).filter(|word| !word.is_empty());
        words.map(flag).try_fold(Self::EMPTY, |flags, flag| Ok(flags.union(flag?)))
    }
}

impl Securebits {
    /// These flags after a change as `setpriv --securebits` takes it: names, each behind `+` (set)
    /// or `-` (clear).
    ///
    /// ```
    /// use dropcap_capability::Securebits;
    /// let changed = Securebits::KEEP_CAPS.changed_by("+noroot,-keep_caps");
    /// assert_eq!(changed, Ok(Securebits::NOROOT));
    /// ```
    ///
    /// # Errors
    /// [`SecurebitsTextError`]: a word without a sign, or one that names no flag.
    pub fn changed_by(self, text: &str) -> Result<Self, SecurebitsTextError> {
        text.split(',').try_fold(self, |flags, word| {
            let (set, name) = match (word.strip_prefix('+'), word.strip_prefix('-')) {
                (Some(name), _) => (true, name),
                (_, Some(name)) => (false, name),
                _ => return Err(SecurebitsTextError { word: word.to_owned() }),
            };
            let flag = flag(name)?;
            Ok(if set { flags.union(flag) } else { flags.difference(flag) })
        })
    }
}

/// One word: a flag by its name, or bits by their number.
fn flag(word: &str) -> Result<Securebits, SecurebitsTextError> {
    let small = word.to_ascii_lowercase().replace('-', "_");
    let name = ["secbit_", "secure_"].iter().find_map(|prefix| small.strip_prefix(prefix));
    let name = name.unwrap_or(&small);
    let by_alias = || {
        let (name, locked) = match name.strip_suffix("_locked") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (_, flag) = ALIASES.iter().find(|(alias, _)| *alias == name)?;
        Some(if locked { flag.locks() } else { *flag })
    };
    let by_number = || c_number(word).and_then(|it| it.try_into().ok()).map(Securebits::from_bits);
    Securebits::by_name(name)
        .or_else(by_alias)
        .or_else(by_number)
        .ok_or_else(|| SecurebitsTextError { word: word.to_owned() })
}

/// The names of setpriv(1), which are the kernel's in small letters, between commas; bits without a
/// name as one number; `none` where there are none.
impl fmt::Display for Securebits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words: Vec<String> = self.names().map(str::to_owned).collect();
        if self.unnamed() != 0 {
            words.push(format!("{:#x}", self.unnamed()));
        }
        f.pad(&if words.is_empty() { "none".to_owned() } else { words.join(",") })
    }
}

impl fmt::Debug for Securebits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Securebits {
        text.parse().expect(text)
    }

    #[test]
    fn each_tool_names_them_in_its_own_way() {
        let flags = Securebits::NO_SETUID_FIXUP.union(Securebits::NO_SETUID_FIXUP.locks());
        for text in [
            "no_setuid_fixup,no_setuid_fixup_locked",
            "no-setuid-fixup no-setuid-fixup-locked",
            "SECBIT_NO_SETUID_FIXUP|SECBIT_NO_SETUID_FIXUP_LOCKED",
            "secure-no-suid-fixup, secure-no-suid-fixup-locked",
            "014",
            "0xc",
            "12",
        ] {
            assert_eq!(read(text), flags, "{text}");
        }
        assert_eq!(read("secure-no-ambient-raise"), Securebits::NO_CAP_AMBIENT_RAISE);
        for text in ["", "none", "[none]", "0"] {
            assert_eq!(read(text), Securebits::EMPTY, "{text}");
        }
    }

    #[test]
    fn a_bit_without_a_name_is_a_number() {
        let flags = Securebits::from_bits(0x8000_5001);
        assert_eq!(flags.to_string(), "noroot,0x80005000");
        assert_eq!(read("noroot,0x80005000"), flags);
    }

    #[test]
    fn what_is_no_flag_is_an_error() {
        for text in ["norot", "noroot,none", "0x1_0", "0x100000000", "+noroot", "secbit_"] {
            assert!(text.parse::<Securebits>().is_err(), "{text}");
        }
        for text in ["noroot", "+noroot,", "", "+-noroot"] {
            assert!(Securebits::EMPTY.changed_by(text).is_err(), "{text}");
        }
    }
}
