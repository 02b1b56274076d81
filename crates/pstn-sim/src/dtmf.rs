//! Telephone events (RFC 4733): the digits' codes and the packets that carry them.

use serde::{Deserialize, Serialize};

/// Samples of one digit: 160 ms.
pub(crate) const DIGIT_SAMPLES: u16 = 1280;
/// Silence after a digit, in frames of 20 ms.
pub(crate) const PAUSE_FRAMES: u32 = 5;
/// −10 dBm0, a usual level.
const VOLUME: u8 = 10;

const DIGITS: &[u8; 16] = b"0123456789*#ABCD";

/// The event code of a digit (RFC 4733 §3.2).
pub(crate) fn event_of(digit: char) -> Option<u8> {
    let digit = u8::try_from(digit.to_ascii_uppercase()).ok()?;
    let place = DIGITS.iter().position(|known| *known == digit)?;
    u8::try_from(place).ok()
}

/// A digit as two tones in the voice (ITU-T Q.23), −10 dBm0 together.
#[derive(Debug)]
pub(crate) struct InBand {
    low: f64,
    high: f64,
    sung: u32,
}

impl InBand {
    /// The tones of an event code.
    pub(crate) fn new(event: u8) -> Self {
        const LOW: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
        const HIGH: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
        let (row, column) = match event {
            0 => (3, 1),
            digit @ 1..=9 => (usize::from(digit - 1) / 3, usize::from(digit - 1) % 3),
            10 => (3, 0),
            11 => (3, 2),
            letter => (usize::from(letter - 12) % 4, 3),
        };
        Self {
            low: LOW[row],
            high: HIGH[column],
            sung: 0,
        }
    }

    /// Replaces a frame of voice. False once the digit has been sung.
    pub(crate) fn fill(&mut self, frame: &mut [i16]) -> bool {
        const AMPLITUDE: f64 = 5000.0;
        if self.sung >= u32::from(DIGIT_SAMPLES) {
            return false;
        }
        for sample in frame {
            let turn = std::f64::consts::TAU * f64::from(self.sung) / 8000.0;
            let voice = (self.low * turn).sin() + (self.high * turn).sin();
            *sample = (AMPLITUDE * voice) as i16;
            self.sung += 1;
        }
        true
    }
}

/// A digit that was heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardDigit {
    /// `0`–`9`, `*`, `#`, `A`–`D`.
    pub digit: char,
    /// When its first packet came, in milliseconds since the simulator started.
    pub at_ms: u64,
    /// Its duration so far, in milliseconds.
    pub duration_ms: u64,
}

/// Payload of one event packet (RFC 4733 §2.3).
pub(crate) fn payload(event: u8, duration: u16, end: bool) -> [u8; 4] {
    let [high, low] = duration.to_be_bytes();
    [event, VOLUME | if end { 0x80 } else { 0 }, high, low]
}

/// Puts the packets of events together into digits.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    current: Option<u32>,
}

impl Receiver {
    /// Takes one event packet. Repeats of the same event (same RTP timestamp) lengthen the digit they belong to.
    pub(crate) fn push(&mut self, timestamp: u32, payload: &[u8], at_ms: u64, heard: &mut Vec<HeardDigit>) {
        let &[event, _, high, low, ..] = payload else {
            return;
        };
        let Some(digit) = DIGITS.get(usize::from(event)) else {
            return;
        };
        let duration_ms = u64::from(u16::from_be_bytes([high, low])) / 8;
        if self.current == Some(timestamp) {
            if let Some(last) = heard.last_mut() {
                last.duration_ms = last.duration_ms.max(duration_ms);
            }
            return;
        }
        self.current = Some(timestamp);
        // A hostile peer could press for ever.
        if heard.len() < 256 {
            heard.push(HeardDigit {
                digit: char::from(*digit),
                at_ms,
                duration_ms,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_4733() {
        assert_eq!(event_of('1'), Some(1));
        assert_eq!(event_of('*'), Some(10));
        assert_eq!(event_of('#'), Some(11));
        assert_eq!(event_of('d'), Some(15));
        assert_eq!(event_of('x'), None);
    }

    #[test]
    fn repeats_and_three_ends_are_one_digit() {
        let mut receiver = Receiver::default();
        let mut heard = Vec::new();
        for duration in [160, 320, 480] {
            receiver.push(9000, &payload(1, duration, false), 10, &mut heard);
        }
        for _ in 0..3 {
            receiver.push(9000, &payload(1, 640, true), 20, &mut heard);
        }
        receiver.push(12000, &payload(1, 160, false), 300, &mut heard);
        receiver.push(12000, &[1, 2], 300, &mut heard);
        receiver.push(15000, &payload(99, 160, false), 300, &mut heard);
        assert_eq!(heard.len(), 2);
        assert_eq!((heard[0].digit, heard[0].duration_ms), ('1', 80));
        assert_eq!(heard[1].at_ms, 300);
    }

    #[test]
    fn each_digit_has_its_row_and_column() {
        for (row, line) in ["123A", "456B", "789C", "*0#D"].iter().enumerate() {
            for (column, digit) in line.chars().enumerate() {
                let tones = InBand::new(event_of(digit).unwrap());
                let low = [697.0, 770.0, 852.0, 941.0][row];
                let high = [1209.0, 1336.0, 1477.0, 1633.0][column];
                assert!((tones.low - low).abs() < 0.1, "{digit}");
                assert!((tones.high - high).abs() < 0.1, "{digit}");
            }
        }
    }
}
