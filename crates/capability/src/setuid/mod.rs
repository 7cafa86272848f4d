//! The system calls that change a thread's ids, with what they do to the sets; credentials(7),
//! capabilities(7), "Effect of user ID changes on capabilities".
//!
//! Ids in a request are in the numbers of the thread's own user namespace.

mod filesystem;
mod fixup;
mod groups;
mod one;
mod three;
mod two;

pub use filesystem::{setfsgid, setfsgid_judged, setfsuid, setfsuid_judged};
pub use groups::{setgroups, setgroups_judged};
pub use one::{setgid, setgid_judged, setuid, setuid_judged};
pub use three::{IdRequest, setresgid, setresgid_judged, setresuid, setresuid_judged};
pub use two::{PairRequest, setregid, setregid_judged, setreuid, setreuid_judged};
