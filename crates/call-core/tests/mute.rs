//! Users who do not want to be heard for a while: by command, and by key while no portal is connected (rule T13).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Effect, Event, LegId, SwitchCommand};
use ponte_protocol::{CallId, CallPhase, LegRole, Outcome, Refusal};
use ponte_testkit::site::{ANNA, OFFICE, SHOP};
use ponte_testkit::{Phone, World};

fn in_a_call() -> (World, CallId) {
    let mut world = World::at_home();
    world.phone(OFFICE, Phone::answers_after(500));
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    (world, call)
}

fn mute(world: &mut World, call: CallId, muted: bool) -> Outcome {
    world.command(ANNA, SwitchCommand::Mute { call, muted })
}

/// Whether what this leg's telephone says is left out now.
fn is_left_out(world: &World, of: LegId) -> bool {
    let told = world.trace().iter().rev().find_map(|(_, effect)| match effect {
        Effect::MuteLeg { leg, muted } if *leg == of => Some(*muted),
        _ => None,
    });
    told.unwrap_or_default()
}

fn shown(world: &World, call: CallId) -> bool {
    world.shown(call).expect("a call that is up").muted
}

#[test]
fn t08_who_turns_to_another_call_is_heard_there_and_not_again_after_turning_back() {
    let (mut world, shop) = in_a_call();
    let ear = world.ear(shop);
    assert_eq!(
        mute(&mut world, shop, true),
        Outcome::Accepted { call: Some(shop) }
    );
    assert!(shown(&world, shop) && is_left_out(&world, ear));
    let office = world.dial(ANNA, OFFICE);
    world.run_for(5_000);
    assert!(!shown(&world, office) && !is_left_out(&world, ear));
    let held = mute(&mut world, shop, true);
    let refusal = Refusal::WrongState;
    assert_eq!(held, Outcome::Refused { refusal }, "a held party hears nobody");
    world.command(ANNA, SwitchCommand::Retrieve { call: shop });
    assert!(shown(&world, shop) && is_left_out(&world, ear));
    mute(&mut world, shop, false);
    assert!(!shown(&world, shop) && !is_left_out(&world, ear));
    world.hang_up(ANNA, shop);
    world.hang_up(ANNA, office);
    world.run_to_the_end();
}

#[test]
fn a_conference_is_muted_as_a_whole() {
    let (mut world, shop) = in_a_call();
    let ear = world.ear(shop);
    let office = world.dial(ANNA, OFFICE);
    world.run_for(5_000);
    let merge = SwitchCommand::Merge {
        call: office,
        with: shop,
    };
    world.command(ANNA, merge);
    assert_eq!(
        mute(&mut world, shop, true),
        Outcome::Accepted { call: Some(shop) }
    );
    assert!(is_left_out(&world, ear));
    assert_eq!((shown(&world, shop), shown(&world, office)), (true, true));
    world.hang_up(ANNA, office);
    world.run_for(1_000);
    assert!(
        shown(&world, shop) && is_left_out(&world, ear),
        "alone with the other"
    );
    mute(&mut world, shop, false);
    assert!(!is_left_out(&world, ear));
    world.hang_up(ANNA, shop);
    world.run_to_the_end();
}

#[test]
fn t13_without_a_portal_a_code_mutes_and_unmutes() {
    let (mut world, call) = in_a_call();
    world.event(Event::PortalsChanged {
        user: ANNA.parse().unwrap(),
        portals: 0,
    });
    let ear = world.ear(call);
    for muted in [true, false] {
        let beeps = world.beeps();
        for key in "**6".chars() {
            world.phone_presses(call, LegRole::User, key);
            world.run_for(200);
        }
        assert_eq!((is_left_out(&world, ear), shown(&world, call)), (muted, muted));
        assert_eq!(world.beeps(), beeps + 1);
    }
    world.hang_up(ANNA, call);
    world.run_to_the_end();
}
