//! Where a case is made: with what privilege dropcap is started.

use dropcap_capability::{Capability, CapabilitySet};
use dropcap_confine::sys::{self, ExecStrings, Fork, Linux, Sets, System, signals};
use std::ffi::CString;
use std::fmt;
use std::io::{Read, Write};
use std::process::ExitCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// Root with everything that this host gives.
    Root,
    /// User 1000 with one supplementary group, no capability and a full bounding set.
    User,
    /// Root without CAP_SETPCAP in any set.
    WithoutSetpcap,
    /// Root of a user namespace that maps 65536 ids to 100000 and up.
    UserNamespace,
}

/// The first id of the user namespace, outside.
pub const NAMESPACE_ROOT: u32 = 100_000;
/// The user of [`Context::User`].
pub const USER: u32 = 1000;
/// Its supplementary group.
pub const USERS_GROUP: u32 = 4242;

impl Context {
    pub const ALL: [Self; 4] = [Self::Root, Self::User, Self::WithoutSetpcap, Self::UserNamespace];

    /// Whether the bounding set can be emptied and securebits set here.
    pub fn has_setpcap(self) -> bool {
        matches!(self, Self::Root | Self::UserNamespace)
    }

    /// Whether anything can be allowed, and another user become, here.
    pub fn is_privileged(self) -> bool {
        self != Self::User
    }

    /// The owner, outside, of what root owns here.
    pub fn root(self) -> u32 {
        if self == Self::UserNamespace { NAMESPACE_ROOT } else { 0 }
    }

    /// Who dropcap is when it starts here.
    pub fn uid(self) -> u32 {
        if self == Self::User { USER } else { 0 }
    }

    /// The bounding set that dropcap starts with.
    pub fn bounding(self) -> CapabilitySet {
        match self {
            // A new user namespace has them all (`cap_set_init_eff`), up to the kernel's last one.
            Self::UserNamespace => {
                CapabilitySet::from_bits(u64::MAX >> (63 - sys::last_capability().number()))
            }
            _ => {
                let bounding = sys::read_credentials().unwrap().bounding;
                if self.has_setpcap() || self == Self::User {
                    bounding
                } else {
                    bounding.without(Capability::SETPCAP)
                }
            }
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Root => "as root",
            Self::User => "as a user",
            Self::WithoutSetpcap => "without SETPCAP",
            Self::UserNamespace => "in a user namespace",
        })
    }
}

/// `enter NUMBER COMMAND..`: executes the command in the context with this number.
pub fn enter(arguments: &[String]) -> ExitCode {
    let context = Context::ALL[arguments[0].parse::<usize>().unwrap()];
    match context {
        Context::Root => {}
        Context::User => become_user(USER, &[USERS_GROUP]),
        Context::WithoutSetpcap => {
            Linux.bounding_drop(Capability::SETPCAP).unwrap();
            let now = Linux.capget().unwrap();
            let less = now.permitted.without(Capability::SETPCAP);
            Linux
                .capset(Sets { effective: less, permitted: less, inheritable: now.inheritable })
                .unwrap();
        }
        Context::UserNamespace => {
            if let Some(code) = enter_namespace() {
                return code;
            }
        }
    }
    // A shell cannot trap what was ignored before it began: HUP by nohup(1), INT and QUIT by a shell
    // that does not wait for us, PIPE by this program, which is Rust's.
    for ignored in [1, 2, 3, 13] {
        signals::set_default(ignored).unwrap();
    }
    let strings = ExecStrings::new(&arguments[1..]).unwrap();
    let environment = std::env::vars().map(|(key, value)| format!("{key}={value}"));
    let path = CString::new(arguments[1].as_str()).unwrap();
    let error = sys::execve(&path, &strings, &ExecStrings::new(environment).unwrap());
    panic!("{}: {error}", arguments[1]);
}

fn become_user(id: u32, groups: &[u32]) {
    Linux.set_groups(groups).unwrap();
    Linux.set_group_ids([Some(id); 3]).unwrap();
    Linux.set_user_ids([Some(id); 3]).unwrap();
}

/// Goes on in a child, as root of a new namespace whose ids this process maps; the parent gets the
/// child's exit code.
fn enter_namespace() -> Option<ExitCode> {
    let (mut made, mut tell_made) = std::io::pipe().unwrap();
    let (mut mapped, mut tell_mapped) = std::io::pipe().unwrap();
    match sys::fork().unwrap() {
        Fork::Parent(child) => {
            made.read_exact(&mut [0]).unwrap();
            let map = format!("0 {NAMESPACE_ROOT} 65536");
            std::fs::write(format!("/proc/{child}/uid_map"), &map).unwrap();
            std::fs::write(format!("/proc/{child}/gid_map"), &map).unwrap();
            tell_mapped.write_all(&[1]).unwrap();
            Some(ExitCode::from(sys::wait(child).unwrap().code()))
        }
        Fork::Child => {
            /// `CLONE_NEWUSER`.
            const NEW_USER: i32 = 0x1000_0000;
            Linux.unshare(NEW_USER).unwrap();
            tell_made.write_all(&[1]).unwrap();
            mapped.read_exact(&mut [0]).unwrap();
            become_user(0, &[]);
            None
        }
    }
}
