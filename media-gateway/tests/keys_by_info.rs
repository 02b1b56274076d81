//! Keys by SIP INFO, as telephones write them, alone and beside RFC 4733: each press counts once (rules T13, T14).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_pstn_sim::Behaviour;
use support::hearing::answer;
use support::voice::Voice;
use support::wire::{Call, Wire, field, status};
use support::{FAR, HOME, Options, World};
use tokio::net::UdpSocket;

const RELAY: &str = "Content-Type: application/dtmf-relay\r\n";

/// Anna at a telephone behind a trunk made by hand, whose answer is to be confirmed; it is called and has answered.
async fn called() -> (World, Wire, Call, String) {
    let mut wire = Wire::new().await;
    let world = World::with(Options {
        extra: wire.trunk("wire", ""),
        ..Options::default()
    })
    .await;
    wire.speaks_to(world.sip);
    world
        .telephones(Behaviour::ServiceUnavailable, answer(FAR, 50))
        .await;
    world.enter(HOME, Some(true)).await;
    world.dial().await;
    let invite = wire.next("INVITE").await;
    let call = Call::taken(&invite);
    (world, wire, call, invite)
}

async fn presses(wire: &Wire, call: &mut Call, headers: &str, body: &str) -> u16 {
    status(&wire.asks(call, "INFO", headers, body).await)
}

/// What the far telephone has heard of keys.
fn heard(world: &World) -> String {
    let far = world.calls_to(FAR).pop();
    far.map_or_else(String::new, |far| {
        far.media.dtmf.iter().map(|heard| heard.digit).collect()
    })
}

/// A key as events of RFC 4733: begun, and ended three times.
async fn sounds(socket: &UdpSocket, to: &str, number: &mut u16, event: u8) {
    let port = to
        .lines()
        .find_map(|line| {
            line.strip_prefix("m=audio ")?
                .split(' ')
                .next()?
                .parse::<u16>()
                .ok()
        })
        .unwrap();
    let timestamp = u32::from(*number) * 160;
    for (end, duration) in [
        (false, 160_u16),
        (false, 320),
        (true, 480),
        (true, 480),
        (true, 480),
    ] {
        let mut packet = vec![0x80, 101];
        packet.extend(number.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend(*b"keys");
        packet.extend([event, (u8::from(end) << 7) | 0x0a]);
        packet.extend(duration.to_be_bytes());
        socket.send_to(&packet, ("127.0.0.1", port)).await.unwrap();
        *number = number.wrapping_add(1);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_a_key_by_info_confirms_and_what_is_no_key_does_nothing() {
    let (world, wire, mut call, invite) = called().await;
    let voice = Voice::new(700.0).await;
    wire.replies(&invite, 200, "", &voice.sdp(1, "sendrecv")).await;
    wire.next("ACK").await;
    voice.speaks_to(&invite);
    for (headers, body, wanted) in [
        (RELAY, "Signal=16\r\nDuration=100\r\n", 400),
        (RELAY, "Duration=100\r\n", 400),
        (RELAY, "Signal=11111111111111111111\r\n", 400),
        ("Content-Type: application/dtmf\r\n", "", 200),
        ("Content-Type: text/plain\r\n", "1", 415),
        ("Content-Type: application/media_control+xml\r\n", "<x/>", 415),
        // A key, and not the one that was asked for.
        (RELAY, "Signal=2\r\nDuration=0\r\n", 200),
    ] {
        assert_eq!(presses(&wire, &mut call, headers, body).await, wanted, "{body}");
    }
    assert!(world.calls_to(FAR).is_empty(), "nobody has confirmed");
    // White space, case and line ends are the telephone's own.
    let odd = "c: Application/DTMF-Relay;charset=utf-8\r\nContent-Type-Of-Mine: x\r\n";
    assert_eq!(
        presses(&wire, &mut call, odd, " SIGNAL = 1 \nduration= 0\n").await,
        200
    );
    world
        .until("the far telephone is called", |world| {
            !world.calls_to(FAR).is_empty()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_keys_that_come_by_info_and_in_the_audio_are_pressed_once() {
    let (world, wire, mut call, invite) = called().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let sdp = support::wire::SDP.replace("m=audio 9 ", &format!("m=audio {port} "));
    wire.replies(&invite, 200, "", &sdp).await;
    wire.next("ACK").await;
    let mut number = 1;
    sounds(&socket, &invite, &mut number, 1).await;
    assert_eq!(presses(&wire, &mut call, RELAY, "Signal=1\r\n").await, 200);
    world
        .until("the far telephone has answered", |world| {
            world.calls_to(FAR).iter().any(|far| far.answered_at.is_some())
        })
        .await;
    let shown = world.edge.state(support::ANNA).unwrap().calls[0].id;
    world.connected(shown).await;
    for (event, signal) in [(4, "4"), (4, "4"), (10, "*"), (11, "#"), (15, "D")] {
        sounds(&socket, &invite, &mut number, event).await;
        let body = format!("Signal={signal}\r\nDuration=100\r\n");
        assert_eq!(presses(&wire, &mut call, RELAY, &body).await, 200);
    }
    // One that comes by INFO alone is told the switch, and one in the audio alone is passed on in it.
    sounds(&socket, &invite, &mut number, 9).await;
    world
        .until("all are heard", |world| heard(world).ends_with('9'))
        .await;
    assert_eq!(heard(&world), "44*#D9", "{}", field(&invite, "Call-ID"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_keys_that_come_by_info_alone_reach_the_other_side() {
    let (world, wire, mut call, invite) = called().await;
    let voice = Voice::new(700.0).await;
    wire.replies(&invite, 200, "", &voice.sdp(1, "sendrecv")).await;
    wire.next("ACK").await;
    voice.speaks_to(&invite);
    assert_eq!(presses(&wire, &mut call, RELAY, "Signal=1\r\n").await, 200);
    world
        .until("the far telephone has answered", |world| {
            world.calls_to(FAR).iter().any(|far| far.answered_at.is_some())
        })
        .await;
    let shown = world.edge.state(support::ANNA).unwrap().calls[0].id;
    world.connected(shown).await;
    for signal in ["7", "7", "10", "11", "12"] {
        let body = format!("Signal= {signal}\r\nDuration= 250\r\n");
        assert_eq!(presses(&wire, &mut call, RELAY, &body).await, 200);
    }
    world
        .until("all are heard", |world| heard(world).ends_with('A'))
        .await;
    assert_eq!(heard(&world), "77*#A");
}
