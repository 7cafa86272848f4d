//! The Debian packages of an image: dpkg's status file, deb-control(5) and dpkg(1).

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};

/// Where dpkg keeps it.
pub(crate) const STATUS: &str = "var/lib/dpkg/status";

/// A full desktop has 5 MiB: so that no image can keep its reader busy with this one file.
const LARGEST: u64 = 16 << 20;
/// Nobody has installed as many: all of Debian are some 65,000.
const MOST: usize = 50_000;
/// Names and versions are shorter; the fields that are asked for have no other content.
const LONGEST_VALUE: usize = 256;

/// The packages that dpkg has installed, with their versions.
///
/// It is what the image says of itself: nothing tells whether the files are those of the packages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packages(BTreeMap<String, Version>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Version {
    Is(String),
    /// It is there for two architectures, in versions that differ.
    Ambiguous,
}

/// A paragraph as far as it was read.
#[derive(Default)]
struct Paragraph {
    package: Option<String>,
    version: Option<String>,
    installed: bool,
}

impl Packages {
    /// Reads a status file from its beginning to its end, and keeps names and versions of what is
    /// installed (`Status: … ok installed`). `None` where it is no such file, or larger than any is.
    ///
    /// ```
    /// let status = "Package: memcached\nStatus: install ok installed\nVersion: 1.6.18-1+deb12u1\n";
    /// let packages = dropcap_image::Packages::read(status.as_bytes())?.unwrap();
    /// assert_eq!(packages.version("memcached"), Some("1.6.18-1+deb12u1"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `reader` gives.
    pub fn read(reader: impl Read) -> io::Result<Option<Self>> {
        let mut reader = BufReader::new(reader.take(LARGEST + 1));
        let (mut packages, mut paragraph) = (Self::default(), Paragraph::default());
        let mut line = Vec::new();
        let mut length = 0;
        loop {
            let read = read_line(&mut reader, &mut line)?;
            length += read;
            if length > LARGEST || packages.0.len() > MOST {
                return Ok(None);
            }
            let text = line.trim_ascii_end();
            if read == 0 || text.is_empty() {
                packages.add(std::mem::take(&mut paragraph));
            } else if paragraph.take(text).is_none() {
                return Ok(None);
            }
            if read == 0 {
                return Ok(Some(packages));
            }
        }
    }

    /// The version of an installed package, as dpkg compares it: byte for byte.
    pub fn version(&self, package: &str) -> Option<&str> {
        match self.0.get(package)? {
            Version::Is(version) => Some(version),
            Version::Ambiguous => None,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none: no Debian image, or one whose list could not be read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What they take in memory, in bytes, about.
    pub(crate) fn size(&self) -> usize {
        /// Two strings and their share of a node.
        const OVERHEAD: usize = 64;
        let version = |version: &Version| match version {
            Version::Is(version) => version.len(),
            Version::Ambiguous => 0,
        };
        self.0.iter().map(|(name, of)| name.len() + version(of) + OVERHEAD).sum()
    }

    fn add(&mut self, paragraph: Paragraph) {
        let Paragraph { package: Some(package), version: Some(version), installed: true } =
            paragraph
        else {
            return;
        };
        let version = Version::Is(version);
        let known = self.0.entry(package).or_insert_with(|| version.clone());
        if *known != version {
            *known = Version::Ambiguous;
        }
    }
}

impl Paragraph {
    /// Takes a line; `None` where it is none of a control file.
    fn take(&mut self, line: &[u8]) -> Option<()> {
        // The line before goes on.
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return Some(());
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let field = line[..colon].to_ascii_lowercase();
        let value = line[colon + 1..].trim_ascii();
        let one = || {
            let text =
                std::str::from_utf8(value).ok().filter(|text| text.len() <= LONGEST_VALUE)?;
            Some(text.to_owned())
        };
        match field.as_slice() {
            b"package" => self.package = Some(one()?),
            b"version" => self.version = Some(one()?),
            b"status" => self.installed = value.ends_with(b" ok installed"),
            _ => {}
        }
        Some(())
    }
}

/// Reads a line, of which `line` gets no more than a field that is asked for may have: how long it is in
/// the file, 0 at its end.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    /// The longest name of a field that is asked for, its colon, and a value that is just too long.
    const KEPT: usize = LONGEST_VALUE + 16;
    line.clear();
    let mut length = 0;
    loop {
        let bytes = match reader.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let here = end.map_or(bytes.len(), |end| end + 1);
        let room = KEPT.saturating_sub(line.len());
        line.extend(&bytes[..here.min(room)]);
        reader.consume(here);
        length += here as u64;
        if end.is_some() || here == 0 {
            return Ok(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: impl AsRef<[u8]>) -> Option<Packages> {
        Packages::read(text.as_ref()).expect("no disk in between")
    }

    fn installed(name: &str, version: &str) -> String {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\
             Conffiles:\n /etc/{name}.conf 0123\nDescription: x\n Version: 9\n .\n\n"
        )
    }

    #[test]
    fn what_is_installed_is_kept_and_nothing_else() {
        let gone =
            installed("gone", "1").replace("install ok installed", "deinstall ok config-files");
        let half = installed("half", "1").replace("ok installed", "ok half-configured");
        let held = installed("held", "1:2-3").replace("install ok", "hold ok");
        let packages = read([gone, half, held, installed("a", "2:1.0~rc1-1+b1")].concat());
        let packages = packages.expect("a status file");
        assert_eq!(packages.version("a"), Some("2:1.0~rc1-1+b1"));
        assert_eq!(packages.version("held"), Some("1:2-3"));
        assert_eq!((packages.version("gone"), packages.version("half")), (None, None));
        assert_eq!(packages.len(), 2);
        // The last paragraph needs no empty line behind it.
        let last = read(installed("a", "1").trim_end()).expect("a status file");
        assert_eq!(last.version("a"), Some("1"));
        assert!(read("").expect("an empty file").is_empty());
    }

    #[test]
    fn two_architectures_have_one_version_or_none() {
        let same =
            read([installed("a", "1"), installed("a", "1")].concat()).expect("a status file");
        assert_eq!(same.version("a"), Some("1"));
        let differ = [installed("a", "1"), installed("a", "2"), installed("a", "1")].concat();
        assert_eq!(read(differ).expect("a status file").version("a"), None);
    }

    #[test]
    fn a_field_that_is_there_twice_counts_once_and_never_across_paragraphs() {
        let text = "Package: a\nVersion: 1\n\nStatus: install ok installed\nVersion: 2\n";
        assert!(read(text).expect("a status file").is_empty());
    }

    #[test]
    fn what_is_no_status_file_is_not_taken_for_one() {
        for text in ["\x7fELF\0\0", "Package\n", "Package: \u{e9}\nnonsense\n"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(b"Package: \xff\n"), None);
        assert_eq!(read(format!("Package: {}\n", "x".repeat(LONGEST_VALUE + 1))), None);
    }

    /// A text over and over, without end.
    struct Endless {
        text: Vec<u8>,
        taken: u64,
    }

    impl Read for Endless {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let at = self.taken as usize % self.text.len();
            let count = bytes.len().min(self.text.len() - at);
            bytes[..count].copy_from_slice(&self.text[at..at + count]);
            self.taken += count as u64;
            Ok(count)
        }
    }

    #[test]
    fn an_endless_file_ends_and_a_line_of_any_length_takes_no_room() {
        for period in
            [&b" x"[..], b"\n", b"Package: a\nStatus: install ok installed\nVersion: 1\n\n"]
        {
            let mut endless = Endless { text: period.repeat(4096), taken: 0 };
            assert_eq!(Packages::read(&mut endless).expect("it reads"), None);
            assert!(endless.taken <= LARGEST + 64 * 1024, "{}", endless.taken);
        }
        let mut line = Vec::new();
        let long = vec![b'x'; 1 << 20];
        assert_eq!(read_line(&mut long.as_slice(), &mut line).expect("bytes"), 1 << 20);
        assert!(line.len() < 1024);
    }

    #[test]
    fn too_many_packages_are_none() {
        let many: String = (0..=MOST).map(|n| installed(&format!("p{n}"), "1")).collect();
        assert_eq!(read(&many), None);
        let one_less = &many[installed("p0", "1").len()..];
        assert_eq!(read(one_less).map(|packages| packages.len()), Some(MOST));
    }
}
