//! What the user is told of the answers to commands.

use crate::browser;
use crate::i18n::{Locale, text};
use crate::logic::account;
use crate::state::Portal;
use crate::state::toasts::ToastKind;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::{CommandBody, DestinationChoice, Refusal};

impl Portal {
    pub(super) fn say_done(self, body: &CommandBody) {
        let locale = self.i18n().locale_now();
        let said = match body {
            CommandBody::SaveDestination { label, .. } => text::toast::saved(locale, label),
            CommandBody::EnterTelecommuter { .. } => {
                self.unproven().set(None);
                self.entered().update(|times| *times += 1);
                text::toast::entered(locale).to_owned()
            }
            CommandBody::SaveContact { contact } => text::toast::saved(locale, &contact.name),
            CommandBody::ImportContacts { .. } => text::directory::imported(locale).to_owned(),
            CommandBody::LeaveTelecommuter => text::toast::left(locale).to_owned(),
            CommandBody::ConfirmDestination { .. } => text::toast::verified(locale).to_owned(),
            CommandBody::DeleteMessage { message } => {
                let undo = CommandBody::RestoreMessage { message: *message };
                self.toasts()
                    .show_with_undo(text::toast::message_deleted(locale), undo);
                return;
            }
            CommandBody::RemoveOwnSound { sound } => {
                let undo = CommandBody::RestoreOwnSound { sound: *sound };
                self.toasts()
                    .show_with_undo(text::greeting::removed(locale), undo);
                return;
            }
            CommandBody::Dial { .. } => {
                // What was dialled is shown by the call now; it must not be dialled again by a stray Enter.
                self.dial_text().set(String::new());
                self.account_text().set(String::new());
                return;
            }
            _ => return,
        };
        self.toasts().show(ToastKind::Success, said);
    }

    pub(super) fn say_refused(self, body: &CommandBody, refusal: &Refusal) {
        match (body, refusal) {
            (CommandBody::Dial { .. }, _) => {
                self.dial_refusal().set(Some(refusal.clone()));
                // Where the code is asked for.
                if account::is_about_code(refusal) && !browser::focus("account-input") {
                    self.wants_pad().set(true);
                }
            }
            // The chooser asks for a label then, and goes on to the proof.
            (
                CommandBody::EnterTelecommuter {
                    destination: DestinationChoice::Number { number, .. },
                },
                Refusal::NotVerified,
            ) => return self.unproven().set(Some(number.clone())),
            // Said where the code is typed.
            (CommandBody::ConfirmDestination { .. }, Refusal::WrongCode { .. } | Refusal::NoCode)
            // The last two: said where the file is shown.
            | (
                CommandBody::VerifyDestination { .. }
                | CommandBody::Explain { .. }
                | CommandBody::ReadContacts { .. }
                | CommandBody::ImportContacts { .. },
                _,
            ) => return,
            _ => {}
        }
        let locale = self.i18n().locale_now();
        let why = words::refusal(locale, refusal);
        self.toasts()
            .show(ToastKind::Error, format!("{} {why}", failed(locale, body)));
    }
}

/// What did not work, as the start of a message.
fn failed(locale: Locale, body: &CommandBody) -> &'static str {
    match body {
        CommandBody::EnterTelecommuter { .. } => text::toast::enter_failed(locale),
        CommandBody::LeaveTelecommuter => text::toast::leave_failed(locale),
        CommandBody::SaveDestination { .. }
        | CommandBody::SetPresence { .. }
        | CommandBody::SetCallSettings { .. }
        | CommandBody::SetCallRules { .. }
        | CommandBody::SaveProfile { .. }
        | CommandBody::SwitchProfile { .. }
        | CommandBody::LeaveAt { .. }
        | CommandBody::SaveContact { .. }
        | CommandBody::MarkMessage { .. } => text::toast::save_failed(locale),
        CommandBody::DeleteDestination { .. }
        | CommandBody::DeleteMessage { .. }
        | CommandBody::RemoveOwnSound { .. }
        | CommandBody::DeleteContact { .. }
        | CommandBody::DeleteProfile { .. } => text::toast::delete_failed(locale),
        CommandBody::Dial { .. } => text::toast::dial_failed(locale),
        CommandBody::HangUp { .. } => text::toast::hang_up_failed(locale),
        CommandBody::Accept { .. } => text::toast::accept_failed(locale),
        CommandBody::Reject { .. } => text::toast::reject_failed(locale),
        CommandBody::SendDtmf { .. } => text::toast::dtmf_failed(locale),
        CommandBody::FetchLog { .. } => text::toast::log_failed(locale),
        CommandBody::FetchMessages { .. } => text::toast::messages_failed(locale),
        CommandBody::FetchContacts { .. } | CommandBody::ExportContacts { .. } => {
            text::directory::not_loaded(locale)
        }
        CommandBody::PickUp { .. } => text::directory::not_picked_up(locale),
        CommandBody::LogOn { .. } => text::toast::log_on_failed(locale),
        CommandBody::LogOff => text::toast::log_off_failed(locale),
        _ => text::toast::failed(locale),
    }
}
