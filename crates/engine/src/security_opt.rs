//! `security_opt`, in the spellings that engines take.

use dropcap_manifest::Spanned;

/// The entries of `security_opt` that bear on privilege.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SecurityOptions {
    /// The last word on no_new_privs, and whether it was written with a value.
    pub no_new_privileges: Option<(bool, bool)>,
    /// The last seccomp profile.
    pub seccomp: Option<String>,
    /// The last AppArmor profile.
    pub apparmor: Option<String>,
}

/// An entry that an engine refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// As written.
    pub word: String,
    /// The step at which moby refuses it: 1 for the form, 2 for the key or value.
    pub step: u8,
}

/// Reads the entries: `key=value`, `key:value` or a key that is in `bare`; `keys` are the others
/// that the engine knows (`parseSecurityOpt` of moby).
pub(crate) fn read(
    entries: &[Spanned<String>],
    bare: &[&str],
    keys: &[&str],
) -> Result<SecurityOptions, Refused> {
    let mut options = SecurityOptions::default();
    for entry in entries {
        let word = entry.value.as_str();
        let refused = |step| Refused { word: word.to_owned(), step };
        if word == "no-new-privileges" {
            options.no_new_privileges = Some((true, false));
            continue;
        }
        // The command line takes this one for itself.
        if bare.contains(&word) || word == "systempaths=unconfined" {
            continue;
        }
        let separator = if word.contains('=') { '=' } else { ':' };
        let (key, value) = word.split_once(separator).ok_or_else(|| refused(1))?;
        match key {
            "no-new-privileges" => {
                let value = parse_bool(value).ok_or_else(|| refused(2))?;
                options.no_new_privileges = Some((value, true));
            }
            "seccomp" => options.seccomp = Some(value.to_owned()),
            "apparmor" => options.apparmor = Some(value.to_owned()),
            "writable-cgroups" if keys.contains(&key) => {
                parse_bool(value).ok_or_else(|| refused(2))?;
            }
            "label" => {}
            _ if keys.contains(&key) => {}
            _ => return Err(refused(2)),
        }
    }
    Ok(options)
}

/// `strconv.ParseBool` of Go.
fn parse_bool(word: &str) -> Option<bool> {
    match word {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_words(words: &[&str]) -> Result<SecurityOptions, Refused> {
        let entries: Vec<_> =
            words.iter().map(|word| Spanned { value: (*word).to_owned(), span: 0..0 }).collect();
        read(&entries, &[], &[])
    }

    #[test]
    fn no_new_privileges_in_each_spelling_and_the_last_counts() {
        for on in ["no-new-privileges", "no-new-privileges:true", "no-new-privileges=1"] {
            let options = read_words(&["no-new-privileges=f", on]).expect(on);
            assert_eq!(options.no_new_privileges.map(|(value, _)| value), Some(true), "{on}");
        }
        let off = read_words(&["no-new-privileges", "no-new-privileges:False"]).expect("known");
        assert_eq!(off.no_new_privileges, Some((false, true)));
    }

    #[test]
    fn what_no_engine_takes_is_refused_at_its_step() {
        let step = |word: &str| read_words(&[word]).map_err(|refused| refused.step);
        assert_eq!(step("nonewprivs"), Err(1));
        assert_eq!(step("no-new-privileges=yes"), Err(2));
        assert_eq!(step("No-New-Privileges=true"), Err(2));
        assert_eq!(step("capabilities=none"), Err(2));
        assert!(step("label:disable").is_ok());
    }
}
