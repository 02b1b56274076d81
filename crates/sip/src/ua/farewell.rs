//! What ends an INVITE that a crash would forget: prepared while it rings, said after the restart.

use super::UserAgent;
use super::uac::cancel_of;
use crate::dialog::{State, tag_text};
use crate::message::{HeaderName, Message};
use crate::types::{DialogId, Farewell, Flow, SipError};

/// Q.850 41, temporary failure.
const REASON: &str = "Q.850;cause=41;text=\"Gateway restarted\"";
/// What whoever called is told.
const RESTARTED: u16 = 503;

impl UserAgent {
    /// What would end an INVITE that is not answered: for one of ours its CANCEL, which the network takes once a
    /// provisional response came (RFC 3261 9.1), for one of theirs a 503. Take it anew after each provisional response: a
    /// challenge makes another INVITE. `None` once the call is answered or over; see [`Self::dialog_snapshot`] for that.
    pub fn farewell(&self, dialog: DialogId) -> Option<Farewell> {
        let dialog = self.dialogs.get(&dialog).filter(|dialog| !dialog.told_end)?;
        let (flow, bytes): (Flow, _) = match dialog.state {
            State::Calling => {
                let key = dialog.calling.as_deref()?.key;
                let client = self.core.clients.get(&key)?;
                (client.flow, cancel_of(&client.request, Some(REASON))?)
            }
            State::Incoming => {
                let transaction = dialog.called.as_deref()?.transaction;
                let tag = tag_text(dialog.local_tag);
                let mut writer = self.core.response(transaction, RESTARTED, "", Some(&tag))?;
                writer.header(HeaderName::Reason, REASON.as_bytes());
                (self.core.servers.get(&transaction)?.reply, writer.finish(None))
            }
            State::Accepted | State::Confirmed | State::Ending => return None,
        };
        let message = String::from_utf8(bytes.to_vec()).ok()?;
        Some(Farewell { flow, message })
    }

    /// Sends a farewell of an earlier run, once: who does not hear it gives up by itself.
    pub fn say_farewell(&mut self, farewell: Farewell) -> Result<(), SipError> {
        let message = Message::parse(farewell.message.as_bytes()).map_err(|_| SipError::InvalidHeader)?;
        self.core
            .send(farewell.flow, bytes::Bytes::copy_from_slice(message.as_bytes()));
        Ok(())
    }
}
