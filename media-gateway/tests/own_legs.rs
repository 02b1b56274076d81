//! Each control of a call, whatever the user's own leg is: a telephone behind the carrier, the telephone on the desk, a browser. Who
//! hears whom is told by frequency before, during and after.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../crates/media/tests/support/browser.rs"]
mod browser;
mod support;
#[path = "support/tab.rs"]
mod tab;

use ponte_protocol::{CallId, CommandBody, DestinationChoice, Outcome, RtcSignal, TransferTarget};
use support::baresip::{Baresip, Settings};
use support::hearing::{Hearing, SECOND, THIRD, answer, hears, voice};
use support::{ANNA, FAR, HOME, Options, PASSWORD, PATIENCE, World, free_port};
use tab::{Tab, Talking};

const DESK: &str = "desk-201";

/// The user's own leg. Its voice is that of [`HOME`], whatever it is.
enum Own {
    Telephone,
    Desk(Baresip),
    Browser(Tab, Option<Talking>),
}

impl Own {
    /// The user dials, and takes the call; both hear each other.
    async fn talks_to(&mut self, world: &World, number: &str, anew: bool) -> CallId {
        let call = match self {
            Self::Desk(desk) if anew => {
                desk.dial(number).await;
                let is_up = |world: &World| !world.edge.state(ANNA).unwrap().calls.is_empty();
                world.until("the portal shows the call", is_up).await;
                world.edge.state(ANNA).unwrap().calls[0].id
            }
            _ => {
                let number = number.parse().unwrap();
                let dial = CommandBody::Dial {
                    number,
                    account_code: None,
                };
                match world.edge.command(ANNA, dial).await {
                    Outcome::Accepted { call: Some(call) } => call,
                    other => panic!("the dial was not accepted: {other:?}"),
                }
            }
        };
        if anew {
            self.takes(world, call).await;
        }
        world.connected(call).await;
        call
    }

    /// The user fetches a parked call, whose party is heard again.
    async fn fetches(&mut self, world: &World, slot: u16) -> CallId {
        if let Self::Browser(tab, _) = self {
            // Another socket, which has heard nothing of the call before it was parked.
            *tab = Tab::new();
            tab.take_calls(world, true);
            tab.is_here(world).await;
        }
        let call = match world.edge.command(ANNA, CommandBody::Fetch { slot }).await {
            Outcome::Accepted { call: Some(call) } => call,
            other => panic!("it cannot be fetched: {other:?}"),
        };
        if let Self::Desk(desk) = self {
            desk.rings(1).await;
            desk.accept().await;
        }
        self.takes(world, call).await;
        world.connected(call).await;
        call
    }

    /// A browser takes the call that rings; the other telephones do by themselves.
    async fn takes(&mut self, world: &World, call: CallId) {
        let Self::Browser(tab, talking) = self else {
            return;
        };
        let ring = |signal: &RtcSignal| matches!(signal, RtcSignal::Ring { call: of, .. } if *of == call);
        tab.told(world, ring).await;
        let mut browser = tab.accept(world, call).await;
        browser.voice = vec![voice(HOME)];
        *talking = Some(Talking::start(browser));
    }

    /// Waits until the user hears this and nothing else.
    async fn hears(&self, world: &World, wanted: Hearing) {
        let heard = || match self {
            Self::Telephone => unreachable!("the carrier tells"),
            Self::Desk(desk) => desk.hears_now(),
            Self::Browser(_, talking) => talking.as_ref().unwrap().heard(),
        };
        if matches!(self, Self::Telephone) {
            let called = |world: &World| !world.calls_to(HOME).is_empty();
            world.until("the telephone is called", called).await;
            return hears(world, HOME, wanted).await;
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let hearing = Hearing::in_samples(&heard());
            if hearing.as_ref() == Some(&wanted) {
                return;
            }
            let now = tokio::time::Instant::now();
            assert!(now < deadline, "the user hears {hearing:?} instead of {wanted:?}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// Waits until the user's leg is released.
    async fn is_free(&mut self, world: &World, nth: usize) {
        match self {
            Self::Telephone => {
                let over = |world: &World| world.calls_to(HOME).iter().all(|call| call.ended_at.is_some());
                world.until("the telephone is released", over).await;
            }
            Self::Desk(desk) => {
                desk.closed(nth).await;
            }
            Self::Browser(_, talking) => assert!(talking.take().unwrap().stop().closed),
        }
        world.line_is_free(ANNA).await;
    }
}

/// Goes through every control. What is told apart by the user's leg is in [`Own`] alone.
async fn has_every_control(world: &World, mut own: Own) {
    for number in [FAR, SECOND, THIRD] {
        world.carrier.set_number(number, answer(number, 100)).unwrap();
    }
    let does = |body| world.accepted(ANNA, body);
    let first = own.talks_to(world, FAR, true).await;
    own.hears(world, Hearing::of(&[FAR])).await;
    hears(world, FAR, Hearing::of(&[HOME])).await;

    does(CommandBody::Mute {
        call: first,
        muted: true,
    })
    .await;
    hears(world, FAR, Hearing::of(&[])).await;
    own.hears(world, Hearing::of(&[FAR])).await;
    does(CommandBody::Mute {
        call: first,
        muted: false,
    })
    .await;
    hears(world, FAR, Hearing::of(&[HOME])).await;

    let digits = "42#".to_owned();
    does(CommandBody::SendDtmf { call: first, digits }).await;
    let keys = |world: &World| world.call_to(FAR).media.digits() == "42#";
    world.until("the keys arrive", keys).await;

    does(CommandBody::Hold { call: first }).await;
    hears(world, FAR, Hearing::music()).await;
    own.hears(world, Hearing::of(&[])).await;
    does(CommandBody::Retrieve { call: first }).await;
    hears(world, FAR, Hearing::of(&[HOME])).await;
    own.hears(world, Hearing::of(&[FAR])).await;

    let second = own.talks_to(world, SECOND, false).await;
    hears(world, FAR, Hearing::music()).await;
    hears(world, SECOND, Hearing::of(&[HOME])).await;
    own.hears(world, Hearing::of(&[SECOND])).await;
    does(CommandBody::Retrieve { call: first }).await;
    hears(world, SECOND, Hearing::music()).await;
    hears(world, FAR, Hearing::of(&[HOME])).await;
    own.hears(world, Hearing::of(&[FAR])).await;

    does(CommandBody::Merge {
        call: second,
        with: first,
    })
    .await;
    own.hears(world, Hearing::of(&[FAR, SECOND])).await;
    hears(world, FAR, Hearing::of(&[HOME, SECOND])).await;
    hears(world, SECOND, Hearing::of(&[HOME, FAR])).await;
    does(CommandBody::EndConference { call: first }).await;
    own.is_free(world, 1).await;
    let over = |world: &World| world.carrier.active_calls() == 0;
    world.until("everybody is released", over).await;
    world.carrier.clear_calls();

    let call = own.talks_to(world, FAR, true).await;
    own.hears(world, Hearing::of(&[FAR])).await;
    does(CommandBody::Park { call }).await;
    hears(world, FAR, Hearing::music()).await;
    own.is_free(world, 2).await;
    world.carrier.clear_calls();
    let slot = world.edge.state(ANNA).unwrap().parked[0].slot;
    let call = own.fetches(world, slot).await;
    own.hears(world, Hearing::of(&[FAR])).await;
    hears(world, FAR, Hearing::of(&[HOME])).await;

    let to = TransferTarget::Number {
        number: THIRD.parse().unwrap(),
    };
    does(CommandBody::Transfer { call, to }).await;
    hears(world, FAR, Hearing::of(&[THIRD])).await;
    hears(world, THIRD, Hearing::of(&[FAR])).await;
    own.is_free(world, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_every_control_from_a_telephone_behind_the_carrier() {
    let world = World::start().await;
    world.telephones(answer(HOME, 100), answer(FAR, 100)).await;
    has_every_control(&world, Own::Telephone).await;
}

/// The same, where everybody who waits is told so by the trunk's and the telephones' settings.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_every_control_where_parties_are_told_of_their_hold() {
    let world = World::with(Options {
        trunk: "hold = \"signalled\"\n".to_owned(),
        extra: "\n[registrar]\nhold = \"signalled\"\n".to_owned(),
        ..Options::default()
    })
    .await;
    world.telephones(answer(HOME, 100), answer(FAR, 100)).await;
    has_every_control(&world, Own::Telephone).await;
    let told = world.log().matches("a party is told of its hold").count();
    assert!(told >= 8, "parties were told {told} times");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_every_control_from_the_telephone_on_the_desk() {
    let world = World::with(Options::default()).await;
    world.add_device(DESK, Some(ANNA), false).await;
    world.station(ANNA, DESK, |station| station.logged_on).await;
    let settings = Settings::desk(DESK, (DESK, PASSWORD), world.sip, voice(HOME));
    let desk = Baresip::start(&settings).await;
    desk.registered().await;
    world.station(ANNA, DESK, |station| station.registered).await;
    has_every_control(&world, Own::Desk(desk)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_every_control_from_a_browser() {
    let world = World::with(Options {
        extra: format!("\n[webrtc]\nlisten = [\"127.0.0.1:{}\"]\n", free_port()),
        ..Options::default()
    })
    .await;
    let destination = DestinationChoice::Browser;
    world
        .accepted(ANNA, CommandBody::EnterTelecommuter { destination })
        .await;
    let tab = Tab::new();
    tab.take_calls(&world, false);
    tab.is_here(&world).await;
    has_every_control(&world, Own::Browser(tab, None)).await;
}
