//! What settings are called where a container is written.

use dropcap_manifest::Kind;

/// The names of settings, as a message has them.
pub(crate) struct Wording {
    /// Where capabilities are added.
    pub add: &'static str,
    /// Where they are dropped.
    pub drop: &'static str,
    /// What sets no_new_privs.
    pub no_new_privileges: &'static str,
    /// The same, with where it is set.
    pub how_no_new_privileges: &'static str,
    /// Where the user is set.
    pub user: &'static str,
}

impl Wording {
    /// Those of a kind of file.
    pub const fn of(kind: Kind) -> &'static Self {
        match kind {
            Kind::Kubernetes => &Self {
                add: "`capabilities.add`",
                drop: "`capabilities.drop`",
                no_new_privileges: "`allowPrivilegeEscalation: false`",
                how_no_new_privileges: "`allowPrivilegeEscalation: false` in the container's \
                                        `securityContext`",
                user: "`runAsUser`, with `runAsNonRoot: true`, or `USER` in the image",
            },
            Kind::Compose | Kind::Dockerfile | Kind::CommandLine => &Self {
                add: "`cap_add`",
                drop: "`cap_drop`",
                no_new_privileges: "no-new-privileges",
                how_no_new_privileges: "`no-new-privileges:true` (`security_opt`, `--security-opt`)",
                user: "`USER`, `user:`, `--user`",
            },
        }
    }
}
