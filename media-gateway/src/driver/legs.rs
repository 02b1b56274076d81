//! The legs that are up, and the dialogs and the RTP endpoint of each.

use super::hops::Hops;
use crate::store::LegUp;
use bytes::Bytes;
use ponte_call_core::{Announcement, LegEnd, LegEndKind, LegId, PlaybackToken, TrunkId};
use ponte_media::sdp::LocalSession;
use ponte_media::{EndpointId, Language, RemoteMedia};
use ponte_protocol::{LegRole, Quality};
use ponte_sip::{DialogId, OutgoingCall};
use std::collections::HashMap;

/// One INVITE of a leg. A desk telephone with several bindings has one for each until one of them answers.
#[derive(Debug)]
pub(super) struct Branch {
    pub dialog: DialogId,
    pub session: LocalSession,
    /// What the peer has described of its media.
    pub remote: Option<RemoteMedia>,
}

/// How far a leg has come.
#[derive(Debug)]
pub(super) enum Stage {
    /// The store is being told of it; then it is called.
    Saving(Vec<OutgoingCall>),
    /// Its telephones are being called.
    Calling,
    /// It came in, and was not answered yet; the offer, if there was one and it was not answered by early media.
    Called {
        offer: Option<Bytes>,
    },
    /// It came in, and is answered as soon as the store knows; the session description that goes with the answer, where
    /// none went before.
    Answering {
        body: Option<Bytes>,
    },
    /// It came in, and our answer waits for its ACK.
    Accepted,
    Answered,
}

/// A leg as the host knows it.
#[derive(Debug)]
pub(super) struct Leg {
    pub id: LegId,
    /// What a restart must know of it.
    pub kept: LegUp,
    pub stage: Stage,
    pub branches: Vec<Branch>,
    /// What every INVITE of the leg offers; taken by its branches.
    pub session: Option<LocalSession>,
    /// A leg that came in has one only when it is to hear or say something.
    pub endpoint: Option<EndpointId>,
    /// Set for a leg in a browser.
    pub browser: Option<super::browser::InBrowser>,
    /// A browser's offer was taken.
    pub offered: bool,
    pub language: Language,
    /// Whom it hears.
    pub connected_to: Option<LegId>,
    /// What it hears beside them.
    pub hears: super::holding::Hears,
    /// It hears what a party on hold hears, and nobody hears it.
    pub waits: bool,
    /// What its telephone was told of that.
    pub told: super::told::Told,
    /// Whether its keys go on to whom it hears.
    pub relays_keys: bool,
    pub keys: super::keys::Keys,
    /// Why we end it, where that is not the network's doing.
    pub end_kind: Option<LegEndKind>,
    /// The most telling failure of the branches that are over.
    pub failure: Option<LegEnd>,
    /// What follows the tone that sounds now.
    pub after_tone: Option<(Vec<Announcement>, PlaybackToken)>,
    /// What a leg that came in brought with it.
    pub hops: Hops,
    /// Rises with each playback, so that a timer of an older one is known.
    pub playback: u64,
    /// From its telephone, and to it, as the media plane measured them last.
    pub quality: (Option<Quality>, Option<Quality>),
}

impl Leg {
    /// A leg without dialog, endpoint or sound.
    pub fn new(kept: LegUp, stage: Stage, language: Language) -> Self {
        Self {
            id: kept.leg,
            kept,
            stage,
            branches: Vec::new(),
            session: None,
            endpoint: None,
            browser: None,
            offered: false,
            language,
            connected_to: None,
            hears: super::holding::Hears::default(),
            waits: false,
            told: super::told::Told::default(),
            relays_keys: true,
            keys: super::keys::Keys::default(),
            end_kind: None,
            failure: None,
            after_tone: None,
            hops: Hops::default(),
            playback: 0,
            quality: (None, None),
        }
    }

    pub fn branch_mut(&mut self, dialog: DialogId) -> Option<&mut Branch> {
        self.branches.iter_mut().find(|branch| branch.dialog == dialog)
    }

    pub fn dialogs(&self) -> Vec<DialogId> {
        self.branches.iter().map(|branch| branch.dialog).collect()
    }
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
        for branch in &leg.branches {
            self.by_dialog.insert(branch.dialog, leg.id);
        }
        if let Some(endpoint) = leg.endpoint {
            self.by_endpoint.insert(endpoint, leg.id);
        }
        self.legs.insert(leg.id, leg);
    }

    pub fn get(&self, id: LegId) -> Option<&Leg> {
        self.legs.get(&id)
    }

    pub fn get_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.get_mut(&id)
    }

    /// Whether a user's telephone at this number is being called, and has not answered.
    pub fn is_ringing(&self, number: &str) -> bool {
        self.legs.values().any(|leg| {
            leg.kept.role == LegRole::User
                && leg.kept.answered_at.is_none()
                && matches!(leg.stage, Stage::Saving(_) | Stage::Calling)
                && leg.kept.number == number
        })
    }

    pub fn by_dialog(&mut self, dialog: DialogId) -> Option<&mut Leg> {
        self.legs.get_mut(self.by_dialog.get(&dialog)?)
    }

    pub fn by_endpoint(&mut self, endpoint: EndpointId) -> Option<&mut Leg> {
        self.legs.get_mut(self.by_endpoint.get(&endpoint)?)
    }

    pub fn endpoint(&self, id: LegId) -> Option<EndpointId> {
        self.legs.get(&id)?.endpoint
    }

    pub fn set_endpoint(&mut self, id: LegId, endpoint: EndpointId) {
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.endpoint = Some(endpoint);
            self.by_endpoint.insert(endpoint, id);
        }
    }

    pub fn add_branch(&mut self, id: LegId, branch: Branch) {
        if let Some(leg) = self.legs.get_mut(&id) {
            self.by_dialog.insert(branch.dialog, id);
            leg.branches.push(branch);
        }
    }

    /// Takes a branch away; the leg that it was of.
    pub fn remove_branch(&mut self, dialog: DialogId) -> Option<&mut Leg> {
        let id = self.by_dialog.remove(&dialog)?;
        let leg = self.legs.get_mut(&id)?;
        leg.branches.retain(|branch| branch.dialog != dialog);
        Some(leg)
    }

    /// Leaves a leg with one branch; the dialogs of the others.
    pub fn keep_branch(&mut self, dialog: DialogId) -> Vec<DialogId> {
        let Some(leg) = self.by_dialog(dialog) else {
            return Vec::new();
        };
        let mut others = leg.dialogs();
        others.retain(|other| *other != dialog);
        leg.branches.retain(|branch| branch.dialog == dialog);
        for other in &others {
            self.by_dialog.remove(other);
        }
        others
    }

    pub fn remove(&mut self, id: LegId) -> Option<Leg> {
        let leg = self.legs.remove(&id)?;
        for branch in &leg.branches {
            self.by_dialog.remove(&branch.dialog);
        }
        if let Some(endpoint) = leg.endpoint {
            self.by_endpoint.remove(&endpoint);
        }
        Some(leg)
    }

    /// Undoes the connection of a leg, on both sides.
    pub fn disconnect(&mut self, id: LegId) {
        let other = self.legs.get_mut(&id).and_then(|leg| leg.connected_to.take());
        if let Some(other) = other.and_then(|other| self.legs.get_mut(&other)) {
            other.connected_to = None;
        }
    }

    /// A leg is connected from here on to whom another was.
    pub fn take_place(&mut self, id: LegId, of: LegId) {
        let far = self.legs.get_mut(&of).and_then(|leg| leg.connected_to.take());
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.connected_to = far;
        }
        if let Some(far) = far.and_then(|far| self.legs.get_mut(&far)) {
            far.connected_to = Some(id);
        }
    }

    /// Legs on a trunk that are not over.
    pub fn on_trunk(&self, trunk: &TrunkId) -> u32 {
        let on_it = |leg: &&Leg| leg.kept.trunk == trunk.0;
        u32::try_from(self.legs.values().filter(on_it).count()).unwrap_or(u32::MAX)
    }

    pub fn len(&self) -> usize {
        self.legs.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Leg> {
        self.legs.values()
    }

    pub fn ids(&self) -> Vec<LegId> {
        self.legs.keys().copied().collect()
    }
}
