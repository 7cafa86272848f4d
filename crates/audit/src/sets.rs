//! Sets of capabilities, as a message and as a manifest write them.

use dropcap_capability::{Capability, CapabilitySet, Tier};

/// A set for a message: all of a short one, of a long one the number and what is worth most.
pub fn in_words(set: CapabilitySet) -> String {
    /// Beyond this a list is no longer read.
    const SHORT: usize = 4;
    const WORST: usize = 3;
    let names =
        |members: &[Capability]| members.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut members: Vec<_> = set.iter().collect();
    if members.len() <= SHORT {
        return match names(&members).as_slice() {
            [] => "no capability".to_owned(),
            [one] => one.clone(),
            [most @ .., last] => format!("{} and {last}", most.join(", ")),
        };
    }
    let worth = |tier| match tier {
        Tier::RootEquivalent | Tier::Network => 0,
        Tier::Moderate => 1,
        Tier::Low => 2,
    };
    members.sort_by_key(|member| worth(member.tier()));
    members.truncate(WORST);
    members.sort();
    format!("{} capabilities ({}, …)", set.len(), names(&members).join(", "))
}

/// A set as a manifest writes it: `NET_RAW`, without the prefix; a number where there is no name.
pub fn as_written(set: CapabilitySet) -> Vec<String> {
    set.iter()
        .map(|one| one.to_string())
        .map(|name| name.strip_prefix("CAP_").map_or(name.clone(), str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropcap_capability::parse_capabilities;

    #[test]
    fn a_long_set_is_shown_by_its_worst() {
        let set = |text| parse_capabilities(text).expect("capabilities");
        assert_eq!(in_words(set("none")), "no capability");
        assert_eq!(in_words(set("KILL,NET_RAW")), "CAP_KILL and CAP_NET_RAW");
        assert_eq!(
            in_words(set("CHOWN,DAC_OVERRIDE,KILL,NET_RAW,AUDIT_WRITE,NET_BIND_SERVICE,SETUID")),
            "7 capabilities (CAP_DAC_OVERRIDE, CAP_SETUID, CAP_NET_RAW, …)"
        );
        assert_eq!(as_written(set("KILL,NET_RAW")), ["KILL", "NET_RAW"]);
    }
}
