//! Desk telephones take calls over by INVITE with Replaces (RFC 3891, ADR 41), with what the lamp of an extension tells
//! them (RFC 4235): a colleague's call that rings, the user's own that rings or is up. The telephones are made by hand.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CallPhase, CallRecord, CauseReason, CommandBody, EventBody, LegRole, LinkEvent};
use ponte_pstn_sim::{Answer, Behaviour, PlaceCall};
use support::voice::Voice;
use support::wire::{Call, SDP, Wire, body, field, status};
use support::{ANNA, COMPANY, FAR, HOME, Options, World};

const BRUNO: &str = "bruno";
const CARLA: &str = "carla";
const CALLER_HZ: f64 = 1130.0;
const HOME_HZ: f64 = 750.0;
const TAKER_HZ: f64 = 1910.0;
const OTHER_HZ: f64 = 1520.0;
/// What the other party may miss of the sound, in milliseconds.
const LONGEST_GAP_MS: usize = 40;

/// Everybody's telephone on the desk, registered, and made by hand.
struct Office {
    world: World,
    anna: Wire,
    bruno: Wire,
    carla: Wire,
    /// A trunk that is none of the carrier's.
    trunk: Wire,
}

impl Office {
    async fn open() -> Self {
        let mut trunk = Wire::new().await;
        let world = World::with(Options {
            extra: trunk.trunk("wire", ""),
            ..Options::default()
        })
        .await;
        trunk.speaks_to(world.sip);
        world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
        world.add_user(BRUNO, true).await;
        world.add_user_at(CARLA, "203").await;
        let mut telephones = Vec::new();
        for (user, device) in [(ANNA, "desk-201"), (BRUNO, "desk-202"), (CARLA, "desk-203")] {
            world
                .until("the user is known", |world| world.edge.state(user).is_some())
                .await;
            world.add_device(device, Some(user), false).await;
            world.station(user, device, |station| station.logged_on).await;
            telephones.push(registered(&world, device).await);
            world.station(user, device, |station| station.registered).await;
        }
        let [anna, bruno, carla] = telephones.try_into().ok().unwrap();
        Self {
            world,
            anna,
            bruno,
            carla,
            trunk,
        }
    }

    /// Somebody outside calls Anna, whose telephone rings. The carrier's number of the call, and the INVITE.
    async fn rings_for_anna(&self) -> (u64, String) {
        self.rings_for_anna_until(None).await
    }

    /// … and gives up after so many milliseconds.
    async fn rings_for_anna_until(&self, give_up_after_ms: Option<u64>) -> (u64, String) {
        let placed = self.world.place(PlaceCall {
            give_up_after_ms,
            telephone: Answer {
                tone_hz: Some(CALLER_HZ),
                ..Answer::default()
            },
            ..PlaceCall::new(FAR, COMPANY)
        });
        let invite = self.anna.next("INVITE").await;
        self.anna.replies(&invite, 180, "", "").await;
        self.world
            .until("the caller hears ringing", |world| {
                world.call(placed).ringing_at.is_some()
            })
            .await;
        (placed, invite)
    }

    /// Anna's telephone stops ringing, and shows no missed call.
    async fn anna_stops_ringing(&self, invite: &str) {
        let cancel = self.anna.next("CANCEL").await;
        assert_eq!(
            field(&cancel, "Reason"),
            "SIP;cause=200;text=\"Call completed elsewhere\"",
            "{cancel}"
        );
        self.anna.replies(&cancel, 200, "", "").await;
        self.anna.replies(invite, 487, "", "").await;
        self.anna.next("ACK").await;
    }

    async fn caller_hears(&self, placed: u64, hz: f64) {
        self.world
            .until(&format!("the caller hears {hz} Hz"), |world| {
                world.call(placed).media.has_heard(hz, 600)
            })
            .await;
    }

    async fn records(&self, user: &str) -> Vec<CallRecord> {
        self.world
            .until("a record", |world| !records(world, user).is_empty())
            .await;
        records(&self.world, user)
    }

    async fn nobody_talks(&self) {
        self.world
            .until("every call is over", |world| world.carrier.active_calls() == 0)
            .await;
    }
}

fn records(world: &World, user: &str) -> Vec<CallRecord> {
    let of_user = |event: LinkEvent| match event.body {
        EventBody::CallEnded { record, .. } if event.user.as_str() == user => Some(record),
        _ => None,
    };
    world.edge.events().into_iter().filter_map(of_user).collect()
}

/// The longest stretch without sound, in milliseconds.
fn longest_silence(samples: &[i16]) -> usize {
    let quiet = |sample: &i16| sample.unsigned_abs() < 200;
    let stretches = samples.chunk_by(|a, b| quiet(a) == quiet(b));
    let silent = stretches.filter(|stretch| stretch.first().is_some_and(quiet));
    silent.map(<[i16]>::len).max().unwrap_or_default() / 8
}

async fn registered(world: &World, device: &str) -> Wire {
    let telephone = Wire::telephone(device, world.sip).await;
    registers(&telephone, world, device).await;
    telephone
}

async fn registers(telephone: &Wire, world: &World, device: &str) {
    let mut register = Call::new(format!("sip:{device}@{}", world.sip));
    let answer = telephone
        .asks(&mut register, "REGISTER", "Expires: 600\r\n", "")
        .await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(field(&answer, "Supported").contains("replaces"), "{answer}");
}

/// Watches the calls of an extension; the subscription.
async fn watches(telephone: &Wire, world: &World, extension: &str) -> Call {
    let mut watch = Call::new(format!("sip:{extension}@{}", world.sip));
    let headers = "Event: dialog\r\nAccept: application/dialog-info+xml\r\nExpires: 600\r\n";
    let granted = telephone.asks(&mut watch, "SUBSCRIBE", headers, "").await;
    assert_eq!(status(&granted), 200, "{granted}");
    watch
}

/// The next NOTIFY of a subscription for which this holds; all are answered.
async fn notified(telephone: &Wire, watch: &Call, wanted: impl Fn(&str) -> bool) -> String {
    loop {
        let notify = telephone
            .hears("a NOTIFY", |text| {
                text.starts_with("NOTIFY") && field(text, "Call-ID") == watch.id
            })
            .await;
        telephone.replies(&notify, 200, "", "").await;
        if wanted(body(&notify)) {
            return body(&notify).to_owned();
        }
    }
}

/// Waits until the telephone was told that nothing rings and nobody talks.
async fn idle(telephone: &Wire, watch: &Call) {
    notified(telephone, watch, |text| {
        !text.contains("early") && !text.contains("confirmed")
    })
    .await;
}

/// What a telephone makes of a dialog that it was told of: whom it calls, and the Replaces. As RFC 5359 section 2.11 does it,
/// the tag of the remote side is that of whom the INVITE goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Taking {
    target: String,
    replaces: String,
}

impl Taking {
    /// `None` where the document names no such dialog.
    fn of(document: &str, state: &str, early_only: bool) -> Option<Self> {
        let document = roxmltree::Document::parse(document).unwrap();
        let dialog = document.root_element().children().find(|dialog| {
            let mut children = dialog.children();
            children.any(|child| child.has_tag_name("state") && child.text() == Some(state))
        })?;
        let named = ["call-id", "remote-tag", "local-tag"].map(|name| dialog.attribute(name));
        let [Some(call_id), Some(remote), Some(local)] = named else {
            return None;
        };
        let side = dialog.children().find(|child| child.has_tag_name("remote"))?;
        let target = side.children().find(|child| child.has_tag_name("target"))?;
        let early_only = if early_only { ";early-only" } else { "" };
        Some(Self {
            target: target.attribute("uri")?.to_owned(),
            replaces: format!(
                "Replaces: {call_id};to-tag={remote};from-tag={local}{early_only}\r\nRequire: replaces\r\n"
            ),
        })
    }

    async fn by(&self, telephone: &Wire, description: &str) -> (Call, String) {
        let mut call = Call::new(self.target.clone());
        let answer = telephone.calls(&mut call, &self.replaces, description).await;
        (call, answer)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_t18_a_colleagues_call_is_picked_up_by_what_the_lamp_tells() {
    let office = Office::open().await;
    let watch = watches(&office.bruno, &office.world, "201").await;
    let (placed, invite) = office.rings_for_anna().await;
    let document = notified(&office.bruno, &watch, |text| text.contains("early")).await;
    assert!(
        !document.contains(&FAR[1..]) && !document.contains(&field(&invite, "Call-ID")),
        "neither who calls nor the dialog itself: {document}"
    );
    let taking = Taking::of(&document, "early", true).expect("a dialog that can be taken");
    let voice = Voice::new(TAKER_HZ).await;
    let (mut call, answer) = taking.by(&office.bruno, &voice.sdp(1, "sendrecv")).await;
    assert_eq!(status(&answer), 200, "{answer}");
    voice.speaks_to(&answer);
    office.anna_stops_ringing(&invite).await;
    voice.hears_tone(CALLER_HZ).await;
    office.caller_hears(placed, TAKER_HZ).await;
    let gone = notified(&office.bruno, &watch, |text| text.contains("terminated")).await;
    assert_eq!(Taking::of(&gone, "terminated", false), None, "{gone}");
    assert_eq!(
        office.world.carrier.calls().len(),
        1,
        "the caller is in the same call"
    );

    assert_eq!(status(&office.bruno.asks(&mut call, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    let [anna] = &office.records(ANNA).await[..] else {
        panic!("one record of Anna's")
    };
    assert_eq!(anna.cause.reason, CauseReason::AnsweredElsewhere);
    let rang = anna.legs.iter().find(|leg| leg.role == LegRole::User).unwrap();
    assert_eq!(rang.cause.reason, CauseReason::AnsweredElsewhere);
    let [bruno] = &office.records(BRUNO).await[..] else {
        panic!("one record of Bruno's")
    };
    assert_eq!((bruno.number.as_str(), bruno.legs.len()), (FAR, 2), "{bruno:?}");
    assert_eq!(bruno.cause.reason, CauseReason::NormalClearing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_may_pick_up_is_told_the_name_of_a_call_and_may_take_it() {
    let office = Office::open().await;
    let world = &office.world;
    world.change_user(BRUNO, |row| row.pick_up_allowed = false).await;
    world
        .until("Bruno may not", |world| {
            !world.edge.state(BRUNO).unwrap().profile.pick_up_allowed
        })
        .await;
    let of_bruno = watches(&office.bruno, world, "201").await;
    let of_carla = watches(&office.carla, world, "201").await;
    let (placed, invite) = office.rings_for_anna().await;
    let told = notified(&office.bruno, &of_bruno, |text| text.contains("early")).await;
    assert!(!told.contains("tag=") && !told.contains("call-id"), "{told}");
    let told = notified(&office.carla, &of_carla, |text| text.contains("early")).await;
    let taking = Taking::of(&told, "early", false).unwrap();

    // Whoever learned the name elsewhere has no more right than before.
    let (_, answer) = taking.by(&office.bruno, SDP).await;
    assert_eq!(status(&answer), 403, "{answer}");
    // A trunk is not heard at all, nor anybody without an account.
    let bare = taking.replaces.replace("Require: replaces\r\n", "");
    let mut call = Call::new(taking.target.clone());
    assert_eq!(status(&office.trunk.calls(&mut call, &bare, SDP).await), 481);
    let mut call = Call::new(taking.target.clone());
    let required = office.trunk.calls(&mut call, &taking.replaces, SDP).await;
    assert_eq!(status(&required), 420, "{required}");
    let mut stranger = Wire::new().await;
    stranger.speaks_to(world.sip);
    let mut call = Call::new(taking.target.clone());
    stranger
        .send(&stranger.written(&mut call, "INVITE", &taking.replaces, SDP))
        .await;
    assert_eq!(status(&stranger.answer(&mut call).await), 401);
    // Nor is there anything by a wrong name, or one that cannot be read.
    for (wrong, wanted) in [
        (taking.replaces.replace("to-tag=", "to-tag=0"), 481),
        (taking.replaces.replace("from-tag=", "x="), 400),
        (format!("{bare}{bare}"), 400),
        (format!("{bare}Join: a;to-tag=b;from-tag=c\r\n"), 400),
    ] {
        let mut call = Call::new(taking.target.clone());
        let answer = office.carla.calls(&mut call, &wrong, SDP).await;
        assert_eq!(status(&answer), wanted, "{wrong}: {answer}");
    }
    assert_eq!(world.carrier.active_calls(), 1, "it rings on");

    // The right is given while it rings: the telephone is told at once.
    world.change_user(BRUNO, |row| row.pick_up_allowed = true).await;
    let told = notified(&office.bruno, &of_bruno, |text| text.contains("call-id")).await;
    let taking = Taking::of(&told, "early", true).unwrap();
    let (mut call, answer) = taking.by(&office.bruno, SDP).await;
    assert_eq!(status(&answer), 200, "{answer}");
    office.anna_stops_ringing(&invite).await;
    assert_eq!(world.call(placed).id, placed);
    assert_eq!(status(&office.bruno.asks(&mut call, "BYE", "", "").await), 200);
    office.nobody_talks().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_pick_up_at_once_one_wins_and_a_call_that_is_answered_or_over_goes_on() {
    let office = Office::open().await;
    let world = &office.world;
    let of_bruno = watches(&office.bruno, world, "201").await;
    let of_carla = watches(&office.carla, world, "201").await;
    let (placed, invite) = office.rings_for_anna().await;
    let told = notified(&office.bruno, &of_bruno, |text| text.contains("early")).await;
    let taking = Taking::of(&told, "early", true).unwrap();
    let told = notified(&office.carla, &of_carla, |text| text.contains("early")).await;
    assert_eq!(Taking::of(&told, "early", true).unwrap(), taking);
    let ((mut bruno, to_bruno), (mut carla, to_carla)) =
        tokio::join!(taking.by(&office.bruno, SDP), taking.by(&office.carla, SDP));
    let mut both = [status(&to_bruno), status(&to_carla)];
    both.sort_unstable();
    assert_eq!(both, [200, 481], "{to_bruno} {to_carla}");
    office.anna_stops_ringing(&invite).await;
    let (winner, call) = if status(&to_bruno) == 200 {
        (&office.bruno, &mut bruno)
    } else {
        (&office.carla, &mut carla)
    };
    assert_eq!(status(&winner.asks(call, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    assert_eq!(world.calls_to(FAR).len(), 1, "{placed} is the caller's one call");
    idle(&office.bruno, &of_bruno).await;

    // Her telephone is answered first: the call is hers.
    let (answered, invite) = office.rings_for_anna().await;
    let told = notified(&office.bruno, &of_bruno, |text| text.contains("early")).await;
    let voice = Voice::new(OTHER_HZ).await;
    office
        .anna
        .replies(&invite, 200, "", &voice.sdp(1, "sendrecv"))
        .await;
    let (_, late) = Taking::of(&told, "early", true)
        .unwrap()
        .by(&office.bruno, SDP)
        .await;
    assert_eq!(status(&late), 486, "the answer came first: {late}");
    office.anna.next("ACK").await;
    let (_, late) = Taking::of(&told, "early", false)
        .unwrap()
        .by(&office.bruno, SDP)
        .await;
    assert_eq!(
        status(&late),
        403,
        "an answered call of a colleague is not to be taken"
    );
    voice.speaks_to(&invite);
    office.caller_hears(answered, OTHER_HZ).await;
    let after = notified(&office.bruno, &of_bruno, |text| text.contains("confirmed")).await;
    assert_eq!(Taking::of(&after, "confirmed", false), None, "{after}");
    let mut hers = Call::taken(&invite);
    assert_eq!(status(&office.anna.asks(&mut hers, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    idle(&office.bruno, &of_bruno).await;

    // The caller gives up.
    let (_, invite) = office.rings_for_anna_until(Some(4_000)).await;
    let told = notified(&office.bruno, &of_bruno, |text| text.contains("early")).await;
    let cancel = office.anna.next("CANCEL").await;
    let (_, late) = Taking::of(&told, "early", false)
        .unwrap()
        .by(&office.bruno, SDP)
        .await;
    assert_eq!(status(&late), 481, "{late}");
    office.anna.replies(&cancel, 200, "", "").await;
    office.anna.replies(&invite, 487, "", "").await;
    office.nobody_talks().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_t18_the_users_own_call_goes_on_at_the_desk_without_a_gap() {
    let office = Office::open().await;
    let world = &office.world;
    let at_home = Behaviour::Answer(Answer {
        after_ms: 50,
        tone_hz: Some(HOME_HZ),
        ..Answer::default()
    });
    world.carrier.set_number(HOME, at_home).unwrap();
    world.enter(HOME, Some(false)).await;
    let placed = world.place(PlaceCall {
        telephone: Answer {
            tone_hz: Some(CALLER_HZ),
            record: true,
            ..Answer::default()
        },
        ..PlaceCall::new(FAR, COMPANY)
    });
    office.caller_hears(placed, HOME_HZ).await;
    let shown = world
        .shown_where(|call| matches!(call.phase, CallPhase::Connected { .. }))
        .await;
    // While she telecommutes, the ordinary telephone takes nothing (T3).
    let watch = watches(&office.anna, world, "201").await;
    let told = notified(&office.anna, &watch, |text| text.contains("confirmed")).await;
    assert_eq!(Taking::of(&told, "confirmed", false), None, "{told}");

    world.accepted(ANNA, CommandBody::LeaveTelecommuter).await;
    let told = notified(&office.anna, &watch, |text| text.contains("call-id")).await;
    let taking = Taking::of(&told, "confirmed", false).unwrap();
    let (_, colleague) = taking.by(&office.bruno, SDP).await;
    assert_eq!(status(&colleague), 403, "{colleague}");

    let voice = Voice::new(TAKER_HZ).await;
    let (mut call, answer) = taking.by(&office.anna, &voice.sdp(1, "sendrecv")).await;
    assert_eq!(status(&answer), 200, "{answer}");
    voice.speaks_to(&answer);
    voice.hears_tone(CALLER_HZ).await;
    office.caller_hears(placed, TAKER_HZ).await;
    world
        .until("the telephone at home is let go", |world| {
            world.carrier.active_calls() == 1
        })
        .await;
    assert_eq!(world.carrier.calls().len(), 2, "nobody is called again");
    let tape = world.carrier.audio(placed).unwrap();
    let loud = |sample: &i16| sample.unsigned_abs() > 2_000;
    let begins = tape.iter().position(loud).unwrap();
    let ends = tape.iter().rposition(loud).unwrap();
    let silence = longest_silence(&tape[begins..ends]);
    assert!(
        silence < LONGEST_GAP_MS,
        "the caller hears nothing for {silence} ms"
    );
    voice.hears_tone(CALLER_HZ).await;
    assert_eq!(status(&office.anna.asks(&mut call, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    let record = world.ended(shown.id).await;
    let mine: Vec<_> = record
        .legs
        .iter()
        .filter(|leg| leg.role == LegRole::User)
        .map(|leg| (leg.device.as_ref().map(ToString::to_string), leg.cause.reason))
        .collect();
    assert_eq!(
        mine,
        [
            (None, CauseReason::Moved),
            (Some("desk-201".to_owned()), CauseReason::NormalClearing)
        ]
    );
    assert_eq!(office.records(ANNA).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t03_while_telecommuting_the_ordinary_telephone_takes_no_call() {
    let office = Office::open().await;
    let world = &office.world;
    let watch = watches(&office.bruno, world, "201").await;
    let (_, invite) = office.rings_for_anna().await;
    let told = notified(&office.bruno, &watch, |text| text.contains("early")).await;
    let destination = ponte_protocol::DestinationChoice::Number {
        number: HOME.parse().unwrap(),
        confirm: Some(false),
    };
    world
        .accepted(BRUNO, CommandBody::EnterTelecommuter { destination })
        .await;
    let hidden = notified(&office.bruno, &watch, |text| !text.contains("call-id")).await;
    assert!(hidden.contains("early"), "{hidden}");
    let (_, answer) = Taking::of(&told, "early", true)
        .unwrap()
        .by(&office.bruno, SDP)
        .await;
    assert_eq!(status(&answer), 403, "{answer}");
    assert_eq!(world.carrier.active_calls(), 1, "it rings on");
    office.anna.replies(&invite, 486, "", "").await;
    office.nobody_talks().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_telephone_of_the_account_takes_the_dialog_of_the_first_and_a_colleague_does_not() {
    let office = Office::open().await;
    let world = &office.world;
    let far = Behaviour::Answer(Answer {
        after_ms: 50,
        tone_hz: Some(CALLER_HZ),
        ..Answer::default()
    });
    world.carrier.set_number(FAR, far).unwrap();
    let mut first = Call::new(format!("sip:{FAR}@{}", world.sip));
    let before = Voice::new(OTHER_HZ).await;
    let answer = office
        .anna
        .calls(&mut first, "", &before.sdp(1, "sendrecv"))
        .await;
    assert_eq!(status(&answer), 200, "{answer}");
    before.speaks_to(&answer);
    before.hears_tone(CALLER_HZ).await;
    world
        .until("the other party hears the first telephone", |world| {
            world.call_to(FAR).media.has_heard(OTHER_HZ, 600)
        })
        .await;

    let replaces = |early_only: &str| {
        format!(
            "Replaces: {};to-tag={};from-tag={}{early_only}\r\n",
            first.id, first.to_tag, first.tag
        )
    };
    let second = Wire::telephone("desk-201", world.sip).await;
    for (telephone, headers, wanted) in [
        (&office.bruno, replaces(""), 403),
        (&second, replaces(";early-only"), 486),
        (
            &second,
            "Replaces: nobody;to-tag=a;from-tag=b\r\n".to_owned(),
            481,
        ),
    ] {
        let mut call = Call::new(first.uri.clone());
        let answer = telephone.calls(&mut call, &headers, SDP).await;
        assert_eq!(status(&answer), wanted, "{headers}: {answer}");
    }
    let mut call = Call::new(format!("sip:{}", world.sip));
    let answer = office.trunk.calls(&mut call, &replaces(""), SDP).await;
    assert_eq!(status(&answer), 603, "{answer}");
    before.hears_tone(CALLER_HZ).await;

    let voice = Voice::new(TAKER_HZ).await;
    let mut taken = Call::new(first.uri.clone());
    let answer = second
        .calls(&mut taken, &replaces(""), &voice.sdp(1, "sendrecv"))
        .await;
    assert_eq!(status(&answer), 200, "{answer}");
    voice.speaks_to(&answer);
    let bye = office.anna.next("BYE").await;
    assert_eq!(field(&bye, "Call-ID"), first.id);
    office.anna.replies(&bye, 200, "", "").await;
    voice.hears_tone(CALLER_HZ).await;
    world
        .until("the other party hears the second telephone", |world| {
            world.call_to(FAR).media.has_heard(TAKER_HZ, 600)
        })
        .await;
    // What the first one would still hear.
    let silent = before.heard();
    voice.hears_tone(CALLER_HZ).await;
    assert_eq!(
        before.heard(),
        silent,
        "the first telephone hears nothing any more"
    );
    assert_eq!(status(&second.asks(&mut taken, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    let [record] = &office.records(ANNA).await[..] else {
        panic!("one record")
    };
    assert_eq!(record.legs.len(), 3, "{record:?}");
}

/// Somebody calls Anna, whose telephone at home rings.
async fn rings_at_home(office: &Office) -> u64 {
    let world = &office.world;
    world.carrier.set_number(HOME, Behaviour::RingOut).unwrap();
    world.enter(HOME, Some(false)).await;
    let placed = world.place(PlaceCall {
        telephone: Answer {
            tone_hz: Some(CALLER_HZ),
            ..Answer::default()
        },
        ..PlaceCall::new(FAR, COMPANY)
    });
    world
        .until("the telephone at home rings", |world| {
            let calls = world.calls_to(HOME);
            calls.first().is_some_and(|call| call.ringing_at.is_some())
        })
        .await;
    placed
}

/// The telephone at home stops ringing; the two talk.
async fn talks_at_the_desk(office: &Office, placed: u64, voice: &Voice) {
    let world = &office.world;
    voice.hears_tone(CALLER_HZ).await;
    office.caller_hears(placed, TAKER_HZ).await;
    world
        .until("the telephone at home stops ringing", |world| {
            world.call_to(HOME).cancelled_at.is_some()
        })
        .await;
    assert_eq!(world.carrier.calls().len(), 2, "nobody is called again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_call_that_rings_at_a_telecommuters_home_is_picked_up_in_the_office() {
    let office = Office::open().await;
    let watch = watches(&office.bruno, &office.world, "201").await;
    let placed = rings_at_home(&office).await;
    let told = notified(&office.bruno, &watch, |text| text.contains("early")).await;
    let taking = Taking::of(&told, "early", true).unwrap();
    let voice = Voice::new(TAKER_HZ).await;
    let (mut call, answer) = taking.by(&office.bruno, &voice.sdp(1, "sendrecv")).await;
    assert_eq!(status(&answer), 200, "{answer}");
    voice.speaks_to(&answer);
    talks_at_the_desk(&office, placed, &voice).await;
    assert_eq!(status(&office.bruno.asks(&mut call, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    assert_eq!(
        office.records(ANNA).await[0].cause.reason,
        CauseReason::AnsweredElsewhere
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_a_call_that_still_rings_at_home_is_answered_at_the_desk() {
    let office = Office::open().await;
    let world = &office.world;
    let watch = watches(&office.anna, world, "201").await;
    let placed = rings_at_home(&office).await;
    world.accepted(ANNA, CommandBody::LeaveTelecommuter).await;
    let told = notified(&office.anna, &watch, |text| text.contains("call-id")).await;
    let taking = Taking::of(&told, "early", true).unwrap();
    let voice = Voice::new(TAKER_HZ).await;
    let (mut call, answer) = taking.by(&office.anna, &voice.sdp(1, "sendrecv")).await;
    assert_eq!(status(&answer), 200, "{answer}");
    voice.speaks_to(&answer);
    talks_at_the_desk(&office, placed, &voice).await;
    assert_eq!(status(&office.anna.asks(&mut call, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    let [record] = &office.records(ANNA).await[..] else {
        panic!("one record")
    };
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert_eq!(record.legs.len(), 3, "{record:?}");
}
