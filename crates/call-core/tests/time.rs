//! The clock as it should not be.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{
    Dialled, Effect, Event, LegId, NumberClass, Switch, SwitchCommand, SwitchDestination, Timeouts, TimerKind,
};
use ponte_protocol::{CallId, CauseReason, CommandId, UnixMillis};
use ponte_testkit::site::{ANNA, HOME, SHOP, trunk, user};
use ponte_testkit::{Phone, World};

fn calling(at: UnixMillis) -> Switch {
    let mut switch = Switch::new(Timeouts::default());
    let dialled = |number: &str| Dialled::External {
        number: number.parse().unwrap(),
        class: NumberClass::Fixed,
    };
    let command = |n, command| Event::Command {
        user: ANNA.parse().unwrap(),
        id: CommandId(uuid::Uuid::from_u128(n)),
        command,
    };
    let config = Box::new(user(ANNA));
    let trunks = vec![trunk("a")];
    let destination = SwitchDestination::Number {
        dialled: dialled(HOME),
        label: None,
        confirm: None,
    };
    let dial = SwitchCommand::Dial {
        typed: SHOP.parse().unwrap(),
        dialled: dialled(SHOP),
        account_code: None,
    };
    for event in [
        Event::TrunksConfigured { trunks },
        Event::UserConfigured { config },
        command(1, SwitchCommand::EnterTelecommuter { destination }),
        command(2, dial),
    ] {
        switch.handle_event(at, event);
    }
    switch
}

#[test]
fn time_that_runs_backwards_stands_still() {
    let mut switch = calling(UnixMillis(100_000));
    let due = Some((UnixMillis(104_000), TimerKind::TrunkResponse));
    assert_eq!(switch.poll_timeout(), due);
    while switch.poll_effect().is_some() {}
    switch.handle_timeout(UnixMillis(50_000));
    switch.handle_event(UnixMillis(60_000), Event::StoreState { writable: true });
    assert_eq!((switch.poll_effect(), switch.poll_timeout()), (None, due));

    // The leg is given up at 104 s; told an earlier time afterwards, its line still does not end before it began.
    switch.handle_timeout(UnixMillis(104_000));
    switch.handle_timeout(UnixMillis(10));
    assert_eq!(
        switch.poll_timeout(),
        Some((UnixMillis(144_000), TimerKind::Close))
    );
    switch.handle_timeout(UnixMillis(144_000));
    let record = std::iter::from_fn(|| switch.poll_effect())
        .find_map(|effect| match effect {
            Effect::Record { record } => Some(record),
            _ => None,
        })
        .unwrap();
    assert_eq!(record.started_at, UnixMillis(100_000));
    assert_eq!(record.ended_at, UnixMillis(104_000));
    assert_eq!(record.legs[0].ended_at, UnixMillis(144_000));
}

#[test]
fn deadlines_are_not_set_by_a_clock_that_ran_backwards() {
    let mut switch = calling(UnixMillis(100_000));
    switch.handle_timeout(UnixMillis(50_000));
    let leg = LegId {
        call: CallId(uuid::Uuid::from_u128(2)),
        index: 0,
    };
    switch.handle_event(UnixMillis(60_000), Event::LegAnswered { leg });
    assert_eq!(
        switch.poll_timeout(),
        Some((UnixMillis(104_000), TimerKind::TrunkResponse)),
        "of the far leg"
    );
}

#[test]
fn a_host_that_comes_late_finds_everything_due_done_at_once() {
    let mut switch = calling(UnixMillis(0));
    switch.handle_timeout(UnixMillis(3_600_000));
    let closed = std::iter::from_fn(|| switch.poll_effect())
        .filter(|effect| matches!(effect, Effect::CloseLeg { .. }))
        .count();
    assert_eq!(closed, 1);
    assert_eq!(
        switch.poll_timeout(),
        Some((UnixMillis(3_640_000), TimerKind::Close))
    );
}

#[test]
fn timeouts_of_zero_end_calls_and_do_not_spin() {
    let mut world = World::at_home_with(Timeouts {
        trunk_response: 0,
        trunk_progress: 0,
        confirm: 0,
        confirm_repeat: 0,
        waiting: 0,
        park: 0,
        beep: 5_000,
        message: 0,
        digits: 5_000,
        far_no_answer: 0,
        redial: 0,
        overlap: 0,
        close: 0,
        whisper: u64::MAX,
        stay: u64::MAX,
        rescue: u64::MAX,
        no_audio_warning: 0,
        no_audio_end: 0,
    });
    world.phone(HOME, Phone::answers_after(0));
    let call = world.dial(ANNA, SHOP);
    world.run_to_the_end();
    assert_eq!(world.record(call).cause.reason, CauseReason::TrunkFailure);
}
