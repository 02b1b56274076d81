//! Loudness over time, of a recording whose length is known only at its end.

use crate::analysis::level_of_power;

/// Values of a waveform.
const PARTS: usize = 100;
/// Samples of a bin at first: 50 ms.
const FIRST_BIN: u64 = 400;
/// With this many bins each two become one.
const MAX_BINS: usize = 2048;
const QUIETEST_DBM0: f64 = -50.0;

#[derive(Debug)]
pub(super) struct Waveform {
    /// Mean power of each full bin.
    bins: Vec<f64>,
    width: u64,
    sum: f64,
    filled: u64,
}

impl Waveform {
    pub(super) fn new() -> Self {
        Self {
            bins: Vec::new(),
            width: FIRST_BIN,
            sum: 0.0,
            filled: 0,
        }
    }

    pub(super) fn listen(&mut self, samples: &[i16]) {
        for &sample in samples {
            self.sum += f64::from(sample).powi(2);
            self.filled += 1;
            if self.filled == self.width {
                self.bins.push(self.sum / self.width as f64);
                (self.sum, self.filled) = (0.0, 0);
                if self.bins.len() == MAX_BINS {
                    self.bins = self.bins.chunks(2).map(mean).collect();
                    self.width *= 2;
                }
            }
        }
    }

    /// Loudness of equal parts, 0 to 255.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.bins.push(self.sum / self.filled as f64);
        }
        let parts = self.bins.len().min(PARTS);
        (0..parts)
            .map(|part| {
                let from = part * self.bins.len() / parts;
                let to = (part + 1) * self.bins.len() / parts;
                loudness(mean(&self.bins[from..to]))
            })
            .collect()
    }
}

fn mean(bins: &[f64]) -> f64 {
    bins.iter().sum::<f64>() / bins.len().max(1) as f64
}

fn loudness(power: f64) -> u8 {
    let share = (level_of_power(power) - QUIETEST_DBM0) / -QUIETEST_DBM0;
    (share.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::sines;

    fn of(samples: &[i16]) -> Vec<u8> {
        let mut waveform = Waveform::new();
        for packet in samples.chunks(160) {
            waveform.listen(packet);
        }
        waveform.finish()
    }

    #[test]
    fn loud_and_quiet_parts_lie_where_they_were() {
        let samples = [
            sines(&[1000.0], -10.0, 10.0),
            vec![0; 80_000],
            sines(&[1000.0], -25.0, 20.0),
        ]
        .concat();
        let values = of(&samples);
        assert_eq!(values.len(), 100);
        assert!(values[1..24].iter().all(|&v| v.abs_diff(204) <= 2), "{values:?}");
        assert!(values[26..49].iter().all(|&v| v == 0), "{values:?}");
        assert!(values[51..99].iter().all(|&v| v.abs_diff(128) <= 2), "{values:?}");
    }

    #[test]
    fn short_ones_have_fewer_values_and_long_ones_no_more() {
        assert!(of(&[]).is_empty());
        assert_eq!(of(&[0; 10]), [0]);
        assert_eq!(of(&vec![0; 4000]).len(), 10);
        // 20 minutes: more bins than are kept.
        let long = of(&vec![8000; 20 * 60 * 8000]);
        assert_eq!(long.len(), 100);
        assert!(long.iter().all(|&v| v == long[0] && v > 200), "{long:?}");
    }
}
