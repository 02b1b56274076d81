//! What a media thread is asked.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use crate::audio::Playlist;
use crate::mix::Seat;
use crate::recording::Tape;
use crate::rtc::Line;
use crate::transit::Transit;
use crate::{EndpointId, PlayMode, RemoteMedia, RoomId, Tracks};

/// What the control side asks of a thread.
#[derive(Debug)]
pub(crate) enum Command {
    Open {
        id: EndpointId,
        port: u16,
        rtp: UdpSocket,
        rtcp: UdpSocket,
    },
    /// A browser's endpoint.
    OpenLine(EndpointId, Arc<Line>),
    SetRemote(EndpointId, RemoteMedia),
    Bridge(EndpointId, EndpointId),
    Unbridge(EndpointId),
    /// The first takes the place of the second.
    TakePlace(EndpointId, EndpointId, Box<Seat>),
    Play(EndpointId, Playlist, PlayMode),
    Stop(EndpointId),
    /// With a token, its end is told.
    Overlay(EndpointId, Playlist, Option<u64>),
    Record(EndpointId, Arc<Tape>, Tracks, Duration),
    StopRecording(EndpointId),
    RelayKeys(EndpointId, bool),
    Silence(EndpointId, bool),
    SendDtmf(EndpointId, Box<str>),
    Close(EndpointId),
    CreateRoom {
        id: RoomId,
        tones: bool,
    },
    DestroyRoom(RoomId),
    Join(RoomId, EndpointId, Box<Seat>),
    Leave(EndpointId),
    Mute(EndpointId, bool),
    PlayRoom(RoomId, Playlist, PlayMode),
    /// The endpoint comes from another thread.
    Arrive(EndpointId, Arc<Transit>),
    /// The endpoint goes to another thread.
    Depart(EndpointId, Arc<Transit>),
}

impl Command {
    /// Whether it cannot be carried out without this endpoint.
    pub(super) fn concerns(&self, endpoint: EndpointId) -> bool {
        match self {
            Self::Bridge(a, b) | Self::TakePlace(a, b, _) => *a == endpoint || *b == endpoint,
            Self::Open { id, .. }
            | Self::OpenLine(id, _)
            | Self::SetRemote(id, _)
            | Self::Unbridge(id)
            | Self::Play(id, ..)
            | Self::Stop(id)
            | Self::Overlay(id, ..)
            | Self::Record(id, ..)
            | Self::StopRecording(id)
            | Self::RelayKeys(id, _)
            | Self::Silence(id, _)
            | Self::SendDtmf(id, _)
            | Self::Close(id)
            | Self::Join(_, id, _)
            | Self::Leave(id)
            | Self::Mute(id, _)
            | Self::Arrive(id, _)
            | Self::Depart(id, _) => *id == endpoint,
            Self::CreateRoom { .. } | Self::DestroyRoom(_) | Self::PlayRoom(..) => false,
        }
    }
}
