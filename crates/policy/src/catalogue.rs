//! The catalogue: what real programs were learnt to need, as it comes with dropcap.
//!
//! The table is made from `catalogue/*/` by `catalogue/table`.

use dropcap_capability::{CapabilitySet, parse_capability};
use serde::Deserialize;
use std::sync::OnceLock;

const TABLE: &str = include_str!("catalogue/table.toml");

/// A program that was run and learnt, in a container of its own, on Docker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, under which the documentation has it.
    pub name: String,
    /// What it is and what was tried, as a sentence without its full stop.
    pub does: String,
    /// The packages whose versions it counts for.
    pub packages: Vec<Package>,
    /// Names of images, beside its own and its packages', under which people know the program.
    pub called: Vec<String>,
    /// Who it was started as; empty: root.
    pub user: String,
    /// What was started. Empty where that was no program of its packages, so that it counts for nobody else.
    pub command: Vec<String>,
    /// Where its volumes were mounted.
    pub volumes: Vec<String>,
    /// Whether it was run where ports below 1024 are reserved, as outside of Docker.
    pub low_ports_reserved: bool,
    /// What it needs.
    pub allow: CapabilitySet,
    /// Whether it was run with no_new_privs.
    pub no_new_privileges: bool,
}

/// A Debian package, or `npm:NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version, whole.
    pub version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    entry: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    name: String,
    does: String,
    packages: Vec<String>,
    #[serde(default)]
    called: Vec<String>,
    user: String,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    volumes: Vec<String>,
    #[serde(default)]
    low_ports_reserved: bool,
    allow: Vec<String>,
    #[serde(default = "yes")]
    no_new_privileges: bool,
}

const fn yes() -> bool {
    true
}

/// All entries; no two have the same name.
///
/// ```
/// let nginx = dropcap_policy::catalogue().iter().find(|entry| entry.is_called("nginx")).unwrap();
/// assert_eq!(nginx.allow.to_string(), "CAP_CHOWN,CAP_DAC_OVERRIDE,CAP_SETGID,CAP_SETUID");
/// ```
pub fn catalogue() -> &'static [Entry] {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    // A test says that it can be read.
    ENTRIES.get_or_init(|| parse(TABLE).unwrap_or_default())
}

/// Reads a table; nothing where one word of it is wrong.
fn parse(text: &str) -> Option<Vec<Entry>> {
    let table: Table = toml::from_str(text).ok()?;
    table.entry.into_iter().map(entry).collect()
}

fn entry(written: Written) -> Option<Entry> {
    let package = |word: &String| {
        let (name, version) = word.split_once('=')?;
        Some(Package { name: name.to_owned(), version: version.to_owned() })
    };
    Some(Entry {
        packages: written.packages.iter().map(package).collect::<Option<_>>()?,
        allow: written
            .allow
            .iter()
            .map(|word| parse_capability(word).ok())
            .collect::<Option<CapabilitySet>>()?,
        name: written.name,
        does: written.does,
        called: written.called,
        user: written.user,
        command: written.command,
        volumes: written.volumes,
        low_ports_reserved: written.low_ports_reserved,
        no_new_privileges: written.no_new_privileges,
    })
}

impl Entry {
    /// Whether an image of this name ([`image_name`]) would be taken for the program, whoever made it.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name
            || self.called.iter().any(|one| one == name)
            || self.packages.iter().any(|package| package.name == name)
    }
}

/// The last part of an image's reference, without tag and digest: what people call it by.
///
/// ```
/// assert_eq!(dropcap_policy::image_name("localhost:5000/a/postgres:16@sha256:0"), "postgres");
/// ```
pub fn image_name(reference: &str) -> &str {
    let name = reference.split('@').next().unwrap_or(reference);
    let name = name.rsplit('/').next().unwrap_or(name);
    name.split(':').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_read_to_its_last_word() {
        let entries = catalogue();
        let tables = TABLE.lines().filter(|line| *line == "[[entry]]").count();
        assert!(tables >= 28, "{tables}");
        assert_eq!(entries.len(), tables);
        for (at, entry) in entries.iter().enumerate() {
            assert!(!entry.packages.is_empty() && !entry.does.is_empty(), "{}", entry.name);
            assert!(entries[..at].iter().all(|other| other.name != entry.name), "{}", entry.name);
        }
    }

    #[test]
    fn a_table_with_a_wrong_word_is_none() {
        let good = "[[entry]]\nname = 'a'\ndoes = 'A'\npackages = ['a=1:2=3']\nuser = ''\nallow = ['KILL']\n";
        let read = parse(good).expect("a table");
        assert_eq!(read[0].packages[0].version, "1:2=3");
        assert!(read[0].no_new_privileges && read[0].command.is_empty());
        for (word, wrong) in [("KILL", "KIL"), ("a=1:2=3", "a"), ("user", "usr")] {
            assert_eq!(parse(&good.replace(word, wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn an_image_is_called_by_the_last_part_of_its_name() {
        let find =
            |name: &str| catalogue().iter().find(|entry| entry.name == name).expect("an entry");
        let postgresql = find("postgresql");
        for reference in [
            "postgres",
            "docker.io/library/postgres:16",
            "localhost:5000/a/postgres@sha256:0",
            "postgresql-15",
        ] {
            assert!(postgresql.is_called(image_name(reference)), "{reference}");
        }
        for reference in
            ["postgres/exporter", "postgres-exporter", "", "mypostgresql", "a@postgres"]
        {
            assert!(!postgresql.is_called(image_name(reference)), "{reference}");
        }
        assert!(find("apache2").is_called(image_name("httpd:2.4")));
    }
}
