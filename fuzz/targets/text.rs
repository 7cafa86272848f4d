//! Arbitrary small inputs: capability names, file capabilities, passwd and group, dpkg status, policies.
#![no_main]

use dropcap_capability::{CapabilitySet, FileCapabilities, parse_capabilities};
use dropcap_image::{Packages, Users};
use dropcap_policy::Policy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(capabilities) = FileCapabilities::decode(input) {
        assert_eq!(capabilities.encode().as_deref(), Ok(input), "what is read is written back");
    }
    let text = String::from_utf8_lossy(input);
    if let Ok(set) = parse_capabilities(&text) {
        assert_eq!(set.to_string().parse::<CapabilitySet>().as_ref(), Ok(&set));
    }
    let (passwd, rest) = text.split_once('\0').unwrap_or((&text, ""));
    let (group, user) = rest.split_once('\0').unwrap_or((rest, passwd));
    let _ = Users::parse(passwd, group).resolve(user);
    let _ = Packages::read(input);
    let _ = Policy::parse(&text);
});
