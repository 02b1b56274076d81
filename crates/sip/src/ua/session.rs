//! Session timers at work (RFC 4028).

use std::time::Duration;

use super::{Job, JobKind, UserAgent};
use crate::dialog::{Agreement, Dialog, DialogTimer, SessionTimer, State};
use crate::message::{HeaderName, Refresher, Writer};
use crate::transaction::Core;
use crate::types::{DialogId, Timestamp};

impl Core {
    /// Starts the timers of the session interval in force, or stops them where there is none.
    pub(super) fn restart_session(&mut self, now: Timestamp, dialog: &mut Dialog) {
        for (timer, after) in [
            (DialogTimer::Refresh, dialog.session.refresh_after()),
            (DialogTimer::Expire, dialog.session.expire_after()),
        ] {
            match after {
                Some(after) => dialog.set_timer(self, timer, now + after),
                None => dialog.clear_timer(self, timer),
            }
        }
    }

    /// Writes what was agreed on the session interval, and starts its timers.
    pub(super) fn settle_session(
        &mut self,
        now: Timestamp,
        dialog: &mut Dialog,
        writer: &mut Writer,
        agreement: Agreement,
    ) {
        dialog.session = SessionTimer::default();
        if let Agreement::Agreed { interval, refresher } = agreement {
            let (name, ours) = match refresher {
                Refresher::Uac => ("uac", false),
                Refresher::Uas => ("uas", true),
            };
            if !ours {
                writer.header(HeaderName::Require, b"timer");
            }
            writer.header(
                HeaderName::SessionExpires,
                format!("{interval};refresher={name}").as_bytes(),
            );
            dialog.session = SessionTimer {
                interval: Some(interval),
                ours,
                raised: false,
            };
        }
        self.restart_session(now, dialog);
    }
}

impl UserAgent {
    /// Refreshes by UPDATE where the peer takes it, else by re-INVITE with our last description.
    pub(super) fn refresh_session(&mut self, now: Timestamp, id: DialogId) {
        let Some(dialog) = self
            .dialogs
            .get_mut(&id)
            .filter(|dialog| dialog.state == State::Confirmed)
        else {
            return;
        };
        if dialog.peer_allows_update {
            self.core.send_job(now, dialog, Job::new(JobKind::Update));
            return;
        }
        if !dialog.may_offer() {
            dialog.set_timer(&mut self.core, DialogTimer::Refresh, now + Duration::from_secs(5));
        } else if !dialog.local_sdp.is_empty() {
            let sdp = dialog.local_sdp.clone();
            self.core
                .send_job(now, dialog, Job::new(JobKind::Reinvite { sdp, refresh: true }));
        }
    }
}
