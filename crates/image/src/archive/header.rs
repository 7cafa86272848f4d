//! The 512 bytes before each entry of a tar archive, as Go's `archive/tar` reads them: every engine
//! that unpacks layers is built on it.

use crate::Fault;
use tar::Header as Layout;

/// The size of a block.
pub const BLOCK: usize = 512;

/// The fields that are wanted of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The path.
    pub path: Vec<u8>,
    /// What a link names.
    pub link: Vec<u8>,
    /// The kind of entry: tar(5), `typeflag`.
    pub kind: u8,
    /// Permission bits, setuid, setgid and sticky.
    pub mode: u32,
    /// Its owner.
    pub uid: u64,
    /// Its group.
    pub gid: u64,
    /// How many bytes follow.
    pub size: u64,
    /// Whether another block with the map of a sparse file follows (GNU).
    pub continues: bool,
}

impl Header {
    /// Reads a block, which begins at `offset`.
    ///
    /// # Errors
    /// [`Fault::Header`].
    pub fn parse(block: &[u8; BLOCK], offset: u64) -> Result<Self, Fault> {
        let broken = Fault::Header(offset);
        if !has_checksum(block) {
            return Err(broken);
        }
        let mut layout = Layout::new_old();
        layout.as_mut_bytes().copy_from_slice(block);
        let old = layout.as_old();
        let numbers = [&old.mode[..], &old.uid, &old.gid, &old.size].map(number);
        let [Some(mode), Some(uid), Some(gid), Some(size)] = numbers else { return Err(broken) };
        Ok(Self {
            path: layout.path_bytes().into_owned(),
            link: layout.link_name_bytes().unwrap_or_default().into_owned(),
            kind: old.linkflag[0],
            // Of a larger number the low bits count (`headerFileInfo.Mode`).
            mode: (mode & 0o7777) as u32,
            uid,
            gid,
            size,
            continues: layout.as_gnu().is_some_and(|gnu| gnu.isextended[0] != 0),
        })
    }
}

/// A number: octal, or base 256 with the highest bit set. One that is left blank is 0, a negative one
/// is none (`parser.parseNumeric`).
fn number(field: &[u8]) -> Option<u64> {
    if field.first().is_some_and(|first| first & 0x80 != 0) {
        if field[0] & 0x40 != 0 {
            return None;
        }
        let mut value: u64 = 0;
        for (position, byte) in field.iter().enumerate() {
            let byte = if position == 0 { byte & 0x7f } else { *byte };
            value = value.checked_mul(256)?.checked_add(byte.into())?;
        }
        return i64::try_from(value).ok().map(i64::unsigned_abs);
    }
    let text = field.trim_ascii_start();
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    let text = std::str::from_utf8(text[..end].trim_ascii()).ok()?;
    let text = text.trim_matches('\0');
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

/// Whether the checksum is right; old programs summed signed bytes.
pub fn has_checksum(block: &[u8]) -> bool {
    const FIELD: std::ops::Range<usize> = 148..156;
    let Some(written) = block.get(FIELD).and_then(number) else { return false };
    let bytes = || {
        block.iter().enumerate().map(|(at, byte)| if FIELD.contains(&at) { b' ' } else { *byte })
    };
    let unsigned: u64 = bytes().map(u64::from).sum();
    let signed: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum();
    written == unsigned || i64::try_from(written) == Ok(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256_and_blank_is_none() {
        assert_eq!(number(b"0004755\0"), Some(0o4755));
        assert_eq!(number(b"   755 \0"), Some(0o755));
        assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(number(b"        "), Some(0));
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 1, 0, 1]), Some(65_537));
        for wrong in [&b"0008\0"[..], b"-1\0", &[0xff; 8], &[0x80, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(number(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_block_with_another_sum_is_no_header() {
        let mut layout = Layout::new_gnu();
        layout.set_path("usr/bin/su").expect("a header");
        layout.set_mode(0o104_755);
        layout.set_uid(7);
        layout.set_size(3);
        layout.set_cksum();
        let header = Header::parse(layout.as_bytes(), 0).expect("a header");
        assert_eq!((header.path.as_slice(), header.mode), (&b"usr/bin/su"[..], 0o4755));
        assert_eq!((header.uid, header.size), (7, 3));
        let mut block = *layout.as_bytes();
        block[0] ^= 1;
        assert!(matches!(Header::parse(&block, 512), Err(Fault::Header(512))));
    }
}
