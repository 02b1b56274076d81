//! The party at the far end of a call, made by hand behind a trunk of its own: told of holds by re-INVITE, and with a voice.

use super::hearing::{Hearing, answer, hears, voice};
use super::voice::Voice;
use super::wire::{Call, Wire, body, field, status};
use super::{FAR, HOME, Options, World};
use ponte_protocol::CallId;
use ponte_pstn_sim::Behaviour;

/// A party in a call that the gateway began.
pub struct Party<'a> {
    pub wire: &'a Wire,
    pub call: Call,
    pub voice: Voice,
    /// Of its own descriptions.
    pub version: u32,
    /// The gateway's `CSeq` that was seen last.
    pub seen: u32,
    /// What the gateway has said of its audio last.
    pub described: String,
}

/// The number in its `CSeq`.
pub fn number_of(message: &str) -> u32 {
    let cseq = field(message, "CSeq");
    cseq.split(' ').next().unwrap().parse().unwrap()
}

/// A description in three parts: its version, its direction, and the rest.
pub fn parts(sdp: &str) -> (u64, String, String) {
    let (mut version, mut direction, mut rest) = (None, String::new(), String::new());
    for line in sdp.lines() {
        match line {
            "a=sendrecv" | "a=sendonly" | "a=recvonly" | "a=inactive" => line[2..].clone_into(&mut direction),
            _ if line.starts_with("o=") => version = line.split(' ').nth(2).unwrap().parse().ok(),
            _ => rest = format!("{rest}{line}\n"),
        }
    }
    (version.unwrap(), direction, rest)
}

impl<'a> Party<'a> {
    /// Takes the call that comes, and says the tone of `number`.
    pub async fn answers(wire: &'a Wire, number: &str) -> Self {
        let invite = wire.next("INVITE").await;
        let party = Self {
            wire,
            call: Call::taken(&invite),
            voice: Voice::new(voice(number)).await,
            version: 1,
            seen: number_of(&invite),
            described: body(&invite).to_owned(),
        };
        party.voice.speaks_to(&invite);
        let sdp = party.voice.sdp(1, "sendrecv");
        wire.replies(&invite, 200, "", &sdp).await;
        wire.next("ACK").await;
        party
    }

    /// The next re-INVITE: it must say this of its direction, and of everything else what was said before.
    pub async fn is_told(&mut self, wanted: &str) -> String {
        let invite = self
            .wire
            .hears("a re-INVITE", |text| {
                text.starts_with("INVITE") && number_of(text) > self.seen
            })
            .await;
        assert_eq!(field(&invite, "Call-ID"), self.call.id);
        self.seen = number_of(&invite);
        let (before, now) = (parts(&self.described), parts(body(&invite)));
        assert_eq!(now.1, wanted, "{invite}");
        assert_eq!(now.2, before.2, "only the direction changes: {invite}");
        let same = body(&invite) == self.described;
        assert!(now.0 > before.0 || same, "each change is a version: {invite}");
        body(&invite).clone_into(&mut self.described);
        invite
    }

    /// Answers a re-INVITE, and does what it says of itself.
    pub async fn takes(&mut self, invite: &str, direction: &str) {
        self.version += 1;
        match direction {
            "sendrecv" | "sendonly" => self.voice.speaks_to(invite),
            _ => self.voice.is_silent(),
        }
        let sdp = self.voice.sdp(self.version, direction);
        self.wire.replies(invite, 200, "", &sdp).await;
        self.wire.next("ACK").await;
    }

    pub async fn refuses(&self, invite: &str, status: u16) {
        self.wire.replies(invite, status, "", "").await;
        self.wire.next("ACK").await;
    }

    /// Offers by re-INVITE; what its answer must say of the direction.
    pub async fn offers(&mut self, direction: &str, wanted: &str) {
        self.version += 1;
        let sdp = self.voice.sdp(self.version, direction);
        let answer = self.wire.calls(&mut self.call, "", &sdp).await;
        assert_eq!(status(&answer), 200, "{answer}");
        assert_eq!(parts(body(&answer)).1, wanted, "offered {direction}: {answer}");
        body(&answer).clone_into(&mut self.described);
        match wanted {
            "sendrecv" | "recvonly" => self.voice.speaks_to(&answer),
            _ => self.voice.is_silent(),
        }
    }

    /// Waits for the BYE; no re-INVITE may come before it.
    pub async fn is_told_no_more(&self) {
        let bye = self
            .wire
            .hears("a BYE", |text| {
                assert!(!text.starts_with("INVITE"), "{text}");
                text.starts_with("BYE")
            })
            .await;
        self.wire.replies(&bye, 200, "", "").await;
    }
}

/// Anna at home, and a trunk made by hand with these settings: behind it is whom the carrier has no room for.
pub async fn beside_the_carrier(settings: &str) -> (World, Wire) {
    let mut wire = Wire::new().await;
    let world = World::with(Options {
        extra: wire.trunk("wire", "") + settings,
        ..Options::default()
    })
    .await;
    wire.speaks_to(world.sip);
    world
        .telephones(answer(HOME, 50), Behaviour::ServiceUnavailable)
        .await;
    (world, wire)
}

pub async fn in_a_call<'a>(world: &World, wire: &'a Wire) -> (CallId, Party<'a>) {
    let call = world.dial().await;
    let party = Party::answers(wire, FAR).await;
    world.connected(call).await;
    talk(world, &party).await;
    (call, party)
}

/// Waits until both hear each other.
pub async fn talk(world: &World, party: &Party<'_>) {
    party.voice.hears(Hearing::of(&[HOME])).await;
    hears(world, HOME, Hearing::of(&[FAR])).await;
}
