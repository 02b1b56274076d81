//! Pieces of recordings, from the gateway to the worker that streams them to a portal.
//!
//! ```text
//! worker                      site                            gateway
//!   │ ── AudioCall, a piece ─▶ │ ── fetch_audio { request } ───▶ │
//!   │ ◀── its bytes ────────── │ ◀── audio { request, part } ─── │
//! ```

use super::core::Core;
use super::db::Fault;
use super::rpc::{AudioCall, AudioRefusal, TOTAL_HEADER};
use super::sockets::send_link;
use crate::audio::PIECE_MS;
use crate::audio::desk::{Piece, Wanted};
use crate::crypto;
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use ponte_protocol::{AudioPart, EdgeFrame};
use std::time::Duration;
use uuid::Uuid;
use worker::{Delay, Headers, Response, ResponseBuilder, console_warn};

impl Core {
    /// Answers with a piece of a recording of the session's user, as soon as the gateway has given it.
    pub(crate) async fn audio(&self, call: AudioCall) -> Result<Response, Fault> {
        match self.piece(call).await? {
            Ok((total, bytes)) => {
                let headers = Headers::new();
                headers.set(TOTAL_HEADER, &total.to_string())?;
                Ok(ResponseBuilder::new().with_headers(headers).fixed(bytes))
            }
            Err(refusal) => Ok(Response::from_json(&refusal)?),
        }
    }

    async fn piece(&self, call: AudioCall) -> Result<Result<(u64, Vec<u8>), AudioRefusal>, Fault> {
        let Some(live) = self.use_session(&call.session)? else {
            return Ok(Err(AudioRefusal::NoSession));
        };
        if self.gateway().is_none() {
            return Ok(Err(AudioRefusal::Offline));
        }
        let request = crypto::random_uuid()?;
        let wanted = Wanted {
            user: live.user,
            message: call.message,
            own: call.own,
            offset: call.offset,
            length: call.length,
        };
        let (reply, answer) = oneshot::channel();
        let asked = self
            .memory
            .borrow_mut()
            .audio
            .ask(request, wanted, reply, self.now());
        if let Err(busy) = asked {
            return Ok(Err(AudioRefusal::TooMany {
                retry_after_ms: busy.retry_after_ms,
            }));
        }
        self.ask_for_audio();
        let time = Delay::from(Duration::from_millis(PIECE_MS));
        Ok(match select(answer, time).await {
            Either::Left((Ok(Piece::Bytes { total, bytes }), _)) => Ok((total, bytes)),
            Either::Left((Ok(Piece::NotFound), _)) => Err(AudioRefusal::NotFound),
            Either::Left((Ok(Piece::Unavailable), _)) => Err(AudioRefusal::Unavailable),
            // Dropped with the link, or because its time was over.
            Either::Left((Err(_), _)) if self.gateway().is_none() => Err(AudioRefusal::Offline),
            Either::Left((Err(_), _)) => Err(AudioRefusal::TimedOut),
            Either::Right(_) => {
                self.memory.borrow_mut().audio.forget(request);
                self.ask_for_audio();
                Err(AudioRefusal::TimedOut)
            }
        })
    }

    /// Asks the gateway for as many pieces as may be on their way.
    fn ask_for_audio(&self) {
        let Some((link, _)) = self.gateway() else { return };
        loop {
            let next = self.memory.borrow_mut().audio.next(self.now());
            let Some((request, wanted)) = next else { return };
            send_link(
                &link,
                &EdgeFrame::FetchAudio {
                    request,
                    user: wanted.user,
                    message: wanted.message,
                    own: wanted.own,
                    offset: wanted.offset,
                    length: wanted.length,
                },
            );
        }
    }

    /// Takes a piece from the gateway.
    pub(crate) fn take_audio(&self, request: Uuid, part: &AudioPart) {
        let taken = self.memory.borrow_mut().audio.take(request, part, self.now());
        match taken {
            // Whoever asked may have gone.
            Ok((reply, piece)) => drop(reply.send(piece)),
            Err(stray) => console_warn!("a piece of a recording is passed over: {}", stray.to_string()),
        }
        self.ask_for_audio();
    }

    /// A new link is there: what was asked for over another one comes no more.
    pub(crate) fn ask_for_audio_again(&self) {
        self.memory.borrow_mut().audio.ask_again();
        self.ask_for_audio();
    }

    /// The gateway is gone: nobody waits for its pieces.
    pub(crate) fn give_up_audio(&self) {
        self.memory.borrow_mut().audio.clear();
    }
}
