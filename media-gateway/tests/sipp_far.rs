//! `SIPp`, which shares no code with the gateway or the simulated carrier, as the far telephone: audio both ways by
//! frequency, each law against the other, telephone events.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_media::Codec;
use ponte_protocol::{CallId, CauseReason, CommandBody, LegRole, Outcome};
use ponte_pstn_sim::{Answer, Behaviour, Codec as SimCodec};
use support::hearing::{Hearing, hears};
use support::sipp::{Sipp, Voice};
use support::{ANNA, HOME, Options, World};

const HOME_HZ: f64 = 750.0;
const FAR_HZ: f64 = 1130.0;

/// Dials: the user's telephone is the simulator's and speaks `home`, the far one is `SIPp`'s.
async fn call(sipp: &Sipp, home: SimCodec) -> (World, CallId) {
    // The first trunk has no capacity for the far number. SIPp takes nothing but its call: no OPTIONS.
    let trunk = format!(
        "\n[[trunk]]\nname = \"sipp\"\naddress = \"{}\"\nkeep_alive_s = 0\nhold = \"signalled\"\n",
        sipp.address
    );
    let world = World::with(Options {
        extra: trunk,
        ..Options::default()
    })
    .await;
    let telephone = Answer {
        after_ms: 50,
        tone_hz: Some(HOME_HZ),
        codecs: vec![home],
        ..Answer::default()
    };
    world
        .telephones(Behaviour::Answer(telephone), Behaviour::ServiceUnavailable)
        .await;
    let call = world.dial().await;
    world.connected(call).await;
    (world, call)
}

/// Hangs up, and looks at what is left.
async fn ends(world: &World, call: CallId, sipp: Sipp) {
    world.hang_up(call).await;
    let record = world.ended(call).await;
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    let far = record.legs.iter().rfind(|leg| leg.role == LegRole::Far).unwrap();
    assert_eq!(far.trunk, "sipp");
    sipp.content().await;
}

/// The user's own tone comes back from `SIPp`: it went there, through the other law, and returned through it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_what_the_user_says_reaches_sipp_and_comes_back_in_each_law() {
    for (home, far) in [
        (SimCodec::Pcma, Codec::Pcmu),
        (SimCodec::Pcmu, Codec::Pcma),
        (SimCodec::Pcma, Codec::Pcma),
    ] {
        let sipp = Sipp::answers(far, &Voice::Echo).await;
        let (world, call) = call(&sipp, home).await;
        world
            .until("the user hears the echo", |world| {
                world.call_to(HOME).media.has_heard(HOME_HZ, 1500)
            })
            .await;
        let media = world.call_to(HOME).media;
        assert_eq!(media.codec, Some(home), "the user's telephone keeps its law");
        assert_eq!(media.packets_strange, 0, "{media:?}");
        ends(&world, call, sipp).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_the_tone_that_sipp_plays_reaches_the_user_in_each_law() {
    for (home, far) in [(SimCodec::Pcma, Codec::Pcmu), (SimCodec::Pcmu, Codec::Pcma)] {
        let sipp = Sipp::answers(far, &Voice::Tone(FAR_HZ)).await;
        let (world, call) = call(&sipp, home).await;
        world
            .until("the user hears the far tone", |world| {
                world.call_to(HOME).media.has_heard(FAR_HZ, 1500)
            })
            .await;
        let media = world.call_to(HOME).media;
        assert!(!media.has_heard(HOME_HZ, 200), "the user hears itself: {media:?}");
        ends(&world, call, sipp).await;
    }
}

/// The portal's digits go to `SIPp` as telephone events (RFC 4733); its echo brings them to the user's telephone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn digits_from_the_portal_reach_sipp_as_telephone_events() {
    let sipp = Sipp::answers(Codec::Pcmu, &Voice::Echo).await;
    let (world, call) = call(&sipp, SimCodec::Pcma).await;
    let digits = CommandBody::SendDtmf {
        call,
        digits: "19#".into(),
    };
    let outcome = world.edge.command(ANNA, digits).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    world
        .until("the digits come back", |world| {
            world.call_to(HOME).media.digits() == "19#"
        })
        .await;
    ends(&world, call, sipp).await;
}

/// `SIPp` is told by re-INVITE that it is held, and that it is not any more; its echo is heard before and after, not meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_sipp_is_told_of_its_hold() {
    let sipp = Sipp::is_held(Codec::Pcma, &Voice::Echo).await;
    let (world, call) = call(&sipp, SimCodec::Pcma).await;
    hears(&world, HOME, Hearing::of(&[HOME])).await;
    world.accepted(ANNA, CommandBody::Hold { call }).await;
    hears(&world, HOME, Hearing::of(&[])).await;
    world.accepted(ANNA, CommandBody::Retrieve { call }).await;
    hears(&world, HOME, Hearing::of(&[HOME])).await;
    ends(&world, call, sipp).await;
}
