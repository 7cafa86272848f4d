//! What the program does that cases execute: it says what it became, and goes on with the case.

use crate::child;
use crate::wire::Message;
use dropcap_confine::sys::{exit_now, read_credentials};

/// The first argument that makes this program a witness.
pub const ARGUMENT: &str = "witness";

/// Writes the own credentials to the inherited pipe, which is the standard output, and obeys the rest
/// of the orders.
pub fn testify() -> ! {
    let Ok(credentials) = read_credentials() else { exit_now(1) };
    tell(&Message::Outcome { errno: 0, credentials });
    child::obey()
}

/// Writes a message at once: it is shorter than `PIPE_BUF`, so it is written whole or not at all.
pub(crate) fn tell(message: &Message) {
    // Where it fails, the worker misses the message and says so.
    let _ = rustix::io::write(rustix::stdio::stdout(), &message.encode());
}
