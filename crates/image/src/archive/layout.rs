//! OCI image layouts: a directory with an `index.json` and blobs by their digests (OCI image
//! specification, "Image Layout").

use super::layer::Layer;
use super::saved::LARGEST_JSON;
use super::source::{Content, FileSource, open};
use super::{Names, Parts, Reading, assemble, passes};
use crate::{Budget, Fault, Image, ImageError};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Reads the layout in `directory`: see [`crate::read_layout`].
pub fn read(directory: &Path, reference: Option<&str>) -> Result<Image, ImageError> {
    let unreadable = |source| ImageError::Unreadable { path: directory.to_owned(), source };
    let root = directory.canonicalize().map_err(unreadable)?;
    let place = directory.display().to_string();
    passes(&place, |wanted| {
        let reading = Reading { names: Names::default(), wanted, budget: Budget::default() };
        let mut parts = Layout { place: place.clone(), root: &root, reading: &reading };
        assemble(&mut parts, &reading, reference)
    })
}

struct Layout<'a> {
    place: String,
    root: &'a Path,
    reading: &'a Reading<'a>,
}

impl Layout<'_> {
    /// Opens a file of the layout. `name` is one of the fixed names or was made of a digest; a link
    /// that leads out of the layout, and what is no file, is refused.
    fn open(&self, name: &str) -> Result<Option<File>, ImageError> {
        let path = self.root.join(name);
        let unreadable = |source| ImageError::Unreadable { path: path.clone(), source };
        let found: PathBuf = match path.canonicalize() {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        if !found.starts_with(self.root) {
            return Err(unreadable(io::Error::other("a link that leads out of the layout")));
        }
        if !found.metadata().map_err(unreadable)?.is_file() {
            return Err(unreadable(io::Error::other("no file")));
        }
        File::open(&found).map(Some).map_err(unreadable)
    }

    fn faulty(&self, name: &str, fault: Fault) -> ImageError {
        fault.at(format!("{}: {name}", self.place))
    }
}

impl Parts for Layout<'_> {
    fn place(&self) -> &str {
        &self.place
    }

    fn json(&mut self, name: &str) -> Result<Option<Vec<u8>>, ImageError> {
        let Some(file) = self.open(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let length = file
            .take(LARGEST_JSON + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| self.faulty(name, Fault::Io(error)))? as u64;
        if length > LARGEST_JSON {
            let fault = Fault::TooLong { what: "document", bytes: length, limit: LARGEST_JSON };
            return Err(self.faulty(name, fault));
        }
        Ok(Some(bytes))
    }

    fn layer(&mut self, name: &str, add: &mut dyn FnMut(&Layer)) -> Result<(), ImageError> {
        let Some(file) = self.open(name)? else {
            return Err(Fault::Missing(name.to_owned()).at(&*self.place));
        };
        let read = || -> Result<Layer, Fault> {
            let (content, source) = open(FileSource::new(file)?, &self.reading.budget)?;
            if content != Content::Tar {
                return Err(Fault::Unknown);
            }
            self.reading.layer(source)
        };
        add(&read().map_err(|fault| self.faulty(name, fault))?);
        Ok(())
    }
}
