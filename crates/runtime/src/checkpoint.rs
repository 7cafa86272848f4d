//! What the processes of a checkpoint hold: criu restores their credentials from its images, whatever the configuration
//! of the container says.
//!
//! An image of a task is `core-PID.img`, one for each thread: two magic numbers, a length, and a `core_entry` in protobuf's
//! wire format (criu: `images/core.proto`, `images/creds.proto`, `include/magic.h`). Whatever is not as it should be is refused.

use crate::capabilities::Sets;
use crate::file::{self, FileError, Links};
use dropcap_capability::CapabilitySet;
use std::io;
use std::path::Path;

/// What an image of a task begins with: `IMG_COMMON_MAGIC` and `CORE_MAGIC`.
pub const MAGIC: [[u8; 4]; 2] = [0x5456_4319_u32.to_le_bytes(), 0x5505_3847_u32.to_le_bytes()];

/// `core_entry.thread_core`.
const THREAD_CORE: u64 = 5;
/// `thread_core_entry.creds`.
const CREDS: u64 = 10;
/// `creds_entry.cap_inh`, `cap_prm`, `cap_eff`, `cap_bnd`, and `cap_amb` of a later criu, each two words of 32 bits.
const INHERITABLE: u64 = 9;
const PERMITTED: u64 = 10;
const EFFECTIVE: u64 = 11;
const BOUNDING: u64 = 12;
const AMBIENT: u64 = 19;

/// Why it is not known what a checkpoint's processes hold.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CheckpointError {
    #[error("the checkpoint cannot be relied on")]
    Folder(#[source] io::Error),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{0} is no image of a task's as criu writes them")]
    Image(String),
    #[error("{0} has no image of a task")]
    Empty(String),
}

/// Everything that any thread of the checkpoint in this folder holds.
pub(crate) fn held(folder: &Path) -> Result<Sets, CheckpointError> {
    let names = file::names(folder).map_err(CheckpointError::Folder)?;
    let mut held = None;
    for name in names {
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(b"core-") && bytes.ends_with(b".img") {
            let path = folder.join(&name);
            let image = file::bytes(&path, Links::Refuse)?;
            let sets = of_task(&image)
                .ok_or_else(|| CheckpointError::Image(path.display().to_string()))?;
            held = Some(held.map_or(sets, |held: Sets| held.with(&sets)));
        }
    }
    held.ok_or_else(|| CheckpointError::Empty(folder.display().to_string()))
}

/// What the thread of an image holds, `None` where that cannot be told.
pub fn of_task(image: &[u8]) -> Option<Sets> {
    let rest = image.strip_prefix(&MAGIC[0])?.strip_prefix(&MAGIC[1])?;
    let (length, entry) = rest.split_first_chunk::<4>()?;
    if usize::try_from(u32::from_le_bytes(*length)).ok()? != entry.len() {
        return None;
    }
    let thread = only(entry, THREAD_CORE)?;
    let credentials = only(thread, CREDS)?;
    let set = |field| Some(CapabilitySet::from_bits(words(credentials, field)?));
    Some(Sets::of(
        set(BOUNDING)?,
        set(EFFECTIVE)?,
        set(INHERITABLE)?,
        set(PERMITTED)?,
        match fields(credentials).any(|field| field.is_none_or(|(number, _)| number == AMBIENT)) {
            true => set(AMBIENT)?,
            // criu 3 has no such field, and restores none.
            false => CapabilitySet::EMPTY,
        },
    ))
}

/// The message that is there once: of two, protobuf would make one.
fn only(message: &[u8], wanted: u64) -> Option<&[u8]> {
    let mut found = None;
    for field in fields(message) {
        match field? {
            (number, Value::Bytes(bytes)) if number == wanted && found.is_none() => {
                found = Some(bytes);
            }
            (number, _) if number == wanted => return None,
            _ => {}
        }
    }
    found
}

/// A set: two words, the lower first.
fn words(message: &[u8], wanted: u64) -> Option<u64> {
    let mut words = Vec::new();
    for field in fields(message) {
        match field? {
            (number, Value::Number(word)) if number == wanted => words.push(word),
            (number, _) if number == wanted => return None,
            _ => {}
        }
    }
    let [low, high] = words[..] else { return None };
    Some(u64::from(u32::try_from(low).ok()?) | u64::from(u32::try_from(high).ok()?) << 32)
}

/// A field's value, as far as it matters here.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

/// The fields of a message; the last is `None` where it is none.
fn fields(mut left: &[u8]) -> impl Iterator<Item = Option<(u64, Value<'_>)>> {
    std::iter::from_fn(move || {
        if left.is_empty() {
            return None;
        }
        let field = field(&mut left);
        if field.is_none() {
            left = &[];
        }
        Some(field)
    })
}

/// Takes one: a number with a kind, and by the kind a number, bytes, or four or eight bytes.
fn field<'a>(left: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let tag = number(left)?;
    let value = match tag & 7 {
        0 => Value::Number(number(left)?),
        1 => left.split_off(..8).map(|_| Value::Other)?,
        2 => {
            let length = usize::try_from(number(left)?).ok()?;
            Value::Bytes(left.split_off(..length)?)
        }
        5 => left.split_off(..4).map(|_| Value::Other)?,
        _ => return None,
    };
    Some((tag >> 3, value))
}

/// Takes a number, seven bits a byte, the lowest first; `None` where it has more than 64.
fn number(left: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *left.split_off_first()?;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests;
