//! Trunks that want the password within a call too: whoever has made it, its end is heard, so that nobody is billed for a
//! call that nobody is in (RFC 3261 section 22.3).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CallPhase, CommandBody};
use support::hearing::answer;
use support::party::{Party, beside_the_carrier, in_a_call};
use support::wire::{Call, SDP, Wire, body, field, status};
use support::{ANNA, COMPANY, FAR, HOME, Options, World};

const ACCOUNT: &str = "username = \"ponte\"\npassword = \"carrier-secret\"\n";
const CHALLENGE: &str = "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\"\r\n";

/// Asks for the password when the next request of this method comes; the one that brings the proof.
async fn challenges(wire: &Wire, method: &str) -> String {
    let bare = wire.next(method).await;
    wire.replies(&bare, 407, CHALLENGE, "").await;
    let proven = wire
        .hears("the proof", |text| {
            text.starts_with(method) && field(text, "CSeq") != field(&bare, "CSeq")
        })
        .await;
    let proof = field(&proven, "Proxy-Authorization");
    assert!(proof.contains("username=\"ponte\""), "{proven}");
    assert!(proof.contains("realm=\"carrier\""), "{proven}");
    assert_eq!(field(&proven, "Call-ID"), field(&bare, "Call-ID"));
    proven
}

/// Anna at home, and a trunk made by hand, with a password, from which she is called.
async fn in_a_call_from_the_trunk() -> (World, Wire, Call) {
    let mut wire = Wire::new().await;
    let world = World::with(Options {
        extra: wire.trunk("wire", &format!("\"{COMPANY} = 201\"")) + ACCOUNT,
        ..Options::default()
    })
    .await;
    wire.speaks_to(world.sip);
    world.telephones(answer(HOME, 50), answer(FAR, 50)).await;
    let mut call = Call::new(format!("sip:201@{}", world.sip));
    let taken = wire.calls(&mut call, "", SDP).await;
    assert_eq!(status(&taken), 200, "{taken}");
    world
        .shown_where(|call| matches!(call.phase, CallPhase::Connected { .. }))
        .await;
    (world, wire, call)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_call_that_the_trunk_has_made_is_proven() {
    let (world, wire, call) = in_a_call_from_the_trunk().await;
    let shown = world.shown().await;
    world.hang_up(shown.id).await;
    let bye = challenges(&wire, "BYE").await;
    assert_eq!(field(&bye, "Call-ID"), call.id);
    wire.replies(&bye, 200, "", "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_after_a_crash_the_end_of_a_call_is_proven_whoever_has_made_it() {
    let (mut world, wire, call) = in_a_call_from_the_trunk().await;
    world.crash_gateway().await;
    world.start_gateway().await;
    let bye = challenges(&wire, "BYE").await;
    assert_eq!(field(&bye, "Call-ID"), call.id);
    wire.replies(&bye, 200, "", "").await;

    let (mut world, wire) = beside_the_carrier(ACCOUNT).await;
    let (_, party) = in_a_call(&world, &wire).await;
    let id = party.call.id.clone();
    world.crash_gateway().await;
    world.start_gateway().await;
    let bye = challenges(&wire, "BYE").await;
    assert_eq!(field(&bye, "Call-ID"), id);
    wire.replies(&bye, 200, "", "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_hold_that_is_challenged_is_told_all_the_same() {
    let (world, wire) = beside_the_carrier(&format!("hold = \"signalled\"\n{ACCOUNT}")).await;
    let call = world.dial().await;
    let mut party = Party::answers(&wire, FAR).await;
    world.connected(call).await;
    world.accepted(ANNA, CommandBody::Hold { call }).await;
    let told = challenges(&wire, "INVITE").await;
    assert!(body(&told).contains("a=sendonly\r\n"), "{told}");
    body(&told).clone_into(&mut party.described);
    party.takes(&told, "recvonly").await;
    world.hang_up(call).await;
    // The nonce that is known goes with the next request at once.
    let bye = wire.next("BYE").await;
    assert!(
        field(&bye, "Proxy-Authorization").contains("nc=00000002"),
        "{bye}"
    );
    wire.replies(&bye, 200, "", "").await;
}
