//! Conferences, parking and transfers, as the host carries them out.

use super::Driver;
use ponte_call_core::{LegId, RoomLeg, SwitchTarget};
use ponte_media::{Role, RoomId};
use ponte_protocol::{CallId, EventBody, ParkedCall, Refusal, TransferTarget, UserId};

/// A room of the media plane, and who is in it.
#[derive(Debug)]
pub(super) struct Conference {
    room: RoomId,
    legs: Vec<RoomLeg>,
}

impl Driver {
    /// Makes the difference between a conference as it was and as it is to be.
    pub(super) fn mix(&mut self, id: CallId, legs: &[RoomLeg]) {
        if legs.is_empty() {
            if let Some(gone) = self.rooms.remove(&id) {
                for leg in gone.legs {
                    self.holds.look_at(leg.leg);
                    if let Some(endpoint) = self.legs.endpoint(leg.leg) {
                        self.media.leave(endpoint);
                    }
                }
                self.media.destroy_room(gone.room);
            }
            return;
        }
        let room = match self.rooms.get(&id) {
            Some(known) => known.room,
            None => match self.media.create_room(self.media_group(legs[0].leg), true) {
                Ok(room) => {
                    self.rooms.insert(
                        id,
                        Conference {
                            room,
                            legs: Vec::new(),
                        },
                    );
                    room
                }
                Err(error) => {
                    tracing::error!(%error, %id, "a conference could not be opened");
                    return;
                }
            },
        };
        let before = self.rooms.get_mut(&id).map_or_else(Vec::new, |known| {
            std::mem::replace(&mut known.legs, legs.to_vec())
        });
        for gone in before
            .iter()
            .filter(|gone| legs.iter().all(|leg| leg.leg != gone.leg))
        {
            self.holds.look_at(gone.leg);
            if let Some(endpoint) = self.legs.endpoint(gone.leg) {
                self.media.leave(endpoint);
            }
        }
        for leg in legs {
            let known = before.iter().find(|known| known.leg == leg.leg);
            let Some(endpoint) = self.legs.endpoint(leg.leg) else {
                continue;
            };
            if known.is_none() {
                self.holds.look_at(leg.leg);
                self.legs.disconnect(leg.leg);
                if let Err(error) = self.media.join(room, endpoint, Role::Speaker) {
                    tracing::error!(%error, leg = %leg.leg, "a leg could not join its conference");
                }
            }
            if known.map_or(!leg.heard, |known| known.heard != leg.heard) {
                self.media.mute(endpoint, !leg.heard);
            }
        }
    }

    /// A leg takes the place of another, with whomever that is connected to or in conference with.
    pub(super) fn take_place(&mut self, leg: LegId, of: LegId) {
        let endpoints = self.legs.endpoint(leg).zip(self.legs.endpoint(of));
        let Some((endpoint, before)) = endpoints else {
            return;
        };
        if let Err(error) = self.media.take_place(endpoint, before) {
            tracing::error!(%error, %leg, %of, "a leg could not take the place of another");
        }
        self.legs.take_place(leg, of);
        self.holds.look_at(leg);
        for room in self.rooms.values_mut() {
            for member in room.legs.iter_mut().filter(|member| member.leg == of) {
                member.leg = leg;
            }
        }
    }

    /// A leg is to hear nothing of its conference any more, before the conference is told anew; whether it was in one.
    pub(super) fn leave_room(&mut self, leg: LegId) -> bool {
        let mut was_in = false;
        for known in self.rooms.values_mut() {
            let before = known.legs.len();
            known.legs.retain(|member| member.leg != leg);
            was_in |= known.legs.len() != before;
        }
        if was_in && let Some(endpoint) = self.legs.endpoint(leg) {
            self.media.leave(endpoint);
        }
        was_in
    }

    /// Whether a leg is in a conference.
    pub(super) fn is_in_room(&self, leg: LegId) -> bool {
        let has = |room: &Conference| room.legs.iter().any(|member| member.leg == leg);
        self.rooms.values().any(has)
    }

    /// Everybody sees what is parked.
    pub(super) fn parking_changed(&self, parked: &[ParkedCall]) {
        for user in self.users.keys().cloned().collect::<Vec<UserId>>() {
            let mut parked = parked.to_vec();
            self.name_parked(&user, &mut parked);
            self.send_event(user, EventBody::ParkingChanged { parked });
        }
    }

    /// Reads whom a party is to be given to.
    pub(super) fn transfer_target(&self, to: TransferTarget) -> Result<SwitchTarget, Refusal> {
        let typed = match to {
            TransferTarget::Number { number } => number,
            TransferTarget::Extension { extension } => {
                extension.as_str().parse().map_err(|_| Refusal::InvalidNumber)?
            }
            TransferTarget::Voicemail { extension } => return Ok(SwitchTarget::Voicemail { extension }),
            TransferTarget::Unknown => return Err(Refusal::Unsupported),
        };
        let dialled = self.plan.read(&typed);
        Ok(SwitchTarget::Dialled { typed, dialled })
    }
}
