//! Offers and answers of a leg, in every place where SIP puts them (RFC 3261 §13.2.1, §14; RFC 3264).

use std::sync::Arc;

use rsipstack::dialog::dialog::TransactionHandle;
use rsipstack::sip::prelude::HeadersExt;
use rsipstack::sip::{Header, Method, Request, Response, StatusCode};

use super::{Audio, Flow, Leg};
use crate::call::EndedBy;
use crate::media::{Media, Negotiated};
use crate::script::Abilities;
use crate::sdp::{Described, Direction, Local};

/// What two sides agree on. `None` when there is no codec in common.
pub(crate) fn session(described: &Described, abilities: &Abilities) -> Option<Negotiated> {
    let (codec, payload_type) = described.choose(&abilities.codecs)?;
    Some(Negotiated {
        remote: described.addr,
        codec,
        payload_type,
        events: described.events.filter(|_| abilities.telephone_events),
        sending: described.direction.receives(),
    })
}

impl Leg {
    /// Opens the audio, and answers the INVITE's offer or makes one.
    pub(super) async fn describe(&mut self) -> Flow {
        if self.audio.is_some() {
            return Ok(());
        }
        let media = self.open_media().await?;
        let mut local = Local::new(media.local, self.call.id, self.abilities.telephone_events);
        let body = self.dialog.initial_request().body;
        if body.is_empty() {
            let sdp = local.offer(&self.abilities.codecs, Direction::SendRecv);
            self.audio = Some(Audio {
                media,
                local,
                sdp,
                offered: true,
            });
            return Ok(());
        }
        let offer = Described::parse(&body)
            .ok()
            .and_then(|offer| offer.choose(&self.abilities.codecs).map(|codec| (offer, codec)));
        let Some((offer, codec)) = offer else {
            self.refuse(488);
            return Err(EndedBy::Telephone);
        };
        let sdp = local.answer(&offer, codec, offer.direction.answered());
        self.audio = Some(Audio {
            media,
            local,
            sdp,
            offered: false,
        });
        self.negotiated(&offer).await;
        Ok(())
    }

    async fn open_media(&self) -> Flow<Media> {
        let kit = &self.shared.media;
        let tape = self.abilities.record.then(|| self.call.tape());
        Media::open(kit, self.ip, Arc::clone(&self.call.media), tape)
            .await
            .map_err(|error| {
                tracing::warn!(call = self.call.id, %error, "no port for audio");
                self.refuse(500);
                EndedBy::Simulator
            })
    }

    /// Tells the audio what was agreed. False when there is no codec in common.
    pub(super) async fn negotiated(&self, described: &Described) -> bool {
        let Some((audio, session)) = self.audio.as_ref().zip(session(described, &self.abilities)) else {
            return false;
        };
        audio.media.negotiated(session).await;
        true
    }

    /// The ACK of a 200 that carried our offer has the answer.
    pub(super) async fn take_ack_answer(&mut self) {
        if !self.audio.as_ref().is_some_and(|audio| audio.offered) {
            return;
        }
        if let Some(audio) = &mut self.audio {
            audio.offered = false;
        }
        let body = self.dialog.last_remote_ack().map(|ack| ack.body);
        if let Some(answer) = body.and_then(|body| Described::parse(&body).ok()) {
            self.negotiated(&answer).await;
        }
    }

    /// Answers a re-INVITE or UPDATE of the other side.
    pub(super) async fn renegotiate(&mut self, request: &Request, handle: &TransactionHandle) {
        let sdp = Header::ContentType("application/sdp".into());
        let (status, headers, body) = if self.asking && request.method == Method::Invite {
            (StatusCode::RequestPending, Vec::new(), None)
        } else if request.body.is_empty() {
            match &mut self.audio {
                Some(audio) if request.method == Method::Invite => {
                    audio.sdp = audio.local.offer(&self.abilities.codecs, Direction::SendRecv);
                    audio.offered = true;
                    // The answer comes with the next ACK.
                    self.acked = false;
                    (StatusCode::OK, vec![sdp], Some(audio.sdp.clone()))
                }
                _ => (StatusCode::OK, Vec::new(), None),
            }
        } else {
            match self.answer_offer(&request.body).await {
                Some(answer) => (StatusCode::OK, vec![sdp], Some(answer)),
                None => (StatusCode::NotAcceptableHere, Vec::new(), None),
            }
        };
        let mut headers = headers;
        if status == StatusCode::OK
            && let Some(timer) = &mut self.timer
        {
            timer.restart();
            if let Some(asked) = request.session_expires_header() {
                headers.push(Header::SessionExpires(asked.clone()));
            }
        }
        let body = body.map(String::into_bytes);
        let _ = handle.respond(status, Some(headers), body).await;
    }

    async fn answer_offer(&mut self, body: &[u8]) -> Option<String> {
        let offer = Described::parse(body).ok()?;
        let codec = offer.choose(&self.abilities.codecs)?;
        let audio = self.audio.as_mut()?;
        audio.sdp = audio.local.answer(&offer, codec, offer.direction.answered());
        let sdp = audio.sdp.clone();
        self.negotiated(&offer).await;
        Some(sdp)
    }

    pub(super) async fn offer_again(&mut self, direction: Direction, headers: Vec<Header>) -> Flow {
        let Some(audio) = &mut self.audio else {
            return Ok(());
        };
        audio.sdp = audio.local.offer(&self.abilities.codecs, direction);
        let body = audio.sdp.clone().into_bytes();
        let mut headers = headers;
        headers.push(Header::ContentType("application/sdp".into()));
        let response = self.ask(headers, Some(body)).await?;
        self.learn(response).await;
        Ok(())
    }

    /// Sends a re-INVITE and heeds the dialog until it is answered.
    pub(super) async fn ask(
        &mut self,
        headers: Vec<Header>,
        body: Option<Vec<u8>>,
    ) -> Flow<Option<Response>> {
        let dialog = self.dialog.clone();
        let mut asked = std::pin::pin!(async move { dialog.reinvite(Some(headers), body).await });
        self.asking = true;
        let outcome = loop {
            tokio::select! {
                response = &mut asked => break Ok(response.ok().flatten()),
                () = self.shared.closing.cancelled() => break Err(EndedBy::Simulator),
                state = self.states.recv() => if let Err(by) = self.heed(state).await {
                    break Err(by);
                },
            }
        };
        self.asking = false;
        outcome
    }

    pub(super) async fn learn(&self, response: Option<Response>) {
        if let Some(response) = response
            && response.status_code == StatusCode::OK
            && let Ok(described) = Described::parse(&response.body)
        {
            self.negotiated(&described).await;
        }
    }
}
