//! PAX records, pax(1): `LENGTH KEY=VALUE` and a newline each.
//!
//! The value of an extended attribute is binary and may hold newlines: `security.capability` with
//! CAP_DAC_OVERRIDE and CAP_FOWNER does. So records go by their lengths, never by lines.

use crate::Fault;

/// What docker and containerd store extended attributes as; libarchive's own key they do not read.
const CAPABILITY: &[u8] = b"SCHILY.xattr.security.capability";

/// What the records of one entry say instead of its header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Records {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub uid: Option<u64>,
    pub gid: Option<u64>,
    pub capability: Option<Vec<u8>>,
    sparse_name: Option<Vec<u8>>,
    sparse_version: (Option<Vec<u8>>, Option<Vec<u8>>),
    sparse_map: bool,
}

impl Records {
    /// Reads the records; of a key that comes twice the last counts, and an empty value takes the
    /// record back.
    ///
    /// # Errors
    /// [`Fault::Pax`], with the place.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let mut records = Self::default();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (length, key, value) = record(rest).ok_or(Fault::Pax(at as u64))?;
            records.take(key, value).ok_or(Fault::Pax(at as u64))?;
            at += length;
        }
        Ok(records)
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let text = || (!value.is_empty()).then(|| value.to_vec());
        let number = || -> Option<Option<u64>> {
            if value.is_empty() {
                return Some(None);
            }
            let digits = std::str::from_utf8(value).ok()?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
            // Go has signed numbers here.
            digits.parse::<i64>().ok().map(|number| Some(number.unsigned_abs()))
        };
        match key {
            b"path" => self.path = text(),
            b"linkpath" => self.link = text(),
            b"size" => self.size = number()?,
            b"uid" => self.uid = number()?,
            b"gid" => self.gid = number()?,
            CAPABILITY => self.capability = text(),
            b"GNU.sparse.name" => self.sparse_name = text(),
            b"GNU.sparse.major" => self.sparse_version.0 = text(),
            b"GNU.sparse.minor" => self.sparse_version.1 = text(),
            b"GNU.sparse.map" => self.sparse_map = !value.is_empty(),
            _ => {}
        }
        Some(())
    }

    /// Whether the entry is a sparse file in a version that engines know
    /// (`readGNUSparsePAXHeaders`).
    pub fn is_sparse(&self) -> bool {
        match (self.sparse_version.0.as_deref(), self.sparse_version.1.as_deref()) {
            (Some(b"0"), Some(b"0" | b"1")) | (Some(b"1"), Some(b"0")) => true,
            (None, None) => self.sparse_map,
            _ => false,
        }
    }

    /// The name that a sparse file really has.
    pub fn sparse_name(&self) -> Option<&Vec<u8>> {
        self.sparse_name.as_ref().filter(|_| self.is_sparse())
    }
}

/// The first record: how long it is in all, its key and its value.
fn record(bytes: &[u8]) -> Option<(usize, &[u8], &[u8])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let digits = std::str::from_utf8(&bytes[..space]).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    let length: usize = digits.parse().ok()?;
    let body = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    // No name of a file has a zero in it, so one of these is not what it seems to be.
    let (key, value) = (&body[..equals], &body[equals + 1..]);
    let is_name = matches!(key, b"path" | b"linkpath" | b"GNU.sparse.name");
    let hidden = key.is_empty() || key.contains(&0) || is_name && value.contains(&0);
    (!hidden).then_some((length, key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_newlines() {
        // Revision 2, effective, permitted DAC_OVERRIDE and FOWNER: 0x0a.
        let value = [1, 0, 0, 2, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut bytes = b"57 SCHILY.xattr.security.capability=".to_vec();
        bytes.extend(value);
        bytes.extend(b"\n13 path=a/bc\n");
        let records = Records::parse(&bytes).expect("records");
        assert_eq!(records.capability.as_deref(), Some(&value[..]));
        assert_eq!(records.path.as_deref(), Some(&b"a/bc"[..]));
    }

    #[test]
    fn the_last_counts_and_an_empty_one_takes_it_back() {
        let records = Records::parse(b"9 path=a\n9 path=b\n11 size=12\n").expect("records");
        assert_eq!((records.path.as_deref(), records.size), (Some(&b"b"[..]), Some(12)));
        assert_eq!(Records::parse(b"9 path=a\n8 path=\n").expect("records").path, None);
    }

    #[test]
    fn what_breaks_the_grammar_is_refused_with_its_place() {
        for (bytes, at) in [
            (&b"9 path=a\n99 path=b\n"[..], 9),
            (b"9 path=a\n9 path=bc", 9),
            (b"path=a\n", 0),
            (b"+9 path=a\n", 0),
            (b"8 size=x\n", 0),
            (b"9 size=-1\n", 0),
            (b"0 \n", 0),
            (b"11 path=a\0b\n", 0),
        ] {
            assert!(
                matches!(Records::parse(bytes), Err(Fault::Pax(place)) if place == at),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn a_sparse_name_counts_only_in_a_version_that_is_known() {
        let name = b"26 GNU.sparse.name=real12\n";
        let version = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n";
        let known = [&name[..], version].concat();
        assert_eq!(
            Records::parse(&known).expect("records").sparse_name(),
            Some(&b"real12".to_vec())
        );
        assert_eq!(Records::parse(name).expect("records").sparse_name(), None);
    }
}
