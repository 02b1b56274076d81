//! Parties that hold in another way than by an offer of theirs in a call that is up: with their first description, before
//! their ACK, in the answer to a session refresh. The user is told, and never hears silence (rules T5, T8).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::CallPhase;
use support::hearing::{Hearing, answer, hears};
use support::party::{Party, beside_the_carrier, number_of, parts, talk};
use support::voice::Voice;
use support::wire::{Call, Wire, body, field, status};
use support::{ANNA, COMPANY, FAR, HOME, Options, World};

const FAR_HZ: f64 = 1130.0;

/// Waits until Anna's portal shows a call that is up, held by the other party or not.
async fn shown(world: &World, held: bool) {
    world
        .until("the portal shows the other's hold as it is", |world| {
            let state = world.edge.state(ANNA).unwrap();
            state
                .calls
                .iter()
                .any(|call| matches!(call.phase, CallPhase::Connected { .. }) && call.held_by_far == held)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_who_answers_on_hold_is_no_silence() {
    let (world, wire) = beside_the_carrier("").await;
    for (direction, heard) in [("inactive", Hearing::music()), ("sendonly", Hearing::of(&[FAR]))] {
        let call = world.dial().await;
        let invite = wire.next("INVITE").await;
        let mut party = Party {
            wire: &wire,
            call: Call::taken(&invite),
            voice: Voice::new(FAR_HZ).await,
            version: 1,
            seen: number_of(&invite),
            described: body(&invite).to_owned(),
        };
        if direction == "sendonly" {
            party.voice.speaks_to(&invite);
        }
        wire.replies(&invite, 200, "", &party.voice.sdp(1, direction))
            .await;
        wire.next("ACK").await;
        world.connected(call).await;
        shown(&world, true).await;
        hears(&world, HOME, heard).await;
        party.offers("sendrecv", "sendrecv").await;
        shown(&world, false).await;
        talk(&world, &party).await;
        world.hang_up(call).await;
        party.is_told_no_more().await;
        world.ended(call).await;
        world.carrier.clear_calls();
    }
}

/// Anna at home, and a trunk made by hand from which she is called.
async fn called_by_hand() -> (World, Wire) {
    let mut wire = Wire::new().await;
    let world = World::with(Options {
        extra: wire.trunk("wire", &format!("\"{COMPANY} = 201\"")),
        ..Options::default()
    })
    .await;
    wire.speaks_to(world.sip);
    world.telephones(answer(HOME, 50), answer(FAR, 50)).await;
    (world, wire)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_a_caller_who_begins_on_hold_is_no_silence() {
    let (world, wire) = called_by_hand().await;
    let voice = Voice::new(FAR_HZ).await;
    let mut call = Call::new(format!("sip:201@{}", world.sip));
    let taken = wire.calls(&mut call, "", &voice.sdp(1, "inactive")).await;
    assert_eq!(parts(body(&taken)).1, "inactive", "{taken}");
    shown(&world, true).await;
    hears(&world, HOME, Hearing::music()).await;
    let taken = wire.calls(&mut call, "", &voice.sdp(2, "sendrecv")).await;
    voice.speaks_to(&taken);
    shown(&world, false).await;
    voice.hears(Hearing::of(&[HOME])).await;
    hears(&world, HOME, Hearing::of(&[FAR])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_hold_before_the_ack_is_shown() {
    let (world, wire) = called_by_hand().await;
    let voice = Voice::new(FAR_HZ).await;
    let mut call = Call::new(format!("sip:201@{}", world.sip));
    let taken = wire
        .asks(&mut call, "INVITE", "", &voice.sdp(1, "sendrecv"))
        .await;
    assert_eq!(status(&taken), 200, "{taken}");
    let update = wire
        .asks(&mut call, "UPDATE", "", &voice.sdp(2, "sendonly"))
        .await;
    assert_eq!(parts(body(&update)).1, "recvonly", "{update}");
    let acknowledged = field(&taken, "CSeq");
    call.cseq = number_of(&taken);
    wire.send(&wire.written(&mut call, "ACK", "", "")).await;
    shown(&world, true).await;
    call.cseq = number_of(&update);
    let taken = wire
        .asks(&mut call, "UPDATE", "", &voice.sdp(3, "sendrecv"))
        .await;
    assert_eq!(parts(body(&taken)).1, "sendrecv", "after {acknowledged}: {taken}");
    shown(&world, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_hold_in_the_answer_to_a_refresh_is_shown_and_heard() {
    let (world, wire) = beside_the_carrier("").await;
    let call = world.dial().await;
    let invite = wire.next("INVITE").await;
    let mut party = Party {
        wire: &wire,
        call: Call::taken(&invite),
        voice: Voice::new(FAR_HZ).await,
        version: 1,
        seen: number_of(&invite),
        described: body(&invite).to_owned(),
    };
    party.voice.speaks_to(&invite);
    // Refreshed half-way.
    let session = "Session-Expires: 6;refresher=uac\r\n";
    wire.replies(&invite, 200, session, &party.voice.sdp(1, "sendrecv"))
        .await;
    wire.next("ACK").await;
    world.connected(call).await;
    let refresh = party.is_told("sendrecv").await;
    wire.replies(&refresh, 200, "", &party.voice.sdp(2, "inactive"))
        .await;
    party.voice.is_silent();
    wire.next("ACK").await;
    shown(&world, true).await;
    hears(&world, HOME, Hearing::music()).await;
    party.version = 2;
    party.offers("sendrecv", "sendrecv").await;
    shown(&world, false).await;
    talk(&world, &party).await;
}
