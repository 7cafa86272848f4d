//! The descriptors that whoever starts dropcap passes on purpose; sd_listen_fds(3).

use super::refused;
use crate::failure::Failure;
use std::ffi::OsString;
use std::ops::Range;

/// The first passed descriptor: `SD_LISTEN_FDS_START`.
const START: u32 = 3;
/// More than any service is passed; the kernel's own limit of open files is of this order.
const MOST: u32 = 1 << 20;

/// The descriptors of `LISTEN_FDS`, if `LISTEN_PID` says that they are this process's.
///
/// # Errors
/// A number that is none.
pub fn passed(environment: &[(OsString, OsString)]) -> Result<Range<u32>, Failure> {
    let variable = |name: &str| {
        environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.to_str())
    };
    let ours = variable("LISTEN_PID") == Some(Some(&std::process::id().to_string()));
    let Some(count) = variable("LISTEN_FDS").filter(|_| ours) else { return Ok(START..START) };
    match count.map(str::parse::<u32>) {
        Some(Ok(count)) if count <= MOST => Ok(START..START + count),
        _ => Err(refused("LISTEN_FDS is not a number of descriptors")
            .help("unset LISTEN_FDS and LISTEN_PID if nothing is passed")),
    }
}
