//! RFC 4733 named events: the payload, and which key presses a stream of them means.

use super::inband::DIGITS;

/// The four bytes of a telephone event (RFC 4733 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventPayload {
    pub(crate) event: u8,
    pub(crate) end: bool,
    /// dBm0 with its sign dropped, 0–63.
    pub(crate) volume: u8,
    /// In samples since the event's timestamp.
    pub(crate) duration: u16,
}

impl EventPayload {
    pub(crate) const LEN: usize = 4;

    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let &[event, flags, high, low] = payload.first_chunk::<4>()?;
        Some(Self {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3F,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::LEN] {
        let [high, low] = self.duration.to_be_bytes();
        [
            self.event,
            (u8::from(self.end) << 7) | (self.volume & 0x3F),
            high,
            low,
        ]
    }
}

/// The key of an event code 0–15 (RFC 4733 section 3.2).
pub(crate) fn digit_of(event: u8) -> Option<char> {
    DIGITS.get(usize::from(event)).copied()
}

/// The event code of a key.
pub(crate) fn event_of(digit: char) -> Option<u8> {
    DIGITS.iter().position(|&d| d == digit).map(|event| event as u8)
}

#[derive(Debug, Clone, Copy)]
struct Current {
    ssrc: u32,
    timestamp: u32,
    event: u8,
    ended: bool,
    duration: u16,
}

/// Turns event packets into key presses: one for each timestamp, however many packets carry it and whichever are lost.
#[derive(Debug, Default)]
pub(crate) struct EventDetector {
    current: Option<Current>,
}

impl EventDetector {
    /// Older than this (in samples), a timestamp is not a late packet but a stream that began anew.
    const RESTART: i32 = 5 * 8000;

    pub(crate) fn packet(&mut self, ssrc: u32, timestamp: u32, payload: EventPayload) -> Option<char> {
        let digit = digit_of(payload.event)?;
        if let Some(current) = &mut self.current
            && current.ssrc == ssrc
        {
            let age = timestamp.wrapping_sub(current.timestamp).cast_signed();
            // Some begin the next key without an end of the last and without another timestamp.
            if age == 0 && current.event == payload.event {
                current.ended |= payload.end;
                current.duration = current.duration.max(payload.duration);
                return None;
            }
            if age < 0 && age > -Self::RESTART {
                return None;
            }
            // A key held down for more than 8 s goes on under a new timestamp (RFC 4733 section 2.5.1.3).
            let continued = !current.ended
                && current.event == payload.event
                && current.duration > 0xFFFF - 1600
                && age == i32::from(current.duration);
            if continued {
                current.timestamp = timestamp;
                current.duration = payload.duration;
                current.ended = payload.end;
                return None;
            }
        }
        self.current = Some(Current {
            ssrc,
            timestamp,
            event: payload.event,
            ended: payload.end,
            duration: payload.duration,
        });
        Some(digit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(digit: char, end: bool, duration: u16) -> EventPayload {
        EventPayload {
            event: event_of(digit).unwrap(),
            end,
            volume: 10,
            duration,
        }
    }

    #[test]
    fn bytes_survive_the_way_there_and_back() {
        let event = payload('#', true, 800);
        assert_eq!(event.to_bytes(), [11, 0x8A, 0x03, 0x20]);
        assert_eq!(EventPayload::parse(&event.to_bytes()), Some(event));
        assert_eq!(EventPayload::parse(&[1, 2, 3]), None);
    }

    #[test]
    fn a_key_press_is_told_once_whatever_is_lost() {
        let packets: Vec<(bool, u16)> = vec![
            (false, 160),
            (false, 320),
            (false, 480),
            (true, 480),
            (true, 480),
            (true, 480),
        ];
        for lost in 0u32..(1 << packets.len()) - 1 {
            let mut detector = EventDetector::default();
            let mut heard = Vec::new();
            for (timestamp, digit) in [(1000, '5'), (4000, '5'), (9000, '6')] {
                for (n, &(end, duration)) in packets.iter().enumerate() {
                    if lost & (1 << n) == 0 {
                        heard.extend(detector.packet(1, timestamp, payload(digit, end, duration)));
                    }
                }
            }
            assert_eq!(heard, ['5', '5', '6'], "lost {lost:06b}");
        }
    }

    #[test]
    fn late_packets_of_the_last_key_are_not_a_new_press() {
        let mut detector = EventDetector::default();
        assert_eq!(detector.packet(1, 8000, payload('1', false, 160)), Some('1'));
        assert_eq!(detector.packet(1, 16_000, payload('2', false, 160)), Some('2'));
        assert_eq!(detector.packet(1, 8000, payload('1', true, 800)), None);
        assert_eq!(detector.packet(1, 16_000, payload('2', true, 800)), None);
    }

    #[test]
    fn a_restarted_stream_is_heard() {
        let mut detector = EventDetector::default();
        assert_eq!(detector.packet(1, 900_000, payload('1', true, 800)), Some('1'));
        assert_eq!(detector.packet(1, 500, payload('1', true, 800)), Some('1'));
        assert_eq!(detector.packet(2, 500, payload('1', true, 800)), Some('1'));
    }

    #[test]
    fn a_key_that_follows_without_an_end_is_another_press() {
        for timestamp in [1000, 1160] {
            let mut detector = EventDetector::default();
            assert_eq!(detector.packet(1, 1000, payload('1', false, 160)), Some('1'));
            assert_eq!(detector.packet(1, 1000, payload('1', false, 320)), None);
            assert_eq!(detector.packet(1, timestamp, payload('2', false, 0)), Some('2'));
            assert_eq!(detector.packet(1, timestamp, payload('2', true, 320)), None);
        }
    }

    #[test]
    fn neither_volume_nor_length_makes_a_key() {
        for (volume, duration) in [(0, 0), (63, 0), (63, 1), (0, 0xFFFF)] {
            let odd = EventPayload {
                volume,
                ..payload('5', true, duration)
            };
            let mut detector = EventDetector::default();
            let heard: Vec<char> = (0..3).filter_map(|_| detector.packet(1, 77, odd)).collect();
            assert_eq!(heard, ['5'], "{odd:?}");
        }
    }

    #[test]
    fn a_key_held_down_past_one_segment_is_one_press() {
        let mut detector = EventDetector::default();
        assert_eq!(detector.packet(1, 0, payload('*', false, 160)), Some('*'));
        assert_eq!(detector.packet(1, 0, payload('*', false, 0xFFFF)), None);
        assert_eq!(detector.packet(1, 0xFFFF, payload('*', false, 160)), None);
        assert_eq!(detector.packet(1, 0xFFFF, payload('*', true, 320)), None);
    }

    #[test]
    fn events_that_are_no_keys_are_ignored() {
        let flash = EventPayload {
            event: 16,
            end: false,
            volume: 0,
            duration: 160,
        };
        assert_eq!(EventDetector::default().packet(1, 0, flash), None);
    }
}
