//! A colleague's ringing call is picked up, with an idle leg and with one that is up: the right to it, who hears whom, and the
//! colleague's telephones, which stop.

use crate::own::Own;
use crate::support::baresip::{Baresip, Settings};
use crate::support::hearing::{Hearing, SECOND, THIRD, calling, hears};
use crate::support::{ANNA, FAR, HOME, Options, PASSWORD, World};
use ponte_protocol::{CallId, CauseReason, CommandBody, Outcome, Refusal};

const BRUNO: &str = "bruno";
const EXTENSION: &str = "202";
const DESK: &str = "desk-202";
/// Of Bruno's telephones, which nobody is to hear.
const BRUNOS_HZ: [f64; 2] = [2_650.0, 2_900.0];

fn pick_up() -> CommandBody {
    let extension = EXTENSION.parse().unwrap();
    CommandBody::PickUp { extension }
}

/// A colleague with two telephones, both registered.
async fn colleague(world: &World) -> [Baresip; 2] {
    world.add_user(BRUNO, false).await;
    let known = |world: &World| world.edge.state(BRUNO).is_some();
    world.until("Bruno is known", known).await;
    world.add_device(DESK, Some(BRUNO), false).await;
    world.station(BRUNO, DESK, |station| station.logged_on).await;
    let telephone = async |hz| {
        let settings = Settings::desk(DESK, (DESK, PASSWORD), world.sip, hz);
        let telephone = Baresip::start(&settings).await;
        telephone.registered().await;
        telephone
    };
    [telephone(BRUNOS_HZ[0]).await, telephone(BRUNOS_HZ[1]).await]
}

/// Whether Anna may pick up, as an administrator sets it.
async fn may_pick_up(world: &World, allowed: bool) {
    world.change_user(ANNA, |row| row.pick_up_allowed = allowed).await;
    let knows = |world: &World| world.edge.state(ANNA).unwrap().profile.pick_up_allowed == allowed;
    world.until("Anna's portal is told", knows).await;
}

/// Bruno's telephones stop for the `nth` time, and his log says why.
async fn stop(world: &World, telephones: &[Baresip; 2], nth: usize) {
    for telephone in telephones {
        telephone.closed(nth).await;
        assert_eq!(telephone.answered(), 0);
    }
    let told = |world: &World| {
        let log = world.edge.state(BRUNO).unwrap().log;
        let elsewhere = |reason| reason == CauseReason::AnsweredElsewhere;
        log.len() == nth && log.iter().all(|record| elsewhere(record.cause.reason))
    };
    world.until("Bruno's log says who took it", told).await;
}

async fn hang_up(world: &World, call: CallId) {
    world.hang_up(call).await;
    world.ended(call).await;
}

async fn picks_up((world, mut own): (World, Own)) {
    let telephones = colleague(&world).await;
    may_pick_up(&world, false).await;
    let placed = world.place(calling(FAR, EXTENSION));
    for telephone in &telephones {
        telephone.rings(1).await;
    }
    let refusal = Refusal::NotPermitted;
    let outcome = world.edge.command(ANNA, pick_up()).await;
    assert_eq!(outcome, Outcome::Refused { refusal });
    may_pick_up(&world, true).await;
    assert!(
        world.call(placed).answered_at.is_none(),
        "a refused pick-up answered"
    );

    let call = own.is_called(&world, pick_up()).await;
    world.connected(call).await;
    own.hears(&world, Hearing::of(&[FAR])).await;
    hears(&world, FAR, Hearing::of(&[HOME])).await;
    stop(&world, &telephones, 1).await;
    hang_up(&world, call).await;
    own.is_free(&world, 1).await;
    let over = |world: &World| world.carrier.active_calls() == 0;
    world.until("the caller is released", over).await;
    world.carrier.clear_calls();

    // On the leg that is up, whose party is held.
    let first = own.talks_to(&world, SECOND).await;
    own.hears(&world, Hearing::of(&[SECOND])).await;
    let legs = own.legs(&world);
    world.place(calling(THIRD, EXTENSION));
    for telephone in &telephones {
        telephone.rings(2).await;
    }
    let second = world.begins(ANNA, pick_up()).await;
    world.connected(second).await;
    own.hears(&world, Hearing::of(&[THIRD])).await;
    hears(&world, THIRD, Hearing::of(&[HOME])).await;
    hears(&world, SECOND, Hearing::music()).await;
    stop(&world, &telephones, 2).await;
    assert_eq!(own.legs(&world), legs, "the leg that is up is enough");
    hang_up(&world, second).await;
    hang_up(&world, first).await;
    own.is_free(&world, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_colleagues_call_is_picked_up_at_a_telephone_behind_the_carrier() {
    picks_up(Own::telephone(Options::default()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_colleagues_call_is_picked_up_at_the_telephone_on_the_desk() {
    picks_up(Own::desk(Options::default()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t08_a_colleagues_call_is_picked_up_in_a_browser() {
    picks_up(Own::browser(Options::default()).await).await;
}
