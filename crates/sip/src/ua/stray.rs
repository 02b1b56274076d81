//! Answers to INVITEs that nobody here remembers.
//!
//! A gateway that crashed while a telephone rang has forgotten its INVITE. Whoever then answers is not left listening to
//! silence: the 2xx is acknowledged and the call ended, both built from the response alone.

use std::time::Duration;

use bytes::Bytes;

use super::{Job, JobKind, UserAgent};
use crate::dialog::{Dialog, State, route_set, tag_number};
use crate::message::{Message, Method};
use crate::types::{DialogId, Flow, Timestamp};

/// Answers ended in this way in one second; a forged one makes us send two messages, so there is a limit.
const MAX_A_SECOND: u32 = 50;

/// How many were ended in the present second.
#[derive(Debug, Default)]
pub(super) struct Budget {
    since: Timestamp,
    spent: u32,
}

impl Budget {
    fn take(&mut self, now: Timestamp) -> bool {
        if now.since(self.since) >= Duration::from_secs(1) {
            *self = Self { since: now, spent: 0 };
        }
        self.spent += 1;
        self.spent <= MAX_A_SECOND
    }
}

impl UserAgent {
    /// Takes a response that no transaction of ours waits for.
    pub(super) fn handle_stray(&mut self, now: Timestamp, flow: Flow, response: &Message) {
        let success = response
            .status()
            .is_some_and(|status| (200..300).contains(&status));
        let Some((cseq, Method::Invite)) = response.cseq().filter(|_| success) else {
            return;
        };
        let Some(local_tag) = response.from().and_then(|from| from.tag()).and_then(tag_number) else {
            return;
        };
        if let Some(dialog) = self.by_tag.get(&local_tag).and_then(|id| self.dialogs.get(id)) {
            let known = response.to().and_then(|to| to.tag()) == dialog.remote_tag.as_deref();
            if known {
                self.core.send_ack(dialog, cseq);
            }
            return;
        }
        if self.dialogs.len() >= self.core.config.max_dialogs || !self.stray.take(now) {
            return;
        }
        let id = DialogId(self.core.new_id());
        let Some(mut dialog) = answered_dialog(id, local_tag, cseq, flow, response) else {
            return;
        };
        dialog.choose_flow(&self.core);
        self.core.send_ack(&dialog, cseq);
        self.core
            .send_job(now, &mut dialog, Job::new(JobKind::Bye { reason: None }));
        self.by_tag.insert(local_tag, id);
        self.dialogs.insert(id, Box::new(dialog));
    }
}

fn answered_dialog(
    id: DialogId,
    local_tag: u64,
    cseq: u32,
    flow: Flow,
    response: &Message,
) -> Option<Dialog> {
    let (from, to) = (response.from()?, response.to()?);
    let mut dialog = Dialog::new(
        id,
        State::Ending,
        response.call_id().into(),
        local_tag,
        from.without_params.into(),
        to.without_params.into(),
        flow,
    );
    dialog.told_end = true;
    dialog.remote_tag = Some(to.tag()?.into());
    let target = response.contact().map_or(to.uri, |contact| contact.uri);
    dialog.remote_target = Bytes::copy_from_slice(target);
    dialog.routes = route_set(response, true);
    dialog.local_cseq = cseq;
    Some(dialog)
}
