#![allow(clippy::unwrap_used)]

use super::{Told, direction};
use ponte_call_core::PeerHold;
use ponte_media::Direction::{self, Inactive, RecvOnly, SendOnly, SendRecv};
use proptest::prelude::*;
use std::time::Duration;

/// A peer that takes what is offered.
fn takes(told: &mut Told, wanted: Direction, agreed: Direction) -> Option<PeerHold> {
    assert_eq!(told.due(), Some(wanted));
    told.sent();
    assert_eq!(told.due(), None, "one offer at a time");
    told.answered(Some(agreed))
}

#[test]
fn a_party_is_told_once_to_wait_and_once_to_talk() {
    let mut told = Told::default();
    assert_eq!((told.due(), told.limit()), (None, SendRecv));
    told.want(true);
    assert_eq!(takes(&mut told, SendOnly, SendOnly), None);
    told.want(true);
    assert_eq!((told.due(), told.limit()), (None, SendOnly));
    told.want(false);
    assert_eq!(takes(&mut told, SendRecv, SendRecv), None);
    assert_eq!((told.due(), told.limit()), (None, SendRecv));
}

#[test]
fn the_last_word_is_sent_when_the_offer_before_has_ended() {
    let mut told = Told::default();
    told.want(true);
    told.sent();
    told.want(false);
    assert_eq!(told.due(), None);
    told.answered(Some(SendOnly));
    told.want(true);
    assert_eq!(told.due(), None, "it waits already");
    told.want(false);
    assert_eq!(takes(&mut told, SendRecv, SendRecv), None);
}

#[test]
fn who_holds_too_is_told_inactive_and_each_takes_its_own_back() {
    for ours_first in [true, false] {
        let mut told = Told::default();
        assert_eq!(told.answered_peer(RecvOnly, RecvOnly), PeerHold::SendOnly);
        told.want(true);
        assert_eq!(takes(&mut told, Inactive, Inactive), None);
        if ours_first {
            told.want(false);
            let hold = takes(&mut told, RecvOnly, RecvOnly);
            assert_eq!(hold, Some(PeerHold::SendOnly), "its music is heard from here on");
            assert_eq!(told.answered_peer(SendRecv, SendRecv), PeerHold::No);
        } else {
            // From `inactive` it goes to what it wants itself: to listen.
            assert_eq!(told.answered_peer(SendOnly, SendOnly), PeerHold::No);
            told.want(false);
            assert_eq!(takes(&mut told, SendRecv, SendRecv), None);
        }
        assert_eq!(told.due(), None);
    }
}

#[test]
fn a_hold_that_met_the_peers_own_is_told_by_the_answer_to_that() {
    let mut told = Told::default();
    told.want(true);
    told.sent();
    assert_eq!(told.failed(491), None);
    assert_eq!(told.due(), None, "the wait of RFC 3261 section 14.1");
    assert_eq!(told.limit(), SendOnly);
    assert_eq!(told.answered_peer(RecvOnly, Inactive), PeerHold::SendOnly);
    told.possible();
    assert_eq!(told.due(), None);
}

#[test]
fn who_refuses_to_be_held_is_not_asked_again() {
    let mut told = Told::default();
    told.want(true);
    told.sent();
    assert_eq!(told.failed(488), None);
    for waits in [true, false, true] {
        told.want(waits);
        assert_eq!((told.due(), told.limit()), (None, SendRecv));
    }
}

#[test]
fn a_party_is_told_to_talk_until_it_takes_it() {
    let mut told = Told::default();
    told.want(true);
    takes(&mut told, SendOnly, SendOnly);
    told.want(false);
    for pause in [1, 2, 4, 8, 16, 32, 32] {
        assert_eq!(told.due(), Some(SendRecv));
        told.sent();
        assert_eq!(told.failed(500), Some(Duration::from_secs(pause)));
        assert_eq!(told.due(), None);
        told.possible();
    }
    // What it offers as a party that waits tells it nothing.
    told.answered_peer(SendOnly, SendOnly);
    takes(&mut told, SendRecv, SendRecv);
    assert_eq!(told.due(), None);
    // The next failure is a first one again.
    told.want(true);
    takes(&mut told, SendOnly, SendOnly);
    told.want(false);
    told.sent();
    assert_eq!(told.failed(503), Some(Duration::from_secs(1)));
}

#[test]
fn a_telephone_that_wants_no_music_talks_again_afterwards() {
    let mut told = Told::default();
    told.want(true);
    assert_eq!(takes(&mut told, SendOnly, Inactive), None);
    told.want(false);
    assert_eq!(takes(&mut told, SendRecv, SendRecv), None);
}

#[test]
fn a_peer_may_resume_by_asking_for_an_offer() {
    let mut told = Told::default();
    assert_eq!(told.answered_peer(Inactive, Inactive), PeerHold::Inactive);
    assert_eq!(told.limit(), SendRecv);
    told.offered();
    assert_eq!(told.answered(Some(SendRecv)), Some(PeerHold::No));
    told.want(true);
    assert_eq!(told.limit(), SendOnly);
    told.offered();
    assert_eq!(told.answered(Some(Inactive)), None, "it may only want no music");
    told.want(false);
    assert_eq!(
        takes(&mut told, SendRecv, Inactive),
        Some(PeerHold::Inactive),
        "the user is to hear that the line is up"
    );
}

#[test]
fn a_peer_that_begins_on_hold_is_told_of_and_its_hold_stands_beside_ours() {
    for (agreed, hold, offered) in [
        (SendRecv, None, SendOnly),
        (SendOnly, None, SendOnly),
        (RecvOnly, Some(PeerHold::SendOnly), Inactive),
        (Inactive, Some(PeerHold::Inactive), Inactive),
    ] {
        let mut told = Told::default();
        assert_eq!(told.began(agreed), hold);
        told.want(true);
        assert_eq!(told.due(), Some(offered), "{agreed:?}");
    }
}

#[test]
fn a_hold_in_the_answer_to_a_refresh_is_news_once_and_none_while_it_waits() {
    let mut told = Told::default();
    assert_eq!(told.answered(Some(SendRecv)), None);
    assert_eq!(told.answered(Some(RecvOnly)), Some(PeerHold::SendOnly));
    assert_eq!(told.answered(Some(RecvOnly)), None);
    assert_eq!(told.answered(Some(SendRecv)), Some(PeerHold::No));
    told.want(true);
    takes(&mut told, SendOnly, SendOnly);
    assert_eq!(told.answered(Some(Inactive)), None, "it may only want no music");
    assert_eq!(told.answered(None), None);
}

/// The other end of the dialog.
#[derive(Clone, Debug)]
struct Peer {
    holds: bool,
    /// It offers no more than what it takes us to listen to, as RFC 3264 section 8.4 has it; else it says what it wants.
    composes: bool,
    /// It answers `inactive` to music.
    wants_no_music: bool,
    /// It knows that we listen.
    is_heard: bool,
}

impl Peer {
    /// Its offer, as we see it: what it allows us.
    fn offer(&self) -> Direction {
        direction(!self.holds, self.is_heard || !self.composes)
    }

    /// What is agreed on an offer of ours, as we see it.
    fn answer(&mut self, offer: Direction) -> Direction {
        self.is_heard = offer.receives();
        if self.wants_no_music && offer == SendOnly {
            return Inactive;
        }
        offer.restricted_to(direction(!self.holds, true))
    }
}

struct Dialog {
    told: Told,
    peer: Peer,
    agreed: Direction,
    holds: PeerHold,
    wants: bool,
    /// The peer's offer met ours, and is made again.
    peer_again: bool,
}

impl Dialog {
    fn offers(&mut self, outcome: u8) {
        let Some(offer) = self.told.due() else { return };
        self.told.sent();
        match outcome {
            0 => drop(self.told.failed(488)),
            1 => drop(self.told.failed(503)),
            2 => {
                self.told.failed(491);
                self.peer_again = true;
            }
            _ => {
                self.agreed = self.peer.answer(offer);
                if let Some(hold) = self.told.answered(Some(self.agreed)) {
                    self.holds = hold;
                }
            }
        }
    }

    fn peer_offers(&mut self) {
        self.peer_again = false;
        let allowed = self.peer.offer();
        self.agreed = allowed.restricted_to(self.told.limit());
        self.peer.is_heard = self.agreed.receives();
        self.holds = self.told.answered_peer(allowed, self.agreed);
    }

    fn peer_asks(&mut self) {
        let offer = self.told.limit();
        self.told.offered();
        self.agreed = self.peer.answer(offer);
        if let Some(hold) = self.told.answered(Some(self.agreed)) {
            self.holds = hold;
        }
    }

    /// Everything that is still to come comes, and is taken.
    fn settles(&mut self) {
        if self.peer_again {
            self.peer_offers();
        }
        for _ in 0..3 {
            self.told.possible();
            self.offers(u8::MAX);
        }
        assert_eq!(self.told.due(), None, "{:?}", self.told);
    }

    /// Whoever holds is heard to hold, and nobody else is.
    fn is_right(&self) {
        let waits = self.wants && !self.told.refused;
        assert_eq!(self.agreed.receives(), !waits, "{:?} {:?}", self.told, self.peer);
        let music = waits && self.peer.wants_no_music;
        assert!(
            self.agreed.sends() != self.peer.holds || music,
            "{:?} {:?} {:?}",
            self.agreed,
            self.told,
            self.peer
        );
        if !waits {
            assert_eq!(self.holds != PeerHold::No, self.peer.holds, "{:?}", self.told);
        }
    }
}

proptest! {
    /// Both sides hold, retrieve, refresh, cross, refuse and fail in any order: when all is settled, each hears whom it is
    /// to hear, and after both have taken their holds back, each other.
    #[test]
    fn directions_end_right_whatever_crosses(
        composes: bool,
        wants_no_music: bool,
        steps in prop::collection::vec((0_u8..8, 0_u8..8), 0..60),
    ) {
        let mut dialog = Dialog {
            told: Told::default(),
            peer: Peer { holds: false, composes, wants_no_music, is_heard: true },
            agreed: SendRecv,
            holds: PeerHold::No,
            wants: false,
            peer_again: false,
        };
        for (step, outcome) in steps {
            match step {
                0 | 1 => {
                    dialog.wants = step == 0;
                    dialog.told.want(dialog.wants);
                }
                2 | 3 => {
                    dialog.peer.holds = step == 2;
                    dialog.peer_offers();
                }
                4 => dialog.peer_offers(),
                5 => dialog.peer_asks(),
                6 => dialog.told.possible(),
                _ => {
                    dialog.settles();
                    dialog.is_right();
                }
            }
            dialog.offers(outcome);
        }
        dialog.settles();
        dialog.is_right();
        dialog.wants = false;
        dialog.told.want(false);
        dialog.peer.holds = false;
        dialog.peer_offers();
        dialog.settles();
        dialog.is_right();
        prop_assert_eq!(dialog.agreed, SendRecv);
    }
}
