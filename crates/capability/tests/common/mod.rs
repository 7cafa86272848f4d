//! Random states and executables.

use dropcap_capability::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// A set of the known capabilities. Empty and full are as likely as anything between: they are the
/// corners of every rule.
pub fn set() -> impl Strategy<Value = CapabilitySet> {
    let known = CapabilitySet::KNOWN.bits();
    prop_oneof![Just(0), Just(known), any::<u64>().prop_map(move |bits| bits & known)]
        .prop_map(CapabilitySet::from_bits)
}

fn id() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(33), Just(1000)]
}

fn ids() -> impl Strategy<Value = Ids> {
    (id(), id(), id()).prop_map(|(real, effective, saved)| Ids {
        real,
        effective,
        saved,
        filesystem: effective,
    })
}

prop_compose! {
    /// A thread's credentials, as the kernel could have them.
    pub fn credentials()(
        uid in ids(), gid in ids(), groups in vec(id(), 0..3),
        permitted in set(), effective in set(), inheritable in set(), bounding in set(),
        ambient in set(), securebits in 0u32..256, no_new_privs in any::<bool>(),
    ) -> Credentials {
        let mut groups = groups;
        groups.sort_unstable();
        Credentials {
            uid, gid, groups, permitted,
            effective: effective & permitted,
            inheritable, bounding,
            ambient: ambient & permitted & inheritable,
            securebits: Securebits::from_bits(securebits),
            no_new_privs,
        }
    }
}

prop_compose! {
    fn executable()(
        mode in 0u32..0o10000, uid in id(), gid in id(), nosuid in any::<bool>(),
        noexec in proptest::bool::weighted(0.1),
        capabilities in proptest::option::of((set(), set(), any::<bool>())),
    ) -> Executable {
        let file_capabilities = capabilities.map(|(permitted, inheritable, effective)| {
            FileCapabilities { permitted, inheritable, effective, revision: Revision::Two }
        });
        Executable {
            path: String::new(), mode, uid: Some(uid), gid: Some(gid), nosuid, noexec, file_capabilities,
            restricted_directories: Vec::new(),
        }
    }
}

/// Up to three executables, each with a path of its own.
pub fn executables() -> impl Strategy<Value = Vec<Executable>> {
    vec(executable(), 0..4).prop_map(|mut files| {
        for (index, file) in files.iter_mut().enumerate() {
            file.path = format!("/{index}");
        }
        files
    })
}

/// The initial user namespace, by the oldest rules, by those between and by the newest.
pub fn environment() -> impl Strategy<Value = Environment> {
    prop_oneof![Just(Kernel::new(5, 13)), Just(Kernel::new(6, 1)), Just(Kernel::NEWEST)]
        .prop_map(Environment::of_kernel)
}
