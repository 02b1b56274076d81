//! The legs that are up, and the dialog and the RTP endpoint of each.

use crate::store::LegUp;
use ponte_call_core::{Announcement, LegEndKind, LegId, PlaybackToken};
use ponte_media::sdp::LocalSession;
use ponte_media::{EndpointId, Language};
use ponte_sip::DialogId;
use std::collections::HashMap;

/// A leg as the host knows it.
#[derive(Debug)]
pub(super) struct Leg {
    pub id: LegId,
    /// What a restart must know of it.
    pub kept: LegUp,
    pub dialog: DialogId,
    pub endpoint: EndpointId,
    pub session: LocalSession,
    pub language: Language,
    /// Whether the peer has described its media.
    pub agreed: bool,
    /// Whom it hears.
    pub connected_to: Option<LegId>,
    /// Why we end it, where that is not the switch's wish.
    pub end_kind: Option<LegEndKind>,
    /// What follows the tone that sounds now.
    pub after_tone: Option<(Vec<Announcement>, PlaybackToken)>,
    /// Rises with each playback, so that a timer of an older one is known.
    pub playback: u64,
}

/// All legs, found by any of their three names.
#[derive(Debug, Default)]
pub(super) struct LegTable {
    legs: HashMap<LegId, Leg>,
    by_dialog: HashMap<DialogId, LegId>,
    by_endpoint: HashMap<EndpointId, LegId>,
}

impl LegTable {
    pub fn insert(&mut self, leg: Leg) {
        self.by_dialog.insert(leg.dialog, leg.id);
        self.by_endpoint.insert(leg.endpoint, leg.id);
        self.legs.insert(leg.id, leg);
    }

    pub fn get(&self, id: LegId) -> Option<&Leg> {
        self.legs.get(&id)
    }

    pub fn get_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.get_mut(&id)
    }

    pub fn by_dialog(&mut self, dialog: DialogId) -> Option<&mut Leg> {
        self.legs.get_mut(self.by_dialog.get(&dialog)?)
    }

    pub fn by_endpoint(&mut self, endpoint: EndpointId) -> Option<&mut Leg> {
        self.legs.get_mut(self.by_endpoint.get(&endpoint)?)
    }

    pub fn remove_by_dialog(&mut self, dialog: DialogId) -> Option<Leg> {
        let id = self.by_dialog.remove(&dialog)?;
        let leg = self.legs.remove(&id)?;
        self.by_endpoint.remove(&leg.endpoint);
        Some(leg)
    }

    /// Undoes the connection of a leg, on both sides.
    pub fn disconnect(&mut self, id: LegId) {
        let other = self.legs.get_mut(&id).and_then(|leg| leg.connected_to.take());
        if let Some(other) = other.and_then(|other| self.legs.get_mut(&other)) {
            other.connected_to = None;
        }
    }

    pub fn len(&self) -> usize {
        self.legs.len()
    }

    pub fn ids(&self) -> Vec<LegId> {
        self.legs.keys().copied().collect()
    }
}
