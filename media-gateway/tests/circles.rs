//! What a carrier's INVITE says of who calls (rule T16; RFC 3325) and of where the call has been (RFC 3261 section 16.3,
//! RFC 5806, RFC 7044): SIPp is the carrier.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod support;

use ponte_protocol::{CallPhase, CallRules, CommandBody, Forwarding, LegRole};
use ponte_pstn_sim::{Answer, Behaviour};
use support::sipp::Carrier;
use support::{ANNA, COMPANY, FAR, HOME, Options, World};

/// Who calls, by its own word.
const CLAIMED: &str = "+390277770001";
/// Who calls, by the carrier's.
const ASSERTED: &str = "+390288880001";

/// As a trunk may write whom it calls.
const EXTENSION: &str = "201";

fn trunk(carrier: &Carrier, name: &str, settings: &str) -> String {
    format!(
        "\n[[trunk]]\nname = \"{name}\"\naddress = \"{}\"\nkeep_alive_s = 0\ndids = [\"{COMPANY} = 201\"]\n{settings}",
        carrier.address
    )
}

/// Anna at home, behind these trunks; voicemail takes no calls.
async fn at_home(extra: String, home: Behaviour) -> World {
    let world = World::with(Options {
        extra,
        trunk: "forwarded_by = \"both\"\n".into(),
        ..Options::default()
    })
    .await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    world.carrier.set_number(HOME, home).unwrap();
    world.enter(HOME, Some(false)).await;
    world
}

fn answer() -> Behaviour {
    Behaviour::Answer(Answer {
        after_ms: 100,
        tone_hz: Some(700.0),
        ..Answer::default()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t16_who_calls_is_believed_only_from_a_trunk_that_is_trusted() {
    let (trusted, other) = (Carrier::new(), Carrier::new());
    let trunks = trunk(&trusted, "trusted", "trusts_identity = true\n") + &trunk(&other, "other", "");
    let world = at_home(trunks, answer()).await;
    let asserted = format!("P-Asserted-Identity: \"Studio Neri\" <sip:{ASSERTED}@carrier.example>\n");
    let twice = format!("P-Asserted-Identity: <sip:{ASSERTED}@carrier.example>, <tel:{CLAIMED}>\n");
    let hidden = format!("{asserted}Privacy: id\n");
    let wrong = "P-Asserted-Identity: <sip:201@carrier.example>\n".to_owned();
    let mut seen = Vec::new();
    for (carrier, headers, number, name) in [
        (&trusted, &asserted, ASSERTED, Some("Studio Neri")),
        (&trusted, &twice, ASSERTED, None),
        (&trusted, &String::new(), CLAIMED, None),
        // What is hidden stays hidden, and a carrier cannot claim to be an extension.
        (&trusted, &hidden, "", None),
        (&trusted, &wrong, "", None),
        (&other, &asserted, CLAIMED, None),
    ] {
        let caller = carrier.calls(world.sip, CLAIMED, EXTENSION, headers, 200);
        let call = world.shown_where(|call| !seen.contains(&call.id)).await;
        seen.push(call.id);
        let leg = call.leg(LegRole::Far).unwrap();
        assert_eq!(
            (leg.number.as_str(), leg.name.as_deref()),
            (number, name),
            "{headers}"
        );
        world.connected(call.id).await;
        caller.answered().await;
        world.hang_up(call.id).await;
        let record = world.ended(call.id).await;
        assert_eq!(record.number, number, "{headers}");
        caller.content().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_each_leg_for_a_caller_has_one_hop_less_and_none_left_is_refused() {
    let carrier = Carrier::new();
    let world = at_home(trunk(&carrier, "sipp", ""), answer()).await;
    let spent = carrier.calls(world.sip, CLAIMED, COMPANY, "Max-Forwards: 0\n", 483);
    spent.content().await;
    assert!(world.calls_to(HOME).is_empty());
    let caller = carrier.calls(world.sip, CLAIMED, COMPANY, "Max-Forwards: 20\n", 200);
    let call = world.shown().await;
    world.connected(call.id).await;
    assert_eq!(world.call_to(HOME).headers["Max-Forwards"], ["19"]);
    caller.answered().await;
    world.hang_up(call.id).await;
    world.ended(call.id).await;
    caller.content().await;
    // A call back begins here.
    world.carrier.set_number(FAR, answer()).unwrap();
    let call = world.dial().await;
    world.connected(call).await;
    assert_eq!(world.call_to(FAR).headers["Max-Forwards"], ["70"]);
    world.hang_up(call).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_call_that_comes_back_is_a_loop_and_the_first_one_goes_on() {
    let (carrier, again) = (Carrier::new(), Carrier::new());
    let trunks = trunk(&carrier, "one", "") + &trunk(&again, "two", "");
    let world = at_home(trunks, Behaviour::RingOut).await;
    let caller = carrier.calls(world.sip, CLAIMED, EXTENSION, "", 486);
    let call = world
        .shown_where(|call| matches!(call.phase, CallPhase::Ringing))
        .await;
    world
        .until("it rings at home", |world| {
            world
                .calls_to(HOME)
                .first()
                .is_some_and(|home| home.ringing_at.is_some())
        })
        .await;
    let mark = world.call_to(HOME).headers["X-Ponte-Instance"][0].clone();
    for headers in [
        // Our own leg, as it was sent.
        format!("X-Ponte-Instance: {mark}\n"),
        // The telephone that rings forwards to the extension.
        format!("Diversion: <sip:{HOME}@carrier.example>;reason=no-answer;counter=1\n"),
        format!("Diversion: \"Home\" <tel:{HOME}>\n"),
        format!(
            "History-Info: <sip:{HOME}@carrier.example>;index=1\nHistory-Info: <sip:{COMPANY}@carrier.example>;index=1.1\n"
        ),
        // The number called has forwarded it before.
        format!(
            "Diversion: <sip:{FAR}@carrier.example>;counter=1, <sip:{COMPANY}@ponte>;reason=unconditional\n"
        ),
    ] {
        again
            .calls(world.sip, CLAIMED, EXTENSION, &headers, 482)
            .content()
            .await;
    }
    assert_eq!(world.calls_to(HOME).len(), 1);
    assert!(
        world.call_to(HOME).ended_at.is_none(),
        "the first call was given up"
    );
    world.accepted(ANNA, CommandBody::Reject { call: call.id }).await;
    world.ended(call.id).await;
    caller.content().await;
    // Once nothing rings there, a call that the telephone at home has forwarded is one like any other.
    let headers = format!("Diversion: <sip:{HOME}@carrier.example>;reason=no-answer;counter=1\n");
    let caller = again.calls(world.sip, CLAIMED, EXTENSION, &headers, 486);
    let other = world.shown_where(|shown| shown.id != call.id).await;
    world.accepted(ANNA, CommandBody::Reject { call: other.id }).await;
    caller.content().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_forwarding_is_told_after_those_before_and_they_are_counted() {
    const FIRST: &str = "+390299990001";
    let carrier = Carrier::new();
    let world = World::with(Options {
        extra: trunk(&carrier, "sipp", ""),
        trunk: "forwarded_by = \"both\"\n".into(),
        ..Options::default()
    })
    .await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    world.carrier.set_number(FAR, answer()).unwrap();
    let rules = CallRules {
        forwarding: Forwarding {
            always: Some(FAR.parse().unwrap()),
            ..Forwarding::default()
        },
        exceptions: Vec::new(),
    };
    world.accepted(ANNA, CommandBody::SetCallRules { rules }).await;
    let before = |times: u32| {
        format!(
            "Diversion: <sip:{FIRST}@carrier.example>;reason=user-busy;counter={times}\n\
             History-Info: <sip:{FIRST}@carrier.example>;index=1\n\
             History-Info: <sip:{COMPANY}@carrier.example;cause=486>;index=1.1;mp=1\n"
        )
    };
    let caller = carrier.calls(world.sip, CLAIMED, COMPANY, &before(4), 200);
    let call = world
        .shown_where(|call| matches!(call.phase, CallPhase::Transferred { .. }))
        .await;
    caller.answered().await;
    let headers = world.call_to(FAR).headers;
    let diversions = &headers["Diversion"];
    assert_eq!(diversions.len(), 2, "{headers:?}");
    assert!(diversions[0].contains(COMPANY) && diversions[0].contains("reason=unconditional"));
    assert!(diversions[1].contains(FIRST) && diversions[1].contains("counter=4"));
    let history = &headers["History-Info"];
    assert_eq!(history.len(), 3, "{headers:?}");
    assert!(
        history[2].contains(FAR) && history[2].contains("cause=302") && history[2].contains("index=1.1.1")
    );
    world.hang_up(call.id).await;
    world.ended(call.id).await;
    caller.content().await;
    // It has been forwarded five times: Anna's own forwarding is one too many, and she is at no telephone.
    let often = carrier.calls(world.sip, CLAIMED, COMPANY, &before(5), 486);
    often.content().await;
    assert_eq!(world.calls_to(FAR).len(), 1);
}
