//! libcap's text form of three sets: `cap_net_raw,cap_chown=ep`; cap_from_text(3).

use super::names::{libcap_name, parse_libcap_name};
use crate::{CapabilitySet, CapabilityTextError};
use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The three sets that libcap's text speaks of: its `cap_t`, what setcap(8) and getcap(8) take and print.
///
/// ```
/// use dropcap_capability::{CapabilitySet, CapabilityState};
/// let all = CapabilitySet::KNOWN;
/// let ping = CapabilityState::from_text("cap_net_raw=p cap_net_raw+e", all).unwrap();
/// assert_eq!(ping.to_text(all), "cap_net_raw=ep");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CapabilityState {
    /// Flag `e`.
    pub effective: CapabilitySet,
    /// Flag `i`.
    pub inheritable: CapabilitySet,
    /// Flag `p`.
    pub permitted: CapabilitySet,
}

/// Why a text is none of libcap's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LibcapTextError {
    /// A word in a list is no capability.
    #[error("in `{clause}`: {source}")]
    Unknown {
        /// The clause that it stands in.
        clause: String,
        /// The word.
        source: CapabilityTextError,
    },
    /// No operator after the list.
    #[error("`{0}` says nothing of its capabilities: `=`, `+` or `-` has to follow")]
    NoOperator(String),
    /// `+` or `-` with no list before it.
    #[error("`{0}` names no capability: only `=` may stand without")]
    NoList(String),
    /// `+` or `-` without a flag.
    #[error("in `{0}`: `+` and `-` need flags, of e, i and p")]
    NoFlag(String),
    /// Something else than a flag.
    #[error("in `{clause}`: `{found}` is neither a flag (e, i, p) nor `+` or `-`")]
    NotAFlag {
        /// The clause that it stands in.
        clause: String,
        /// What stands there.
        found: char,
    },
}

/// Flags of a clause, or of one capability. The bits are libcap's: they decide in which order it prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Flags(u8);

impl Flags {
    const EFFECTIVE: u8 = 1;
    const INHERITABLE: u8 = 4;
    const PERMITTED: u8 = 2;
    /// All three.
    const EVERY: Self = Self(Self::EFFECTIVE | Self::INHERITABLE | Self::PERMITTED);
    /// Each with its letter, in the order in which they are printed.
    const LETTERS: [(u8, char); 3] =
        [(Self::EFFECTIVE, 'e'), (Self::INHERITABLE, 'i'), (Self::PERMITTED, 'p')];

    /// None, all three, and what lies between.
    fn combinations() -> impl DoubleEndedIterator<Item = Self> {
        (0..=Self::EVERY.0).map(Self)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = Self::LETTERS.iter().filter(|(bit, _)| self.0 & bit != 0);
        f.write_str(&set.map(|(_, letter)| letter).collect::<String>())
    }
}

impl CapabilityState {
    /// Reads a text as `cap_from_text` does. `all` is what `all` means: the capabilities that the
    /// kernel has.
    ///
    /// # Errors
    /// [`LibcapTextError`], where libcap answers EINVAL.
    pub fn from_text(text: &str, all: CapabilitySet) -> Result<Self, LibcapTextError> {
        // isspace(3) in the C locale.
        let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c');
        let mut clauses = text.split(blank).filter(|clause| !clause.is_empty());
        clauses.try_fold(Self::default(), |state, clause| state.after(clause, all))
    }

    /// What is left after one clause.
    fn after(mut self, clause: &str, all: CapabilitySet) -> Result<Self, LibcapTextError> {
        let (list, mut actions) =
            clause.split_at(clause.find(['=', '+', '-']).unwrap_or(clause.len()));
        let capabilities = if list.is_empty() { all } else { read_list(list, clause, all)? };
        if actions.is_empty() {
            return Err(LibcapTextError::NoOperator(clause.to_owned()));
        }
        if let Some(rest) = actions.strip_prefix('=') {
            self.change(Flags::EVERY, capabilities, false);
            let (flags, rest) = read_flags(rest, clause)?;
            actions = rest;
            self.change(flags, capabilities, true);
        }
        while let Some(operator) = actions.chars().next() {
            if list.is_empty() {
                return Err(LibcapTextError::NoList(clause.to_owned()));
            }
            let (flags, rest) = read_flags(&actions[1..], clause)?;
            actions = rest;
            if flags == Flags::default() {
                return Err(LibcapTextError::NoFlag(clause.to_owned()));
            }
            self.change(flags, capabilities, operator == '+');
        }
        Ok(self)
    }

    /// Raises or lowers `capabilities` in the flagged sets.
    fn change(&mut self, flags: Flags, capabilities: CapabilitySet, raise: bool) {
        let sets = [&mut self.effective, &mut self.inheritable, &mut self.permitted];
        for (set, (bit, _)) in sets.into_iter().zip(Flags::LETTERS) {
            if flags.0 & bit != 0 {
                *set = if raise { *set | capabilities } else { *set - capabilities };
            }
        }
    }

    /// Writes it as `cap_to_text` does: what most of `all` have goes first, without a list; then what
    /// differs from it; then capabilities beyond `all`, by number where they have no name.
    pub fn to_text(self, all: CapabilitySet) -> String {
        let everything = !CapabilitySet::EMPTY;
        let most = Flags::combinations()
            .min_by_key(|flags| (Reverse(self.with(*flags, all).len()), *flags))
            .unwrap_or_default();
        let mut clauses = vec![format!("={most}")];
        let with_members = |within| {
            let combinations =
                Flags::combinations().rev().map(move |it| (it, self.with(it, within)));
            combinations.filter(|(_, members)| !members.is_empty())
        };
        for (flags, members) in with_members(all).filter(|(flags, _)| *flags != most) {
            let raised = flags.without(most);
            let lowered = most.without(flags);
            // `= cap_chown+p` is written `cap_chown=p`.
            let first = clauses == ["="];
            if first {
                clauses.clear();
            }
            let mut clause = list(members);
            if raised != Flags::default() {
                clause.push_str(&format!("{}{raised}", if first { '=' } else { '+' }));
            }
            if lowered != Flags::default() {
                clause.push_str(&format!("-{lowered}"));
            }
            clauses.push(clause);
        }
        let beyond = with_members(everything - all).filter(|(flags, _)| *flags != Flags::default());
        clauses.extend(beyond.map(|(flags, members)| format!("{}+{flags}", list(members))));
        clauses.join(" ")
    }

    /// The members of `within` that have exactly these flags.
    fn with(self, flags: Flags, within: CapabilitySet) -> CapabilitySet {
        let sets = [self.effective, self.inheritable, self.permitted];
        sets.into_iter().zip(Flags::LETTERS).fold(within, |members, (set, (bit, _))| {
            if flags.0 & bit != 0 { members & set } else { members - set }
        })
    }
}

/// The capabilities before an operator: names in any case, numbers, `all`.
fn read_list(
    list: &str,
    clause: &str,
    all: CapabilitySet,
) -> Result<CapabilitySet, LibcapTextError> {
    list.split(',').try_fold(CapabilitySet::EMPTY, |set, word| {
        if word.eq_ignore_ascii_case("all") {
            // What was named before is forgotten, also what the kernel does not have (`forceall`).
            return Ok(all);
        }
        let capability = parse_libcap_name(word)
            .map_err(|source| LibcapTextError::Unknown { clause: clause.to_owned(), source })?;
        Ok(set.with(capability))
    })
}

/// The flags at the beginning of `text`, and what follows: nothing, or `+` or `-`.
fn read_flags<'a>(text: &'a str, clause: &str) -> Result<(Flags, &'a str), LibcapTextError> {
    let (letters, rest) = text.split_at(text.find(['+', '-']).unwrap_or(text.len()));
    let mut flags = Flags::default();
    for letter in letters.chars() {
        let (bit, _) =
            Flags::LETTERS.iter().find(|(_, known)| *known == letter).ok_or_else(|| {
                LibcapTextError::NotAFlag { clause: clause.to_owned(), found: letter }
            })?;
        flags.0 |= bit;
    }
    Ok((flags, rest))
}

fn list(members: CapabilitySet) -> String {
    members.iter().map(libcap_name).collect::<Vec<_>>().join(",")
}

impl FromStr for CapabilityState {
    type Err = LibcapTextError;

    /// With every capability of the table as `all`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_text(text, CapabilitySet::KNOWN)
    }
}

/// With every capability of the table as `all`.
impl fmt::Display for CapabilityState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_text(CapabilitySet::KNOWN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_what_is_wrong() {
        let said = |text: &str| text.parse::<CapabilityState>().expect_err(text).to_string();
        assert_eq!(
            said("all=p cap_net_rw=ep"),
            "in `cap_net_rw=ep`: unknown capability `cap_net_rw`; did you mean CAP_NET_RAW?"
        );
        assert_eq!(
            said("cap_chown"),
            "`cap_chown` says nothing of its capabilities: `=`, `+` or `-` has to follow"
        );
        assert_eq!(said("+ep"), "`+ep` names no capability: only `=` may stand without");
        assert_eq!(said("=e+p"), "`=e+p` names no capability: only `=` may stand without");
        assert_eq!(
            said("cap_chown=e+"),
            "in `cap_chown=e+`: `+` and `-` need flags, of e, i and p"
        );
        assert_eq!(
            said("cap_chown=eP"),
            "in `cap_chown=eP`: `P` is neither a flag (e, i, p) nor `+` or `-`"
        );
    }

    #[test]
    fn what_most_have_goes_first() {
        let all = CapabilitySet::KNOWN;
        let text = |text: &str| CapabilityState::from_text(text, all).expect(text).to_text(all);
        assert_eq!(text(""), "=");
        assert_eq!(text("all=pe cap_chown-e cap_kill-pe"), "=ep cap_chown-e cap_kill-ep");
        assert_eq!(text("cap_chown+p cap_kill=i"), "cap_kill=i cap_chown+p");
        assert_eq!(text("=eip 41+p"), "=eip 41+p");
        assert_eq!(text("63=p"), "= 63+p");
    }
}
