//! A call that is up: the telephone's steps, and what comes from the other side meanwhile.

mod offer;
mod timer;

pub(crate) use offer::session;

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::dialog::dialog::{DialogState, DialogStateReceiver, TerminatedReason};
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::prelude::HeadersExt;
use rsipstack::sip::{Header, Response, StatusCode};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use timer::Timer;

use crate::Shared;
use crate::behaviour::{Refresher, ReinviteMode};
use crate::call::{AckAnswer, Call, CallCommand, EndedBy, lock};
use crate::media::Media;
use crate::script::{Abilities, Answering, Step};
use crate::sdp::{Described, Direction, Local};
use crate::tone::Score;

/// How long an answered call waits for its ACK (64 × T1, RFC 3261 §13.3.1.4).
const ACK_WAIT: Duration = Duration::from_secs(32);
/// How long the answer to a BYE is waited for.
const BYE_WAIT: Duration = Duration::from_secs(2);
/// T1 of RFC 3261 §17.1.1.1.
const T1: Duration = Duration::from_millis(500);
/// How often a telephone that waits for a beep asks its ear.
const BEEP_POLL: Duration = Duration::from_millis(20);
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
    abilities: Abilities,
    audio: Option<Audio>,
    answered: Option<Instant>,
    acked: bool,
    timer: Option<Timer>,
    prack: watch::Receiver<Option<u32>>,
    /// Whether a re-INVITE of ours is on its way: one from the other side is glare (RFC 3261 §14.2).
    asking: bool,
    /// The Q.850 cause that our BYE names.
    reason: Option<u8>,
}

struct Audio {
    media: Media,
    local: Local,
    /// Our last description, repeated in the 200 when a 183 has brought it.
    sdp: String,
    /// We offered and wait for the answer in the ACK.
    offered: bool,
}

impl Leg {
    pub(crate) fn new(
        shared: Arc<Shared>,
        call: Arc<Call>,
        dialog: InviteDialog,
        states: DialogStateReceiver,
        commands: mpsc::Receiver<CallCommand>,
        ip: IpAddr,
        abilities: Abilities,
    ) -> Self {
        let prack = call.prack.subscribe();
        Self {
            shared,
            call,
            dialog,
            states,
            commands,
            ip,
            abilities,
            audio: None,
            answered: None,
            acked: false,
            timer: None,
            prack,
            asking: false,
            reason: None,
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

    /// Goes on with a call that a telephone of ours has placed and that was answered with `response`.
    pub(crate) async fn go_on(
        mut self,
        media: Media,
        local: Local,
        response: &Response,
        steps: Vec<Step>,
        says: Score,
    ) -> EndedBy {
        self.answered = Some(Instant::now());
        self.acked = true;
        self.timer = timer::asked_of_caller(response);
        media.answered().await;
        self.audio = Some(Audio {
            media,
            local,
            sdp: String::new(),
            offered: false,
        });
        let understood = match Described::parse(&response.body) {
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
                Step::AwaitBeep(patience) => self.await_beep(patience).await?,
                Step::Say(score) => {
                    if let Some(audio) = &self.audio {
                        audio.media.say(score).await;
                    }
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
                Step::Lose(cause) => {
                    self.reason = Some(cause);
                    return Err(self.hang_up(EndedBy::Telephone).await);
                }
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
            headers.extend(timer::headers(interval_s, refresher));
            self.timer = Some(Timer::start(interval_s, refresher));
        }
        let body = audio.sdp.clone().into_bytes();
        self.sip(self.dialog.accept(Some(headers), Some(body)))?;
        self.answered = Some(Instant::now());
        Ok(())
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
                    codecs: self.abilities.codecs.clone(),
                    offer: None,
                });
                let response = self.ask(Vec::new(), None).await?;
                *lock(&self.call.ack_answer) = None;
                self.learn(response).await;
                Ok(())
            }
        }
    }

    /// Ends the call where no beep comes.
    async fn await_beep(&mut self, patience: Duration) -> Flow {
        let give_up = Instant::now() + patience;
        while lock(&self.call.media).beep_ms.is_none() {
            if Instant::now() >= give_up {
                return Err(self.hang_up(EndedBy::Telephone).await);
            }
            self.pause(Some(Instant::now() + BEEP_POLL)).await?;
        }
        Ok(())
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
        let headers = self.reason.map(|code| crate::trunk::cause(code, "Lost"));
        let bye: std::pin::Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(self.dialog.bye_with_headers(headers));
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

pub(crate) async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
