//! Users who do not want to be heard for a while, at whatever telephone they are.
//!
//! The wish belongs to the call, what is done about it to the leg at the user's ear: who turns to another call is heard
//! there, and not heard again after turning back.

use crate::Effect;
use crate::Switch;
use crate::call::Phase;
use crate::commands::Done;
use ponte_protocol::{CallId, EventBody, LegRole, Refusal, UserId};

impl Switch {
    /// The user is not to be heard in this call, or is; in a conference, in the whole of it.
    pub(crate) fn mute(&mut self, user: &UserId, id: CallId, muted: bool) -> Result<Done, Refusal> {
        let call = self.calls.get_mut(&id).ok_or(Refusal::UnknownCall)?;
        if !matches!(call.phase, Phase::Connected { .. }) || call.ties.detached {
            return Err(Refusal::WrongState);
        }
        call.ties.own_mute = muted;
        call.touch();
        let room = call.ties.room;
        if let Some(line) = self.line(user)
            && let Some(active) = self.calls.get_mut(&line.active)
            && room.is_some()
            && active.ties.room == room
        {
            active.ties.own_mute = muted;
            active.touch();
        }
        self.set_mute(user);
        Ok(Done::Call(id))
    }

    /// Whether the user is not heard in the call at the ear, which is turned round; `None` where nobody is spoken to.
    pub(crate) fn toggle_mute(&mut self, user: &UserId, id: CallId) -> Option<bool> {
        let muted = !self.calls.get(&id)?.ties.own_mute;
        self.mute(user, id, muted).ok().map(|_| muted)
    }

    /// Brings the leg at the user's ear, and the other calls of its conference, in line with the call.
    pub(crate) fn set_mute(&mut self, user: &UserId) {
        let Some(line) = self.users.get(user).and_then(|user| user.line.clone()) else {
            return;
        };
        let Some(call) = self.calls.get_mut(&line.active) else {
            return;
        };
        let (muted, room) = (call.ties.own_mute, call.ties.room);
        if call.ear().is_some()
            && let Some(place) = call.latest(LegRole::User)
            && std::mem::replace(&mut call.legs[place].muted, muted) != muted
        {
            let leg = call.legs[place].id;
            self.cx.push(Effect::MuteLeg { leg, muted });
        }
        let members = room.and_then(|room| self.rooms.get(&room));
        for member in members.map(|room| room.members.clone()).unwrap_or_default() {
            let Some(call) = self.calls.get_mut(&member) else {
                continue;
            };
            if std::mem::replace(&mut call.ties.own_mute, muted) != muted {
                call.touch();
            }
            if let Some(call) = call.changed_view() {
                let body = EventBody::CallChanged { call };
                let user = user.clone();
                self.cx.push(Effect::Notify { user, body });
            }
        }
    }
}
