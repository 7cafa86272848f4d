//! Names: `CAPS` as people write it, and as libcap does.

use super::number::c_number;
use crate::{Capability, CapabilitySet};
use thiserror::Error;

/// A word that is no capability.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown capability `{word}`{}", hint(*nearest))]
pub struct CapabilityTextError {
    /// The word as written.
    pub word: String,
    /// The capability that was probably meant, if one is near.
    pub nearest: Option<Capability>,
}

fn hint(nearest: Option<Capability>) -> String {
    match nearest {
        Some(capability) => format!("; did you mean {capability}?"),
        None => "; names are those of capabilities(7), such as NET_RAW".to_owned(),
    }
}

/// Reads a comma list of capabilities in any spelling, `none` or `all`.
///
/// ```
/// use dropcap_capability::{Capability, parse_capabilities};
/// let set = parse_capabilities("NET_RAW, cap_kill,Cap_Chown").unwrap();
/// assert_eq!(set.to_string(), "CAP_CHOWN,CAP_KILL,CAP_NET_RAW");
/// let error = parse_capabilities("NET_RAWW").unwrap_err();
/// assert_eq!(error.nearest, Some(Capability::NET_RAW));
/// assert_eq!(parse_capabilities("net_bind").unwrap_err().nearest, Some(Capability::NET_BIND_SERVICE));
/// ```
///
/// # Errors
/// A word that is no capability, with the nearest right one; an empty word is one too.
pub fn parse_capabilities(text: &str) -> Result<CapabilitySet, CapabilityTextError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "none" => return Ok(CapabilitySet::EMPTY),
        "all" => return Ok(CapabilitySet::KNOWN),
        _ => {}
    }
    text.split(',').map(parse_capability).collect()
}

/// Reads one capability: its name in any case, with `CAP_` or without, or its number.
///
/// # Errors
/// As [`parse_capabilities`].
pub fn parse_capability(word: &str) -> Result<Capability, CapabilityTextError> {
    let word = word.trim();
    let upper = word.to_ascii_uppercase();
    let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
    let known = Capability::KNOWN.iter().find(|known| bare_name(**known) == Some(bare));
    let by_number = || word.parse::<u8>().ok().and_then(Capability::from_number);
    known.copied().or_else(by_number).ok_or_else(|| unknown(word))
}

/// Reads one capability as libcap does (`cap_from_name`): its name in any case, with `CAP_`, or a
/// number in C's spelling.
///
/// # Errors
/// As [`parse_capabilities`].
pub(super) fn parse_libcap_name(word: &str) -> Result<Capability, CapabilityTextError> {
    let known = Capability::KNOWN
        .iter()
        .find(|known| known.name().is_some_and(|name| name.eq_ignore_ascii_case(word)));
    let by_number = || c_number(word).and_then(|it| Capability::from_number(it.try_into().ok()?));
    known.copied().or_else(by_number).ok_or_else(|| unknown(word))
}

/// A capability as libcap names it: in small letters, or by number beyond the table.
pub(super) fn libcap_name(capability: Capability) -> String {
    capability.to_string().to_ascii_lowercase()
}

fn bare_name(capability: Capability) -> Option<&'static str> {
    capability.name()?.strip_prefix("CAP_")
}

/// The error for `word`, with the nearest right name.
fn unknown(word: &str) -> CapabilityTextError {
    /// How unlike a name may be and still be offered: at least half of it is right.
    const NEAR: f64 = 0.5;
    let upper = word.to_ascii_uppercase();
    let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
    // A word of more than twice a name's length is less than half of it, which need not be measured: that
    // takes memory and time by both lengths, and whoever wrote the file chose one of them.
    let likeness = |known: &Capability| match bare_name(*known) {
        Some(name) if bare.chars().nth(2 * name.len()).is_none() => {
            strsim::normalized_damerau_levenshtein(name, bare)
        }
        _ => 0.0,
    };
    // Half a name has the whole in mind, however much of it is missing: NET_BIND, but not SYS.
    let mut begun = Capability::KNOWN.iter().filter(|known| {
        bare_name(**known).is_some_and(|name| name.starts_with(&format!("{bare}_")))
    });
    if let (Some(only), None) = (begun.next(), begun.next()) {
        return CapabilityTextError { word: word.to_owned(), nearest: Some(*only) };
    }
    let nearest = Capability::KNOWN
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|best| likeness(best) >= NEAR)
        .copied();
    CapabilityTextError { word: word.to_owned(), nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(word: &str) -> Option<Capability> {
        parse_capability(word).expect_err("no capability").nearest
    }

    #[test]
    fn half_a_name_is_near_and_less_is_not() {
        assert_eq!(nearest("KILLXXXX"), Some(Capability::KILL));
        assert_eq!(nearest("KILLXXXXX"), None);
        assert_eq!(nearest("cap_killéééé"), Some(Capability::KILL));
    }

    #[test]
    fn a_word_of_any_length_is_answered_at_once() {
        let word = "KILL".repeat(1 << 20);
        assert_eq!(nearest(&word), None);
        assert_eq!(nearest(&format!("{word},")), None);
    }
}
