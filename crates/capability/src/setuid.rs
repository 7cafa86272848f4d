//! setresuid(2), setresgid(2) and setgroups(2).

use crate::{Credentials, Environment, Errno};

/// setresuid(2); `None` leaves an id (−1).
pub fn setresuid(
    old: &Credentials,
    ids: [Option<u32>; 3],
    environment: &Environment,
) -> Result<Credentials, Errno> {
    let _ = (old, ids, environment);
    unimplemented!()
}
