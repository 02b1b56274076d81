//! A room: who is in it, and what they hear every 20 ms.

use std::time::Instant;

use slab::Slab;

use crate::endpoint::Endpoint;
use crate::g711;
use crate::player::Player;
use crate::stats::Counters;
use crate::{Codec, MediaEvent, RoomId};

use super::bus::Bus;
use super::{Frame, MAX_MEMBERS, NARROW};

#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) id: RoomId,
    /// Whether coming and going is heard.
    pub(crate) tones: bool,
    /// Slots of the endpoints.
    members: Vec<usize>,
    bus: Bus,
    /// What everybody hears beside the others.
    player: Option<Player>,
}

impl Room {
    pub(crate) fn new(id: RoomId, tones: bool) -> Self {
        Self {
            id,
            tones,
            members: Vec::with_capacity(MAX_MEMBERS),
            bus: Bus::new(),
            player: None,
        }
    }

    /// Takes a member in, if there is room.
    pub(crate) fn admit(&mut self, slot: usize) -> bool {
        let admitted = self.members.len() < MAX_MEMBERS;
        if admitted {
            self.members.push(slot);
        }
        admitted
    }

    pub(crate) fn dismiss(&mut self, slot: usize) {
        self.members.retain(|&member| member != slot);
    }

    pub(crate) fn members(&self) -> &[usize] {
        &self.members
    }

    /// Plays to all members, in place of what plays now.
    pub(crate) fn play(&mut self, player: Option<Player>) {
        self.player = player;
    }

    /// 20 ms went by: takes what each member said, and sends each what the others said.
    pub(crate) fn tick(
        &mut self,
        endpoints: &mut Slab<Endpoint>,
        now: Instant,
        counters: &mut Counters,
        tell: &mut impl FnMut(MediaEvent),
    ) {
        let mut voices: [Option<Frame>; MAX_MEMBERS] = [None; MAX_MEMBERS];
        self.bus.clear();
        for (&slot, voice) in self.members.iter().zip(&mut voices) {
            let Some(endpoint) = endpoints.get_mut(slot) else {
                continue;
            };
            let Some(seat) = &mut endpoint.seat else { continue };
            let (frame, turn) = seat.listen();
            if let Some(speaking) = turn {
                tell(MediaEvent::Speaking {
                    room: self.id,
                    id: endpoint.id,
                    speaking,
                });
            }
            if let Some(frame) = &frame {
                self.bus.add(frame);
            }
            *voice = frame;
        }
        self.sound();
        self.bus.join();
        for (&slot, voice) in self.members.iter().zip(&voices) {
            if let Some(endpoint) = endpoints.get_mut(slot) {
                let mut heard = self.bus.without(voice.as_ref());
                endpoint.send_mixed(&mut heard, now, counters);
            }
        }
    }

    /// Adds what plays to everybody.
    fn sound(&mut self) {
        let Some(player) = &mut self.player else { return };
        let mut codes = [0; NARROW];
        let ended = player.read(Codec::Pcma, &mut codes).is_some();
        let table = g711::linear_table(Codec::Pcma);
        self.bus
            .add(&codes.map(|code| f32::from(table[usize::from(code)])));
        if ended {
            self.player = None;
        }
    }
}
