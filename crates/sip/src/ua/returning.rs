//! Telephones whose connection breaks within a call, and that come back by another one: what concerns the call goes there,
//! and where it has ended meanwhile they are told so.

use std::time::Duration;

use super::{Job, UserAgent};
use crate::dialog::{Dialog, DialogTimer, State};
use crate::transaction::Core;
use crate::types::{DialogId, Flow, Timestamp};

/// How long a BYE waits for a telephone to come back.
const PATIENCE: Duration = Duration::from_mins(2);

impl UserAgent {
    /// A connection is gone: calls of the telephones behind it wait for them.
    pub(super) fn calls_cut_off(&mut self, flow: &Flow) {
        if !flow.transport.is_stream() {
            return;
        }
        for dialog in self.dialogs.values_mut() {
            if dialog.account.is_some() && dialog.origin == *flow {
                dialog.cut_off = true;
                self.any_cut_off = true;
            }
        }
    }

    /// An account has registered over `flow`: its calls that were cut off, or went over one of the flows that it left, go
    /// on here. The account may be that of several telephones, so that the address must be the same.
    pub(super) fn calls_follow(&mut self, now: Timestamp, account: &str, flow: Flow, left: &[Flow]) {
        if left.is_empty() && !self.any_cut_off {
            return;
        }
        self.any_cut_off = false;
        for dialog in self.dialogs.values_mut() {
            let old = dialog.origin;
            let returns =
                dialog.cut_off && old.transport == flow.transport && old.remote.ip() == flow.remote.ip();
            let its_own = dialog.account.as_deref() == Some(account);
            if its_own && (returns || left.contains(&old)) {
                dialog.origin = flow;
                dialog.cut_off = false;
                dialog.choose_flow(&self.core);
                if let Some(bye) = dialog.unheard_bye.take() {
                    dialog.clear_timer(&mut self.core, DialogTimer::Returning);
                    self.core.send_job(now, dialog, bye);
                }
            }
            self.any_cut_off |= dialog.cut_off;
        }
    }

    /// The telephone of a call may have come back before its old connection was known to be gone.
    pub(super) fn look_for_return(&mut self, now: Timestamp, id: DialogId) {
        self.any_cut_off = true;
        let Some((old, account)) = self
            .dialogs
            .get(&id)
            .and_then(|dialog| Some((dialog.origin, dialog.account.clone()?)))
        else {
            return;
        };
        let returned = |flow: &Flow| {
            flow.transport == old.transport && flow.remote.ip() == old.remote.ip() && *flow != old
        };
        let flow = self.bindings(&account).into_iter().map(|binding| binding.flow);
        if let Some(flow) = flow.into_iter().find(returned) {
            self.calls_follow(now, &account, flow, &[]);
        }
    }
}

impl Core {
    /// A BYE found no connection; whether its telephone may still hear it.
    pub(super) fn keep_bye(&mut self, now: Timestamp, dialog: &mut Dialog, bye: Job) -> bool {
        if dialog.state != State::Ending || dialog.account.is_none() {
            return false;
        }
        dialog.cut_off = true;
        dialog.unheard_bye = Some(Box::new(bye));
        dialog.set_timer(self, DialogTimer::Returning, now + PATIENCE);
        true
    }
}
