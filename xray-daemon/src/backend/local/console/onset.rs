//! When trouble began: the moment at which the share of faults jumps and stays.
//!
//! In: traffic in slices of time. Out: epoch seconds, or none where faults are rare, were there
//! from the start, or come and go. Owns nothing.

use super::draw::Slice;

/// Slices needed on each side of the jump.
const LEAST_SLICES: usize = 3;
/// Faults needed after it.
const LEAST_FAULTS: u64 = 5;
/// The share after it is at least this many times the share before.
const LEAST_RATIO: f64 = 4.0;

/// The start of the slice that parts few faults from many, if one does.
pub(crate) fn onset(slices: &[Slice]) -> Option<f64> {
    let mut sums = Vec::with_capacity(slices.len() + 1);
    sums.push((0_u64, 0_u64));
    for slice in slices {
        let (faults, total) = sums.last().copied().unwrap_or_default();
        sums.push((faults + slice.shares.fault, total + slice.shares.total()));
    }
    let (all_faults, all) = sums.last().copied()?;
    // The best place maximises the difference of the two shares, weighed by how much lies on both
    // sides (the statistic of a change of mean).
    let mut best = None;
    for place in LEAST_SLICES..slices.len().saturating_sub(LEAST_SLICES - 1) {
        let (faults, total) = sums.get(place).copied()?;
        let (later_faults, later) = (all_faults - faults, all - total);
        if total == 0 || later == 0 || later_faults < LEAST_FAULTS {
            continue;
        }
        let (before, after) = (faults as f64 / total as f64, later_faults as f64 / later as f64);
        let weight = (total as f64 * later as f64).sqrt() / all as f64;
        let gain = (after - before) * weight;
        if after >= before * LEAST_RATIO && best.is_none_or(|(most, _)| gain > most) {
            best = Some((gain, place));
        }
    }
    best.and_then(|(_, place)| slices.get(place)).map(|slice| slice.start_s)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::local::console::draw::Shares;

    /// Slices of 15 s with 50 requests, of which so many are faults.
    fn slices(faults: &[u64]) -> Vec<Slice> {
        let slice = |(i, fault): (usize, &u64)| Slice {
            start_s: i as f64 * 15.0,
            shares: Shares { ok: 50 - fault, fault: *fault, ..Shares::default() },
        };
        faults.iter().enumerate().map(slice).collect()
    }

    #[test]
    fn the_slice_in_which_faults_begin_is_found() {
        assert_eq!(onset(&slices(&[0, 0, 0, 0, 0, 9, 8, 9, 7, 9])), Some(75.0));
        assert_eq!(onset(&slices(&[1, 0, 0, 0, 1, 20, 21, 20])), Some(75.0));
    }

    #[test]
    fn no_moment_is_named_without_a_clear_jump() {
        assert_eq!(onset(&slices(&[])), None);
        assert_eq!(onset(&slices(&[0; 10])), None);
        assert_eq!(onset(&slices(&[9, 8, 9, 7, 9, 8, 9, 8])), None, "from the start");
        assert_eq!(onset(&slices(&[0, 0, 0, 0, 1, 0, 1, 1])), None, "rare");
        assert_eq!(onset(&slices(&[9, 9, 9, 9, 0, 0, 0, 0])), None, "over again");
    }
}
