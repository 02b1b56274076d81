//! A party, or the user's own telephone, that does in any order what a dialog allows, and what it does not, while the user holds
//! and retrieves: afterwards both hear each other, and the call ends when it is told to (rules T5, T8).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CallId, CauseReason, CommandBody};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::time::Duration;
use support::hearing::{Hearing, answer, hears, voice};
use support::party::{Party, beside_the_carrier, in_a_call, parts, talk};
use support::voice::Voice;
use support::wire::{Call, Wire, body, field, status};
use support::{ANNA, FAR, HOME, Options, World};

const SIGNALLED: &str = "hold = \"signalled\"\n";
const DESK: &str = "desk-201";

/// What it may do in one step.
const STEPS: [&str; 14] = [
    "sendrecv", "sendonly", "recvonly", "inactive", "zero", "out", "ask", "update", "refused", "cancel",
    "late", "info", "refer", "user",
];

struct Peer<'a> {
    party: Party<'a>,
    /// What happened, for whoever reads the failure.
    told: Vec<String>,
}

impl Peer<'_> {
    /// Takes what comes: answers the gateway's requests, until the final answer to its own of this number; or, with none, until
    /// nothing came for a while.
    async fn hears(&mut self, wanted: Option<u32>) -> Option<String> {
        loop {
            let next = self.party.wire.hears("anything", |_| true);
            let patience = if wanted.is_some() { 5_000 } else { 700 };
            let Ok(text) = tokio::time::timeout(Duration::from_millis(patience), next).await else {
                assert!(wanted.is_none(), "no answer; {:#?}", self.told);
                return None;
            };
            let line = text.lines().next().unwrap_or_default().to_owned();
            self.told.push(format!("heard {line}, {}", field(&text, "CSeq")));
            if text.starts_with("SIP/2.0 ") {
                let number = field(&text, "CSeq").split(' ').next().unwrap().parse().ok();
                if status(&text) >= 200 && number == wanted && !field(&text, "CSeq").ends_with("CANCEL") {
                    return Some(text);
                }
            } else if text.starts_with("INVITE") {
                let direction = match parts(body(&text)).1.as_str() {
                    "sendonly" => "recvonly",
                    "recvonly" => "sendonly",
                    "inactive" => "inactive",
                    _ => "sendrecv",
                };
                self.party.version += 1;
                let sdp = self.party.voice.sdp(self.party.version, direction);
                self.speaks(direction, &text);
                self.party.wire.replies(&text, 200, "", &sdp).await;
            } else if !text.starts_with("ACK") {
                assert!(!text.starts_with("BYE"), "the call was ended; {:#?}", self.told);
                self.party.wire.replies(&text, 200, "", "").await;
            }
        }
    }

    fn speaks(&self, direction: &str, message: &str) {
        match direction {
            "sendrecv" | "sendonly" if !body(message).contains("m=audio 0 ") => {
                self.party.voice.speaks_to(message);
            }
            _ => self.party.voice.is_silent(),
        }
    }

    /// Sends a request, and hears what comes of it.
    async fn asks(&mut self, method: &str, headers: &str, sdp: &str) -> String {
        let wire = self.party.wire;
        wire.send(&wire.written(&mut self.party.call, method, headers, sdp))
            .await;
        self.told.push(format!("sent {method} {}", self.party.call.cseq));
        let number = self.party.call.cseq;
        let answer = self.hears(Some(number)).await.unwrap();
        if method == "INVITE" {
            if status(&answer) < 300 {
                let sdp = if sdp.is_empty() {
                    self.party.version += 1;
                    self.party.voice.sdp(self.party.version, "sendrecv")
                } else {
                    String::new()
                };
                wire.send(&wire.written(&mut self.party.call, "ACK", "", &sdp))
                    .await;
            } else {
                wire.acknowledges_refusal(&mut self.party.call, "INVITE").await;
            }
        }
        answer
    }

    /// Offers by this method; whether it was taken.
    async fn offers(&mut self, method: &str, direction: &str) -> bool {
        self.party.version += 1;
        let sdp = self.party.voice.sdp(self.party.version, direction);
        let answer = self.asks(method, "", &sdp).await;
        if status(&answer) == 200 {
            let ours = match parts(body(&answer)).1.as_str() {
                "sendonly" => "recvonly",
                "recvonly" => "sendonly",
                "inactive" => "inactive",
                _ => "sendrecv",
            };
            self.speaks(ours, &answer);
        }
        assert!(matches!(status(&answer), 200 | 491 | 500), "{answer}");
        status(&answer) == 200
    }

    async fn step(&mut self, step: &str, random: &mut StdRng) {
        let sdp = |peer: &Self| peer.party.voice.sdp(peer.party.version, "sendrecv");
        match step {
            "zero" | "out" => {
                self.party.version += 1;
                let zero = sdp(self).replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0");
                let port = format!("m=audio {} ", self.party.voice.address.port());
                let out = sdp(self).replace(&port, "m=audio 0 ");
                let answer = self
                    .asks("INVITE", "", if step == "zero" { &zero } else { &out })
                    .await;
                assert!(matches!(status(&answer), 200 | 491 | 500), "{answer}");
                self.party.voice.is_silent();
            }
            "ask" => {
                let answer = self.asks("INVITE", "", "").await;
                assert!(matches!(status(&answer), 200 | 491 | 500), "{answer}");
                if status(&answer) == 200 {
                    self.speaks("sendrecv", &answer);
                }
            }
            "update" => {
                let direction = ["sendrecv", "sendonly", "inactive"].choose(random).unwrap();
                self.offers("UPDATE", direction).await;
            }
            "refused" => {
                let encrypted = sdp(self).replace("RTP/AVP", "RTP/SAVP");
                let answer = self.asks("INVITE", "", &encrypted).await;
                assert!(matches!(status(&answer), 488 | 491 | 500), "{answer}");
            }
            "cancel" => {
                // It crosses the answer, as a rule.
                let wire = self.party.wire;
                self.party.version += 1;
                let sdp = sdp(self);
                let invite = wire.written(&mut self.party.call, "INVITE", "", &sdp);
                wire.send(&invite).await;
                let cancel = wire.written(&mut self.party.call, "CANCEL", "", "");
                wire.send(&cancel).await;
                let answer = self.hears(Some(self.party.call.cseq)).await.unwrap();
                if status(&answer) == 200 {
                    wire.send(&wire.written(&mut self.party.call, "ACK", "", ""))
                        .await;
                    self.speaks("sendrecv", &answer);
                } else {
                    wire.acknowledges_refusal(&mut self.party.call, "INVITE").await;
                }
            }
            "late" => {
                let number = self.party.call.cseq;
                self.party.call.cseq = number.saturating_sub(2);
                let answer = self.asks("OPTIONS", "", "").await;
                assert!(matches!(status(&answer), 200 | 500), "{answer}");
                self.party.call.cseq = number.max(self.party.call.cseq);
            }
            "info" => {
                let kind = "Content-Type: application/dtmf-relay\r\n";
                let answer = self.asks("INFO", kind, "Signal=5\r\n").await;
                assert_eq!(status(&answer), 200, "{answer}");
            }
            "refer" => {
                let answer = self.asks("REFER", "Refer-To: <tel:+390298765403>\r\n", "").await;
                assert_eq!(status(&answer), 403, "{answer}");
            }
            direction => {
                self.offers("INVITE", direction).await;
            }
        }
    }

    /// Takes all holds back, and waits until nothing more is said.
    async fn calms_down(&mut self, world: &World, call: CallId) {
        for _ in 0..20 {
            world.edge.command(ANNA, CommandBody::Retrieve { call }).await;
            self.hears(None).await;
            if self.offers("INVITE", "sendrecv").await {
                self.hears(None).await;
                return;
            }
        }
        panic!("no offer was taken; {:#?}", self.told);
    }
}

/// Does 25 things at random beside Anna, who holds and retrieves the call, and takes all holds back.
async fn in_any_order<'a>(
    world: &World,
    call: CallId,
    party: Party<'a>,
    steps: &[&str],
    seed: u64,
) -> Party<'a> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut peer = Peer {
        party,
        told: vec![format!("seed {seed}")],
    };
    for _ in 0..25 {
        let step = *steps.choose(&mut random).unwrap();
        peer.told.push(format!("does {step}"));
        if step == "user" {
            let body = if random.random() {
                CommandBody::Hold { call }
            } else {
                CommandBody::Retrieve { call }
            };
            // What is no use now is refused.
            world.edge.command(ANNA, body).await;
        } else {
            peer.step(step, &mut random).await;
        }
    }
    peer.calms_down(world, call).await;
    println!("{:#?}", peer.told);
    peer.party
}

async fn ends(world: &World, call: CallId, wire: &Wire) {
    world.hang_up(call).await;
    let bye = wire.next("BYE").await;
    wire.replies(&bye, 200, "", "").await;
    let record = world.ended(call).await;
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_whatever_a_party_did_both_hear_each_other_in_the_end() {
    for (seed, settings) in [(0, ""), (1, ""), (10, SIGNALLED), (11, SIGNALLED)] {
        let (world, wire) = beside_the_carrier(settings).await;
        let (call, party) = in_a_call(&world, &wire).await;
        let party = in_any_order(&world, call, party, &STEPS, seed).await;
        talk(&world, &party).await;
        ends(&world, call, &wire).await;
    }
}

/// Anna at her desk, with a telephone made by hand, in a call with [`FAR`].
async fn at_the_desk(settings: &str) -> (World, Wire) {
    let world = World::with(Options {
        extra: format!("\n[registrar]\n{settings}"),
        ..Options::default()
    })
    .await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    world.add_device(DESK, Some(ANNA), false).await;
    world
        .station(ANNA, DESK, |station| station.own && station.logged_on)
        .await;
    world.carrier.set_number(FAR, answer(FAR, 50)).unwrap();
    let wire = Wire::telephone(DESK, world.sip).await;
    (world, wire)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_whatever_the_users_own_telephone_did_both_hear_each_other_in_the_end() {
    // Its REFER would be meant.
    let steps: Vec<&str> = STEPS.into_iter().filter(|step| *step != "refer").collect();
    for (seed, settings) in [(20, ""), (21, ""), (30, SIGNALLED), (31, SIGNALLED)] {
        let (world, wire) = at_the_desk(settings).await;
        let voice = Voice::new(voice(HOME)).await;
        let mut call = Call::new(format!("sip:{FAR}@{}", world.sip));
        let answer = wire.calls(&mut call, "", &voice.sdp(1, "sendrecv")).await;
        assert_eq!(status(&answer), 200, "{answer}");
        voice.speaks_to(&answer);
        voice.hears(Hearing::of(&[FAR])).await;
        let id = world.edge.state(ANNA).unwrap().calls[0].id;
        world.connected(id).await;
        let party = Party {
            wire: &wire,
            call,
            voice,
            version: 1,
            seen: 0,
            described: body(&answer).to_owned(),
        };
        let party = in_any_order(&world, id, party, &steps, seed).await;
        party.voice.hears(Hearing::of(&[FAR])).await;
        hears(&world, FAR, Hearing::of(&[HOME])).await;
        ends(&world, id, &wire).await;
    }
}
