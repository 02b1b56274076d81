//! The rooms of a media thread.

use std::time::Instant;

use super::{PHASES, Worker};
use crate::audio::{Piece, Playlist};
use crate::mix::{Room, Seat};
use crate::player::Player;
use crate::{EndpointId, MediaEvent, PlayMode, Role, RoomId, Tone};

impl Worker {
    pub(super) fn create_room(&mut self, id: RoomId, tones: bool) {
        let slot = self.rooms.insert(Room::new(id, tones));
        self.room_slots.insert(id, slot);
    }

    pub(super) fn destroy_room(&mut self, id: RoomId) {
        let Some(slot) = self.room_slots.remove(&id) else {
            return;
        };
        let room = self.rooms.remove(slot);
        for &member in room.members() {
            self.stand_up(member, id);
        }
    }

    pub(super) fn join(&mut self, room: RoomId, id: EndpointId, mut seat: Box<Seat>, now: Instant) {
        let Some(&slot) = self.slots.get(&id) else { return };
        let room_slot = self.room_slots.get(&room).copied();
        let there = self.endpoints[slot].seat.as_ref().map(|seat| seat.room);
        if there.is_some() && there == room_slot {
            return;
        }
        self.unbridge(slot);
        self.leave(slot);
        let admitted = room_slot.filter(|&room_slot| {
            let room = self.rooms.get_mut(room_slot);
            room.is_some_and(|room| room.admit(slot))
        });
        let Some(room_slot) = admitted else {
            self.outbox.push(MediaEvent::NotJoined { room, id });
            return;
        };
        if !self.has_ticks() {
            self.next_tick = now;
        }
        seat.room = room_slot;
        let role = seat.role;
        self.endpoints[slot].out.cut();
        self.endpoints[slot].seat = Some(seat);
        self.seats += 1;
        self.room_tone(room_slot, role, Tone::Joined);
    }

    /// `new` comes into the room of `of`, which is heard on until it leaves: nobody hears either.
    pub(super) fn sit_beside(&mut self, new: usize, of: usize, mut seat: Box<Seat>, now: Instant) {
        let Some(before) = &mut self.endpoints[of].seat else {
            return;
        };
        before.succeeded = true;
        (seat.room, seat.role, seat.muted) = (before.room, before.role, before.muted);
        let room = self.rooms.get_mut(seat.room);
        if !room.is_some_and(|room| room.admit(new)) {
            // A full room has no place for both.
            self.leave(of);
            let room = self.rooms.get_mut(seat.room);
            if !room.is_some_and(|room| room.admit(new)) {
                return;
            }
        }
        if !self.has_ticks() {
            self.next_tick = now;
        }
        self.endpoints[new].out.cut();
        self.endpoints[new].seat = Some(seat);
        self.seats += 1;
    }

    /// Takes an endpoint out of its room, if it is in one.
    pub(super) fn leave(&mut self, slot: usize) {
        let Some(seat) = &self.endpoints[slot].seat else {
            return;
        };
        let (room_slot, role, succeeded) = (seat.room, seat.role, seat.succeeded);
        let Some(room) = self.rooms.get_mut(room_slot) else {
            return;
        };
        room.dismiss(slot);
        let id = room.id;
        self.stand_up(slot, id);
        if !succeeded {
            self.room_tone(room_slot, role, Tone::Left);
        }
    }

    /// Frees the seat of an endpoint that is no member any more.
    fn stand_up(&mut self, slot: usize, room: RoomId) {
        let Some(endpoint) = self.endpoints.get_mut(slot) else {
            return;
        };
        let Some(mut seat) = endpoint.seat.take() else {
            return;
        };
        endpoint.out.cut();
        self.seats -= 1;
        if seat.ends_speaking() {
            let id = endpoint.id;
            self.outbox.push(MediaEvent::Speaking {
                room,
                id,
                speaking: false,
            });
        }
    }

    fn room_tone(&mut self, room_slot: usize, role: Role, tone: Tone) {
        let Some(room) = self.rooms.get_mut(room_slot) else {
            return;
        };
        if room.tones
            && role == Role::Speaker
            && let Some(clip) = self.outbox.shared.library.tone(tone)
        {
            room.play(Player::new(Box::new([Piece::Clip(clip)]), PlayMode::Once(0)));
        }
    }

    pub(super) fn play_room(&mut self, id: RoomId, clips: Playlist, mode: PlayMode) {
        if let Some(&slot) = self.room_slots.get(&id)
            && let Some(room) = self.rooms.get_mut(slot)
        {
            room.play(Player::new(clips, mode));
        }
    }

    /// Mixes the rooms whose turn it is.
    pub(super) fn mix(&mut self, now: Instant) {
        let outbox = &mut self.outbox;
        for (slot, room) in &mut self.rooms {
            if slot % PHASES == self.phase {
                room.tick(&mut self.endpoints, now, &mut self.counters, &mut |event| {
                    outbox.push(event);
                });
            }
        }
    }
}
