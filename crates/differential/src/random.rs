//! Random numbers that one seed repeats.

/// splitmix64 (Steele, Lea, Flood 2014): neighbouring seeds give unrelated numbers, so that case
/// *i* of a run can simply have the run's seed plus *i*.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        // One step is not enough to tell seeds apart whose difference is the increment itself.
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; the bias of the remainder is far below what matters here.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound.max(1) as u64) as usize
    }

    /// True in `percent` of a hundred draws.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `items`.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// One of `items`, each as often as its weight says.
    pub(crate) fn weighted<T: Copy>(&mut self, items: &[(usize, T)]) -> T {
        let total: usize = items.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(total);
        for (weight, item) in items {
            if left < *weight {
                return *item;
            }
            left -= weight;
        }
        items[0].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_seeds_have_nothing_in_common() {
        let first: Vec<u64> = (0..1000).map(|seed| Random::new(seed).bits()).collect();
        let mut unique = first.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), first.len());
        let ones: u32 = first.iter().map(|bits| bits.count_ones()).sum();
        assert!((31_000..33_000).contains(&ones), "{ones} of 64000 bits are set");
    }

    #[test]
    fn weights_are_kept() {
        let mut random = Random::new(7);
        let hits = (0..10_000).filter(|_| random.weighted(&[(1, true), (3, false)])).count();
        assert!((2300..2700).contains(&hits), "{hits} of 10000 draws at a weight of a quarter");
    }
}
