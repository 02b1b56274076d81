//! How many whole calls a second one thread of the switch carries: dial, both answers, hang-up, record.
//!
//! `cargo run --release -p ponte-call-core --example throughput -- 2000` holds 2,000 calls up at any time.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{
    Dialled, Effect, Event, LegEnd, LegEndKind, LegId, NumberClass, Switch, SwitchCommand, SwitchDestination,
    Timeouts,
};
use ponte_protocol::{CallId, CommandId, UnixMillis, UserId};
use ponte_testkit::site;
use std::collections::VecDeque;
use std::time::Instant;

fn drain(switch: &mut Switch) -> usize {
    std::iter::from_fn(|| switch.poll_effect())
        .filter(|effect| matches!(effect, Effect::Record { .. }))
        .count()
}

fn main() {
    let held: usize = std::env::args()
        .nth(1)
        .map_or(1_000, |text| text.parse().expect("a number of calls"));
    let rounds: usize = 200_000;
    let mut switch = Switch::new(Timeouts::default());
    let mut now = UnixMillis(1_793_606_400_000);
    let dialled = |number: &str| Dialled::External {
        number: number.parse().unwrap(),
        class: NumberClass::Fixed,
    };
    switch.handle_event(
        now,
        Event::TrunksConfigured {
            trunks: vec![site::trunk("a")],
        },
    );
    let users: Vec<UserId> = (0..=held).map(|n| format!("user{n}").parse().unwrap()).collect();
    let mut ids = 0_u128;
    let mut id = || {
        ids += 1;
        CommandId(uuid::Uuid::from_u128(ids))
    };
    for user in &users {
        let mut config = site::user(user.as_str());
        config.caps.dials_per_hour = u32::MAX;
        config.caps.minutes_per_day = u32::MAX;
        switch.handle_event(
            now,
            Event::UserConfigured {
                config: Box::new(config),
            },
        );
        let destination = SwitchDestination::Number {
            dialled: dialled(site::HOME),
            label: None,
            confirm: None,
        };
        let command = SwitchCommand::EnterTelecommuter { destination };
        switch.handle_event(
            now,
            Event::Command {
                user: user.clone(),
                id: id(),
                command,
            },
        );
    }
    drain(&mut switch);

    let end = LegEnd {
        kind: LegEndKind::Remote,
        sip: None,
        q850: None,
    };
    let mut up: VecDeque<CallId> = VecDeque::new();
    let mut records = 0;
    let mut user = 0;
    let start = Instant::now();
    for _ in 0..rounds {
        now = now.plus(1);
        let command = id();
        let call = CallId(command.0);
        let leg = |index| LegId { call, index };
        let progress = |index, status| Event::LegProgress {
            leg: leg(index),
            status,
            early_media: false,
        };
        let events = [
            Event::Command {
                user: users[user].clone(),
                id: command,
                command: SwitchCommand::Dial {
                    typed: site::SHOP.parse().unwrap(),
                    dialled: dialled(site::SHOP),
                    account_code: None,
                },
            },
            progress(0, 100),
            progress(0, 180),
            Event::LegAnswered { leg: leg(0) },
            progress(1, 100),
            progress(1, 180),
            Event::LegAnswered { leg: leg(1) },
        ];
        for event in events {
            switch.handle_event(now, event);
            records += drain(&mut switch);
            let _ = switch.poll_timeout();
        }
        up.push_back(call);
        user = (user + 1) % users.len();
        if up.len() > held
            && let Some(call) = up.pop_front()
        {
            for index in [1, 0] {
                let leg = LegId { call, index };
                switch.handle_event(now, Event::LegEnded { leg, end });
                records += drain(&mut switch);
            }
        }
        switch.handle_timeout(now);
    }
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(records + switch.call_count(), rounds, "a call was lost");
    println!(
        "{rounds} calls, {held} up at any time: {:.0} calls/s, {:.1} µs a call",
        rounds as f64 / seconds,
        seconds * 1e6 / rounds as f64
    );
}
