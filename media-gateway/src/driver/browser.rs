//! Legs in the browser: which tab takes a user's calls, and the session of each.
//!
//! ```text
//!   OpenLeg(Browser) ──▶ ring ──▶ tab          tab ── offer ──▶ media plane ── answer ──▶ tab
//!   LegProgress(180) ◀──┘                      BrowserConnected ──▶ LegAnswered
//! ```

use super::Driver;
use super::legs::{Leg, Stage};
use super::opening::{OpenError, Opening, role_name};
use super::writes::Saved;
use crate::link::ToLink;
use crate::store::LegUp;
use crate::turn;
use ponte_call_core::{Event, LegEnd, LegEndKind, LegId};
use ponte_media::WebRtcError;
use ponte_protocol::{CallId, RtcRefusal, RtcRequest, RtcSignal, Sdp, UserId};
use std::collections::HashMap;
use uuid::Uuid;

/// The tab that takes a user's calls, and the connection by which it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tab {
    tab: Uuid,
    portal: Uuid,
}

/// All tabs that take calls.
#[derive(Debug, Default)]
pub(super) struct Tabs(HashMap<UserId, Tab>);

impl Tabs {
    /// Whether a tab takes the user's calls.
    pub fn takes_calls(&self, user: &UserId) -> bool {
        self.0.contains_key(user)
    }
}

/// What a leg in a browser has beside others.
#[derive(Clone, Debug)]
pub(super) struct InBrowser {
    pub user: UserId,
    /// The tab it rings in, or is answered in.
    tab: Uuid,
    /// Where that tab is reached now.
    portal: Uuid,
}

/// The leg was not reached: rule T9 follows.
const UNREACHABLE: LegEnd = LegEnd {
    kind: LegEndKind::Remote,
    sip: Some(480),
    q850: None,
};

impl Driver {
    pub(super) fn open_browser_leg(&mut self, opening: &Opening) -> Result<(), OpenError> {
        let leg = opening.leg;
        let Some(tab) = self.tabs.0.get(&opening.user).copied() else {
            return Err(OpenError::NoBrowser);
        };
        // A tab has one session a call.
        let has_it = |id: &LegId| {
            let browser = self.legs.get(*id).and_then(|leg| leg.browser.as_ref());
            id.call == leg.call && browser.is_some_and(|browser| browser.tab == tab.tab)
        };
        if self.browser_legs(&opening.user).iter().any(has_it) {
            return Err(OpenError::NoBrowser);
        }
        let endpoint = self.media.open_browser(self.media_group(leg))?;
        let extension = self
            .users
            .get(&opening.user)
            .map(|entry| entry.row.extension.as_str());
        let kept = LegUp {
            leg,
            role: opening.role,
            direction: ponte_protocol::Direction::Outgoing,
            number: extension.unwrap_or_default().to_owned(),
            trunk: String::new(),
            device: None,
            started_at: self.clock.now(),
            ringing_at: None,
            answered_at: None,
            ended: None,
            dialog: None,
        };
        tracing::debug!(%leg, "a leg to a browser was opened");
        metrics::counter!("ponte_legs_total", "role" => role_name(opening.role)).increment(1);
        let language = self.language(Some(&opening.user));
        let mut opened = Leg::new(kept.clone(), Stage::Saving(Vec::new()), language);
        opened.endpoint = Some(endpoint);
        opened.browser = Some(InBrowser {
            user: opening.user.clone(),
            tab: tab.tab,
            portal: tab.portal,
        });
        self.legs.insert(opened);
        let written = self.store.save_leg(kept);
        self.writes.after(written, Saved::Leg(leg));
        Ok(())
    }

    /// The store has the leg: its tab rings.
    pub(super) fn ring_browser(&mut self, id: LegId) {
        let now = self.clock.now();
        let Some(leg) = self.legs.get_mut(id) else { return };
        let Some(browser) = leg.browser.clone() else {
            return;
        };
        leg.stage = Stage::Calling;
        leg.kept.ringing_at = Some(now);
        drop(self.store.save_leg(leg.kept.clone()));
        self.ring_tab(&browser.user, browser.portal, id.call);
        self.tell(Event::LegProgress {
            leg: id,
            status: 180,
            early_media: false,
        });
    }

    fn ring_tab(&self, user: &UserId, portal: Uuid, call: CallId) {
        let now = self.clock.now();
        let relay = |turn| turn::relay(turn, now, &call.to_string());
        let relays = self.config.turn.iter().map(relay).collect();
        self.signal(user, portal, RtcSignal::Ring { call, relays });
    }

    /// Takes what a portal asks.
    pub(super) fn rtc_request(&mut self, user: &UserId, portal: Uuid, request: RtcRequest) {
        match request {
            RtcRequest::TakeCalls { tab, take_over } => self.take_calls(user, Tab { tab, portal }, take_over),
            RtcRequest::StopCalls { tab } => {
                if self.tabs.0.get(user).is_some_and(|known| known.tab == tab) {
                    self.tabs.0.remove(user);
                    self.end_ringing(user, tab);
                }
            }
            RtcRequest::Offer { call, sdp } => self.browser_offers(user, portal, call, &sdp),
            RtcRequest::Unknown => {}
        }
    }

    fn take_calls(&mut self, user: &UserId, new: Tab, take_over: bool) {
        if self.config.webrtc.is_none() || !self.users.contains_key(user) {
            return self.signal(user, new.portal, RtcSignal::Elsewhere);
        }
        let before = self.tabs.0.get(user).copied();
        if before.is_some_and(|before| before.tab != new.tab) && !take_over {
            return self.signal(user, new.portal, RtcSignal::Elsewhere);
        }
        self.tabs.0.insert(user.clone(), new);
        if let Some(before) = before.filter(|before| before.tab != new.tab) {
            self.signal(user, before.portal, RtcSignal::Elsewhere);
        }
        self.signal(user, new.portal, RtcSignal::Here { tab: new.tab });
        for id in self.browser_legs(user) {
            let Some(leg) = self.legs.get_mut(id) else {
                continue;
            };
            let rings = matches!(leg.stage, Stage::Calling) && !leg.offered;
            let Some(browser) = &mut leg.browser else { continue };
            let old = browser.portal;
            if browser.tab == new.tab {
                browser.portal = new.portal;
            } else if rings {
                browser.tab = new.tab;
                browser.portal = new.portal;
                self.signal(user, old, RtcSignal::Over { call: id.call });
            } else {
                continue;
            }
            if rings {
                self.ring_tab(user, new.portal, id.call);
            }
        }
    }

    fn browser_offers(&mut self, user: &UserId, portal: Uuid, call: CallId, sdp: &Sdp) {
        let refused = |reason| RtcSignal::Refused { call, reason };
        // While a call moves from one browser to another, both have it.
        let wanted = self.browser_legs(user).into_iter().find(|id| {
            let browser = self.legs.get(*id).and_then(|leg| leg.browser.as_ref());
            id.call == call && browser.is_some_and(|browser| browser.portal == portal)
        });
        let leg = wanted.and_then(|id| self.legs.get_mut(id));
        let Some((leg, endpoint)) = leg.and_then(|leg| leg.endpoint.map(|endpoint| (leg, endpoint))) else {
            return self.signal(user, portal, refused(RtcRefusal::NotRinging));
        };
        if !matches!(leg.stage, Stage::Calling | Stage::Answered) {
            return self.signal(user, portal, refused(RtcRefusal::NotRinging));
        }
        let (id, first) = (leg.id, !leg.offered);
        match self.media.answer_browser(endpoint, &sdp.0) {
            Ok(answer) => {
                leg.offered = true;
                if let Some(answer) = answer {
                    let sdp = Sdp(answer);
                    self.signal(user, portal, RtcSignal::Answer { call, sdp });
                }
            }
            Err(error) => {
                tracing::info!(leg = %id, %error, "a browser's offer was refused");
                let reason = match error {
                    WebRtcError::Overloaded => RtcRefusal::Overloaded,
                    _ => RtcRefusal::Description,
                };
                self.signal(user, portal, refused(reason));
                if first {
                    let kind = LegEndKind::IncompatibleMedia;
                    self.end_browser_leg(
                        id,
                        LegEnd {
                            kind,
                            sip: None,
                            q850: None,
                        },
                    );
                }
            }
        }
    }

    /// The audio of a browser flows: the leg is answered.
    pub(super) fn browser_connected(&mut self, id: LegId) {
        let now = self.clock.now();
        let Some(leg) = self.legs.get_mut(id) else { return };
        if !matches!(leg.stage, Stage::Calling) {
            return;
        }
        leg.stage = Stage::Answered;
        leg.kept.answered_at = Some(now);
        drop(self.store.save_leg(leg.kept.clone()));
        self.tell(Event::LegAnswered { leg: id });
    }

    /// The browser has gone, in order (`closed`) or not.
    pub(super) fn browser_lost(&mut self, id: LegId, closed: bool) {
        let answered = self
            .legs
            .get(id)
            .is_some_and(|leg| matches!(leg.stage, Stage::Answered));
        let end = if answered {
            LegEnd {
                kind: if closed {
                    LegEndKind::Remote
                } else {
                    LegEndKind::Timeout
                },
                sip: None,
                q850: None,
            }
        } else {
            UNREACHABLE
        };
        self.end_browser_leg(id, end);
    }

    /// The answer to an ICE restart.
    pub(super) fn browser_answer(&mut self, id: LegId, answer: Result<Box<str>, Box<str>>) {
        let Some(browser) = self.legs.get(id).and_then(|leg| leg.browser.clone()) else {
            return;
        };
        let call = id.call;
        let signal = match answer {
            Ok(sdp) => RtcSignal::Answer {
                call,
                sdp: Sdp(sdp.into()),
            },
            Err(error) => {
                tracing::info!(leg = %id, %error, "a browser's later offer was refused");
                let reason = RtcRefusal::Description;
                RtcSignal::Refused { call, reason }
            }
        };
        self.signal(&browser.user, browser.portal, signal);
    }

    /// A portal's connection is gone: what rings there cannot be answered. What is answered goes on (rule T13).
    pub(super) fn portal_closed(&mut self, user: &UserId, portal: Uuid) {
        if let Some(tab) = self.tabs.0.get(user).copied().filter(|tab| tab.portal == portal) {
            self.tabs.0.remove(user);
            self.end_ringing(user, tab.tab);
        }
    }

    /// The edge may have lost portals while the link was down: those that are there say so again.
    pub(super) fn forget_tabs(&mut self) {
        self.tabs.0.clear();
    }

    fn end_ringing(&mut self, user: &UserId, tab: Uuid) {
        for id in self.browser_legs(user) {
            let rings = self.legs.get(id).is_some_and(|leg| {
                let here = leg.browser.as_ref().is_some_and(|browser| browser.tab == tab);
                here && !matches!(leg.stage, Stage::Answered)
            });
            if rings {
                self.end_browser_leg(id, UNREACHABLE);
            }
        }
    }

    fn end_browser_leg(&mut self, id: LegId, end: LegEnd) {
        self.forget_browser_leg(id);
        tracing::debug!(leg = %id, kind = ?end.kind, "a leg in a browser ended");
        self.tell(Event::LegEnded { leg: id, end });
    }

    /// Frees what a browser's leg holds, and has its tab stop.
    pub(super) fn forget_browser_leg(&mut self, id: LegId) {
        let Some(leg) = self.forget_leg(id) else { return };
        metrics::counter!("ponte_legs_ended_total", "role" => role_name(leg.kept.role)).increment(1);
        if let Some(browser) = leg.browser {
            self.signal(&browser.user, browser.portal, RtcSignal::Over { call: id.call });
        }
    }

    fn browser_legs(&self, user: &UserId) -> Vec<LegId> {
        let mut legs = self.legs.ids();
        legs.retain(|id| {
            let browser = self.legs.get(*id).and_then(|leg| leg.browser.as_ref());
            browser.is_some_and(|browser| browser.user == *user)
        });
        legs
    }

    fn signal(&self, user: &UserId, portal: Uuid, signal: RtcSignal) {
        if let Some(link) = &self.link {
            link.send(ToLink::Rtc {
                user: user.clone(),
                portal,
                signal,
            });
        }
    }
}
