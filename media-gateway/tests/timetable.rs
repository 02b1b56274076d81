//! Rules of a class of restriction and users' schedules by the clock of the site, through the whole gateway and across
//! restarts (rules T3, T4, T10).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use ponte_gateway::numbers::parse_rule;
use ponte_gateway::store::{Store, StoreOptions, StoreUse};
use ponte_protocol::{
    CallProfile, CallSettings, CommandBody, Explanation, Mode, Outcome, ProfilePlace, Refusal, ScheduleEntry,
    UnixMillis, UserState,
};
use std::time::Duration;
use support::{ANNA, HOME, Options, World};

/// No summer time, and no place where these tests run.
const ZONE: &str = "Pacific/Kiritimati";
const LONDON: &str = "+442079460018";
const EVERY_DAY: u8 = 0b111_1111;

fn now_there() -> Zoned {
    Timestamp::now().to_zoned(TimeZone::get(ZONE).unwrap())
}

/// Minutes since midnight on the wall of the site, so many from now.
fn wall(minutes_from_now: i32) -> u16 {
    let now = now_there();
    let minutes = i32::from(now.hour()) * 60 + i32::from(now.minute()) + minutes_from_now;
    u16::try_from(minutes.rem_euclid(24 * 60)).unwrap()
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `to` is 24:00 where that is midnight.
fn entry(from: u16, to: u16, profile: &str) -> ScheduleEntry {
    ScheduleEntry {
        days: EVERY_DAY,
        from,
        to: if to == 0 { 24 * 60 } else { to },
        profile: profile.to_owned(),
    }
}

fn hours(from: u16, to: u16) -> String {
    let to = if to == 0 { 24 * 60 } else { to };
    format!("Mon-Sun {}-{}", clock(from), clock(to))
}

async fn world() -> World {
    World::with(Options {
        site: format!("time_zone = \"{ZONE}\"\n"),
        ..Options::default()
    })
    .await
}

/// Anna's profile `garden`: at home, with a ringing time of its own.
async fn with_garden(world: &World) {
    let save = CommandBody::SaveDestination {
        label: "Home".into(),
        number: HOME.parse().unwrap(),
        confirm: Some(false),
    };
    world.accepted(ANNA, save).await;
    world
        .until("the number is saved", |world| {
            state(world).is_some_and(|state| !state.destinations.is_empty())
        })
        .await;
    let destination = state(world).unwrap().destinations[0].id;
    let profile = Box::new(CallProfile {
        name: "garden".into(),
        place: ProfilePlace::Telephone {
            destination: Some(destination),
        },
        confirm: None,
        settings: CallSettings {
            no_answer_ms: 41_000,
            ..CallSettings::default()
        },
        do_not_disturb: false,
        forwarding: ponte_protocol::Forwarding::default(),
    });
    world.accepted(ANNA, CommandBody::SaveProfile { profile }).await;
}

fn state(world: &World) -> Option<UserState> {
    world.edge.state(ANNA)
}

fn is_home(state: &UserState) -> bool {
    matches!(state.mode, Mode::Telecommuting { .. })
}

async fn tool(world: &World) -> Store {
    Store::open(StoreOptions::new(&world.folder, StoreUse::Tool))
        .await
        .unwrap()
}

/// Anna's own rules.
async fn rules(world: &World, texts: &[&str]) {
    let store = tool(world).await;
    let mut row = store.user(&ANNA.parse().unwrap()).await.unwrap().unwrap();
    row.restrictions = texts.iter().map(|text| parse_rule(text).unwrap()).collect();
    store.set_user(row).await.unwrap();
    store.close(Duration::from_secs(5)).await;
}

async fn explained(world: &World) -> Explanation {
    let explain = CommandBody::Explain {
        number: LONDON.parse().unwrap(),
    };
    match world.edge.command(ANNA, explain).await {
        Outcome::Explained(explanation) => explanation,
        other => panic!("{other:?}"),
    }
}

/// Asks until the explanation is as wanted: an administrator's change takes up to a second.
async fn explained_as(world: &World, wanted: impl Fn(&Explanation) -> bool) -> Explanation {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let explanation = explained(world).await;
        if wanted(&explanation) {
            return explanation;
        }
        assert!(tokio::time::Instant::now() < deadline, "{explanation:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t04_a_rule_holds_by_the_clock_of_the_site() {
    let world = world().await;
    world.enter(HOME, Some(false)).await;
    let on = hours(wall(-60), wall(60));
    let off = hours(wall(60), wall(-60));
    rules(&world, &[&format!("allow +44 {on}")]).await;
    let told = explained_as(&world, |told| told.refusal.is_none()).await;
    assert_eq!((told.rule.as_str(), told.from.as_str()), ("+44", "user"));
    assert_eq!(told.hours, Some(on));
    rules(&world, &[&format!("allow +44 {off}")]).await;
    let told = explained_as(&world, |told| told.refusal.is_some()).await;
    assert_eq!((told.rule.as_str(), told.hours), ("", None));
    // What is explained is what happens.
    assert!(matches!(world.refused(LONDON).await, Refusal::Restricted { .. }));
}

/// One minute of patience: rules end and schedules begin on the minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t04_t10_on_the_minute_a_rule_ends_and_a_schedule_begins() {
    let world = world().await;
    with_garden(&world).await;
    // Everything must be set before the minute is over.
    while now_there().second() > 45 {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let minute = wall(1);
    rules(&world, &[&format!("allow +44 {}", hours(wall(-60), minute))]).await;
    explained_as(&world, |told| told.refusal.is_none()).await;
    let schedule = vec![entry(minute, wall(61), "garden")];
    world
        .accepted(
            ANNA,
            CommandBody::SetSchedule {
                schedule: schedule.clone(),
            },
        )
        .await;
    world
        .until("the portals show the schedule", |world| {
            state(world).is_some_and(|state| state.schedule == schedule)
        })
        .await;
    assert!(!is_home(&state(&world).unwrap()), "before its time");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(75);
    while !state(&world).is_some_and(|state| is_home(&state) && state.settings.no_answer_ms == 41_000) {
        assert!(
            tokio::time::Instant::now() < deadline,
            "it has not begun: {:?}",
            state(&world)
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    explained_as(&world, |told| told.refusal.is_some()).await;
    world
        .until("it is told until when", |world| {
            let until = state(world).and_then(|state| match state.mode {
                Mode::Telecommuting { until, .. } => until,
                _ => None,
            });
            until.is_some_and(|until| {
                let left = until.since(UnixMillis(Timestamp::now().as_millisecond() as u64));
                (3_400_000..=3_600_000).contains(&left)
            })
        })
        .await;
    let unknown = CommandBody::SetSchedule {
        schedule: vec![entry(1, 2, "attic")],
    };
    assert_eq!(
        world.edge.command(ANNA, unknown).await,
        Outcome::Refused {
            refusal: Refusal::UnknownProfile
        }
    );
}

/// Stops the gateway, says up to when Anna's schedule was carried out, and starts it again.
async fn restart_after(world: &mut World, schedule: Vec<ScheduleEntry>, minutes_ago: u64) {
    world.stop_gateway().await;
    let now = UnixMillis(Timestamp::now().as_millisecond() as u64);
    let then = UnixMillis(now.0 - minutes_ago * 60_000);
    let store = tool(world).await;
    store
        .save_schedule(ANNA.parse().unwrap(), schedule, then)
        .await
        .unwrap();
    store.close(Duration::from_secs(5)).await;
    world.start_gateway().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_what_began_or_ended_while_the_gateway_was_down_is_made_good() {
    let mut world = world().await;
    with_garden(&world).await;
    let now_on = vec![entry(wall(-30), wall(30), "garden")];
    restart_after(&mut world, now_on.clone(), 60).await;
    world
        .until("the schedule has begun", |world| {
            state(world).is_some_and(|state| is_home(&state) && state.settings.no_answer_ms == 41_000)
        })
        .await;
    // What the user has left by hand is not entered again before its next time.
    world.accepted(ANNA, CommandBody::LeaveTelecommuter).await;
    world.stop_gateway().await;
    world.start_gateway().await;
    world
        .until("the state is there", |world| state(world).is_some())
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!is_home(&state(&world).unwrap()), "it was entered again");
    assert_eq!(state(&world).unwrap().schedule, now_on);
    // A schedule that has ended meanwhile takes its settings back.
    restart_after(&mut world, vec![entry(wall(-90), wall(-30), "garden")], 60).await;
    world
        .until("the settings are the office's", |world| {
            state(world).is_some_and(|state| state.settings == CallSettings::default())
        })
        .await;
    // A mode that was entered by hand goes before the clock.
    world.enter("+390212345699", Some(false)).await;
    restart_after(&mut world, vec![entry(wall(-30), wall(30), "garden")], 60).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mode = state(&world).unwrap().mode;
    assert!(
        matches!(&mode, Mode::Telecommuting { destination: ponte_protocol::Destination::Number { number, .. }, until: None, .. }
            if number.as_str() == "+390212345699"),
        "{mode:?}"
    );
    // A profile that is deleted takes its schedule with it.
    let delete = CommandBody::DeleteProfile {
        name: "garden".into(),
    };
    world.accepted(ANNA, delete).await;
    world
        .until("nothing is scheduled", |world| {
            state(world).is_some_and(|state| state.schedule.is_empty())
        })
        .await;
}
