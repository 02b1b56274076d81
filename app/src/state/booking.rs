//! What calls are booked to.

use crate::browser;
use crate::i18n::text;
use crate::logic::account;
use crate::state::Portal;
use crate::state::toasts::ToastKind;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use ponte_protocol::{
    AccountCode, AccountCodePolicy, BookedCode, CallId, CommandBody, DialString, Outcome, Refusal,
};

impl Portal {
    /// Whether the site has account codes, tracked.
    pub fn account_policy(self) -> AccountCodePolicy {
        self.profile().with(|profile| {
            profile
                .as_ref()
                .map(|profile| profile.account_codes)
                .unwrap_or_default()
        })
    }

    /// Whether calls can be booked, tracked.
    pub fn books(self) -> bool {
        self.account_policy().is_on()
    }

    /// Dials a number, booked to what stands in the field for that.
    pub fn dial(self, number: DialString) {
        let typed = self.account_text().get_untracked();
        let Ok(code) = account::read(&typed) else {
            // A name that is looked for is no code yet.
            return self.dial_refusal().set(Some(Refusal::UnknownAccountCode));
        };
        let account_code = code.filter(|_| untrack(|| self.books()));
        self.ask(CommandBody::Dial { number, account_code });
    }

    /// What a call of the user's own is booked to, up or over, tracked.
    pub fn booked_to(self, call: CallId) -> Option<BookedCode> {
        if let Some(call) = self.call_now(call) {
            return call.account_code;
        }
        self.records().with(|records| {
            let record = records.iter().find(|record| record.id == call)?;
            record.account_code.clone()
        })
    }

    fn account_key(self) -> Option<String> {
        self.profile()
            .with_untracked(|profile| Some(format!("ponte.account.{}", profile.as_ref()?.user)))
    }

    /// The code that the user chose last in this browser.
    pub fn last_account(self) -> Option<BookedCode> {
        account::of_kept(&browser::storage_get(&self.account_key()?)?)
    }

    /// Keeps what the user chose for the next time.
    pub fn keep_account(self, booked: &BookedCode) {
        if let Some(key) = self.account_key() {
            browser::storage_set(&key, &account::kept(booked));
        }
    }

    /// Books a call of the user's own. What is over can be undone.
    ///
    /// # Errors
    /// Why it was not booked.
    pub async fn book(self, call: CallId, code: Option<AccountCode>) -> Result<(), Refusal> {
        let before = untrack(|| self.booked_to(call));
        let over = untrack(|| self.call_now(call)).is_none();
        let body = CommandBody::SetAccountCode {
            call,
            account_code: code.clone(),
        };
        match self.ask_for(body).await {
            Some(Outcome::Accepted { .. }) => {}
            Some(Outcome::Refused { refusal }) => return Err(refusal),
            _ => return Err(Refusal::Expired),
        }
        if !over {
            return Ok(());
        }
        let locale = self.i18n().locale_now();
        let said = code.map_or_else(
            || text::account::unbooked(locale).to_owned(),
            |code| text::account::booked(locale, code),
        );
        let undone = before.map(|booked| booked.code);
        // Where codes are required there is no way back to none.
        if undone.is_some() || untrack(|| self.account_policy()) != AccountCodePolicy::Required {
            let undo = CommandBody::SetAccountCode {
                call,
                account_code: undone,
            };
            self.toasts().show_with_undo(said, undo);
        } else {
            self.toasts().show(ToastKind::Success, said);
        }
        // Its row in the log is made anew.
        TimeoutFuture::new(0).await;
        browser::focus(&format!("log-{call}"));
        Ok(())
    }
}
