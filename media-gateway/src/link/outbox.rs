//! Events on their way to the edge, kept until the edge has stored them.

use ponte_protocol::link::StreamPosition;
use ponte_protocol::{EventBody, LinkEvent, UnixMillis, UserId};
use std::collections::VecDeque;
use uuid::Uuid;

/// What a new connection has to send before anything else.
#[derive(Debug, PartialEq, Eq)]
pub enum Resume {
    /// The events that the edge lacks are in the outbox, in order.
    Replay,
    /// The edge knows another stream, or too old a place in this one: every user's state is to be sent anew.
    StateAnew,
}

/// The events since the last acknowledgement, at most `capacity` of them.
#[derive(Debug)]
pub struct Outbox {
    epoch: Uuid,
    next_seq: u64,
    waiting: VecDeque<LinkEvent>,
    capacity: usize,
    /// Events were dropped since the edge was last given everything.
    incomplete: bool,
}

impl Outbox {
    /// An empty outbox of a new stream.
    pub fn new(epoch: Uuid, capacity: usize) -> Self {
        Self {
            epoch,
            next_seq: 1,
            waiting: VecDeque::new(),
            capacity,
            incomplete: false,
        }
    }

    /// Numbers an event and keeps it. The oldest is dropped when the outbox is full: the edge is then given every
    /// state anew when it comes back, so nothing but the way there is lost.
    pub fn push(&mut self, user: UserId, at: UnixMillis, body: EventBody) -> &LinkEvent {
        if self.waiting.len() == self.capacity {
            self.waiting.pop_front();
            self.incomplete = true;
        }
        let position = StreamPosition {
            epoch: self.epoch,
            seq: self.next_seq,
        };
        self.next_seq += 1;
        self.waiting.push_back(LinkEvent {
            position,
            user,
            at,
            body,
        });
        &self.waiting[self.waiting.len() - 1]
    }

    /// Events were lost on the way to the outbox.
    pub fn mark_incomplete(&mut self) {
        self.incomplete = true;
    }

    /// The edge has stored everything up to `position`.
    pub fn acknowledge(&mut self, position: StreamPosition) {
        if position.epoch == self.epoch {
            let stored = self
                .waiting
                .partition_point(|event| event.position.seq <= position.seq);
            self.waiting.drain(..stored);
        }
    }

    /// A new connection begins; `last` is what the edge keeps.
    pub fn resume(&mut self, last: Option<StreamPosition>) -> Resume {
        match last {
            Some(position) if position.epoch == self.epoch && !self.incomplete => {
                self.acknowledge(position);
                Resume::Replay
            }
            _ => {
                self.waiting.clear();
                self.incomplete = false;
                Resume::StateAnew
            }
        }
    }

    /// What the edge has not stored yet, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &LinkEvent> {
        self.waiting.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(outbox: &mut Outbox) -> u64 {
        let body = EventBody::GatewayChanged { connected: true };
        outbox
            .push("anna".parse().unwrap(), UnixMillis(1), body)
            .position
            .seq
    }

    fn seqs(outbox: &Outbox) -> Vec<u64> {
        outbox.waiting().map(|event| event.position.seq).collect()
    }

    #[test]
    fn what_was_not_acknowledged_is_sent_again() {
        let epoch = Uuid::from_u128(1);
        let mut outbox = Outbox::new(epoch, 10);
        for _ in 0..5 {
            push(&mut outbox);
        }
        outbox.acknowledge(StreamPosition { epoch, seq: 2 });
        assert_eq!(seqs(&outbox), [3, 4, 5]);
        assert_eq!(
            outbox.resume(Some(StreamPosition { epoch, seq: 4 })),
            Resume::Replay
        );
        assert_eq!(seqs(&outbox), [5]);
    }

    #[test]
    fn an_edge_of_another_stream_gets_the_states() {
        let mut outbox = Outbox::new(Uuid::from_u128(1), 10);
        push(&mut outbox);
        let other = StreamPosition {
            epoch: Uuid::from_u128(2),
            seq: 1,
        };
        assert_eq!(outbox.resume(Some(other)), Resume::StateAnew);
        assert_eq!(seqs(&outbox), [0; 0]);
        assert_eq!(push(&mut outbox), 2);
    }

    #[test]
    fn an_overflow_is_made_good_by_the_states() {
        let epoch = Uuid::from_u128(1);
        let mut outbox = Outbox::new(epoch, 3);
        for _ in 0..4 {
            push(&mut outbox);
        }
        assert_eq!(
            outbox.resume(Some(StreamPosition { epoch, seq: 0 })),
            Resume::StateAnew
        );
        push(&mut outbox);
        assert_eq!(
            outbox.resume(Some(StreamPosition { epoch, seq: 4 })),
            Resume::Replay
        );
        assert_eq!(seqs(&outbox), [5]);
    }

    #[test]
    fn an_acknowledgement_of_another_stream_is_ignored() {
        let mut outbox = Outbox::new(Uuid::from_u128(1), 3);
        push(&mut outbox);
        outbox.acknowledge(StreamPosition {
            epoch: Uuid::from_u128(2),
            seq: 9,
        });
        assert_eq!(seqs(&outbox), [1]);
    }
}
