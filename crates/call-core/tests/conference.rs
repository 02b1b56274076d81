//! Conferences: who is in the room, who is heard, and what becomes of it when one of them leaves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Event, LegId, PeerHold, SwitchCommand, Tone};
use ponte_protocol::{CallId, CallPhase, CauseReason, LegRole, Outcome};
use ponte_testkit::site::{ANNA, BRUNO, BRUNO_HOME, OFFICE, SHOP};
use ponte_testkit::{Phone, World};

fn ear(call: CallId) -> LegId {
    LegId { call, index: 0 }
}

/// Anna's ear, the shop and the office in one room.
fn conference_of_three() -> (World, CallId, CallId) {
    let mut world = World::at_home();
    world.phone(OFFICE, Phone::answers_after(500));
    let shop = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    let office = world.dial(ANNA, OFFICE);
    world.run_for(5_000);
    let merge = SwitchCommand::Merge {
        call: office,
        with: shop,
    };
    assert!(matches!(world.command(ANNA, merge), Outcome::Accepted { .. }));
    (world, shop, office)
}

fn members(world: &World, room: CallId) -> Vec<LegId> {
    world.room(room).into_iter().map(|(leg, _)| leg).collect()
}

#[test]
fn the_parties_of_two_calls_and_the_host_are_in_one_room() {
    let (mut world, shop, office) = conference_of_three();
    let shop_leg = LegId { call: shop, index: 1 };
    let office_leg = LegId {
        call: office,
        index: 0,
    };
    assert_eq!(members(&world, office), [ear(shop), office_leg, shop_leg]);
    assert!(world.connections().is_empty());
    assert_eq!(world.plays_on(shop_leg), None, "nobody is held");
    let view = world.shown(shop).unwrap().conference.unwrap();
    assert_eq!(view.members.len(), 2);
    assert!(view.host);
    world.command(
        ANNA,
        SwitchCommand::MuteMember {
            call: shop,
            muted: true,
        },
    );
    assert!(world.room(office).contains(&(shop_leg, false)));
    for (muted, heard) in [(true, false), (false, true)] {
        world.command(ANNA, SwitchCommand::MuteMembers { call: office, muted });
        let room = world.room(office);
        assert_eq!(
            room,
            [(ear(shop), true), (office_leg, heard), (shop_leg, heard)],
            "the host is heard"
        );
        let view = world.shown(shop).unwrap().conference.unwrap();
        assert!(view.members.iter().all(|member| member.muted == muted));
    }
    world.phone_hangs_up(shop, LegRole::User);
    world.run_to_the_end();
    for call in [shop, office] {
        assert!(world.record(call).connected_at.is_some(), "one record a member");
    }
}

#[test]
fn a_member_who_goes_leaves_the_host_and_the_other_in_a_call_of_two() {
    let (mut world, shop, office) = conference_of_three();
    world.hang_up(ANNA, shop);
    world.run_for(1_000);
    assert_eq!(world.record(shop).cause.reason, CauseReason::NormalClearing);
    assert!(members(&world, office).is_empty());
    assert!(matches!(world.phase(office), CallPhase::Connected { .. }));
    assert!(world.shown(office).unwrap().conference.is_none());
    assert_eq!(world.connections().len(), 1);
    world.hang_up(ANNA, office);
    world.run_to_the_end();
}

#[test]
fn the_host_leaves_and_the_members_go_on() {
    let (mut world, shop, office) = conference_of_three();
    world.command(ANNA, SwitchCommand::LeaveConference { call: shop });
    world.run_for(1_000);
    assert_eq!(world.connections().len(), 1, "the two hear each other");
    let third = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert!(
        matches!(world.phase(third), CallPhase::Connected { .. }),
        "the line is free"
    );
    world.hang_up(ANNA, third);
    world.phone_hangs_up(office, LegRole::Far);
    world.run_to_the_end();
}

#[test]
fn a_colleague_who_holds_leaves_the_room_without_a_tone_in_it() {
    let (mut world, shop, office) = conference_of_three();
    world.phone(BRUNO_HOME, Phone::answers_after(500));
    world.enter(BRUNO, BRUNO_HOME);
    let third = world.dial(ANNA, "202");
    world.run_for(5_000);
    assert!(
        !members(&world, office).contains(&ear(shop)),
        "the host is with Bruno"
    );
    world.command(
        ANNA,
        SwitchCommand::Merge {
            call: third,
            with: shop,
        },
    );
    let room = world.shown(third).unwrap().conference.unwrap().id;
    assert_eq!(members(&world, room).len(), 4);
    let bruno = world.switch().joined(third).unwrap();
    world.command(BRUNO, SwitchCommand::Hold { call: bruno });
    assert_eq!(members(&world, room).len(), 3);
    for leg in members(&world, room) {
        assert_ne!(world.plays_on(leg), Some(Tone::Hold));
    }
    world.command(BRUNO, SwitchCommand::Retrieve { call: bruno });
    assert_eq!(members(&world, room).len(), 4);
    world.command(ANNA, SwitchCommand::EndConference { call: third });
    world.run_to_the_end();
}

#[test]
fn who_comes_into_a_conference_is_its_last_member_and_the_others_stay_where_they_are() {
    let (mut world, shop, office) = conference_of_three();
    world.phone(BRUNO_HOME, Phone::answers_after(500));
    world.enter(BRUNO, BRUNO_HOME);
    let third = world.dial(ANNA, "202");
    world.run_for(5_000);
    let before = members(&world, office);
    let merge = SwitchCommand::Merge {
        call: third,
        with: office,
    };
    assert!(matches!(world.command(ANNA, merge), Outcome::Accepted { .. }));
    let view = world.shown(third).unwrap().conference.unwrap();
    let calls: Vec<CallId> = view.members.iter().map(|member| member.call).collect();
    assert_eq!((view.id, calls), (office, vec![office, shop, third]));
    let now = members(&world, office);
    assert!(before.iter().all(|leg| now.contains(leg)), "{before:?} {now:?}");
    assert_eq!(now.len(), 4);
    world.command(ANNA, SwitchCommand::EndConference { call: third });
    world.run_to_the_end();
}

#[test]
fn a_member_whose_telephone_holds_plays_its_music_to_nobody() {
    let (mut world, shop, office) = conference_of_three();
    let leg = LegId { call: shop, index: 1 };
    for (hold, heard) in [(PeerHold::SendOnly, false), (PeerHold::No, true)] {
        world.event(Event::LegHeld { leg, hold });
        assert!(world.room(office).contains(&(leg, heard)));
        assert_eq!(world.shown(shop).unwrap().held_by_far, !heard);
        assert!(!world.shown(shop).unwrap().conference.unwrap().members[1].muted);
    }
    world.phone_hangs_up(shop, LegRole::User);
    world.run_to_the_end();
}

#[test]
fn a_host_who_holds_by_the_telephone_ends_nothing_and_comes_back() {
    let (mut world, shop, office) = conference_of_three();
    let leg = ear(shop);
    let hold = PeerHold::Inactive;
    world.event(Event::LegHeld { leg, hold });
    assert!(!members(&world, office).contains(&leg));
    // It has nothing to send.
    let since_ms = 60_000;
    world.event(Event::AudioMissing { leg, since_ms });
    world.run_for(1_000);
    assert_eq!(members(&world, office).len(), 2, "they talk on");
    let hold = PeerHold::No;
    world.event(Event::LegHeld { leg, hold });
    assert_eq!(members(&world, office).len(), 3);
    world.phone_hangs_up(shop, LegRole::User);
    world.run_to_the_end();
}
