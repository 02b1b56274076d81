//! What one endpoint has in a room.

use crate::source_lock::Evidence;
use crate::{Codec, Role};

use super::conceal::Concealer;
use super::jitter::{ABSENT, JitterBuffer};
use super::limiter::Limiter;
use super::speech::SpeechGate;
use super::{Frame, NARROW};

/// Samples of the longest packet that is sent, and a tick more.
const PENDING: usize = 480 + NARROW;

/// A place in a room. Large: it is allocated when the endpoint joins, and never on the media thread.
#[derive(Debug)]
pub(crate) struct Seat {
    /// The room's slot.
    pub(crate) room: usize,
    pub(crate) role: Role,
    pub(crate) muted: bool,
    /// Another endpoint has come in its place: nobody hears that it leaves.
    pub(crate) succeeded: bool,
    jitter: JitterBuffer,
    concealer: Concealer,
    limiter: Limiter,
    speech: SpeechGate,
    /// What is to be sent and does not fill a packet yet.
    pending: [i16; PENDING],
    held: usize,
}

impl Seat {
    pub(crate) fn new(role: Role) -> Box<Self> {
        Box::new(Self {
            room: 0,
            role,
            muted: false,
            succeeded: false,
            jitter: JitterBuffer::new(),
            concealer: Concealer::new(),
            limiter: Limiter::new(),
            speech: SpeechGate::default(),
            pending: [0; PENDING],
            held: 0,
        })
    }

    /// Takes the audio of a packet.
    pub(crate) fn receive(&mut self, codec: Codec, packet: Evidence, payload: &[u8]) {
        self.jitter.insert(codec, packet, payload);
    }

    /// The next 20 ms of what it says, none where it is not to be heard; and whether it began or ended to speak. Time goes
    /// on in either case.
    pub(super) fn listen(&mut self) -> (Option<Frame>, Option<bool>) {
        if !self.jitter.has_begun() {
            return (None, None);
        }
        let mut samples = [ABSENT; NARROW];
        self.jitter.pull(&mut samples);
        let frame = self.concealer.fill(&samples);
        if self.muted || self.role == Role::Listener {
            return (None, self.speech.end().then_some(false));
        }
        let power = frame.iter().map(|sample| sample * sample).sum::<f32>() / NARROW as f32;
        let turn = self.speech.listen(power, self.concealer.noise_power());
        (Some(frame), turn)
    }

    /// Whether it was told that it speaks.
    pub(crate) fn ends_speaking(&mut self) -> bool {
        self.speech.end()
    }

    /// Takes 20 ms that the member is to hear.
    pub(crate) fn hand_over(&mut self, mixed: &mut Frame) {
        self.limiter.apply(mixed);
        let free = &mut self.pending[self.held..];
        for (place, sample) in free.iter_mut().zip(mixed) {
            *place = *sample as i16;
        }
        self.held = (self.held + NARROW).min(PENDING);
    }

    /// The samples of the next packet, once there are as many.
    pub(crate) fn packet(&self, samples: usize) -> Option<&[i16]> {
        (self.held >= samples).then(|| &self.pending[..samples])
    }

    /// So many samples were sent.
    pub(crate) fn sent(&mut self, samples: usize) {
        self.pending.copy_within(samples..self.held, 0);
        self.held -= samples;
    }

    /// What was not sent is not to be heard any more.
    pub(crate) fn forget(&mut self) {
        self.held = 0;
    }
}
