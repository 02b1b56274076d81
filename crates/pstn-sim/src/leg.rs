//! A call that is up: the telephone's steps, and what comes from the other side meanwhile.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::dialog::dialog::{DialogState, DialogStateReceiver, TerminatedReason, TransactionHandle};
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::prelude::HeadersExt;
use rsipstack::sip::{Header, Method, Request, Response, StatusCode};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::Shared;
use crate::behaviour::{Codec, Refresher, ReinviteMode};
use crate::call::{AckAnswer, Call, CallCommand, EndedBy, lock};
use crate::media::{Media, Negotiated};
use crate::script::{Answering, Step};
use crate::sdp::{Described, Direction, Local};
use crate::tone::Score;

/// How long an answered call waits for its ACK (64 × T1, RFC 3261 §13.3.1.4).
const ACK_WAIT: Duration = Duration::from_secs(32);
/// How long the answer to a BYE is waited for.
const BYE_WAIT: Duration = Duration::from_secs(2);
/// T1 of RFC 3261 §17.1.1.1.
const T1: Duration = Duration::from_millis(500);
/// How long a telephone holds a call.
const HOLD: Duration = Duration::from_secs(2);

/// Goes on, or ends the call.
type Flow<T = ()> = Result<T, EndedBy>;

/// One call as the telephone lives it.
pub(crate) struct Leg {
    shared: Arc<Shared>,
    call: Arc<Call>,
    dialog: InviteDialog,
    states: DialogStateReceiver,
    commands: mpsc::Receiver<CallCommand>,
    ip: IpAddr,
    codecs: Vec<Codec>,
    audio: Option<Audio>,
    answered: Option<Instant>,
    acked: bool,
    timer: Option<Timer>,
    prack: watch::Receiver<Option<u32>>,
    /// Whether a re-INVITE of ours is on its way: one from the other side is glare (RFC 3261 §14.2).
    asking: bool,
}

struct Audio {
    media: Media,
    local: Local,
    /// Our last description, repeated in the 200 when a 183 has brought it.
    sdp: String,
    /// We offered and wait for the answer in the ACK.
    offered: bool,
}

/// A session timer (RFC 4028).
struct Timer {
    interval: Duration,
    refresher: Refresher,
    due: Instant,
}

impl Timer {
    fn restart(&mut self) {
        let wait = match self.refresher {
            Refresher::Uas => self.interval / 2,
            // RFC 4028 §10: a third of the interval, at most 32 s, before the end.
            Refresher::Uac => self
                .interval
                .saturating_sub((self.interval / 3).min(Duration::from_secs(32))),
        };
        self.due = Instant::now() + wait;
    }
}

impl Leg {
    pub(crate) fn new(
        shared: Arc<Shared>,
        call: Arc<Call>,
        dialog: InviteDialog,
        states: DialogStateReceiver,
        commands: mpsc::Receiver<CallCommand>,
        ip: IpAddr,
        codecs: Vec<Codec>,
    ) -> Self {
        let prack = call.prack.subscribe();
        Self {
            shared,
            call,
            dialog,
            states,
            commands,
            ip,
            codecs,
            audio: None,
            answered: None,
            acked: false,
            timer: None,
            prack,
            asking: false,
        }
    }

    /// Plays a telephone that is called, to the end.
    pub(crate) async fn be_called(mut self, steps: Vec<Step>) -> EndedBy {
        let by = match self.play(steps).await {
            Ok(()) => self.pause(None).await.err().unwrap_or(EndedBy::Simulator),
            Err(by) => by,
        };
        self.finish(by).await
    }

    /// Goes on with a call that a telephone of ours has placed and that was answered with `answer`.
    pub(crate) async fn go_on(
        mut self,
        media: Media,
        local: Local,
        answer: &[u8],
        steps: Vec<Step>,
        says: Score,
    ) -> EndedBy {
        self.answered = Some(Instant::now());
        self.acked = true;
        self.audio = Some(Audio {
            media,
            local,
            sdp: String::new(),
            offered: false,
        });
        let understood = match Described::parse(answer) {
            Ok(described) => self.negotiated(&described).await,
            Err(_) => false,
        };
        if !understood {
            return self.finish(EndedBy::Simulator).await;
        }
        if let Some(audio) = &self.audio {
            audio.media.say(says).await;
        }
        self.be_called(steps).await
    }

    async fn play(&mut self, steps: Vec<Step>) -> Flow {
        for step in steps {
            match step {
                Step::Wait(time) => self.pause(Some(Instant::now() + time)).await?,
                Step::At(time) => {
                    let start = self.answered.unwrap_or_else(Instant::now);
                    self.pause(Some(start + time)).await?;
                }
                Step::Ring => self.sip(self.dialog.ringing(None, None))?,
                Step::Announce(score) => {
                    self.describe().await?;
                    self.progress(Vec::new(), score).await?;
                }
                Step::AnnounceReliably(score) => {
                    self.describe().await?;
                    self.progress_reliably(score).await?;
                }
                Step::Answer(answering) => self.answer(answering).await?,
                Step::Press(digits) => {
                    if let Some(audio) = &self.audio {
                        audio.media.press(digits).await;
                    }
                }
                Step::Reinvite(mode) => self.reinvite_as(mode).await?,
                Step::HangUp => return Err(self.hang_up(EndedBy::Telephone).await),
                Step::Refuse(status) => {
                    self.refuse(status);
                    return Err(EndedBy::Telephone);
                }
            }
        }
        Ok(())
    }

    /// Waits until `until`, or for ever, while the call lives.
    async fn pause(&mut self, until: Option<Instant>) -> Flow {
        while !self.turn(until).await? {}
        Ok(())
    }

    /// Heeds the next thing that happens. True when it was the clock passing `until`.
    async fn turn(&mut self, until: Option<Instant>) -> Flow<bool> {
        let due = self.timer.as_ref().map(|timer| timer.due);
        tokio::select! {
            () = self.shared.closing.cancelled() => return Err(EndedBy::Simulator),
            () = sleep_until(until) => return Ok(true),
            () = sleep_until(due) => self.timer_due().await?,
            state = self.states.recv() => self.heed(state).await?,
            Ok(()) = self.prack.changed() => {}
            Some(command) = self.commands.recv() => self.obey(command).await?,
        }
        Ok(false)
    }

    async fn obey(&mut self, command: CallCommand) -> Flow {
        match command {
            CallCommand::Press(digits) => {
                if let Some(audio) = &self.audio {
                    audio.media.press(digits).await;
                }
                Ok(())
            }
            CallCommand::HangUp => Err(self.hang_up(EndedBy::Control).await),
        }
    }

    async fn heed(&mut self, state: Option<DialogState>) -> Flow {
        match state {
            None => Err(EndedBy::Simulator),
            Some(DialogState::Terminated(_, reason)) => Err(ended_by(&reason)),
            Some(DialogState::Confirmed(..)) if !self.acked && self.answered.is_some() => {
                self.acked = true;
                self.take_ack_answer().await;
                Ok(())
            }
            Some(DialogState::Updated(_, request, handle)) => {
                self.renegotiate(&request, &handle).await;
                Ok(())
            }
            Some(DialogState::Info(_, _, handle) | DialogState::Options(_, _, handle)) => {
                let _ = handle.respond(StatusCode::OK, None, None).await;
                Ok(())
            }
            Some(
                DialogState::Refer(_, _, handle)
                | DialogState::Message(_, _, handle)
                | DialogState::Notify(_, _, handle)
                | DialogState::Publish(_, _, handle),
            ) => {
                let _ = handle.respond(StatusCode::NotImplemented, None, None).await;
                Ok(())
            }
            Some(_) => Ok(()),
        }
    }

    /// Opens the audio, and answers the INVITE's offer or makes one.
    async fn describe(&mut self) -> Flow {
        if self.audio.is_some() {
            return Ok(());
        }
        let media = self.open_media().await?;
        let mut local = Local::new(media.local, self.call.id);
        let body = self.dialog.initial_request().body;
        if body.is_empty() {
            let sdp = local.offer(&self.codecs, Direction::SendRecv);
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
            .and_then(|offer| offer.choose(&self.codecs).map(|codec| (offer, codec)));
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
        Media::open(kit, self.ip, Arc::clone(&self.call.media))
            .await
            .map_err(|error| {
                tracing::warn!(call = self.call.id, %error, "no port for audio");
                self.refuse(500);
                EndedBy::Simulator
            })
    }

    /// Tells the audio what was agreed. False when there is no codec in common.
    async fn negotiated(&self, described: &Described) -> bool {
        let Some((audio, (codec, payload_type))) = self.audio.as_ref().zip(described.choose(&self.codecs))
        else {
            return false;
        };
        audio
            .media
            .negotiated(Negotiated {
                remote: described.addr,
                codec,
                payload_type,
                events: described.events,
                sending: described.direction.receives(),
            })
            .await;
        true
    }

    async fn progress(&mut self, headers: Vec<Header>, score: Score) -> Flow {
        let Some(audio) = &self.audio else {
            return Ok(());
        };
        audio.media.say(score).await;
        // Without an offer in the INVITE, ours must not go into an unreliable response (RFC 3261 §13.2.1).
        if audio.offered && headers.is_empty() {
            return self.sip(self.dialog.ringing(None, None));
        }
        let mut headers = headers;
        headers.push(Header::ContentType("application/sdp".into()));
        let body = audio.sdp.clone().into_bytes();
        self.sip(self.dialog.ringing(Some(headers), Some(body)))
    }

    /// Repeats a 183 until its PRACK comes (RFC 3262 §3).
    async fn progress_reliably(&mut self, score: Score) -> Flow {
        const RSEQ: u32 = 1;
        self.call.prack.send_replace(Some(RSEQ));
        let give_up = Instant::now() + 64 * T1;
        let mut wait = T1;
        loop {
            let headers = vec![
                Header::Require("100rel".into()),
                Header::RSeq(RSEQ.to_string().into()),
            ];
            self.progress(headers, score.clone()).await?;
            let again = Instant::now() + wait;
            loop {
                if self.prack.borrow_and_update().is_none() {
                    return Ok(());
                }
                if self.turn(Some(again)).await? {
                    break;
                }
            }
            if again > give_up {
                self.refuse(504);
                return Err(EndedBy::Timeout);
            }
            wait *= 2;
        }
    }

    async fn answer(&mut self, answering: Answering) -> Flow {
        self.describe().await?;
        let Some(audio) = &self.audio else {
            return Ok(());
        };
        if answering.mute {
            audio.media.mute().await;
        }
        audio.media.say(answering.says).await;
        let mut headers = vec![
            Header::ContentType("application/sdp".into()),
            Header::Allow("INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO".into()),
            Header::Supported("100rel, timer".into()),
        ];
        if let Some((interval_s, refresher)) = answering.timer {
            let known = self
                .dialog
                .initial_request()
                .header_contains_token("Supported", "timer");
            // A caller that does not know timers cannot be asked to refresh (RFC 4028 §9).
            let refresher = if known { refresher } else { Refresher::Uas };
            headers.extend(timer_headers(interval_s, refresher));
            let mut timer = Timer {
                interval: Duration::from_secs(u64::from(interval_s)),
                refresher,
                due: Instant::now(),
            };
            timer.restart();
            self.timer = Some(timer);
        }
        let body = audio.sdp.clone().into_bytes();
        self.sip(self.dialog.accept(Some(headers), Some(body)))?;
        self.answered = Some(Instant::now());
        Ok(())
    }

    /// The ACK of a 200 that carried our offer has the answer.
    async fn take_ack_answer(&mut self) {
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
    async fn renegotiate(&mut self, request: &Request, handle: &TransactionHandle) {
        let sdp = Header::ContentType("application/sdp".into());
        let (status, headers, body) = if self.asking && request.method == Method::Invite {
            (StatusCode::RequestPending, Vec::new(), None)
        } else if request.body.is_empty() {
            match &mut self.audio {
                Some(audio) if request.method == Method::Invite => {
                    audio.sdp = audio.local.offer(&self.codecs, Direction::SendRecv);
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
        let codec = offer.choose(&self.codecs)?;
        let audio = self.audio.as_mut()?;
        audio.sdp = audio.local.answer(&offer, codec, offer.direction.answered());
        let sdp = audio.sdp.clone();
        self.negotiated(&offer).await;
        Some(sdp)
    }

    async fn timer_due(&mut self) -> Flow {
        let Some(timer) = &mut self.timer else {
            return Ok(());
        };
        timer.restart();
        if timer.refresher == Refresher::Uac {
            return Err(self.hang_up(EndedBy::Timeout).await);
        }
        let expires = format!("{};refresher=uac", timer.interval.as_secs());
        self.offer_again(Direction::SendRecv, vec![Header::SessionExpires(expires.into())])
            .await?;
        Ok(())
    }

    async fn reinvite_as(&mut self, mode: ReinviteMode) -> Flow {
        self.wait_for_ack().await?;
        match mode {
            ReinviteMode::Hold => {
                self.offer_again(Direction::SendOnly, Vec::new()).await?;
                self.pause(Some(Instant::now() + HOLD)).await?;
                self.offer_again(Direction::SendRecv, Vec::new()).await
            }
            ReinviteMode::Offerless => {
                let Some(audio) = &self.audio else {
                    return Ok(());
                };
                *lock(&self.call.ack_answer) = Some(AckAnswer {
                    local: audio.local.clone(),
                    codecs: self.codecs.clone(),
                    offer: None,
                });
                let response = self.ask(Vec::new(), None).await?;
                *lock(&self.call.ack_answer) = None;
                self.learn(response).await;
                Ok(())
            }
        }
    }

    async fn offer_again(&mut self, direction: Direction, headers: Vec<Header>) -> Flow {
        let Some(audio) = &mut self.audio else {
            return Ok(());
        };
        audio.sdp = audio.local.offer(&self.codecs, direction);
        let body = audio.sdp.clone().into_bytes();
        let mut headers = headers;
        headers.push(Header::ContentType("application/sdp".into()));
        let response = self.ask(headers, Some(body)).await?;
        self.learn(response).await;
        Ok(())
    }

    /// Sends a re-INVITE and heeds the dialog until it is answered.
    async fn ask(&mut self, headers: Vec<Header>, body: Option<Vec<u8>>) -> Flow<Option<Response>> {
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

    async fn learn(&self, response: Option<Response>) {
        if let Some(response) = response
            && response.status_code == StatusCode::OK
            && let Ok(described) = Described::parse(&response.body)
        {
            self.negotiated(&described).await;
        }
    }

    async fn wait_for_ack(&mut self) -> Flow {
        let give_up = Instant::now() + ACK_WAIT;
        while self.answered.is_some() && !self.acked {
            if Instant::now() >= give_up {
                return Err(EndedBy::Timeout);
            }
            let state = tokio::select! {
                () = self.shared.closing.cancelled() => return Err(EndedBy::Simulator),
                () = tokio::time::sleep_until(give_up) => return Err(EndedBy::Timeout),
                state = self.states.recv() => state,
            };
            self.heed(state).await?;
        }
        Ok(())
    }

    /// Ends the call from here and says who did.
    async fn hang_up(&mut self, by: EndedBy) -> EndedBy {
        if self.answered.is_none() {
            self.refuse(480);
            return by;
        }
        // A called party must not send BYE before the ACK (RFC 3261 §15).
        if let Err(other) = self.wait_for_ack().await {
            return other;
        }
        self.bye().await;
        by
    }

    async fn bye(&self) {
        let bye: std::pin::Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(self.dialog.bye());
        if let Ok(Err(error)) = tokio::time::timeout(BYE_WAIT, bye).await {
            tracing::debug!(call = self.call.id, %error, "BYE");
        }
    }

    fn refuse(&self, status: u16) {
        let cause = match status {
            404 => Some("Q.850;cause=1;text=\"Unallocated number\""),
            480 => Some("Q.850;cause=20;text=\"Subscriber absent\""),
            486 => Some("Q.850;cause=17;text=\"User busy\""),
            603 => Some("Q.850;cause=21;text=\"Call rejected\""),
            500 => Some("Q.850;cause=41;text=\"Temporary failure\""),
            503 => Some("Q.850;cause=34;text=\"No circuit available\""),
            _ => None,
        };
        let refused = self
            .dialog
            .reject(Some(StatusCode::from(status)), cause.map(str::to_owned));
        if let Err(error) = refused {
            tracing::debug!(call = self.call.id, %error, "refusal");
        }
    }

    /// Leaves nothing behind, whatever ended the call.
    async fn finish(&mut self, by: EndedBy) -> EndedBy {
        if matches!(by, EndedBy::Simulator | EndedBy::Timeout) {
            if self.answered.is_some() {
                self.bye().await;
            } else {
                self.refuse(503);
            }
        }
        by
    }

    fn sip(&self, done: rsipstack::Result<()>) -> Flow {
        done.map_err(|error| {
            tracing::debug!(call = self.call.id, %error, "dialog");
            EndedBy::Simulator
        })
    }
}

/// What a 200 says about the session timer; a caller that must refresh must understand it (RFC 4028 §9).
fn timer_headers(interval_s: u32, refresher: Refresher) -> Vec<Header> {
    match refresher {
        Refresher::Uac => vec![
            Header::SessionExpires(format!("{interval_s};refresher=uac").into()),
            Header::Require("timer".into()),
        ],
        Refresher::Uas => vec![Header::SessionExpires(
            format!("{interval_s};refresher=uas").into(),
        )],
    }
}

fn ended_by(reason: &TerminatedReason) -> EndedBy {
    match reason {
        TerminatedReason::UacCancel => EndedBy::Cancel,
        TerminatedReason::Timeout => EndedBy::Timeout,
        TerminatedReason::UasDecline => EndedBy::Telephone,
        TerminatedReason::UacBye | TerminatedReason::UasBye => EndedBy::Peer,
        TerminatedReason::UacBusy
        | TerminatedReason::UasBusy
        | TerminatedReason::ProxyError(_)
        | TerminatedReason::ProxyAuthRequired
        | TerminatedReason::UacOther(_)
        | TerminatedReason::UasOther(_) => EndedBy::Refused,
    }
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
