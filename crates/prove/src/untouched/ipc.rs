//! A System V message queue of our own.

use super::answer;
use std::io;

/// A message queue that nobody may read, its maker included; only who made it may remove it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MessageQueue(libc::c_int);

impl MessageQueue {
    /// `msgget(IPC_PRIVATE)` with mode 0.
    pub fn make() -> io::Result<Self> {
        // SAFETY: the arguments are numbers.
        let id = unsafe { libc::msgget(libc::IPC_PRIVATE, 0) };
        answer(id.into()).map(|()| Self(id))
    }

    /// `msgctl(IPC_STAT)`, which asks for the permission to read.
    pub fn look(self) -> io::Result<()> {
        // SAFETY: a `msqid_ds` of zeros is a valid one: numbers, and pointers of the past.
        let mut shown: libc::msqid_ds = unsafe { std::mem::zeroed() };
        // SAFETY: the structure lives through the call.
        let returned =
            unsafe { libc::msgctl(self.0, libc::IPC_STAT, std::ptr::from_mut(&mut shown)) };
        answer(returned.into())
    }

    /// `msgctl(IPC_RMID)`.
    pub fn remove(self) -> io::Result<()> {
        // SAFETY: the command takes no structure.
        let returned = unsafe { libc::msgctl(self.0, libc::IPC_RMID, std::ptr::null_mut()) };
        answer(returned.into())
    }
}
