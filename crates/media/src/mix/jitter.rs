//! Puts the packets of a peer in order and gives out 20 ms at a time.
//!
//! Packets have their place by RTP timestamp, so that any packet length, loss and reordering come out right. The delay is
//! as long as the latest packet of the last seconds needs: a packet that comes too late lengthens it at once, and when
//! none has come close to being late for a while, 10 ms are faded over.

use crate::source_lock::Evidence;
use crate::{Codec, g711};

use super::NARROW;

/// What stands where no sample has come. G.711 cannot say it.
pub(super) const ABSENT: i16 = i16::MIN;

/// Samples that are held: 512 ms.
const CAPACITY: usize = 4096;
/// A packet that is further behind or ahead is of a stream that began anew.
const MAX_BEHIND: i32 = 4000;
const MAX_AHEAD: i32 = 3000;
/// Longest packet: 128 ms.
const MAX_PACKET: usize = 1024;
/// From the first packet to its sound.
const START: u32 = 160;
/// Time that a packet which came too late has left when the delay has grown for it.
const AFTER_LATE: u32 = 80;
/// Time that packets have at least left when the delay shrinks no further.
const SPARE: i32 = 160;
/// What the delay shrinks by in one step.
const STEP: usize = 80;
const STEP_TIME: i32 = 80;
/// Ticks between two steps.
const STEP_EVERY: u32 = 5;
/// Ticks between two looks at how close packets came to being late: 4 s.
const WINDOW: u32 = 200;
/// The same after the delay has grown at once: 1 s.
const FIRST_WINDOW: u32 = 50;

#[derive(Debug)]
pub(super) struct JitterBuffer {
    ring: [i16; CAPACITY],
    ssrc: Option<u32>,
    /// RTP timestamp of what is given out next.
    play: u32,
    /// RTP timestamp after the newest sample.
    newest: u32,
    /// Least time that a packet of this window had left, in samples.
    least_margin: i32,
    window_left: u32,
    /// Samples that the delay is to shrink by.
    excess: i32,
    step_in: u32,
    /// The delay grows by 20 ms at the next tick.
    stretch: bool,
}

impl JitterBuffer {
    pub(super) fn new() -> Self {
        Self {
            ring: [ABSENT; CAPACITY],
            ssrc: None,
            play: 0,
            newest: 0,
            least_margin: i32::MAX,
            window_left: FIRST_WINDOW,
            excess: 0,
            step_in: 0,
            stretch: false,
        }
    }

    /// Whether anything has come.
    pub(super) fn has_begun(&self) -> bool {
        self.ssrc.is_some()
    }

    /// Takes the audio of a packet.
    pub(super) fn insert(&mut self, codec: Codec, packet: Evidence, payload: &[u8]) {
        if payload.len() > MAX_PACKET {
            return;
        }
        let timestamp = packet.timestamp;
        let distance = |from: u32| timestamp.wrapping_sub(from).cast_signed();
        let newer = distance(self.newest) >= 0;
        let mut margin = distance(self.play);
        if self.ssrc != Some(packet.ssrc) || !(-MAX_BEHIND..=MAX_AHEAD).contains(&margin) {
            self.ring = [ABSENT; CAPACITY];
            self.ssrc = Some(packet.ssrc);
            self.play = timestamp.wrapping_sub(START);
            self.newest = timestamp;
            self.measure_anew();
            margin = START.cast_signed();
        } else if margin < 0 && newer {
            // Nothing is left to play: the delay may grow by any time.
            self.play = timestamp.wrapping_sub(AFTER_LATE);
            self.measure_anew();
            margin = AFTER_LATE.cast_signed();
        } else if margin < 0 {
            self.stretch = true;
            self.measure_anew();
        }
        self.least_margin = self.least_margin.min(margin);
        let table = g711::linear_table(codec);
        let skipped = usize::try_from(-margin).unwrap_or(0);
        for (n, &code) in payload.iter().enumerate().skip(skipped) {
            let place = timestamp.wrapping_add(n as u32) as usize % CAPACITY;
            self.ring[place] = table[usize::from(code)];
        }
        let end = timestamp.wrapping_add(payload.len() as u32);
        if end.wrapping_sub(self.newest).cast_signed() > 0 {
            self.newest = end;
        }
    }

    fn measure_anew(&mut self) {
        self.least_margin = i32::MAX;
        self.window_left = FIRST_WINDOW;
        self.excess = 0;
    }

    /// Gives out 20 ms; [`ABSENT`] where no sample has come.
    pub(super) fn pull(&mut self, out: &mut [i16; NARROW]) {
        if self.ssrc.is_none() || std::mem::take(&mut self.stretch) {
            *out = [ABSENT; NARROW];
            return;
        }
        self.watch();
        let shrinks = self.excess >= STEP_TIME && self.step_in == 0 && self.holds(NARROW + STEP);
        self.step_in = self.step_in.saturating_sub(1);
        if shrinks {
            self.excess -= STEP_TIME;
            self.step_in = STEP_EVERY;
            let left: [i16; STEP] = std::array::from_fn(|_| self.take());
            for sample in out.iter_mut() {
                *sample = self.take();
            }
            for (time, (sample, left)) in (0..).zip(out.iter_mut().zip(left)) {
                let faded = time * i32::from(*sample) + (STEP_TIME - time) * i32::from(left);
                *sample = (faded / STEP_TIME) as i16;
            }
        } else {
            for sample in out.iter_mut() {
                *sample = self.take();
            }
        }
    }

    fn take(&mut self) -> i16 {
        let place = self.play as usize % CAPACITY;
        self.play = self.play.wrapping_add(1);
        std::mem::replace(&mut self.ring[place], ABSENT)
    }

    /// Whether the next so many samples have come.
    fn holds(&self, count: usize) -> bool {
        (0..count).all(|n| self.ring[self.play.wrapping_add(n as u32) as usize % CAPACITY] != ABSENT)
    }

    /// Decides now and then whether the delay is longer than it must be.
    fn watch(&mut self) {
        self.window_left = self.window_left.saturating_sub(1);
        if self.window_left > 0 {
            return;
        }
        self.window_left = WINDOW;
        let margin = std::mem::replace(&mut self.least_margin, i32::MAX);
        if margin != i32::MAX {
            self.excess = (margin - SPARE).max(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet of 20 ms whose samples all have the value of its number.
    fn packet(number: u32) -> (Evidence, [u8; 160]) {
        let evidence = Evidence {
            ssrc: 1,
            sequence: number as u16,
            timestamp: (u32::MAX - 1000).wrapping_add(number * 160),
        };
        (evidence, [g711::encode_pcma(value(number)); 160])
    }

    fn value(number: u32) -> i16 {
        let wanted = 1000 + (number % 100) as i16 * 64;
        g711::decode_pcma(g711::encode_pcma(wanted))
    }

    fn insert(buffer: &mut JitterBuffer, number: u32) {
        let (evidence, payload) = packet(number);
        buffer.insert(Codec::Pcma, evidence, &payload);
    }

    fn pull(buffer: &mut JitterBuffer) -> [i16; NARROW] {
        let mut out = [0; NARROW];
        buffer.pull(&mut out);
        out
    }

    #[test]
    fn order_is_restored_doubles_are_one_and_a_loss_is_a_hole() {
        let mut buffer = JitterBuffer::new();
        assert_eq!(pull(&mut buffer), [ABSENT; NARROW]);
        assert!(!buffer.has_begun());
        for number in [0, 2, 1, 1, 4] {
            insert(&mut buffer, number);
        }
        assert_eq!(
            pull(&mut buffer),
            [ABSENT; NARROW],
            "the time packets may be late by"
        );
        for expected in [value(0), value(1), value(2), ABSENT, value(4), ABSENT] {
            assert_eq!(pull(&mut buffer), [expected; NARROW]);
        }
    }

    fn ramp(n: usize) -> u8 {
        g711::encode_pcma(i16::try_from(n % 2000).unwrap() * 8)
    }

    #[test]
    fn any_packet_length_is_given_out_in_20_ms() {
        for length in [80, 240, 320, 480] {
            let mut buffer = JitterBuffer::new();
            let mut heard = Vec::new();
            let mut sent = 0;
            for tick in 0..30 {
                while sent * length < tick * 160 + length {
                    let codes: Vec<u8> = (0..length).map(|n| ramp(sent * length + n)).collect();
                    let evidence = Evidence {
                        ssrc: 1,
                        sequence: sent as u16,
                        timestamp: (sent * length) as u32,
                    };
                    buffer.insert(Codec::Pcma, evidence, &codes);
                    sent += 1;
                }
                heard.extend(pull(&mut buffer));
            }
            let expected = |n: usize| g711::decode_pcma(ramp(n));
            assert!(
                heard[160..]
                    .iter()
                    .enumerate()
                    .all(|(n, &sample)| sample == expected(n)),
                "packets of {length}"
            );
        }
    }

    #[test]
    fn a_late_packet_lengthens_the_delay_and_later_ones_are_in_time() {
        let mut buffer = JitterBuffer::new();
        insert(&mut buffer, 0);
        for _ in 0..4 {
            pull(&mut buffer);
        }
        // Packets 1 to 3 were held up and come in a burst.
        for number in 1..=3 {
            insert(&mut buffer, number);
        }
        let mut heard = Vec::new();
        for number in 4..14 {
            heard.extend(pull(&mut buffer));
            insert(&mut buffer, number);
        }
        let first = heard.iter().position(|&sample| sample == value(1)).unwrap();
        assert_eq!(first, AFTER_LATE as usize);
        assert!(!heard[first..].contains(&ABSENT));
    }

    #[test]
    fn a_reordered_packet_that_came_too_late_makes_room_for_the_next() {
        let mut buffer = JitterBuffer::new();
        insert(&mut buffer, 0);
        pull(&mut buffer);
        insert(&mut buffer, 2);
        pull(&mut buffer);
        pull(&mut buffer);
        insert(&mut buffer, 1);
        assert_eq!(pull(&mut buffer), [ABSENT; NARROW], "a pause that is concealed");
        assert_eq!(pull(&mut buffer), [value(2); NARROW]);
    }

    #[test]
    fn the_delay_of_a_stall_is_made_up_for() {
        let mut buffer = JitterBuffer::new();
        insert(&mut buffer, 0);
        for _ in 0..10 {
            pull(&mut buffer);
        }
        for number in 1..=10 {
            insert(&mut buffer, number);
        }
        for number in 11..400 {
            pull(&mut buffer);
            insert(&mut buffer, number);
        }
        let delay = buffer.newest.wrapping_sub(buffer.play);
        assert!((320..=480).contains(&delay), "{delay} samples are held");
    }

    #[test]
    fn a_sender_that_is_a_little_too_fast_or_too_slow_is_followed() {
        // Against the ticks, in parts per thousand.
        for drift in [-2i64, 2] {
            let mut buffer = JitterBuffer::new();
            let (mut sent, mut holes) = (0, 0);
            for tick in 0i64..15_000 {
                let due = (tick * (1000 + drift) / 1000) as u32;
                while sent <= due {
                    insert(&mut buffer, sent);
                    sent += 1;
                }
                holes += usize::from(pull(&mut buffer).contains(&ABSENT));
            }
            let held = buffer.newest.wrapping_sub(buffer.play);
            assert!(held < 1000, "{held} samples are held at {drift}");
            assert!(holes < 120, "{holes} holes in 300 s at {drift}");
        }
    }

    #[test]
    fn a_stream_that_begins_anew_is_heard_at_once() {
        let mut buffer = JitterBuffer::new();
        insert(&mut buffer, 0);
        pull(&mut buffer);
        for timestamp in [70_000, 5, 2_000_000_000] {
            let evidence = Evidence {
                ssrc: 1,
                sequence: 9,
                timestamp,
            };
            buffer.insert(Codec::Pcma, evidence, &[g711::encode_pcma(5000); 160]);
            pull(&mut buffer);
            let heard = pull(&mut buffer);
            assert_eq!(heard, [g711::decode_pcma(g711::encode_pcma(5000)); NARROW]);
        }
    }
}
