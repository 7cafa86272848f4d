//! An archive with an image in it, as it comes by: what is in there, and which of it an image is
//! made of, is said at its end.

use super::entries::{Entries, Kind};
use super::layer::Layer;
use super::path::{clean, follow};
use super::source::{Content, Source, open};
use super::{Parts, Reading};
use crate::error::shown;
use crate::{Fault, ImageError};
use std::collections::BTreeMap;
use std::io::Read;

/// Manifests and configurations are far smaller.
pub(super) const LARGEST_JSON: u64 = 8 << 20;
/// Beside a part: the node of a tree and its name.
const OVERHEAD: usize = 128;

/// A part of the archive.
enum Part {
    Json(Vec<u8>),
    Layer(Box<Layer>),
    /// A link; Docker before 25 names equal layers so.
    Link(Vec<u8>),
    /// It could not be read, which counts only if the image is made of it.
    Faulty(Fault),
}

/// All parts of an archive.
pub struct Archive {
    place: String,
    parts: BTreeMap<Vec<u8>, Part>,
}

impl Archive {
    /// Reads an archive to its end; it may be compressed as a whole.
    pub fn read(
        place: &str,
        source: impl Source,
        reading: &Reading<'_>,
    ) -> Result<Self, ImageError> {
        let at_place = |fault: Fault| fault.at(place);
        let (content, source) = open(source, &reading.budget).map_err(at_place)?;
        if content != Content::Tar {
            return Err(Fault::Header(0).at(place));
        }
        let mut parts = BTreeMap::new();
        let mut entries = Entries::new(source);
        while let Some(entry) = entries.next().map_err(at_place)? {
            let climbs = || Fault::Climbs(shown(&entry.path)).at(place);
            let name = clean(&entry.path).ok_or_else(climbs)?;
            let part = match entry.kind {
                Kind::File => part(entries.content(), reading),
                Kind::Symlink => Part::Link(entry.link),
                Kind::HardLink => Part::Link([b"/", entry.link.as_slice()].concat()),
                Kind::Directory | Kind::Special => continue,
            };
            let size = match &part {
                Part::Json(bytes) => bytes.len(),
                Part::Link(target) => target.len(),
                _ => 0,
            };
            reading.budget.keep(OVERHEAD + name.len() + size).map_err(at_place)?;
            parts.insert(name, part);
        }
        Ok(Self { place: place.to_owned(), parts })
    }

    /// The name under which a part really is.
    fn resolve(&self, name: &str) -> Option<Vec<u8>> {
        let name = clean(name.as_bytes())?;
        follow(&name, |path| match self.parts.get(path) {
            Some(Part::Link(target)) => Some(target.as_slice()),
            _ => None,
        })
    }

    /// The error of a part that cannot be used.
    fn unusable(&mut self, name: &str, found: Option<Vec<u8>>) -> ImageError {
        let fault = match found.and_then(|found| self.parts.remove(&found)) {
            Some(Part::Faulty(fault)) => fault,
            Some(_) => Fault::Unknown,
            None => return Fault::Missing(shown(name.as_bytes())).at(&*self.place),
        };
        fault.at(format!("{}: {}", self.place, shown(name.as_bytes())))
    }
}

/// What a file of the archive is.
fn part(content: impl Source, reading: &Reading<'_>) -> Part {
    let read = || -> Result<Part, Fault> {
        let (content, mut source) = open(content, &reading.budget)?;
        Ok(match content {
            Content::Tar => Part::Layer(Box::new(reading.layer(source)?)),
            Content::Json => {
                let mut bytes = Vec::new();
                (&mut source)
                    .take(LARGEST_JSON + 1)
                    .read_to_end(&mut bytes)
                    .map_err(Fault::of_reader)?;
                if bytes.len() as u64 > LARGEST_JSON {
                    let bytes = bytes.len() as u64;
                    return Err(Fault::TooLong { what: "document", bytes, limit: LARGEST_JSON });
                }
                Part::Json(bytes)
            }
            Content::Unknown => Part::Faulty(Fault::Unknown),
        })
    };
    read().unwrap_or_else(Part::Faulty)
}

impl Parts for Archive {
    fn place(&self) -> &str {
        &self.place
    }

    fn json(&mut self, name: &str) -> Result<Option<Vec<u8>>, ImageError> {
        let found = self.resolve(name);
        match found.as_ref().and_then(|found| self.parts.get(found)) {
            Some(Part::Json(bytes)) => Ok(Some(bytes.clone())),
            None => Ok(None),
            Some(_) => Err(self.unusable(name, found)),
        }
    }

    fn layer(&mut self, name: &str, add: &mut dyn FnMut(&Layer)) -> Result<(), ImageError> {
        let found = self.resolve(name);
        match found.as_ref().and_then(|found| self.parts.get(found)) {
            Some(Part::Layer(layer)) => {
                add(layer);
                Ok(())
            }
            _ => Err(self.unusable(name, found)),
        }
    }
}
