//! Two user agents on a network that loses, doubles and reorders: every call comes to one end on both sides,
//! and nothing is left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod common;

use bytes::Bytes;
use common::{ANSWER, OFFER, Pair, ms, outgoing};
use ponte_sip::{DialogId, EndedBy, Event, SipError};

fn incoming(pair: &Pair) -> Option<DialogId> {
    pair.events[1].iter().find_map(|event| match event {
        Event::IncomingCall(call) => Some(call.dialog),
        _ => None,
    })
}

fn ends(events: &[Event]) -> Vec<EndedBy> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Ended { cause, .. } => Some(cause.by),
            _ => None,
        })
        .collect()
}

/// Nothing is left: no call, no transaction, no timer.
fn assert_empty(pair: &mut Pair, seed: u64) {
    pair.run(ms(400_000));
    for side in &pair.sides {
        assert_eq!(
            (side.dialog_count(), side.transaction_count(), side.poll_timeout()),
            (0, 0, None),
            "seed {seed}"
        );
    }
}

#[test]
fn a_call_over_a_good_line_takes_the_fewest_messages() {
    let mut pair = Pair::new(1);
    let caller = pair.sides[0].invite(pair.now, outgoing(Pair::flow(0))).unwrap();
    pair.run(ms(10));
    let called = incoming(&pair).unwrap();
    let now = pair.now;
    pair.sides[1].respond(now, called, 180, "", None, &[]).unwrap();
    pair.sides[1]
        .respond(now, called, 200, "", Some(Bytes::from_static(ANSWER)), &[])
        .unwrap();
    pair.run(ms(10));
    let now = pair.now;
    pair.sides[0].hang_up(now, caller, None).unwrap();
    pair.run(ms(10));
    let lines: Vec<_> = pair
        .log
        .iter()
        .map(|(_, line)| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert_eq!(ends(&pair.take(0)), [EndedBy::Local]);
    assert_eq!(ends(&pair.take(1)), [EndedBy::Remote]);
    assert_empty(&mut pair, 1);
}

#[test]
fn calls_over_a_bad_line_set_up_and_end() {
    let (mut answered, mut crossed) = (0, 0);
    for seed in 0..200 {
        let mut pair = Pair::new(seed);
        (pair.loss, pair.delay) = (15, 400);
        let caller = pair.sides[0].invite(pair.now, outgoing(Pair::flow(0))).unwrap();
        pair.run(ms(8000));
        if let Some(called) = incoming(&pair) {
            let now = pair.now;
            let _ = pair.sides[1].respond(now, called, 180, "", None, &[]);
            let _ = pair.sides[1].respond(now, called, 200, "", Some(Bytes::from_static(ANSWER)), &[]);
            pair.run(ms(25_000));
            let now = pair.now;
            // A new offer from either side, both at once for every third call.
            if seed % 3 != 1 {
                let _ = pair.sides[0].reinvite(now, caller, Bytes::from_static(OFFER));
            }
            if seed % 3 != 2 {
                let _ = pair.sides[1].reinvite(now, called, Bytes::from_static(OFFER));
            }
            for _ in 0..400 {
                pair.run(ms(100));
                for (side, dialog) in [(0, caller), (1, called)] {
                    if pair.events[side]
                        .iter()
                        .any(|event| matches!(event, Event::Offer { .. }))
                    {
                        let now = pair.now;
                        match pair.sides[side].answer_offer(now, dialog, Bytes::from_static(ANSWER)) {
                            Ok(()) | Err(SipError::WrongState | SipError::UnknownDialog) => {}
                            Err(other) => panic!("seed {seed}: {other}"),
                        }
                    }
                    let told = pair.events[side].len();
                    pair.events[side].retain(|event| !matches!(event, Event::OfferPossible { .. }));
                    if pair.events[side].len() < told {
                        let now = pair.now;
                        match pair.sides[side].reinvite(now, dialog, Bytes::from_static(OFFER)) {
                            Ok(()) => crossed += 1,
                            Err(SipError::UnknownDialog | SipError::OfferPending) => {}
                            Err(other) => panic!("seed {seed}: {other}"),
                        }
                    }
                }
            }
            let now = pair.now;
            let _ = pair.sides[usize::from(seed % 2 == 0)].hang_up(
                now,
                if seed % 2 == 0 { called } else { caller },
                None,
            );
        }
        pair.run(ms(120_000));
        let (a, b) = (pair.take(0), pair.take(1));
        assert_eq!(ends(&a).len(), 1, "seed {seed}: {a:?}");
        assert_eq!(
            ends(&b).len(),
            usize::from(b.iter().any(|event| matches!(event, Event::IncomingCall(_)))),
            "seed {seed}"
        );
        answered += u32::from(a.iter().any(|event| matches!(event, Event::Answered { .. })));
        assert_empty(&mut pair, seed);
    }
    assert!(answered > 190, "only {answered} of 200 calls were answered");
    assert!(crossed > 20, "only {crossed} offers were made again");
}

#[test]
fn cancel_against_answer_at_every_moment() {
    for seed in 0..300 {
        let mut pair = Pair::new(seed);
        (pair.loss, pair.delay) = (10, 60);
        let caller = pair.sides[0].invite(pair.now, outgoing(Pair::flow(0))).unwrap();
        pair.run(ms(2000));
        let Some(called) = incoming(&pair) else { continue };
        let now = pair.now;
        let _ = pair.sides[1].respond(now, called, 200, "", Some(Bytes::from_static(ANSWER)), &[]);
        pair.run(ms(seed % 70));
        let now = pair.now;
        let _ = pair.sides[0].hang_up(now, caller, None);
        pair.run(ms(150_000));
        for side in 0..2 {
            let events = pair.take(side);
            assert_eq!(ends(&events).len(), 1, "seed {seed}, side {side}: {events:?}");
            let end = events
                .iter()
                .position(|event| matches!(event, Event::Ended { .. }));
            assert_eq!(
                end,
                Some(events.len() - 1),
                "seed {seed}, side {side}: nothing follows the end"
            );
        }
        assert_empty(&mut pair, seed);
    }
}
