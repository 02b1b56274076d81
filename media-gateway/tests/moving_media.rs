//! Whom the user hears where a far party's media is described more than once: before its answer, by several branches of a
//! fork, in its answer, and anew in the call (rule T5; RFC 3264, RFC 3960).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use support::hearing::{Hearing, SECOND, THIRD, hears, voice};
use support::party::{beside_the_carrier, in_a_call};
use support::voice::Voice;
use support::wire::{Wire, field};
use support::{FAR, HOME};

/// An answer of the branch that has this tag, wherever it is.
async fn replies(wire: &Wire, invite: &str, tag: &str, status: u16, headers: &str, sdp: &str) {
    let [via, from, to, call_id, cseq] =
        ["Via", "From", "To", "Call-ID", "CSeq"].map(|name| field(invite, name));
    let kind = if sdp.is_empty() {
        ""
    } else {
        "c: application/sdp\r\n"
    };
    wire.send(&format!(
        "SIP/2.0 {status} Word\r\nv: {via}\r\nf: {from}\r\nt: {to};tag={tag}\r\ni: {call_id}\r\nCSeq: {cseq}\r\n\
         m: <sip:{}>\r\n{headers}{kind}l: {}\r\n\r\n{sdp}",
        wire.address,
        sdp.len()
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_an_answer_from_elsewhere_is_heard_after_early_media() {
    let (world, wire) = beside_the_carrier("").await;
    let call = world.dial().await;
    let invite = wire.next("INVITE").await;
    let announcement = Voice::new(voice(SECOND)).await;
    announcement.speaks_to(&invite);
    replies(&wire, &invite, "a", 183, "", &announcement.sdp(1, "sendrecv")).await;
    hears(&world, HOME, Hearing::of(&[SECOND])).await;
    let party = Voice::new(voice(FAR)).await;
    party.speaks_to(&invite);
    replies(&wire, &invite, "a", 200, "", &party.sdp(2, "sendrecv")).await;
    wire.next("ACK").await;
    world.connected(call).await;
    // The announcement goes on, as one does whose machine has not heard of the answer.
    hears(&world, HOME, Hearing::of(&[FAR])).await;
    party.hears(Hearing::of(&[HOME])).await;
    announcement.is_sent_nothing().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_of_a_fork_the_branch_that_answers_is_heard() {
    for reliable in [true, false] {
        let (world, wire) = beside_the_carrier("").await;
        let call = world.dial().await;
        let invite = wire.next("INVITE").await;
        let mut branches = Vec::new();
        for (tag, number) in [("a", FAR), ("b", SECOND), ("c", THIRD)] {
            let voice = Voice::new(voice(number)).await;
            let headers = if reliable {
                "Require: 100rel\r\nRSeq: 1\r\n"
            } else {
                ""
            };
            replies(&wire, &invite, tag, 183, headers, &voice.sdp(1, "sendrecv")).await;
            if reliable {
                let prack = wire.next("PRACK").await;
                assert!(field(&prack, "To").ends_with(&format!("tag={tag}")), "{prack}");
                wire.replies(&prack, 200, "", "").await;
            }
            voice.speaks_to(&invite);
            branches.push(voice);
        }
        // Its description came with the 183.
        replies(&wire, &invite, "a", 200, "", "").await;
        wire.next("ACK").await;
        world.connected(call).await;
        hears(&world, HOME, Hearing::of(&[FAR])).await;
        branches[0].hears(Hearing::of(&[HOME])).await;
        for other in &branches[1..] {
            other.is_sent_nothing().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_party_that_moves_within_the_call_is_followed_at_once() {
    let (world, wire) = beside_the_carrier("").await;
    let (_, mut party) = in_a_call(&world, &wire).await;
    for (number, body_is_update) in [(SECOND, false), (THIRD, true)] {
        let before = std::mem::replace(&mut party.voice, Voice::new(voice(number)).await);
        party.version += 1;
        let sdp = party.voice.sdp(party.version, "sendrecv");
        let answer = if body_is_update {
            wire.asks(&mut party.call, "UPDATE", "", &sdp).await
        } else {
            wire.calls(&mut party.call, "", &sdp).await
        };
        party.voice.speaks_to(&answer);
        hears(&world, HOME, Hearing::of(&[number])).await;
        party.voice.hears(Hearing::of(&[HOME])).await;
        before.is_sent_nothing().await;
    }
}
