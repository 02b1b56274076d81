//! Anna in a call, and what is told of its move.

use ponte_call_core::{LegId, SwitchCommand, SwitchDestination};
use ponte_protocol::{CallId, CallPhase, CallRecord, CauseReason, LegRole, MoveView, Outcome, Refusal};
use ponte_testkit::site::{ANNA, BROWSER, MOBILE, OFFICE, SHOP, user};
use ponte_testkit::{Phone, World, plan};

/// Another telephone that Anna has.
pub const HOTEL: &str = "+390299990077";

pub fn number(number: &str, confirm: Option<bool>) -> SwitchDestination {
    SwitchDestination::Number {
        dialled: plan::read(number),
        label: Some("Elsewhere".to_owned()),
        confirm,
    }
}

pub fn move_to(world: &mut World, call: CallId, to: SwitchDestination) -> Outcome {
    world.command(ANNA, SwitchCommand::Move { call, to })
}

pub fn accepted(call: CallId) -> Outcome {
    Outcome::Accepted { call: Some(call) }
}

pub fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused { refusal }
}

/// Anna talks to the shop at home; her other telephones are answered after a second.
pub fn in_a_call() -> (World, CallId) {
    let mut world = World::at_home();
    world.phone(HOTEL, Phone::answers_after(1_000));
    world.phone(MOBILE, Phone::answers_after(1_000));
    world.phone(OFFICE, Phone::answers_after(500));
    world.phone(BROWSER, Phone::answers_after(300));
    let mut anna = user(ANNA);
    anna.profile.browser_allowed = true;
    world.configure_user(anna);
    let call = world.dial(ANNA, SHOP);
    world.run_for(10_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    (world, call)
}

pub fn leg(call: CallId, index: u16) -> LegId {
    LegId { call, index }
}

/// The far leg of the call of [`in_a_call`].
pub fn far(call: CallId) -> LegId {
    leg(call, 1)
}

pub fn moving(world: &World, call: CallId) -> Option<MoveView> {
    world.shown(call).unwrap().moving.map(|moving| *moving)
}

/// The user's lines of a record: where, why it ended.
pub fn lines(record: &CallRecord) -> Vec<(String, CauseReason)> {
    let mine = record.legs.iter().filter(|line| line.role == LegRole::User);
    mine.map(|line| (line.number.clone(), line.cause.reason))
        .collect()
}

pub fn ended(world: &mut World, call: CallId) -> CallRecord {
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    world.record(call)
}

pub fn is_connected(world: &World, call: CallId, ear: LegId) {
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(world.connections(), [(ear, far(call))]);
}
