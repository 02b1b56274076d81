//! Greetings on their way from a portal to the gateway, a piece at a time.
//!
//! ```text
//! worker                       site                              gateway
//!   │ ── UploadCall, a piece ─▶ │ ── put_audio { upload, offset } ▶ │
//!   │ ◀── UploadAnswer ──────── │ ◀── audio_taken ───────────────── │
//! ```

use super::core::Core;
use super::db::Fault;
use super::rpc::{UploadAnswer, UploadCall};
use super::sockets::send_link;
use crate::audio::uploads::TAKE_MS;
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use ponte_protocol::{EdgeFrame, Taken, UploadPiece};
use std::time::Duration;
use uuid::Uuid;
use worker::Delay;

impl Core {
    /// Hands a piece of the session's user to the gateway, and tells what became of it.
    pub(crate) async fn upload(&self, call: UploadCall) -> Result<UploadAnswer, Fault> {
        let Some(live) = self.use_session(&call.session)? else {
            return Ok(UploadAnswer::NoSession);
        };
        let Some((link, _)) = self.gateway() else {
            return Ok(UploadAnswer::Offline);
        };
        let (reply, answer) = oneshot::channel();
        let now = self.now();
        let sent = self
            .memory
            .borrow_mut()
            .uploads
            .send(call.upload, &live.user, call.offset, reply, now);
        if let Err(busy) = sent {
            return Ok(UploadAnswer::TooMany {
                retry_after_ms: busy.retry_after_ms,
            });
        }
        let piece = UploadPiece {
            upload: call.upload,
            user: live.user,
            sound: call.sound,
            offset: call.offset,
            last: call.last,
            base64: call.base64,
        };
        send_link(&link, &EdgeFrame::PutAudio(piece));
        let time = Delay::from(Duration::from_millis(TAKE_MS));
        Ok(match select(answer, time).await {
            Either::Left((Ok(taken), _)) => UploadAnswer::Taken { taken },
            // Dropped with the link.
            Either::Left((Err(_), _)) => UploadAnswer::Offline,
            Either::Right(_) => {
                self.memory.borrow_mut().uploads.forget(call.upload);
                UploadAnswer::TimedOut
            }
        })
    }

    /// The gateway has answered a piece. Whoever sent it may have gone.
    pub(crate) fn take_upload(&self, upload: Uuid, offset: u64, taken: Taken) {
        let waiting = self.memory.borrow_mut().uploads.take(upload, offset);
        if let Some(reply) = waiting {
            let _ = reply.send(taken);
        }
    }

    /// The link is another, or gone: what was on its way over it is begun anew by whoever sent it.
    pub(crate) fn give_up_uploads(&self) {
        self.memory.borrow_mut().uploads.clear();
    }
}
