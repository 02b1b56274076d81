//! Strangers and broken messages at the gateway's own socket: an answer as RFC 3261 names it, or silence, and the next
//! call sets up.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::CauseReason;
use ponte_pstn_sim::{Answer, Behaviour};
use std::time::Duration;
use support::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// A stranger with a socket of its own.
struct Stranger(UdpSocket);

impl Stranger {
    async fn at(world: &World) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(world.sip).await.unwrap();
        Self(socket)
    }

    async fn send(&self, text: &[u8]) {
        self.0.send(text).await.unwrap();
    }

    /// The status of the first final answer; `None`: silence.
    async fn status(&self) -> Option<u16> {
        let mut buffer = vec![0; 65_535];
        loop {
            let length = timeout(Duration::from_millis(700), self.0.recv(&mut buffer))
                .await
                .ok()?
                .ok()?;
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let status: u16 = text.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()?;
            if status >= 200 {
                return Some(status);
            }
        }
    }

    fn request(&self, method: &str, n: u32, headers: &str) -> String {
        let own = self.0.local_addr().unwrap();
        format!(
            "{method} sip:201@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKstranger{n}\r\n\
             From: <sip:mallory@{own}>;tag=m{n}\r\nTo: <sip:201@127.0.0.1>\r\nCall-ID: stranger-{n}@{own}\r\n\
             CSeq: 1 {method}\r\nContact: <sip:mallory@{own}>\r\n{headers}Content-Length: 0\r\n\r\n"
        )
    }
}

async fn a_call_sets_up(world: &World) {
    let answer = |hz| {
        Behaviour::Answer(Answer {
            after_ms: 50,
            tone_hz: Some(hz),
            ..Answer::default()
        })
    };
    world.telephones(answer(700.0), answer(1130.0)).await;
    let call = world.dial().await;
    world.connected(call).await;
    world.hang_up(call).await;
    assert_eq!(world.ended(call).await.cause.reason, CauseReason::NormalClearing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_broken_request_gets_the_answer_that_the_rfc_names() {
    let world = World::start().await;
    let forward = "Max-Forwards: 70\r\n";
    for (n, (method, headers, status)) in (0_u32..).zip([
        ("OPTIONS", forward, 200),
        ("INVITE", "Max-Forwards: 0\r\n", 483),
        ("OPTIONS", "Max-Forwards: 70\r\nRequire: teleport\r\n", 420),
        ("BYE", forward, 481),
        ("CANCEL", forward, 481),
        ("SUBSCRIBE", forward, 405),
        ("REGISTER", forward, 405),
        ("TELEPORT", forward, 501),
    ]) {
        let stranger = Stranger::at(&world).await;
        stranger
            .send(stranger.request(method, n, headers).as_bytes())
            .await;
        assert_eq!(stranger.status().await, Some(status), "{method} {headers:?}");
    }
    let stranger = Stranger::at(&world).await;
    let no_from = stranger
        .request("OPTIONS", 90, forward)
        .replace("From:", "X-From:");
    stranger.send(no_from.as_bytes()).await;
    assert_eq!(stranger.status().await, Some(400), "no From");
    let old = stranger
        .request("OPTIONS", 91, forward)
        .replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia");
    stranger.send(old.as_bytes()).await;
    assert_eq!(stranger.status().await, Some(505), "another version");
    a_call_sets_up(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_cannot_call_through_the_gateway() {
    let world = World::start().await;
    let stranger = Stranger::at(&world).await;
    // Not to an extension, and not to the world at the company's cost.
    let invite = stranger.request("INVITE", 1, "Max-Forwards: 70\r\n");
    stranger.send(invite.as_bytes()).await;
    assert!(matches!(stranger.status().await, Some(403 | 480)));
    let outward = stranger
        .request("INVITE", 2, "Max-Forwards: 70\r\n")
        .replace("sip:201@", "sip:+390298765401@");
    stranger.send(outward.as_bytes()).await;
    assert!(matches!(stranger.status().await, Some(403 | 480)));
    assert!(
        world.carrier.calls().is_empty(),
        "a stranger's call reached the carrier"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_met_with_silence_and_harms_nobody() {
    let world = World::start().await;
    let stranger = Stranger::at(&world).await;
    let mut noise = vec![0_u8; 1400];
    for n in 0..2_000_u32 {
        for (place, byte) in (0_u32..).zip(noise.iter_mut()) {
            *byte = (n
                .wrapping_mul(2_654_435_761)
                .wrapping_add(place.wrapping_mul(40_503))
                >> 7) as u8;
        }
        stranger.send(&noise[..(n as usize * 7) % 1400]).await;
        if n % 100 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    stranger.send(&vec![b'A'; 60_000]).await;
    assert_eq!(stranger.status().await, None);
    a_call_sets_up(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_may_come_in_any_pieces_and_is_told_what_is_wrong_with_it() {
    let world = World::start().await;
    let options = |n: u32, length: &str| {
        format!(
            "OPTIONS sip:{sip} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{n}\r\nMax-Forwards: 70\r\n\
             From: <sip:a@h>;tag=1\r\nTo: <sip:{sip}>\r\nCall-ID: {n}\r\nCSeq: {n} OPTIONS\r\n{length}\r\n",
            sip = world.sip
        )
    };
    let zero = "Content-Length: 0\r\n";
    let mut stream = TcpStream::connect(world.sip).await.unwrap();
    // Keep-alives between, two at once, one in pieces, and at last one whose end nobody can find.
    let first = format!("\r\n\r\n{}{}", options(1, zero), options(2, zero));
    stream.write_all(first.as_bytes()).await.unwrap();
    for piece in options(3, zero).as_bytes().chunks(40) {
        stream.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stream.write_all(options(4, "").as_bytes()).await.unwrap();
    let mut told = String::new();
    timeout(Duration::from_secs(30), stream.read_to_string(&mut told))
        .await
        .expect("the connection is closed")
        .unwrap();
    assert!(told.starts_with("\r\n"), "{told}");
    assert_eq!(told.matches("SIP/2.0 200 OK").count(), 3, "{told}");
    assert!(told.contains("SIP/2.0 400 Missing Content-Length"), "{told}");
    a_call_sets_up(&world).await;
}
