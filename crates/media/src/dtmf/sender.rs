//! Sends queued keys, one step each 20 ms.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::{EventPayload, event_of};
use crate::audio::{Clip, Library};

/// Samples in a step.
const STEP: u16 = 160;
/// Length of a key press, in steps. The last one carries the end bit.
const EVENT_STEPS: u8 = 5;
/// How often the end is said (RFC 4733 section 2.5.1.4).
const END_PACKETS: u8 = 3;
/// Pause after a key, and for a `,`, in steps.
const PAUSE_STEPS: u8 = 3;
const COMMA_STEPS: u8 = 25;
/// −10 dBm0.
const VOLUME: u8 = 10;
/// Keys that may wait.
const QUEUE: usize = 64;

/// What to send in this step.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// No key waits.
    Idle,
    /// An event packet; `first` starts a new timestamp.
    Event { payload: EventPayload, first: bool },
    /// Nothing: the gap between two keys.
    Pause,
    /// A key as audio, from this sample on.
    Tone { clip: &'a Clip, from: usize },
}

#[derive(Debug)]
enum State {
    Idle,
    Event { event: u8, sent: u8 },
    Tone { clip: Arc<Clip>, position: usize },
    Pause { left: u8 },
}

#[derive(Debug)]
pub(crate) struct DtmfSender {
    queue: VecDeque<char>,
    state: State,
}

impl DtmfSender {
    pub(crate) fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            state: State::Idle,
        }
    }

    pub(crate) fn push(&mut self, digits: &str) {
        let room = QUEUE.saturating_sub(self.queue.len());
        let keys = digits.chars().map(|c| c.to_ascii_uppercase());
        self.queue.extend(
            keys.filter(|&key| key == ',' || event_of(key).is_some())
                .take(room),
        );
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && matches!(self.state, State::Idle)
    }

    /// The next 20 ms. With `as_events` keys are events, else tones.
    pub(crate) fn step(&mut self, as_events: bool, library: &Library) -> Step<'_> {
        match &self.state {
            State::Event { sent, .. } if *sent == EVENT_STEPS - 1 + END_PACKETS => {
                self.state = State::Pause { left: PAUSE_STEPS };
            }
            State::Tone { clip, position } if *position >= clip.len() => self.start_next(as_events, library),
            State::Idle | State::Pause { left: 0 } => self.start_next(as_events, library),
            _ => {}
        }
        match &mut self.state {
            State::Idle => Step::Idle,
            State::Pause { left } => {
                *left = left.saturating_sub(1);
                Step::Pause
            }
            State::Event { event, sent } => {
                let steps = (*sent + 1).min(EVENT_STEPS);
                let payload = EventPayload {
                    event: *event,
                    end: steps == EVENT_STEPS,
                    volume: VOLUME,
                    duration: u16::from(steps) * STEP,
                };
                let first = *sent == 0;
                *sent += 1;
                Step::Event { payload, first }
            }
            State::Tone { clip, position } => {
                let from = *position;
                *position += usize::from(STEP);
                Step::Tone { clip, from }
            }
        }
    }

    fn start_next(&mut self, as_events: bool, library: &Library) {
        self.state = match self.queue.pop_front() {
            None => State::Idle,
            Some(',') => State::Pause { left: COMMA_STEPS },
            Some(key) => match (as_events, event_of(key), library.digit(key)) {
                (true, Some(event), _) => State::Event { event, sent: 0 },
                (_, _, Some(clip)) => State::Tone { clip, position: 0 },
                _ => State::Pause { left: PAUSE_STEPS },
            },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Country, HoldMusic};

    #[test]
    fn an_event_grows_and_ends_three_times() {
        let library = Library::new(Country::It, &HoldMusic::Own).unwrap();
        let mut sender = DtmfSender::new();
        sender.push("1x#");
        let mut seen = Vec::new();
        while !sender.is_idle() {
            seen.push(match sender.step(true, &library) {
                Step::Event { payload, first } => Some((payload.event, first, payload.end, payload.duration)),
                Step::Pause => None,
                Step::Idle => break,
                Step::Tone { .. } => panic!("a tone where events were asked for"),
            });
        }
        let press = |event| {
            [
                Some((event, true, false, 160)),
                Some((event, false, false, 320)),
                Some((event, false, false, 480)),
                Some((event, false, false, 640)),
                Some((event, false, true, 800)),
                Some((event, false, true, 800)),
                Some((event, false, true, 800)),
                None,
                None,
                None,
            ]
        };
        assert_eq!(seen, [press(1), press(11)].concat());
    }

    #[test]
    fn tones_are_the_whole_clip_in_order() {
        let library = Library::new(Country::It, &HoldMusic::Own).unwrap();
        let mut sender = DtmfSender::new();
        sender.push("5");
        let mut positions = Vec::new();
        while let Step::Tone { from, .. } = sender.step(false, &library) {
            positions.push(from);
        }
        assert_eq!(positions, (0..8).map(|n| n * 160).collect::<Vec<_>>());
        assert!(sender.is_idle());
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut sender = DtmfSender::new();
        sender.push(&"1".repeat(1000));
        assert_eq!(sender.queue.len(), QUEUE);
    }
}
