//! The Replaces header (RFC 3891): what names a call, which one it is, and what of it is refused before the host is asked.

use super::UserAgent;
use super::refer::Refusal;
use crate::dialog::{Dialog, State, tag_number};
use crate::message::{Message, is_token_byte, param};
use crate::types::{DialogId, Replaces, Replacing};

impl UserAgent {
    /// The call that a Replaces names (RFC 3891 section 3), unless it is over.
    pub fn replaced_dialog(&self, replaces: &Replaces) -> Option<DialogId> {
        let dialog = self.named_by(replaces)?;
        (!dialog.told_end).then_some(dialog.id)
    }

    /// A dialog of ours that a Replaces names, while anything of it is left. `to-tag` is the tag of the one that is asked.
    fn named_by(&self, replaces: &Replaces) -> Option<&Dialog> {
        let id = self.by_tag.get(&tag_number(replaces.to_tag.as_bytes())?)?;
        let dialog = self.dialogs.get(id)?;
        let named =
            *dialog.call_id == *replaces.call_id.as_bytes() && dialog.knows_tag(replaces.from_tag.as_bytes());
        named.then_some(&**dialog)
    }

    /// What an INVITE is to take over, for the host to say whether it may; or why it cannot. Only whoever has proven an
    /// account is heard at all: for everybody else calls go on as they are.
    pub(super) fn replacing(
        &self,
        request: &Message,
        account: Option<&str>,
    ) -> Result<Option<Replacing>, Refusal> {
        let mut values = request.lines_named("Replaces");
        let Some(value) = values.next() else {
            return Ok(None);
        };
        // RFC 3891 section 3: only one, and nothing that contradicts it (RFC 3911 section 4).
        let contradicted = values.next().is_some() || request.lines_named("Join").next().is_some();
        let replaces = read_replaces(value)
            .filter(|_| !contradicted)
            .ok_or((400, "Bad Replaces"))?;
        let early_only = value
            .split(|byte| *byte == b';')
            .any(|param| param.trim_ascii().eq_ignore_ascii_case(b"early-only"));
        let dialog = match self.named_by(&replaces) {
            // An early dialog that the other side began is not to be taken.
            Some(dialog) if dialog.state == State::Incoming => return Err((481, "")),
            Some(dialog) if dialog.told_end => return Err((603, "")),
            Some(dialog) if early_only && matches!(dialog.state, State::Accepted | State::Confirmed) => {
                return Err((486, ""));
            }
            Some(_) if account.is_none() => return Err((603, "")),
            None if account.is_none() => return Err((481, "")),
            named => named.map(|dialog| dialog.id),
        };
        Ok(Some(Replacing {
            replaces,
            early_only,
            dialog,
        }))
    }
}

/// The value of a Replaces (RFC 3891 section 6.1): a Call-ID, and each tag exactly once.
pub(super) fn read_replaces(value: &[u8]) -> Option<Replaces> {
    let end = memchr::memchr(b';', value)?;
    let (call_id, params) = (value[..end].trim_ascii(), &value[end + 1..]);
    let tag = |name: &str| {
        let named = |param: &&[u8]| {
            let end = memchr::memchr(b'=', param).unwrap_or(param.len());
            param[..end].trim_ascii().eq_ignore_ascii_case(name.as_bytes())
        };
        let once = params.split(|byte| *byte == b';').filter(named).count() == 1;
        let tag = param(params, name)
            .filter(|tag| once && !tag.is_empty() && tag.iter().copied().all(is_token_byte))?;
        String::from_utf8(tag.to_vec()).ok()
    };
    (!call_id.is_empty()).then_some(())?;
    Some(Replaces {
        call_id: String::from_utf8(call_id.to_vec()).ok()?,
        to_tag: tag("to-tag")?,
        from_tag: tag("from-tag")?,
    })
}
