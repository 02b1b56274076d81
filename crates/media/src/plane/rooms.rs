//! Conferences, seen from the control side.

use super::MediaPlane;
use crate::mix::Seat;
use crate::worker::Command;
use crate::{EndpointId, MediaError, PlayMode, Role, RoomId, Source};

impl MediaPlane {
    /// Opens a room for up to 16 members, on the thread of `group`: that of endpoints opened with the same group, which
    /// need not move then. With `tones`, everybody hears who comes and who goes ([`Tone::Joined`](crate::Tone::Joined),
    /// [`Tone::Left`](crate::Tone::Left)).
    ///
    /// [`MediaEvent::Speaking`](crate::MediaEvent::Speaking) tells who speaks.
    pub fn create_room(&self, group: u64, tones: bool) -> Result<RoomId, MediaError> {
        let id = RoomId(self.new_id(group));
        if self.send_to(self.thread_of_room(id), Command::CreateRoom { id, tones }) {
            Ok(id)
        } else {
            Err(MediaError::Overloaded)
        }
    }

    /// Lets an endpoint into a room, out of its bridge or another room, and onto the room's thread; what it plays and records
    /// goes on there, and goes before what it would hear of the room. Members hear all others and never themselves; their
    /// keys are told and not passed on. [`MediaEvent::NotJoined`](crate::MediaEvent::NotJoined) if the room is full.
    pub fn join(&self, room: RoomId, id: EndpointId, role: Role) -> Result<(), MediaError> {
        let (home, from) = (self.thread_of_room(room), self.thread_of(id));
        if home != from && !self.relocate(id, from, home) {
            return Err(MediaError::Overloaded);
        }
        if self.send_to(home, Command::Join(room, id, Seat::new(role))) {
            Ok(())
        } else {
            Err(MediaError::Overloaded)
        }
    }

    /// Takes an endpoint out of its room; it hears nothing then until it is told what.
    pub fn leave(&self, id: EndpointId) {
        self.send(id, Command::Leave(id));
    }

    /// Whether the others in the room hear what `id` says; they do at first, but for a [`Role::Listener`].
    pub fn mute(&self, id: EndpointId, muted: bool) {
        self.send(id, Command::Mute(id, muted));
    }

    /// Plays to all members of a room beside what they say, in place of what plays to it now. Its end is not told.
    pub fn play_to_room(&self, room: RoomId, source: Source, mode: PlayMode) {
        let playlist = self
            .library
            .playlist(&source, &mut |wanted| self.load(None, wanted));
        self.send_to(self.thread_of_room(room), Command::PlayRoom(room, playlist, mode));
    }

    /// Ends what plays to a room.
    pub fn stop_room(&self, room: RoomId) {
        self.send_to(
            self.thread_of_room(room),
            Command::PlayRoom(room, Box::default(), PlayMode::Loop),
        );
    }

    /// Ends a room. Its members stay open and hear nothing.
    pub fn destroy_room(&self, room: RoomId) {
        self.send_to(self.thread_of_room(room), Command::DestroyRoom(room));
    }

    fn thread_of_room(&self, room: RoomId) -> usize {
        (room.0 % self.threads.len() as u64) as usize
    }
}
