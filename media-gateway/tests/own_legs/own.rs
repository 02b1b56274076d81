//! The user's own leg, of each kind.

use crate::support::baresip::{Baresip, Settings};
use crate::support::hearing::{Hearing, SECOND, THIRD, answer, heard_at, hears, voice};
use crate::support::{ANNA, FAR, HOME, Options, PASSWORD, PATIENCE, World, free_port};
use crate::tab::{Tab, Talking};
use ponte_protocol::{CallId, CommandBody, DestinationChoice, RtcSignal};
use std::time::Duration;
use tokio::time::Instant;

const DESK: &str = "desk-201";

/// The user's own leg. Its voice is that of [`HOME`], whatever it is.
pub enum Own {
    Telephone,
    Desk(Baresip),
    Browser(Tab, Option<Talking>),
}

impl Own {
    /// Anna at a telephone behind the carrier. The other parties answer; voicemail takes no calls.
    pub async fn telephone(options: Options) -> (World, Self) {
        let world = world(options).await;
        world.telephones(answer(HOME, 100), answer(FAR, 100)).await;
        (world, Self::Telephone)
    }

    /// As [`Own::telephone`], with Anna at the telephone on her desk.
    pub async fn desk(options: Options) -> (World, Self) {
        let world = world(options).await;
        world.add_device(DESK, Some(ANNA), false).await;
        world.station(ANNA, DESK, |station| station.logged_on).await;
        let settings = Settings::desk(DESK, (DESK, PASSWORD), world.sip, voice(HOME));
        let desk = Baresip::start(&settings).await;
        desk.registered().await;
        world.station(ANNA, DESK, |station| station.registered).await;
        (world, Self::Desk(desk))
    }

    /// As [`Own::telephone`], with Anna at a browser.
    pub async fn browser(options: Options) -> (World, Self) {
        let webrtc = format!("\n[webrtc]\nlisten = [\"127.0.0.1:{}\"]\n", free_port());
        let world = world(Options {
            extra: options.extra + &webrtc,
            ..options
        })
        .await;
        let destination = DestinationChoice::Browser;
        world
            .accepted(ANNA, CommandBody::EnterTelecommuter { destination })
            .await;
        let tab = Tab::new();
        tab.take_calls(&world, false);
        tab.is_here(&world).await;
        (world, Self::Browser(tab, None))
    }

    /// The user dials from an idle leg, which is called and taken; both hear each other then.
    pub async fn talks_to(&mut self, world: &World, number: &str) -> CallId {
        let call = self.calls(world, number).await;
        world.connected(call).await;
        call
    }

    /// As [`Own::talks_to`], whatever becomes of the other party.
    pub async fn calls(&mut self, world: &World, number: &str) -> CallId {
        if let Self::Desk(desk) = self {
            desk.dial(number).await;
            let is_up = |world: &World| !world.edge.state(ANNA).unwrap().calls.is_empty();
            world.until("the portal shows the call", is_up).await;
            return world.edge.state(ANNA).unwrap().calls[0].id;
        }
        self.is_called(world, dial(number)).await
    }

    /// A command for which the user's idle leg is called; it is taken.
    pub async fn is_called(&mut self, world: &World, body: CommandBody) -> CallId {
        let rang = match self {
            Self::Desk(desk) => desk.rang(),
            Self::Telephone | Self::Browser(..) => 0,
        };
        let call = world.begins(ANNA, body).await;
        match self {
            Self::Telephone => {}
            Self::Desk(desk) => {
                desk.rings(rang + 1).await;
                desk.accept().await;
            }
            Self::Browser(tab, talking) => {
                let ring =
                    |signal: &RtcSignal| matches!(signal, RtcSignal::Ring { call: of, .. } if *of == call);
                tab.told(world, ring).await;
                let mut browser = tab.accept(world, call).await;
                browser.voice = vec![voice(HOME)];
                *talking = Some(Talking::start(browser));
            }
        }
        call
    }

    /// The user fetches a parked call, whose party is heard again.
    pub async fn fetches(&mut self, world: &World, slot: u16) -> CallId {
        if let Self::Browser(tab, _) = self {
            // Another socket, which has heard nothing of the call before it was parked.
            *tab = Tab::new();
            tab.take_calls(world, true);
            tab.is_here(world).await;
        }
        let call = self.is_called(world, CommandBody::Fetch { slot }).await;
        world.connected(call).await;
        call
    }

    /// Waits until the user hears this and nothing else.
    pub async fn hears(&self, world: &World, wanted: Hearing) {
        if matches!(self, Self::Telephone) {
            let called = |world: &World| !world.calls_to(HOME).is_empty();
            world.until("the telephone is called", called).await;
            return hears(world, HOME, wanted).await;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let hearing = Hearing::in_samples(&self.sound(world));
            if hearing.as_ref() == Some(&wanted) {
                return;
            }
            let now = Instant::now();
            assert!(now < deadline, "the user hears {hearing:?} instead of {wanted:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// All that the leg has heard, 8000 samples a second; of a telephone behind the carrier the first minute.
    pub fn sound(&self, world: &World) -> Vec<i16> {
        match self {
            Self::Telephone => heard_at(world, HOME),
            Self::Desk(desk) => desk.hears_now(),
            Self::Browser(_, talking) => talking.as_ref().map(Talking::heard).unwrap_or_default(),
        }
    }

    /// How many legs the user has taken since the start, or since the carrier forgot its calls.
    pub fn legs(&self, world: &World) -> usize {
        match self {
            Self::Telephone => world.calls_to(HOME).len(),
            Self::Desk(desk) => desk.answered(),
            Self::Browser(tab, _) => {
                let signals = world.edge.signals(tab.portal);
                let rings = |signal: &&RtcSignal| matches!(signal, RtcSignal::Ring { .. });
                signals.iter().filter(rings).count()
            }
        }
    }

    /// Waits until the user's leg is released: its `nth` call, from 1.
    pub async fn is_free(&mut self, world: &World, nth: usize) {
        match self {
            Self::Telephone => {
                let over = |world: &World| world.calls_to(HOME).iter().all(|call| call.ended_at.is_some());
                world.until("the telephone is released", over).await;
            }
            Self::Desk(desk) => {
                desk.closed(nth).await;
            }
            Self::Browser(_, talking) => {
                let talking = talking.take().unwrap();
                world
                    .until("the browser is released", |_| talking.is_closed())
                    .await;
                talking.stop();
            }
        }
        world.line_is_free(ANNA).await;
    }
}

async fn world(options: Options) -> World {
    let world = World::administered(options).await;
    world.change_user(ANNA, |row| row.voicemail_allowed = false).await;
    for number in [FAR, SECOND, THIRD] {
        world.carrier.set_number(number, answer(number, 100)).unwrap();
    }
    world
}

fn dial(number: &str) -> CommandBody {
    CommandBody::Dial {
        number: number.parse().unwrap(),
        account_code: None,
    }
}

/// Dials another number at the leg that is up.
pub async fn dials_beside(world: &World, number: &str) -> CallId {
    let call = world.dial_number(number).await;
    world.connected(call).await;
    call
}
