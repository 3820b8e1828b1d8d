//! How evenly those share who want more than they have.
//!
//! A user's part is the dominant share (Ghodsi et al., Dominant Resource Fairness, NSDI 2011): of the resource of which
//! it holds most, as a part of what all nodes have. The index is that of Jain, Chiu and Hawe (DEC-TR-301, 1984):
//! 1 where all have as much, 1/n where one of n has everything. It is taken whenever at least two wait side by side,
//! over those who wait alone: who has all that it asked for has no claim to more. And it is weighted by time.

/// What somebody holds: thousandths of GPUs, thousandths of CPUs, MiB of memory.
pub(super) type Holding = [u64; 3];

/// The largest part that it is of a whole.
pub(super) fn dominant_share(held: &Holding, whole: &Holding) -> f64 {
    let parts = held.iter().zip(whole).filter(|(_, whole)| **whole > 0);
    parts.map(|(held, whole)| *held as f64 / *whole as f64).fold(0.0, f64::max)
}

/// None where fewer than two are compared, or nobody of them has anything.
pub(super) fn jain(shares: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for share in shares {
        count += 1.0;
        sum += share;
        squares += share * share;
    }
    (count >= 2.0 && squares > 0.0).then(|| sum * sum / (count * squares))
}

/// A mean over time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    pub(super) fn add(&mut self, value: f64, weight: f64) {
        self.sum += value * weight;
        self.weight += weight;
    }

    pub(super) fn get(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_one_for_equals_and_a_part_for_one_who_has_all() {
        assert_eq!(jain([0.2, 0.2, 0.2, 0.2]), Some(1.0));
        assert_eq!(jain([0.5, 0.0, 0.0, 0.0]), Some(0.25));
        assert_eq!(jain([0.5]), None, "there is nobody to compare with");
        assert_eq!(jain([0.0, 0.0]), None);
    }

    #[test]
    fn a_share_is_that_of_the_scarcest() {
        assert_eq!(dominant_share(&[4_000, 1_000, 10], &[8_000, 64_000, 1_000]), 0.5);
        assert_eq!(dominant_share(&[0, 32_000, 10], &[0, 64_000, 1_000]), 0.5, "there are no GPUs");
    }
}
