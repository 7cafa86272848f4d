//! Numbers and lists as bytes: little-endian, lists behind their length.

use dropcap_capability::CapabilitySet;

pub(crate) fn put_u32(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend(number.to_le_bytes());
}

pub(crate) fn put_set(bytes: &mut Vec<u8>, set: CapabilitySet) {
    bytes.extend(set.bits().to_le_bytes());
}

pub(crate) fn put_bytes(bytes: &mut Vec<u8>, part: &[u8]) {
    put_u32(bytes, part.len() as u32);
    bytes.extend(part);
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

pub(crate) fn take_u8(bytes: &mut &[u8]) -> Option<u8> {
    take::<1>(bytes).map(|[byte]| byte)
}

pub(crate) fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    take(bytes).map(u32::from_le_bytes)
}

pub(crate) fn take_set(bytes: &mut &[u8]) -> Option<CapabilitySet> {
    take(bytes).map(u64::from_le_bytes).map(CapabilitySet::from_bits)
}

pub(crate) fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_u32(bytes)? as usize;
    let (part, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(part)
}
