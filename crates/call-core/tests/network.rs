//! Working days over a network that delays, repeats, loses and reorders, with telephones of every habit.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{Effect, LegEndKind};
use ponte_protocol::{CauseReason, LegRole, Outcome};
use ponte_testkit::site::{ANNA, BRUNO, BRUNO_HOME, HOME, MOBILE, OFFICE, SHOP};
use ponte_testkit::world::Network;
use ponte_testkit::{Phone, Rng, TrunkHabit, World};

fn any_phone(rng: &mut Rng) -> Phone {
    let ms = 10 + rng.below(20_000);
    match rng.below(16) {
        0 => Phone::silent(),
        1 => Phone::trying(),
        2 => Phone::rings_out(),
        3 => Phone::voicemail(),
        4 => Phone::refuses(*rng.pick(&[404, 480, 486, 503, 603])),
        5 => Phone::rings_then_refuses(ms, *rng.pick(&[408, 480, 486, 603])),
        6 => Phone::early_media_after(ms / 10)
            .then_answers_after(ms)
            .hangs_up_after(ms),
        7 => Phone::early_media_after(ms / 10).then_refuses_after(ms, 404),
        8 => Phone::answers_after(ms).hangs_up_after(rng.below(50)),
        9 => Phone::answers_after(ms).falls_silent_after(ms),
        10 => Phone::answers_after(ms).ignores_close(),
        11 => Phone::fails(
            ms,
            *rng.pick(&[LegEndKind::Timeout, LegEndKind::Transport, LegEndKind::Internal]),
        ),
        12 => Phone::answers_after(ms).then_fails_after(ms, LegEndKind::Transport),
        13 => Phone::answers_after(ms)
            .presses_after(500, '1')
            .hangs_up_after(60_000),
        _ => Phone::answers_after(ms),
    }
}

#[test]
fn days_of_calls_over_a_bad_network_leave_nothing_behind() {
    let mut talked = 0;
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let mut world = World::default();
        world.set_network(Network {
            delay_ms: 5 + rng.below(200),
            jitter_ms: rng.below(400),
            twice_percent: 20,
            loss_percent: 20,
            rng: rng.clone(),
        });
        world.enter(BRUNO, BRUNO_HOME);
        for _ in 0..40 {
            for number in [HOME, MOBILE, SHOP, OFFICE, BRUNO_HOME] {
                let phone = any_phone(&mut rng);
                world.phone(number, phone);
            }
            for trunk in ["a", "b"] {
                let habit = match rng.below(8) {
                    0 => TrunkHabit::Refuses(503),
                    1 => TrunkHabit::Silent,
                    _ => TrunkHabit::Carries,
                };
                world.trunk(trunk, habit);
            }
            let place = if rng.chance(50) { HOME } else { MOBILE };
            world.enter(ANNA, place);
            for user in [ANNA, BRUNO] {
                let number = *rng.pick(&[SHOP, OFFICE]);
                let Outcome::Accepted { call: Some(call) } = world.try_dial(user, number) else {
                    continue;
                };
                world.run_for(rng.below(30_000));
                world.accept(user, call);
                world.run_for(rng.below(60_000));
                if rng.chance(70) {
                    world.hang_up(user, call);
                }
            }
        }
        world.run_for(10 * 60_000);
        for user in [ANNA, BRUNO] {
            let user = user.parse().unwrap();
            for call in world.switch().calls(&user) {
                world.hang_up(user.as_str(), call.id);
            }
        }
        world.run_to_the_end();
        talked += world
            .trace()
            .iter()
            .filter(
                |(_, effect)| matches!(effect, Effect::Record { record } if record.connected_at.is_some()),
            )
            .count();
    }
    assert!(
        talked > 200,
        "only {talked} calls were connected: the test proves little"
    );
}

#[test]
fn an_answer_that_overtakes_the_ringing_connects_all_the_same() {
    let mut seen = false;
    for seed in 0..50 {
        let mut world = World::at_home();
        world.set_network(Network {
            jitter_ms: 300,
            rng: Rng::new(seed),
            ..Network::default()
        });
        world.phone(SHOP, Phone::rings_out().then_answers_after(10));
        let call = world.dial(ANNA, SHOP);
        world.run_for(20_000);
        world.phone_hangs_up(call, LegRole::Far);
        world.run_to_the_end();
        let record = world.record(call);
        assert_eq!(record.cause.reason, CauseReason::NormalClearing);
        assert!(record.connected_at.is_some());
        seen |= record.legs[1].ringing_at.is_none();
    }
    assert!(seen, "no answer ever overtook the ringing");
}
