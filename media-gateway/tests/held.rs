//! Parties that wait on hold, where their trunk or the telephones' section has it signalled (rule T8): who is told what, and
//! who hears whom meanwhile and afterwards. The parties are made by hand.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CallId, CommandBody};
use ponte_pstn_sim::Behaviour;
use std::time::Duration;
use support::baresip::{Baresip, Settings};
use support::hearing::{Hearing, SECOND, answer, hears, voice};
use support::party::{Party, beside_the_carrier, in_a_call, number_of, parts, talk};
use support::voice::Voice;
use support::wire::{Call, Wire, body, status};
use support::{ANNA, FAR, HOME, Options, PASSWORD, PATIENCE, World};
use tokio::time::Instant;

const SIGNALLED: &str = "hold = \"signalled\"\n";
const BRUNO: &str = "bruno";
const BRUNOS_DESK: &str = "desk-202";

async fn hold(world: &World, call: CallId) {
    world.accepted(ANNA, CommandBody::Hold { call }).await;
}

async fn retrieve(world: &World, call: CallId) {
    world.accepted(ANNA, CommandBody::Retrieve { call }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_held_party_is_told_and_hears_music_and_talks_again() {
    let (world, wire) = beside_the_carrier(SIGNALLED).await;
    let (call, mut party) = in_a_call(&world, &wire).await;
    for _ in 0..2 {
        hold(&world, call).await;
        let told = party.is_told("sendonly").await;
        // Music waits for no answer.
        wire.replies(&told, 100, "", "").await;
        party.voice.hears(Hearing::music()).await;
        party.takes(&told, "recvonly").await;
        hears(&world, HOME, Hearing::of(&[])).await;
        party.voice.hears(Hearing::music()).await;

        retrieve(&world, call).await;
        let told = party.is_told("sendrecv").await;
        // Whoever speaks before its answer is there is heard.
        wire.replies(&told, 100, "", "").await;
        party.voice.speaks_to(&told);
        talk(&world, &party).await;
        party.takes(&told, "sendrecv").await;
        talk(&world, &party).await;
    }
    world.hang_up(call).await;
    party.is_told_no_more().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_by_default_nobody_is_told_of_a_hold() {
    let (world, wire) = beside_the_carrier("").await;
    let (call, party) = in_a_call(&world, &wire).await;
    hold(&world, call).await;
    party.voice.hears(Hearing::music()).await;
    retrieve(&world, call).await;
    talk(&world, &party).await;
    world.hang_up(call).await;
    party.is_told_no_more().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_what_a_held_party_offers_is_answered_by_one_that_does_not_listen() {
    let (world, wire) = beside_the_carrier(SIGNALLED).await;
    let (call, mut party) = in_a_call(&world, &wire).await;
    hold(&world, call).await;
    let told = party.is_told("sendonly").await;
    party.takes(&told, "recvonly").await;
    for (offered, wanted) in [
        ("sendrecv", "sendonly"),
        ("sendonly", "inactive"),
        ("recvonly", "sendonly"),
        ("inactive", "inactive"),
    ] {
        party.offers(offered, wanted).await;
    }
    // Its offer is to be ours: all that we want.
    let asked = wire.asks(&mut party.call, "INVITE", "", "").await;
    assert_eq!(parts(body(&asked)).1, "sendonly", "{asked}");
    body(&asked).clone_into(&mut party.described);
    let sdp = party.voice.sdp(20, "recvonly");
    party.version = 20;
    wire.send(&wire.written(&mut party.call, "ACK", "", &sdp)).await;
    party.voice.hears(Hearing::music()).await;
    retrieve(&world, call).await;
    let told = party.is_told("sendrecv").await;
    party.takes(&told, "sendrecv").await;
    talk(&world, &party).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_both_hold_one_after_the_other_and_take_it_back_in_either_order() {
    let (world, wire) = beside_the_carrier(SIGNALLED).await;
    let (call, mut party) = in_a_call(&world, &wire).await;
    for ours_first in [true, false] {
        party.offers("sendonly", "recvonly").await;
        hold(&world, call).await;
        let told = party.is_told("inactive").await;
        party.takes(&told, "inactive").await;
        party.voice.is_sent_nothing().await;
        hears(&world, HOME, Hearing::of(&[])).await;
        if ours_first {
            retrieve(&world, call).await;
            let told = party.is_told("recvonly").await;
            party.takes(&told, "sendonly").await;
            hears(&world, HOME, Hearing::of(&[FAR])).await;
            party.voice.is_sent_nothing().await;
            party.offers("sendrecv", "sendrecv").await;
        } else {
            party.offers("recvonly", "sendonly").await;
            party.voice.hears(Hearing::music()).await;
            retrieve(&world, call).await;
            let told = party.is_told("sendrecv").await;
            party.takes(&told, "sendrecv").await;
        }
        talk(&world, &party).await;
    }
}

/// Both sides hold in the same moment, and refuse each other's re-INVITE (RFC 3261 section 14.1).
async fn crosses(world: &World, call: CallId, party: &mut Party<'_>) {
    let wire = party.wire;
    hold(world, call).await;
    let ours = party.is_told("sendonly").await;
    party.version += 1;
    let sdp = party.voice.sdp(party.version, "sendonly");
    let refused = wire.asks(&mut party.call, "INVITE", "", &sdp).await;
    assert_eq!(status(&refused), 491, "{refused}");
    wire.acknowledges_refusal(&mut party.call, "INVITE").await;
    party.refuses(&ours, 491).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_both_hold_at_once_and_the_party_asks_again_first() {
    let (world, wire) = beside_the_carrier(SIGNALLED).await;
    let (call, mut party) = in_a_call(&world, &wire).await;
    crosses(&world, call, &mut party).await;
    // It does not own the Call-ID: it waits 2 s at most, the gateway longer. Its answer says that it is held itself.
    party.offers("sendonly", "inactive").await;
    party.voice.is_sent_nothing().await;
    hears(&world, HOME, Hearing::of(&[])).await;
    party.offers("recvonly", "sendonly").await;
    party.voice.hears(Hearing::music()).await;
    retrieve(&world, call).await;
    // The next re-INVITE is this one: nobody was told twice to wait.
    let told = party.is_told("sendrecv").await;
    party.takes(&told, "sendrecv").await;
    talk(&world, &party).await;
    world.hang_up(call).await;
    party.is_told_no_more().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_both_hold_at_once_and_the_gateway_asks_again_first() {
    let (world, wire) = beside_the_carrier(SIGNALLED).await;
    let (call, mut party) = in_a_call(&world, &wire).await;
    let crossed = Instant::now();
    crosses(&world, call, &mut party).await;
    let told = party.is_told("sendonly").await;
    assert!(
        crossed.elapsed() >= Duration::from_millis(2_100),
        "{:?}",
        crossed.elapsed()
    );
    party.takes(&told, "inactive").await;
    party.voice.is_sent_nothing().await;
    retrieve(&world, call).await;
    let told = party.is_told("sendrecv").await;
    party.takes(&told, "sendonly").await;
    hears(&world, HOME, Hearing::of(&[FAR])).await;
    party.offers("sendrecv", "sendrecv").await;
    talk(&world, &party).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_party_that_will_not_be_told_is_held_all_the_same() {
    let (world, wire) = beside_the_carrier(SIGNALLED).await;
    let (call, mut party) = in_a_call(&world, &wire).await;
    hold(&world, call).await;
    let told = party.is_told("sendonly").await;
    party.refuses(&told, 488).await;
    party.voice.hears(Hearing::music()).await;
    party.offers("sendrecv", "sendrecv").await;
    retrieve(&world, call).await;
    talk(&world, &party).await;
    hold(&world, call).await;
    party.voice.hears(Hearing::music()).await;
    retrieve(&world, call).await;
    talk(&world, &party).await;
    world.hang_up(call).await;
    party.is_told_no_more().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_party_that_knows_no_such_call_ends_it() {
    let (world, wire) = beside_the_carrier(SIGNALLED).await;
    let (call, mut party) = in_a_call(&world, &wire).await;
    hold(&world, call).await;
    let told = party.is_told("sendonly").await;
    party.refuses(&told, 481).await;
    let record = world.ended(call).await;
    assert_eq!(record.cause.sip, Some(481), "{record:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_party_is_told_to_talk_until_it_takes_it() {
    let (world, wire) = beside_the_carrier(SIGNALLED).await;
    let (call, mut party) = in_a_call(&world, &wire).await;
    hold(&world, call).await;
    let told = party.is_told("sendonly").await;
    party.takes(&told, "recvonly").await;
    retrieve(&world, call).await;
    let mut told = party.is_told("sendrecv").await;
    for (status, pause) in [(488, 1), (503, 2)] {
        party.refuses(&told, status).await;
        let refused = Instant::now();
        told = wire
            .hears("another re-INVITE", |text| {
                text.starts_with("INVITE") && number_of(text) > party.seen
            })
            .await;
        assert!(refused.elapsed() >= Duration::from_millis(pause * 1_000 - 100));
        // The same words are the same version.
        assert_eq!(body(&told), party.described);
        party.seen = number_of(&told);
    }
    party.takes(&told, "sendrecv").await;
    talk(&world, &party).await;
    world.hang_up(call).await;
    party.is_told_no_more().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_of_wishes_that_change_while_one_is_told_the_last_is_told_next() {
    let (world, wire) = beside_the_carrier(SIGNALLED).await;
    let (call, mut party) = in_a_call(&world, &wire).await;
    hold(&world, call).await;
    let told = party.is_told("sendonly").await;
    for _ in 0..3 {
        retrieve(&world, call).await;
        hold(&world, call).await;
    }
    retrieve(&world, call).await;
    party.takes(&told, "recvonly").await;
    let told = party.is_told("sendrecv").await;
    for _ in 0..3 {
        hold(&world, call).await;
        retrieve(&world, call).await;
    }
    party.takes(&told, "sendrecv").await;
    talk(&world, &party).await;
    // A hold that was taken back during the wait after a glare is not told at all.
    crosses(&world, call, &mut party).await;
    retrieve(&world, call).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    talk(&world, &party).await;
    world.hang_up(call).await;
    party.is_told_no_more().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_who_is_swapped_is_told_and_who_is_put_through_talks() {
    let (mut first, mut second) = (Wire::new().await, Wire::new().await);
    let world = World::with(Options {
        extra: second.trunk("second", "") + SIGNALLED + &first.trunk("first", "") + SIGNALLED,
        ..Options::default()
    })
    .await;
    first.speaks_to(world.sip);
    second.speaks_to(world.sip);
    world
        .carrier
        .set_number(SECOND, Behaviour::ServiceUnavailable)
        .unwrap();
    world
        .telephones(answer(HOME, 50), Behaviour::ServiceUnavailable)
        .await;
    let call = world.dial().await;
    // The trunk before has no room for the first call.
    let invite = second.next("INVITE").await;
    second.replies(&invite, 503, "", "").await;
    second.next("ACK").await;
    let mut here = Party::answers(&first, FAR).await;
    world.connected(call).await;
    talk(&world, &here).await;

    let other = world.dial_number(SECOND).await;
    let told = here.is_told("sendonly").await;
    here.takes(&told, "recvonly").await;
    let mut there = Party::answers(&second, SECOND).await;
    there.voice.hears(Hearing::of(&[HOME])).await;
    here.voice.hears(Hearing::music()).await;

    retrieve(&world, call).await;
    let told = there.is_told("sendonly").await;
    there.takes(&told, "recvonly").await;
    let told = here.is_told("sendrecv").await;
    here.takes(&told, "sendrecv").await;
    talk(&world, &here).await;
    there.voice.hears(Hearing::music()).await;

    let transfer = CommandBody::TransferTo { call, with: other };
    world.accepted(ANNA, transfer).await;
    let told = there.is_told("sendrecv").await;
    there.takes(&told, "sendrecv").await;
    here.voice.hears(Hearing::of(&[SECOND])).await;
    there.voice.hears(Hearing::of(&[FAR])).await;
    world.line_is_free(ANNA).await;
    let bye = here.wire.asks(&mut here.call, "BYE", "", "").await;
    assert_eq!(status(&bye), 200);
    there.is_told_no_more().await;
}

/// Bruno, who has this telephone on his desk.
async fn colleague(world: &World) {
    world.add_user(BRUNO, false).await;
    world
        .until("the gateway knows Bruno", |world| {
            world.edge.state(BRUNO).is_some()
        })
        .await;
    world
        .change_user(BRUNO, |row| row.voicemail_allowed = false)
        .await;
    world.add_device(BRUNOS_DESK, Some(BRUNO), false).await;
    world
        .station(BRUNO, BRUNOS_DESK, |station| station.logged_on)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_held_telephone_on_a_desk_is_told() {
    let world = World::with(Options {
        extra: format!("\n[registrar]\n{SIGNALLED}"),
        ..Options::default()
    })
    .await;
    world.telephones(answer(HOME, 50), answer(FAR, 50)).await;
    colleague(&world).await;
    let settings = Settings::desk(BRUNOS_DESK, (BRUNOS_DESK, PASSWORD), world.sip, voice(FAR));
    let desk = Baresip::start(&settings).await;
    desk.registered().await;
    world
        .station(BRUNO, BRUNOS_DESK, |station| station.registered)
        .await;
    let call = world.dial_number("202").await;
    desk.rings(1).await;
    desk.accept().await;
    world.connected(call).await;
    let said = |line: &str| desk.log().matches(line).count();
    for round in 1..=2 {
        hears(&world, HOME, Hearing::of(&[FAR])).await;
        desk_hears(&desk, Hearing::of(&[HOME])).await;
        hold(&world, call).await;
        let told = |_: &World| (said("a=sendonly"), said("a=recvonly")) == (round, round);
        world.until("the telephone takes its hold", told).await;
        // It records nothing while it does not speak; its display says that it hears all the same.
        let listens = |_: &World| desk.log().contains("audio=0/6");
        world.until("the telephone is silent and hears", listens).await;
        retrieve(&world, call).await;
    }
    hears(&world, HOME, Hearing::of(&[FAR])).await;
    desk_hears(&desk, Hearing::of(&[HOME])).await;
    world.hang_up(call).await;
    desk.closed(1).await;
}

async fn desk_hears(desk: &Baresip, wanted: Hearing) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let heard = Hearing::in_samples(&desk.hears_now());
        if heard.as_ref() == Some(&wanted) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "the desk hears {heard:?} instead of {wanted:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Who is told to be silent sends no keys, and those control the calls of a user without a portal (rule T13).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_the_users_own_line_is_not_told_of_a_hold() {
    let (world, wire) = beside_the_carrier(SIGNALLED).await;
    world
        .carrier
        .set_number(HOME, Behaviour::ServiceUnavailable)
        .unwrap();
    colleague(&world).await;
    let desk = Wire::telephone(BRUNOS_DESK, world.sip).await;
    let mut call = Call::new(format!("sip:201@{}", world.sip));
    let bruno = Voice::new(voice(SECOND)).await;
    let offer = bruno.sdp(1, "sendrecv");
    let called = desk.asks(&mut call, "INVITE", "", &offer);
    let (answer, anna) = tokio::join!(called, Party::answers(&wire, HOME));
    assert_eq!(status(&answer), 200, "{answer}");
    desk.send(&desk.written(&mut call, "ACK", "", "")).await;
    bruno.speaks_to(&answer);
    anna.voice.hears(Hearing::of(&[SECOND])).await;
    let held = desk.calls(&mut call, "", &bruno.sdp(2, "sendonly")).await;
    assert_eq!(parts(body(&held)).1, "recvonly", "{held}");
    anna.voice.hears(Hearing::music()).await;
    let back = desk.calls(&mut call, "", &bruno.sdp(3, "sendrecv")).await;
    assert_eq!(parts(body(&back)).1, "sendrecv", "{back}");
    anna.voice.hears(Hearing::of(&[SECOND])).await;
    assert_eq!(status(&desk.asks(&mut call, "BYE", "", "").await), 200);
    anna.is_told_no_more().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_party_may_take_its_own_hold_back_by_asking_for_an_offer() {
    let (world, wire) = beside_the_carrier("").await;
    let (call, mut party) = in_a_call(&world, &wire).await;
    let held = |world: &World, wanted: bool| {
        let state = world.edge.state(ANNA).unwrap();
        state
            .calls
            .iter()
            .any(|view| view.id == call && view.held_by_far == wanted)
    };
    party.offers("inactive", "inactive").await;
    world
        .until("the portal shows the hold", |world| held(world, true))
        .await;
    let asked = wire.asks(&mut party.call, "INVITE", "", "").await;
    assert_eq!(parts(body(&asked)).1, "sendrecv", "{asked}");
    let sdp = party.voice.sdp(9, "sendrecv");
    wire.send(&wire.written(&mut party.call, "ACK", "", &sdp)).await;
    party.voice.speaks_to(&asked);
    world
        .until("the portal shows its end", |world| held(world, false))
        .await;
    talk(&world, &party).await;
}
