//! Noise to put where nothing was sent.

/// The noise behind a voice: its loudness is that of the quietest moments.
#[derive(Debug)]
pub(crate) struct Background {
    /// Mean square.
    power: f32,
    learned: bool,
    state: u32,
    last: f32,
}

impl Background {
    /// Noise is never made louder than this mean square: −50 dBm0.
    const MOST: f32 = 2_650.0;
    /// How fast louder noise is believed: 3 dB a second.
    const RISE: f32 = 1.0139;
    /// How much of a sample its successor keeps: noise of a room has little treble.
    const SMOOTH: f32 = 0.6;

    pub(crate) fn new() -> Self {
        Self {
            power: 0.0,
            learned: false,
            state: 0x9E37_79B9,
            last: 0.0,
        }
    }

    /// Mean square.
    pub(crate) fn power(&self) -> f32 {
        self.power
    }

    /// Hears 20 ms of the voice at 8 kHz.
    pub(crate) fn learn(&mut self, frame: impl ExactSizeIterator<Item = f32>) {
        let length = frame.len().max(1) as f32;
        let power = frame.map(|sample| sample * sample).sum::<f32>() / length;
        self.power = if self.learned {
            // From nothing, it takes a start to rise at all.
            power.min(self.power.max(1.0) * Self::RISE)
        } else {
            power
        };
        self.power = self.power.min(Self::MOST);
        self.learned = true;
    }

    /// The next sample.
    pub(crate) fn sample(&mut self) -> f32 {
        // Xorshift (Marsaglia 2003): noise needs no better chance.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        let white = (self.state >> 8) as f32 / 8_388_608.0 - 1.0;
        self.last = self.last * Self::SMOOTH + white;
        // The mean square of `white` is a third, and smoothing changes it.
        self.last * (self.power * 3.0 * (1.0 - Self::SMOOTH * Self::SMOOTH)).sqrt()
    }
}
