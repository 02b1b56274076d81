//! What the answers to commands change, and what follows from them.

use super::{Notice, Store};
use ponte_protocol::{CommandBody, CommandId, DestinationId, MessageId, Outcome, Refusal, Reply};

impl Store {
    // How many answers a wildcard stands for depends on the features.
    #[allow(clippy::match_wildcard_for_single_variants)]
    pub(super) fn take_reply(&mut self, reply: Reply) -> Option<Notice> {
        let body = self.commands.settle(&reply)?;
        match reply.outcome {
            Outcome::Refused { refusal } => {
                self.take_refusal(reply.id, &body, &refusal);
                Some(Notice::Refused(body, refusal))
            }
            Outcome::Log(page) => {
                self.log.take_page(&page);
                None
            }
            Outcome::Messages(page) => {
                match body {
                    CommandBody::FetchMessages {
                        before: Some(before),
                        limit: 1,
                    } => self.messages.take_again(before, &page),
                    _ => self.messages.take_page(&page),
                }
                None
            }
            Outcome::Explained(explanation) => {
                self.explained = Some(explanation);
                None
            }
            Outcome::Contacts(page) => {
                if let CommandBody::FetchContacts { after, .. } = body {
                    let wish = self.directory.take_page(after, page);
                    self.wishes.extend(wish);
                }
                None
            }
            Outcome::ContactsRead(preview) => {
                if let CommandBody::ReadContacts { import, .. } = body {
                    self.directory.take_preview(import, preview);
                }
                None
            }
            Outcome::ContactsText { text, next } => {
                let wish = self.directory.take_text(&text.0, next);
                self.wishes.extend(wish);
                None
            }
            Outcome::Accepted { .. } => {
                self.take_acceptance(&body);
                Some(Notice::Done(body))
            }
            // Answers that this portal does not ask for, or does not know.
            _ => None,
        }
    }

    fn take_acceptance(&mut self, body: &CommandBody) {
        if let Some(proof) = &mut self.verification {
            proof.answer(body, None);
        }
        if let CommandBody::MarkMessage { message, .. }
        | CommandBody::DeleteMessage { message }
        | CommandBody::RestoreMessage { message } = body
        {
            self.look_again(*message);
        }
        match body {
            CommandBody::ReadContacts { import, part, .. } => {
                let wish = self.directory.part_taken(*import, *part);
                self.wishes.extend(wish);
            }
            CommandBody::ImportContacts { .. } => self.directory.end_import(),
            _ => {}
        }
    }

    /// Asks for a message that is older than what events tell of.
    fn look_again(&mut self, message: MessageId) {
        let beyond = self
            .user
            .as_ref()
            .and_then(|user| self.messages.beyond(&user.mailbox, message));
        if let Some(received_at) = beyond {
            self.wishes.push(CommandBody::FetchMessages {
                before: Some(received_at.plus(1)),
                limit: 1,
            });
        }
    }

    /// A command about the directory will not be answered as it was hoped.
    pub(super) fn give_up(&mut self, body: &CommandBody, refusal: &Refusal) {
        match body {
            CommandBody::FetchContacts { .. } => self.directory.give_up_page(),
            CommandBody::ReadContacts { import, .. } | CommandBody::ImportContacts { import } => {
                self.directory.fail_import(*import, refusal);
            }
            CommandBody::ExportContacts { .. } => self.directory.give_up_export(),
            _ => {}
        }
    }

    fn take_refusal(&mut self, id: CommandId, body: &CommandBody, refusal: &Refusal) {
        self.give_up(body, refusal);
        if let Some(proof) = &mut self.verification {
            proof.answer(body, Some(refusal));
            if proof.destination == DestinationId(id.0) {
                self.verification = None;
            }
        }
        if let (CommandBody::Dial { number, .. }, Refusal::Restricted { .. }) = (body, refusal) {
            self.wishes.push(CommandBody::Explain {
                number: number.clone(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, event, with_state};
    use super::*;
    use crate::state::sample;
    use crate::state::verification::Verification;
    use ponte_protocol::{EventBody, Explanation, ServerFrame, UnixMillis};
    use uuid::Uuid;

    fn reply(id: u128, outcome: Outcome) -> ServerFrame {
        let id = CommandId(Uuid::from_u128(id));
        ServerFrame::Reply {
            reply: Reply { id, outcome },
        }
    }

    fn refused(id: u128, refusal: Refusal) -> ServerFrame {
        reply(id, Outcome::Refused { refusal })
    }

    fn ask(store: &mut Store, id: u128, body: CommandBody) {
        store.issue(CommandId(Uuid::from_u128(id)), body, NOW);
    }

    #[test]
    fn a_command_shows_no_call_before_the_gateway_tells_of_one() {
        let mut store = with_state();
        let body = CommandBody::Dial {
            number: "0212345678".parse().unwrap(),
            account_code: None,
        };
        let id = CommandId(Uuid::from_u128(1));
        let command = store.issue(id, body.clone(), NOW);
        assert_eq!(command.expires_at, UnixMillis(15_000));
        let reply = Reply {
            id,
            outcome: Outcome::Accepted { call: None },
        };
        assert_eq!(
            store.receive(ServerFrame::Reply { reply: reply.clone() }, NOW),
            Some(Notice::Done(body))
        );
        assert_eq!(store.receive(ServerFrame::Reply { reply }, NOW), None);
        assert!(store.user.unwrap().calls.is_empty());
    }

    #[test]
    fn t02_a_number_that_is_not_saved_is_not_proven() {
        let mut store = with_state();
        let body = CommandBody::SaveDestination {
            label: "Home".into(),
            number: "112".parse().unwrap(),
            confirm: None,
        };
        ask(&mut store, 5, body);
        store.verification = Some(Verification::saving(DestinationId(Uuid::from_u128(5)), true));
        store.receive(refused(5, Refusal::EmergencyNumber), NOW);
        assert_eq!(store.verification, None);
    }

    #[test]
    fn a_restricted_number_is_explained() {
        let mut store = with_state();
        let number: ponte_protocol::DialString = "+441934567890".parse().unwrap();
        ask(
            &mut store,
            1,
            CommandBody::Dial {
                number: number.clone(),
                account_code: None,
            },
        );
        let refusal = Refusal::Restricted { rule: "+4419".into() };
        store.receive(refused(1, refusal.clone()), NOW);
        assert_eq!(
            store.take_wishes(),
            [CommandBody::Explain {
                number: number.clone()
            }]
        );
        ask(
            &mut store,
            2,
            CommandBody::Explain {
                number: number.clone(),
            },
        );
        let explanation = Explanation {
            number: None,
            refusal: Some(refusal),
            rule: "+4419".into(),
            hours: None,
            from: "site".into(),
        };
        store.receive(reply(2, Outcome::Explained(explanation.clone())), NOW);
        assert_eq!(store.explained, Some(explanation));
        let dial = CommandBody::Dial {
            number,
            account_code: None,
        };
        ask(&mut store, 3, dial);
        assert_eq!(store.explained, None);
    }

    #[test]
    fn t09_the_mailbox_is_shown_as_told_and_older_messages_are_asked_for_again() {
        let mut store = with_state();
        let newest = (100..150).rev().map(sample::message).collect();
        let mailbox = sample::mailbox(newest);
        store.receive(event(11, EventBody::MailboxChanged { mailbox }), NOW);
        assert_eq!(store.messages.list().len(), 50);
        let page = |messages, more| Outcome::Messages(ponte_protocol::MessagePage { messages, more });
        let fetch = |before, limit| CommandBody::FetchMessages {
            before: Some(UnixMillis(before)),
            limit,
        };
        ask(&mut store, 1, fetch(100, 50));
        store.receive(reply(1, page(vec![sample::message(7)], false)), NOW);
        assert!(!store.messages.may_have_more());

        let message = sample::message(7).id;
        ask(&mut store, 2, CommandBody::DeleteMessage { message });
        store.receive(reply(2, Outcome::Accepted { call: None }), NOW);
        assert_eq!(store.take_wishes(), [fetch(8, 1)]);
        ask(&mut store, 3, fetch(8, 1));
        store.receive(reply(3, page(vec![], true)), NOW);
        assert_eq!(store.messages.list().len(), 50);
        assert!(!store.messages.may_have_more());
    }
}
