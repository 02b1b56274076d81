//! Conferences: calls of one host in one room, each with a member at its far side (ADR 15).

use crate::call::{Call, Phase};
use crate::commands::Done;
use crate::leg::{Leg, Way};
use crate::setup::Far;
use crate::{Effect, RoomLeg, Switch, Tone};
use ponte_protocol::call::CONFERENCE_MAX;
use ponte_protocol::{CallId, Cause, ConferenceView, EndedBy, MemberView, Refusal, UserId};

#[derive(Debug)]
pub(crate) struct Room {
    host: UserId,
    /// In the order in which they joined.
    pub(crate) members: Vec<CallId>,
    /// Whether the host listens: not while the host holds it at the ear.
    pub(crate) host_in: bool,
    /// What the media plane was told last.
    told: Vec<RoomLeg>,
}

impl Switch {
    /// One conference of two calls on the user's line, either of which may be in one already.
    pub(crate) fn merge(&mut self, user: &UserId, a: CallId, b: CallId) -> Result<Done, Refusal> {
        let line = self.line(user).ok_or(Refusal::WrongState)?;
        let (Some(here), Some(there)) = (self.on_line(&line, a), self.on_line(&line, b)) else {
            return Err(Refusal::WrongState);
        };
        let fits = |id: CallId| self.may_join(id);
        if here == there || !fits(here) || !fits(there) || self.same_party(a, b) || !self.ear_is_free(&line) {
            return Err(Refusal::WrongState);
        }
        let size = self.room_of(here).map_or(1, |room| room.members.len())
            + self.room_of(there).map_or(1, |room| room.members.len());
        if size >= CONFERENCE_MAX {
            return Err(Refusal::CapReached);
        }
        let other = if line.active == here {
            there
        } else if line.active == there {
            here
        } else {
            self.switch_to(user, here);
            there
        };
        let standing = self.line(user).map_or(line.active, |line| line.active);
        if matches!(
            self.calls.get(&standing).map(|call| call.phase),
            Some(Phase::Held { .. })
        ) {
            self.take_up(standing);
        }
        // A conference that there is goes on: whoever is in it hears no more than somebody coming.
        let (base, added) = if self.room_of(standing).is_none() && self.room_of(other).is_some() {
            (other, standing)
        } else {
            (standing, other)
        };
        let room = self.open_room(user, base);
        let joining = match self.calls.get(&added).and_then(|call| call.ties.room) {
            Some(second) => self.rooms.remove(&second).map_or_else(Vec::new, |gone| {
                self.cx.push(Effect::Mix {
                    room: second,
                    legs: Vec::new(),
                });
                gone.members
            }),
            None => vec![added],
        };
        if let Some(user) = self.users.get_mut(user)
            && let Some(line) = &mut user.line
        {
            line.held.retain(|held| *held != other);
        }
        for id in joining {
            self.join_room(room, id);
        }
        if let Some(room) = self.rooms.get_mut(&room) {
            room.host_in = true;
        }
        self.tidy_line(user);
        self.mix(room);
        self.settle_members(room);
        Ok(Done::Call(standing))
    }

    /// Whether the other party can be a member: a person, and not in a conference of their own.
    fn may_join(&self, id: CallId) -> bool {
        self.calls.get(&id).is_some_and(|call| {
            let other = call.other_half().and_then(|other| self.calls.get(&other));
            matches!(call.phase, Phase::Connected { .. } | Phase::Held { .. })
                && !matches!(call.setup.far, Far::Emergency(_) | Far::Mailbox | Far::Nobody)
                && call.active_far().is_some_and(Leg::is_answered)
                && other.is_none_or(|other| other.ties.room.is_none())
        })
    }

    fn room_of(&self, id: CallId) -> Option<&Room> {
        self.rooms.get(&self.calls.get(&id)?.ties.room?)
    }

    /// The room of a call, which begins with it where there is none.
    fn open_room(&mut self, user: &UserId, id: CallId) -> CallId {
        if let Some(room) = self.calls.get(&id).and_then(|call| call.ties.room) {
            return room;
        }
        self.rooms.insert(
            id,
            Room {
                host: user.clone(),
                members: Vec::new(),
                host_in: true,
                told: Vec::new(),
            },
        );
        self.join_room(id, id);
        id
    }

    fn join_room(&mut self, room: CallId, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.unbridge(&mut self.cx);
        if matches!(call.phase, Phase::Held { .. }) {
            call.connected(&self.cx);
        }
        call.quiet_far(&mut self.cx);
        call.ties.room = Some(room);
        call.touch();
        if let Some(known) = self.rooms.get_mut(&room) {
            known.members.push(id);
        }
        if let Some(other) = call.other_half() {
            self.join_media(id, other);
        }
    }

    fn settle_members(&mut self, room: CallId) {
        let members = self
            .rooms
            .get(&room)
            .map_or_else(Vec::new, |room| room.members.clone());
        for member in members {
            self.settle_one(member);
        }
    }

    /// The host leaves; the members go on.
    pub(crate) fn leave_conference(&mut self, user: &UserId, id: CallId) -> Result<Done, Refusal> {
        let line = self.line(user).ok_or(Refusal::WrongState)?;
        let room = self
            .calls
            .get(&id)
            .and_then(|call| call.ties.room)
            .ok_or(Refusal::WrongState)?;
        let standing = self.on_line(&line, id).ok_or(Refusal::WrongState)?;
        let members = self
            .rooms
            .get(&room)
            .map_or_else(Vec::new, |room| room.members.clone());
        if line.active == standing && !self.ear_is_free(&line) {
            return Err(Refusal::WrongState);
        }
        if let [a, b] = members[..] {
            // Two who are left alone need no room.
            self.close_room(room);
            self.leave_line(user, standing);
            for member in [a, b] {
                if let Some(call) = self.calls.get_mut(&member) {
                    call.ties.detached = true;
                    call.touch();
                }
            }
            self.put_through(a, b);
            return Ok(Done::Call(id));
        }
        for member in &members {
            if let Some(call) = self.calls.get_mut(member) {
                call.ties.detached = true;
                call.touch();
            }
        }
        if let Some(known) = self.rooms.get_mut(&room) {
            known.host_in = false;
        }
        self.mix(room);
        // The ear goes to another call, and to no other member.
        let members = self
            .rooms
            .get_mut(&room)
            .map(|known| std::mem::take(&mut known.members));
        self.leave_line(user, standing);
        if let (Some(known), Some(members)) = (self.rooms.get_mut(&room), members) {
            known.members = members;
        }
        self.mix(room);
        self.settle_members(room);
        Ok(Done::Call(id))
    }

    pub(crate) fn end_conference(&mut self, user: &UserId, id: CallId) -> Result<Done, Refusal> {
        self.hosted(user, id)?;
        let cause = crate::cause::local(ponte_protocol::CauseReason::NormalClearing);
        self.end_with_room(id, cause, EndedBy::Portal);
        Ok(Done::Call(id))
    }

    pub(crate) fn mute_member(&mut self, id: CallId, muted: bool) -> Result<Done, Refusal> {
        let call = self.calls.get_mut(&id).ok_or(Refusal::UnknownCall)?;
        let room = call.ties.room.ok_or(Refusal::WrongState)?;
        call.ties.muted = muted;
        self.mix(room);
        self.settle_members(room);
        Ok(Done::Call(id))
    }

    /// Whether any member is heard; who joins later is.
    pub(crate) fn mute_members(&mut self, user: &UserId, id: CallId, muted: bool) -> Result<Done, Refusal> {
        let room = self.hosted(user, id)?;
        let members = self.rooms.get(&room).map(|room| room.members.clone());
        for member in members.unwrap_or_default() {
            if let Some(call) = self.calls.get_mut(&member) {
                call.ties.muted = muted;
            }
        }
        self.mix(room);
        self.settle_members(room);
        Ok(Done::Call(id))
    }

    /// Whether the host of the conference that a call is in holds it at the ear.
    pub(crate) fn has_left_room(&self, id: CallId) -> bool {
        self.room_of(id).is_some_and(|room| !room.host_in)
    }

    /// Of a conference that a call is in, the member of the latest call is let go. Whether there was one.
    pub(crate) fn drop_latest(&mut self, id: CallId) -> bool {
        let Some(room) = self.room_of(id) else {
            return false;
        };
        let started = |id: &CallId| self.calls.get(id).map(|call| call.started_at);
        let Some(latest) = room.members.iter().copied().max_by_key(started) else {
            return false;
        };
        if let Some(call) = self.calls.get_mut(&latest) {
            call.hang_up(&mut self.cx, EndedBy::UserLeg);
        }
        self.settle(latest);
        true
    }

    /// The user's conference that a call is in.
    fn hosted(&self, user: &UserId, id: CallId) -> Result<CallId, Refusal> {
        let call = self.calls.get(&id).ok_or(Refusal::UnknownCall)?;
        let room = call.ties.room.ok_or(Refusal::WrongState)?;
        if self.rooms.get(&room).is_none_or(|room| room.host != *user) {
            return Err(Refusal::WrongState);
        }
        Ok(room)
    }

    /// Ends a call, and with it the conference that it stands for.
    pub(crate) fn end_with_room(&mut self, id: CallId, cause: Cause, by: EndedBy) {
        let room = self.calls.get(&id).and_then(|call| call.ties.room);
        let members = match room.and_then(|room| self.rooms.get(&room)) {
            Some(room) => room.members.clone(),
            None => vec![id],
        };
        if let Some(room) = room {
            self.close_room(room);
        }
        // None of them hands the ear on to another.
        for &member in &members {
            let Some(owner) = self.calls.get(&member).map(|call| call.setup.user.clone()) else {
                continue;
            };
            let wanted = self.lender_of(member).is_some()
                || self
                    .line(&owner)
                    .is_some_and(|line| !line.held.is_empty() || line.waiting.is_some());
            if let Some(call) = self.calls.get_mut(&member) {
                call.ear_wanted &= wanted;
                call.end(&mut self.cx, cause, by);
            }
        }
        for member in members {
            self.settle_one(member);
        }
    }

    /// The room is over; its calls are calls of two again, which nobody has joined yet.
    fn close_room(&mut self, room: CallId) -> Vec<CallId> {
        let Some(known) = self.rooms.remove(&room) else {
            return Vec::new();
        };
        self.cx.push(Effect::Mix {
            room,
            legs: Vec::new(),
        });
        for member in &known.members {
            let Some(call) = self.calls.get_mut(member) else {
                continue;
            };
            call.ties.room = None;
            call.ties.muted = false;
            call.conference = None;
            call.bridged = false;
            call.touch();
            let other = call.other_half();
            if let Some(other) = other.and_then(|other| self.calls.get_mut(&other)) {
                other.bridged = false;
            }
        }
        known.members
    }

    /// A call that is over leaves its room; one that is left alone there is a call of two again.
    pub(crate) fn tidy_room(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(room) = call.ties.room else { return };
        if !matches!(call.phase, Phase::Ending { .. }) {
            self.mix(room);
            return;
        }
        let owner = call.setup.user.clone();
        if let Phase::Ending { cause, by, .. } = call.phase
            && call.active_user_leg().is_none()
            && self.line(&owner).is_some_and(|line| line.active == id)
        {
            // The host's telephone has hung up.
            self.end_with_room(id, cause, by);
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.ties.room = None;
        call.conference = None;
        let Some(known) = self.rooms.get_mut(&room) else {
            return;
        };
        known.members.retain(|member| *member != id);
        let (left, host_in) = (known.members.clone(), known.host_in);
        // The conference stands on the line by another of its calls.
        if let Some(user) = self.users.get_mut(&owner)
            && let Some(line) = &mut user.line
            && let Some(place) = line.held.iter().position(|held| *held == id)
        {
            match left.first() {
                Some(next) => line.held[place] = *next,
                None => {
                    line.held.remove(place);
                }
            }
        }
        if left.len() > 1 {
            self.mix(room);
            self.settle_members(room);
            return;
        }
        for last in self.close_room(room) {
            self.alone_again(&owner, last, host_in);
        }
    }

    /// The last member of a conference and its host.
    fn alone_again(&mut self, owner: &UserId, last: CallId, host_in: bool) {
        let at_ear = self.line(owner).is_some_and(|line| line.active == last);
        let Some(call) = self.calls.get_mut(&last) else {
            return;
        };
        if call.ties.detached {
            let alone = crate::cause::local(ponte_protocol::CauseReason::NormalClearing);
            call.end(&mut self.cx, alone, EndedBy::FarLeg);
        } else if at_ear && host_in {
            self.rejoin(last);
        } else {
            call.set_phase(Phase::Held { since: self.cx.now });
            call.hold_far(&mut self.cx, Some(Tone::Hold));
        }
        self.settle_one(last);
    }

    /// Tells the media plane and the portals who is in the room, if that has changed.
    pub(crate) fn mix(&mut self, id: CallId) {
        let Some(room) = self.rooms.get(&id) else { return };
        let line = self.line(&room.host);
        let at_ear = line
            .as_ref()
            .filter(|line| room.members.contains(&line.active))
            .and_then(|line| self.calls.get(&line.active));
        let host = at_ear
            .filter(|call| room.host_in && !call.ties.detached)
            .and_then(Call::ear);
        let mut legs: Vec<RoomLeg> = host.map(|leg| RoomLeg { leg, heard: true }).into_iter().collect();
        let mut members = Vec::with_capacity(room.members.len());
        for member in &room.members {
            let Some(call) = self.calls.get(member) else {
                continue;
            };
            let party = call.setup.far_party();
            members.push(MemberView {
                call: *member,
                number: party.number,
                name: party.name,
                muted: call.ties.muted,
            });
            let voice = call
                .active_far()
                .filter(|far| far.is_answered())
                .and_then(|far| match far.way {
                    Way::Half(other) => {
                        let other = self.calls.get(&other)?;
                        let listens = matches!(other.phase, Phase::Connected { .. }) && other.bridged;
                        other.ear().filter(|_| listens)
                    }
                    Way::Trunk(_) | Way::Device(_) | Way::Browser => Some(far.id),
                });
            legs.extend(voice.map(|leg| RoomLeg {
                leg,
                // What its telephone plays while it holds is for nobody here.
                heard: !call.ties.muted && !call.held_by_far(),
            }));
        }
        let view = ConferenceView {
            id,
            members,
            host: host.is_some(),
        };
        let ids = room.members.clone();
        if let Some(room) = self.rooms.get_mut(&id)
            && room.told != legs
        {
            room.told.clone_from(&legs);
            self.cx.push(Effect::Mix { room: id, legs });
        }
        for member in ids {
            if let Some(call) = self.calls.get_mut(&member)
                && call.conference.as_ref() != Some(&view)
            {
                call.conference = Some(view.clone());
                call.touch();
            }
        }
    }
}
