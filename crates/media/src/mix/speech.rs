//! Who speaks: by loudness, over the member's own background noise.

/// Mean square of a frame under which nobody speaks: −40 dBm0.
const THRESHOLD: f32 = 26_500.0;
/// How much stronger than the background speech is: 9 dB.
const OVER_NOISE: f32 = 8.0;
/// Loud frames of 20 ms that make speech: longer than a click.
const BEGIN: u8 = 4;
/// Quiet frames that end it: longer than the pause between two words.
const END: u8 = 35;

#[derive(Debug, Default)]
pub(super) struct SpeechGate {
    speaking: bool,
    /// Frames in a row that speak for a change.
    against: u8,
}

impl SpeechGate {
    /// Takes the mean square of 20 ms and that of the background; tells a change.
    pub(super) fn listen(&mut self, power: f32, noise: f32) -> Option<bool> {
        let loud = power > THRESHOLD.max(noise * OVER_NOISE);
        if loud == self.speaking {
            self.against = 0;
            return None;
        }
        self.against += 1;
        if self.against < if loud { BEGIN } else { END } {
            return None;
        }
        self.against = 0;
        self.speaking = loud;
        Some(loud)
    }

    /// Nothing more is listened to; `true` if that ends speech that was told.
    pub(super) fn end(&mut self) -> bool {
        self.against = 0;
        std::mem::take(&mut self.speaking)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_soon_and_pauses_between_them_do_not_end_them() {
        let mut gate = SpeechGate::default();
        let mut told = Vec::new();
        let loud_and_quiet = [(3, 1e6), (50, 10.0), (20, 1e6), (20, 10.0), (20, 1e6), (60, 10.0)];
        let mut frame = 0;
        for (frames, power) in loud_and_quiet {
            for _ in 0..frames {
                told.extend(gate.listen(power, 5.0).map(|speaking| (frame, speaking)));
                frame += 1;
            }
        }
        assert_eq!(told, [(56, true), (147, false)]);
    }

    #[test]
    fn a_loud_background_is_no_speech() {
        let mut gate = SpeechGate::default();
        assert!((0..100).all(|_| gate.listen(100_000.0, 50_000.0).is_none()));
    }
}
