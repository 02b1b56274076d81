//! A desk telephone over TCP whose connection breaks within a call: when it is back, it hears what became of the call, also
//! where the gateway itself was away. No telephone stays in a call that nobody else is in (rule T18).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use support::hearing::answer;
use support::wire::{Call, SDP, Wire, field, status};
use support::{ANNA, FAR, Options, PATIENCE, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const DESK: &str = "desk-201";

/// A connection of the telephone.
struct Connection<'a> {
    /// What writes its requests; its socket is not used.
    words: &'a Wire,
    stream: TcpStream,
    unread: Vec<u8>,
}

impl<'a> Connection<'a> {
    async fn open(words: &'a Wire, world: &World) -> Self {
        Self {
            words,
            stream: TcpStream::connect(world.sip).await.unwrap(),
            unread: Vec::new(),
        }
    }

    async fn send(&mut self, text: &str) {
        let text = text.replace("SIP/2.0/UDP", "SIP/2.0/TCP");
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next whole message.
    async fn message(&mut self) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.unread).into_owned();
            if let Some(end) = text.find("\r\n\r\n") {
                let length: usize = field(&text, "Content-Length").parse().unwrap();
                if self.unread.len() >= end + 4 + length {
                    self.unread.drain(..end + 4 + length);
                    return text[..end + 4 + length].to_owned();
                }
            }
            let mut buffer = [0; 4096];
            let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await;
            let length = read.expect("something comes").unwrap();
            assert!(length > 0, "the connection was closed");
            self.unread.extend(&buffer[..length]);
        }
    }

    /// The next message that begins so.
    async fn next(&mut self, start: &str) -> String {
        loop {
            let message = self.message().await;
            if message.starts_with(start) {
                return message;
            }
        }
    }

    async fn answer(&mut self, call: &Call) -> String {
        loop {
            let message = self.message().await;
            let is_its = field(&message, "CSeq").starts_with(&format!("{} ", call.cseq));
            if message.starts_with("SIP/2.0 ") && is_its && status(&message) >= 200 {
                return message;
            }
        }
    }

    /// Sends a request with its proof; the final answer.
    async fn asks(&mut self, call: &mut Call, method: &str, headers: &str, body: &str) -> String {
        let bare = self.words.written(call, method, headers, body);
        self.send(&bare).await;
        let challenge = self.answer(call).await;
        assert_eq!(status(&challenge), 401, "{challenge}");
        if method == "INVITE" {
            let ack = self.words.written(call, "ACK", "", "");
            self.send(&ack.replace("z9hG4bKACK", "z9hG4bKINVITE")).await;
        }
        let proof = self.words.proof(&challenge, method, &call.uri);
        let proven = self
            .words
            .written(call, method, &format!("{proof}{headers}"), body);
        self.send(&proven).await;
        self.answer(call).await
    }

    async fn registers(&mut self, world: &World) {
        let mut account = Call::new(format!("sip:{DESK}@{}", world.sip));
        let answer = self.asks(&mut account, "REGISTER", "Expires: 600\r\n", "").await;
        assert_eq!(status(&answer), 200, "{answer}");
    }

    /// Calls [`FAR`], who answers.
    async fn calls(&mut self, world: &World) -> Call {
        let mut call = Call::new(format!("sip:{FAR}@{}", world.sip));
        let answer = self.asks(&mut call, "INVITE", "", SDP).await;
        assert_eq!(status(&answer), 200, "{answer}");
        call.to_tag = support::wire::tag(&field(&answer, "To"));
        let ack = self.words.written(&mut call, "ACK", "", "");
        self.send(&ack).await;
        let id = world.edge.state(ANNA).unwrap().calls[0].id;
        world.connected(id).await;
        call
    }
}

/// Anna with a telephone on her desk that speaks TCP.
async fn office() -> (World, Wire) {
    let world = World::with(Options::default()).await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    world.add_device(DESK, Some(ANNA), false).await;
    world
        .station(ANNA, DESK, |station| station.own && station.logged_on)
        .await;
    world.carrier.set_number(FAR, answer(FAR, 50)).unwrap();
    let words = Wire::telephone(DESK, world.sip).await;
    (world, words)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_that_was_away_when_its_call_ended_hears_so() {
    let (world, words) = office().await;
    let mut connection = Connection::open(&words, &world).await;
    connection.registers(&world).await;
    let call = connection.calls(&world).await;
    drop(connection);
    world.station(ANNA, DESK, |station| !station.registered).await;
    let id = world.edge.state(ANNA).unwrap().calls[0].id;
    world.hang_up(id).await;
    world.ended(id).await;
    let mut connection = Connection::open(&words, &world).await;
    connection.registers(&world).await;
    let bye = connection.next("BYE").await;
    assert_eq!(field(&bye, "Call-ID"), call.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_that_is_back_before_its_call_ends_hears_so_at_once() {
    let (world, words) = office().await;
    let mut before = Connection::open(&words, &world).await;
    before.registers(&world).await;
    let call = before.calls(&world).await;
    let mut after = Connection::open(&words, &world).await;
    after.registers(&world).await;
    drop(before);
    let id = world.edge.state(ANNA).unwrap().calls[0].id;
    world.hang_up(id).await;
    let bye = after.next("BYE").await;
    assert_eq!(field(&bye, "Call-ID"), call.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_after_a_crash_a_telephone_hears_that_its_call_is_over() {
    let (mut world, words) = office().await;
    let mut connection = Connection::open(&words, &world).await;
    connection.registers(&world).await;
    let call = connection.calls(&world).await;
    world.crash_gateway().await;
    drop(connection);
    world.start_gateway().await;
    let mut connection = Connection::open(&words, &world).await;
    connection.registers(&world).await;
    let bye = connection.next("BYE").await;
    assert_eq!(field(&bye, "Call-ID"), call.id);
}
