//! Images in archives: OCI layouts and what `docker save` and `podman save` write.
//!
//! Nothing is unpacked. Each layer is read once, front to back, and of it is kept what bears on
//! privilege.

mod entries;
mod header;
mod layer;
mod layout;
mod manifest;
mod path;
mod pax;
mod reader;
mod saved;
mod source;
mod tree;

use crate::error::shown;
use crate::packages::STATUS;
use crate::{Budget, Fault, Image, ImageError, Users};
use entries::Entries;
use layer::{Layer, Names, Text};
use manifest::Chosen;
use reader::Reader;
use source::Source;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use tree::Tree;

pub use layout::read as read_layout;

const PASSWD: &[u8] = b"etc/passwd";
const GROUP: &[u8] = b"etc/group";
/// Each time that `/etc/passwd` turns out to be a link to something else, all is read again.
const MOST_PASSES: usize = 8;

/// The parts of an image: JSON documents and layers, by their names in the archive or layout.
trait Parts {
    /// Where they are, for messages.
    fn place(&self) -> &str;
    /// A document; `None` where there is none of this name.
    fn json(&mut self, name: &str) -> Result<Option<Vec<u8>>, ImageError>;
    /// Calls `add` with a layer.
    fn layer(&mut self, name: &str, add: &mut dyn FnMut(&Layer)) -> Result<(), ImageError>;
}

/// What is the same for all layers of an image.
struct Reading<'a> {
    names: Names,
    wanted: &'a BTreeSet<Vec<u8>>,
    budget: Budget,
}

impl Reading<'_> {
    /// Reads a layer, decompressed.
    fn layer(&self, source: impl Source) -> Result<Layer, Fault> {
        let mut reader = Reader::new(&self.names, self.wanted, &self.budget);
        let mut entries = Entries::new(source);
        while let Some(entry) = entries.next()? {
            reader.add(entry, entries.content())?;
        }
        Ok(reader.done())
    }
}

/// Reads the archive at `path`: see [`crate::read_archive`].
pub fn read(path: &Path, reference: Option<&str>) -> Result<Image, ImageError> {
    let unreadable = |source| ImageError::Unreadable { path: path.to_owned(), source };
    // A FIFO or a device would make the reader wait or never end.
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(std::io::Error::other("neither a file nor a directory")));
    }
    let place = path.display().to_string();
    let open = || -> Result<Box<dyn Source>, ImageError> {
        let file = File::open(path).map_err(unreadable)?;
        Ok(Box::new(source::FileSource::new(file).map_err(unreadable)?))
    };
    read_stream(&place, open, reference)
}

/// A stream that an archive comes by.
pub fn stream(reader: impl Read + 'static) -> Box<dyn Source> {
    Box::new(source::Stream::new(reader))
}

/// Reads an archive that `open` gives from its beginning each time that it is called.
pub fn read_stream(
    place: &str,
    mut open: impl FnMut() -> Result<Box<dyn Source>, ImageError>,
    reference: Option<&str>,
) -> Result<Image, ImageError> {
    passes(place, |wanted| {
        let reading = Reading { names: Names::default(), wanted, budget: Budget::default() };
        let mut parts = saved::Archive::read(place, open()?, &reading)?;
        assemble(&mut parts, &reading, reference)
    })
}

/// Puts an image together, once or, where the lists of users lie behind links, again with what the
/// links name.
fn passes(
    place: &str,
    mut pass: impl FnMut(&BTreeSet<Vec<u8>>) -> Result<(Image, Tree), ImageError>,
) -> Result<Image, ImageError> {
    let mut wanted = BTreeSet::from([PASSWD.to_vec(), GROUP.to_vec(), STATUS.as_bytes().to_vec()]);
    for _ in 0..MOST_PASSES {
        let (mut image, tree) = pass(&wanted)?;
        match (text(&tree, PASSWD, &wanted), text(&tree, GROUP, &wanted)) {
            (Found::Text(passwd), Found::Text(group)) => {
                image.users = Users::parse(&passwd, &group);
                if let Some(Text::Packages(packages)) = tree.text(STATUS.as_bytes()) {
                    image.packages = packages.clone();
                }
                return Ok(image);
            }
            (passwd, group) => {
                for found in [passwd, group] {
                    match found {
                        Found::Text(_) => {}
                        Found::At(path) => _ = wanted.insert(path),
                        Found::Nowhere(path) => {
                            return Err(Fault::Loop(shown(path)).at(place));
                        }
                    }
                }
            }
        }
    }
    Err(Fault::Loop(shown(PASSWD)).at(place))
}

/// What is known of a text.
enum Found<'a> {
    /// It; empty where there is no such file.
    Text(String),
    /// It is at this path, which was not among those that were kept.
    At(Vec<u8>),
    /// The path leads nowhere.
    Nowhere(&'a [u8]),
}

fn text<'a>(tree: &Tree, path: &'a [u8], wanted: &BTreeSet<Vec<u8>>) -> Found<'a> {
    let mut at = path.to_vec();
    for _ in 0..MOST_PASSES {
        let Some(reached) = tree.follow(&at) else { return Found::Nowhere(path) };
        match tree.text(&reached) {
            Some(Text::Read(bytes)) => {
                return Found::Text(String::from_utf8_lossy(bytes).into_owned());
            }
            Some(Text::Of(other)) => at.clone_from(other),
            // Whoever links a list of users to it has none.
            Some(Text::Packages(_)) => return Found::Text(String::new()),
            None if wanted.contains(&reached) => return Found::Text(String::new()),
            None => return Found::At(reached),
        }
    }
    Found::Nowhere(path)
}

/// Chooses an image among the parts and puts its layers together.
fn assemble(
    parts: &mut dyn Parts,
    reading: &Reading<'_>,
    reference: Option<&str>,
) -> Result<(Image, Tree), ImageError> {
    let Chosen { digest, configured, layers } = manifest::choose(parts, reference)?;
    let mut tree = Tree::default();
    for layer in &layers {
        parts.layer(layer, &mut |layer| tree.add(layer, &reading.names))?;
    }
    let image = Image {
        executables: tree.executables(),
        configured: Some(configured),
        digest,
        warnings: std::mem::take(&mut tree.warnings),
        ..Image::default()
    };
    Ok((image, tree))
}
