//! How much an image may cost to read: what hostile ones run into.

use crate::Fault;
use std::cell::Cell;
use std::io;

/// What is kept of one image, in bytes: names, links and privileged files. An image of a million files
/// keeps about 20 MiB.
const MOST_MEMORY: u64 = 128 << 20;
/// The bytes of all layers, decompressed. The largest images (CUDA, models) have some 40 GiB.
const MOST_BYTES: u64 = 128 << 30;

/// What is left to be spent on one image.
#[derive(Debug)]
pub struct Budget {
    memory: Cell<u64>,
    bytes: Cell<u64>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { memory: Cell::new(MOST_MEMORY), bytes: Cell::new(MOST_BYTES) }
    }
}

impl Budget {
    /// Spends memory.
    ///
    /// # Errors
    /// [`Fault::Memory`].
    pub fn keep(&self, bytes: usize) -> Result<(), Fault> {
        let left = self.memory.get().checked_sub(bytes as u64);
        self.memory.set(left.ok_or(Fault::Memory(MOST_MEMORY >> 20))?);
        Ok(())
    }

    /// Spends bytes that were decompressed. A [`Fault::Bomb`] comes as an [`io::Error`], since it
    /// is met in the middle of a read.
    ///
    /// # Errors
    /// [`Fault::Bomb`].
    pub fn read(&self, bytes: usize) -> io::Result<()> {
        let left = self.bytes.get().checked_sub(bytes as u64);
        self.bytes.set(left.ok_or_else(|| io::Error::other(Fault::Bomb(MOST_BYTES >> 30)))?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_is_gone_and_what_is_not_there_is_refused() {
        let budget = Budget { memory: Cell::new(10), bytes: Cell::new(10) };
        assert!(budget.keep(6).is_ok() && budget.keep(4).is_ok());
        assert_eq!(
            budget.keep(1).map_err(|fault| fault.to_string()),
            Err("holds more links, privileged files and names than are kept in memory (128 MiB): \
                 unpack it, and use rootfs:DIR"
                .to_owned())
        );
        assert!(budget.read(10).is_ok());
        let bomb = budget.read(1).map_err(Fault::of_reader).map_err(|fault| fault.to_string());
        assert_eq!(bomb, Err("is larger than 128 GiB when it is decompressed".to_owned()));
    }
}
