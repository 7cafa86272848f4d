//! Calls that no safe wrapper passes on, most of them with arguments that can never be accepted.
#![allow(unsafe_code, reason = "the wrappers of std and rustix take valid arguments only")]

mod descriptors;
mod impossible;
mod ipc;
mod memory;
mod observing;
mod processes;
mod sockets;

pub(crate) use descriptors::{
    borrow, close_at_execve, lease, make_read_only, map_impossible_block, open_descriptors,
    open_impossible_handle, owner_of,
};
pub(crate) use impossible::{
    NO_CAPABILITY, account_to_nowhere, drop_no_capability, load_nothing, reboot_without_magic,
    set_impossible_hostname, set_impossible_metric, set_impossible_tick,
};
pub(crate) use ipc::MessageQueue;
pub(crate) use memory::{Page, lock_own_memory};
pub(crate) use observing::{load_no_types, open_idle_event, unread_log, working_modules};
pub(crate) use processes::{hang_up_own_terminal, may_attach, robust_list};
pub(crate) use sockets::listen_to_all_networks;

use std::io;

/// What the C library's return value says.
fn answer(returned: libc::c_long) -> io::Result<()> {
    if returned == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
