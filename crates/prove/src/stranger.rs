//! A process of another user, made by those who may become one, so that there is one to try doors on.

use crate::child::raise_permitted;
use dropcap_confine::sys::{self, Fork, Linux, System};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// A process of another user that waits. It ends when this is dropped, and with its maker.
#[derive(Debug)]
pub(crate) struct Stranger {
    /// Its process id.
    pub pid: i32,
    /// Its end is what the process waits for: whoever lacks CAP_KILL could not signal it.
    until: Option<UnixStream>,
}

impl Stranger {
    /// Makes one.
    ///
    /// # Errors
    /// Where there can be no child, or it may not become that user.
    pub fn make(uid: u32) -> io::Result<Self> {
        let (mut ours, mut theirs) = UnixStream::pair()?;
        match sys::fork()? {
            Fork::Child => {
                drop(ours);
                let ready = become_stranger(uid).and_then(|()| theirs.write_all(b"+"));
                if ready.is_ok() {
                    // Nothing is ever sent: it comes back when the other end is closed.
                    let _ = theirs.read(&mut [0]);
                }
                sys::exit_now(0)
            }
            Fork::Parent(pid) => {
                drop(theirs);
                let ready = ours.read(&mut [0])? == 1;
                let stranger = Self { pid, until: Some(ours) };
                if ready { Ok(stranger) } else { Err(io::ErrorKind::PermissionDenied.into()) }
            }
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        drop(self.until.take());
        // A process that is reaped already is fine too.
        let _ = sys::wait(self.pid);
    }
}

/// Becomes the user, and one whose files in /proc are its own.
pub(crate) fn become_stranger(uid: u32) -> io::Result<()> {
    raise_permitted();
    Linux.set_user_ids([Some(uid); 3])?;
    // The change has given them to root (`commit_creds`).
    Ok(set_dumpable_behavior(DumpableBehavior::Dumpable)?)
}
