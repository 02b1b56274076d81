//! Voicemail as far as it is loaded: the newest messages of the state, and older pages behind them.

use ponte_protocol::message::STATE_MESSAGES_MAX;
use ponte_protocol::{Mailbox, MessageId, MessagePage, UnixMillis, VoiceMessage};

/// Messages, newest first, each once, without a gap; those in the bin among them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Messages {
    list: Vec<VoiceMessage>,
    /// The server said that nothing older exists.
    complete: bool,
}

impl Messages {
    /// The messages loaded.
    pub fn list(&self) -> &[VoiceMessage] {
        &self.list
    }

    /// Whether older messages may exist.
    pub fn may_have_more(&self) -> bool {
        !self.complete && self.list.len() >= STATE_MESSAGES_MAX
    }

    /// Where the next page starts.
    pub fn oldest(&self) -> Option<UnixMillis> {
        self.list.last().map(|message| message.received_at)
    }

    /// Takes the newest messages of a state: what they no longer hold within their own reach is gone for good.
    pub fn take_newest(&mut self, mailbox: &Mailbox) {
        let newest = &mailbox.messages;
        let whole = newest.len() < STATE_MESSAGES_MAX;
        let reach = newest.last().map(|message| message.received_at);
        let overlaps = newest
            .iter()
            .any(|message| self.list.iter().any(|known| known.id == message.id));
        if whole || !overlaps {
            // Between the two may lie messages that were never seen here.
            self.list.clear();
            self.complete = whole;
        }
        self.list
            .retain(|message| reach.is_some_and(|reach| message.received_at < reach));
        self.merge(newest);
    }

    /// Takes a page that was asked for by [`Messages::oldest`].
    pub fn take_page(&mut self, page: &MessagePage) {
        self.merge(&page.messages);
        self.complete = !page.more;
    }

    /// Takes the one message that was asked for by the moment after it: as it is now, or gone for good.
    pub fn take_again(&mut self, before: UnixMillis, page: &MessagePage) {
        self.list.retain(|message| message.received_at.plus(1) != before);
        let same = |message: &VoiceMessage| message.received_at.plus(1) == before;
        if page.messages.iter().all(same) {
            self.merge(&page.messages);
        }
    }

    /// The time of a message that the state does not carry, so that a change of it must be asked for.
    pub fn beyond(&self, mailbox: &Mailbox, id: MessageId) -> Option<UnixMillis> {
        let told = mailbox.messages.iter().any(|message| message.id == id);
        let known = self.list.iter().find(|message| message.id == id)?;
        (!told).then_some(known.received_at)
    }

    fn merge(&mut self, messages: &[VoiceMessage]) {
        self.list
            .retain(|known| messages.iter().all(|message| message.id != known.id));
        self.list.extend_from_slice(messages);
        self.list
            .sort_by_key(|message| (std::cmp::Reverse(message.received_at), message.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample::{mailbox, message};

    fn times(messages: &Messages) -> Vec<u64> {
        messages
            .list()
            .iter()
            .map(|message| message.received_at.0)
            .collect()
    }

    fn newest_50(from: u64) -> Mailbox {
        mailbox(
            (from..from + STATE_MESSAGES_MAX as u64)
                .rev()
                .map(message)
                .collect(),
        )
    }

    #[test]
    fn t09_pages_join_the_newest_without_doubles() {
        let mut messages = Messages::default();
        messages.take_newest(&newest_50(10));
        assert!(messages.may_have_more());
        assert_eq!(messages.oldest(), Some(UnixMillis(10)));
        messages.take_page(&MessagePage {
            messages: vec![message(10), message(9), message(8)],
            more: false,
        });
        messages.take_newest(&newest_50(11));
        assert_eq!(messages.list().len(), 53);
        assert_eq!(times(&messages)[50..], [10, 9, 8]);
        assert!(!messages.may_have_more());
    }

    #[test]
    fn a_message_deleted_for_good_goes_and_a_small_box_is_whole() {
        let mut messages = Messages::default();
        messages.take_newest(&mailbox(vec![message(3), message(2), message(1)]));
        messages.take_newest(&mailbox(vec![message(3), message(1)]));
        assert_eq!(times(&messages), [3, 1]);
        assert!(!messages.may_have_more());
        messages.take_newest(&mailbox(vec![]));
        assert_eq!(times(&messages), [0; 0]);
    }

    #[test]
    fn a_gap_is_never_shown_as_a_whole_box() {
        let mut messages = Messages::default();
        messages.take_newest(&newest_50(10));
        messages.take_newest(&newest_50(500));
        assert_eq!(messages.oldest(), Some(UnixMillis(500)));
    }

    #[test]
    fn a_change_beyond_the_state_is_asked_for_and_taken() {
        let mut messages = Messages::default();
        let state = newest_50(10);
        messages.take_newest(&state);
        messages.take_page(&MessagePage {
            messages: vec![message(4)],
            more: true,
        });
        let old = message(4);
        assert_eq!(messages.beyond(&state, old.id), Some(UnixMillis(4)));
        assert_eq!(messages.beyond(&state, message(10).id), None);
        let heard = VoiceMessage { heard: true, ..old };
        let page = |messages| MessagePage { messages, more: true };
        messages.take_again(UnixMillis(5), &page(vec![heard.clone()]));
        assert_eq!(messages.list().last(), Some(&heard));
        messages.take_again(UnixMillis(5), &page(vec![message(2)]));
        assert_eq!(messages.oldest(), Some(UnixMillis(10)));
    }
}
