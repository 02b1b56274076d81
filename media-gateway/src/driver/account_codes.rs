//! Account codes: the site's list, and what calls are booked to, while they are up and after them.

use super::Driver;
use super::work::Done;
use crate::store::{AuditNote, Store, StoreError};
use ponte_call_core::{Event, ListedCode, SwitchCommand};
use ponte_protocol::account_code::ACCOUNT_CODES_FOUND_MAX;
use ponte_protocol::admin::AccountCodeSettings;
use ponte_protocol::{
    AccountCode, AccountCodePolicy, BookedCode, CallId, CallRecord, CommandId, Direction, EventBody, Outcome,
    Refusal, Reply, UserId,
};

impl Driver {
    pub(super) fn account_codes_changed(&mut self, codes: Vec<AccountCodeSettings>) {
        let listed = codes.iter().map(|settings| ListedCode {
            code: settings.code.clone(),
            name: settings.name.clone(),
            active: settings.active,
        });
        let listed = listed.collect();
        self.account_codes = codes;
        self.tell(Event::AccountCodesConfigured { codes: listed });
    }

    /// The codes in use that have this in them: those that begin with it first.
    pub(super) fn find_account_codes(&mut self, user: &UserId, id: CommandId, find: &str) {
        let on = self.config.site.account_codes.is_on();
        let find = find.trim().to_lowercase();
        let usable = || self.account_codes.iter().filter(|known| known.active && on);
        let begins = |known: &&AccountCodeSettings| known.code.as_str().starts_with(&find);
        let holds = |known: &&AccountCodeSettings| {
            known.code.as_str().contains(&find) || known.name.to_lowercase().contains(&find)
        };
        let mut found = usable()
            .filter(begins)
            .chain(usable().filter(|known| !begins(known) && holds(known)))
            .map(|known| BookedCode {
                code: known.code.clone(),
                name: known.name.clone(),
            });
        let codes: Vec<BookedCode> = found.by_ref().take(ACCOUNT_CODES_FOUND_MAX).collect();
        let more = found.next().is_some();
        let outcome = Outcome::AccountCodes { codes, more };
        self.send_reply(user, Reply { id, outcome });
    }

    /// Books a call of the user's own: one that is up by the switch, one that is over in its record.
    pub(super) fn set_account_code(
        &mut self,
        user: UserId,
        id: CommandId,
        call: CallId,
        account_code: Option<AccountCode>,
    ) {
        if self.switch.calls(&user).iter().any(|known| known.id == call) {
            let command = SwitchCommand::SetAccountCode { call, account_code };
            return self.tell(Event::Command { user, id, command });
        }
        let booked = account_code
            .map(|code| self.switch.check_account_code(&user, &code))
            .transpose();
        let booked = match booked {
            Ok(booked) => booked,
            Err(refusal) => return self.answer(&user, Reply::refused(id, refusal)),
        };
        let required = self.config.site.account_codes == AccountCodePolicy::Required;
        let note = AuditNote {
            at: self.clock.now(),
            by: Some(user.clone()),
            action: "record_booked",
            subject: call.to_string(),
            fields: vec!["account_code".to_owned()],
        };
        let store = self.store.clone();
        self.work.push(async move {
            let booked = book_record(&store, &user, call, booked, required, note).await;
            Done::RecordBooked { user, id, booked }
        });
    }

    pub(super) fn record_booked(
        &mut self,
        user: &UserId,
        id: CommandId,
        booked: Result<CallRecord, Refusal>,
    ) {
        let outcome = match booked {
            Ok(record) => {
                let call = Some(record.id);
                if let Some(entry) = self.users.get_mut(user)
                    && let Some(known) = entry.log.iter_mut().find(|known| known.id == record.id)
                {
                    known.clone_from(&record);
                }
                self.send_event(user.clone(), EventBody::RecordChanged { record });
                Outcome::Accepted { call }
            }
            Err(refusal) => Outcome::Refused { refusal },
        };
        self.answer(user, Reply { id, outcome });
    }

    /// What a restart must know of a call is what portals are shown of it.
    pub(super) fn keep_booking(&self, call: CallId, booked: Option<&BookedCode>) {
        drop(self.store.book_call(call, booked.cloned()));
    }
}

/// Changes the record, if it is the user's; what it is then.
async fn book_record(
    store: &Store,
    user: &UserId,
    call: CallId,
    booked: Option<BookedCode>,
    required: bool,
    note: AuditNote,
) -> Result<CallRecord, Refusal> {
    let unavailable = |error: StoreError| {
        tracing::error!(%user, %error, "a record could not be booked");
        Refusal::StoreUnavailable
    };
    let before = store.record(call).await.map_err(unavailable)?;
    let before = before
        .filter(|record| record.user == *user)
        .ok_or(Refusal::UnknownCall)?;
    if booked.is_none() && required && was_dialled_to_outside(&before) {
        return Err(Refusal::AccountCodeRequired);
    }
    if booked != before.account_code {
        let written = store.book_record(user.clone(), call, booked.clone(), note);
        if !written.await.map_err(unavailable)? {
            return Err(Refusal::UnknownCall);
        }
    }
    Ok(CallRecord {
        account_code: booked,
        ..before
    })
}

/// Whether the user dialled a number in the form of the whole world: neither an extension nor an emergency number.
fn was_dialled_to_outside(record: &CallRecord) -> bool {
    record.direction == Direction::Outgoing && record.number.starts_with('+')
}
