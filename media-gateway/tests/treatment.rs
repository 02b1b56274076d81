//! Forwarding and profiles through the whole gateway, with real telephones, and after a restart.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_gateway::store::{Change, Store, StoreOptions, StoreUse};
use ponte_protocol::{
    Availability, CallPhase, CallProfile, CallRules, CallSettings, CauseReason, CommandBody, Destination,
    DestinationId, Forwarding, Mode, Outcome, ProfilePlace, Refusal, ScheduleEntry, UserId, UserState,
};
use ponte_pstn_sim::{Answer, Behaviour, PlaceCall};
use support::{ANNA, COMPANY, FAR, HOME, World};

const CALLER: &str = "+390277770001";
const FAR_HZ: f64 = 1130.0;

fn answer(tone_hz: f64) -> Behaviour {
    Behaviour::Answer(Answer {
        after_ms: 100,
        tone_hz: Some(tone_hz),
        ..Answer::default()
    })
}

fn forwarding(number: &str) -> CallRules {
    CallRules {
        forwarding: Forwarding {
            always: Some(number.parse().unwrap()),
            ..Forwarding::default()
        },
        exceptions: Vec::new(),
    }
}

async fn outcome(world: &World, body: CommandBody) -> Outcome {
    world.edge.command(ANNA, body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_a_call_is_forwarded_to_a_number_also_after_a_restart() {
    let mut world = World::start().await;
    world.carrier.set_number(FAR, answer(FAR_HZ)).unwrap();
    let denied = outcome(
        &world,
        CommandBody::SetCallRules {
            rules: forwarding("+442079460018"),
        },
    )
    .await;
    assert!(
        matches!(
            denied,
            Outcome::Refused {
                refusal: Refusal::Restricted { .. }
            }
        ),
        "{denied:?}"
    );
    let rules = forwarding("0298765401");
    world
        .accepted(ANNA, CommandBody::SetCallRules { rules: rules.clone() })
        .await;
    world.stop_gateway().await;
    world.start_gateway().await;
    world
        .until("the rules are shown again", |world| {
            world.edge.state(ANNA).is_some_and(|state| state.rules == rules)
        })
        .await;
    let placed = world.place(PlaceCall::new(CALLER, COMPANY));
    let call = world
        .shown_where(|call| matches!(call.phase, CallPhase::Transferred { .. }))
        .await;
    world
        .until("the caller hears the number", |world| {
            world.call(placed).media.has_heard(FAR_HZ, 300)
        })
        .await;
    let diverted = world.call_to(FAR);
    assert_eq!(
        diverted.number.trim_start_matches('+'),
        FAR.trim_start_matches('+')
    );
    world.hang_up(call.id).await;
    let record = world.ended(call.id).await;
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_changes_everything_at_once_and_survives_a_restart() {
    let mut world = World::start().await;
    let save = CommandBody::SaveDestination {
        label: "Home".into(),
        number: HOME.parse().unwrap(),
        confirm: Some(false),
    };
    world.accepted(ANNA, save).await;
    world
        .until("the number is saved", |world| {
            world
                .edge
                .state(ANNA)
                .is_some_and(|state| !state.destinations.is_empty())
        })
        .await;
    let state = world.edge.state(ANNA).unwrap();
    assert_eq!(state.profiles.len(), 3, "the built-in ones");
    assert_eq!(state.live_profile().unwrap().name, "office");
    let destination = state.destinations[0].id;
    let profile = CallProfile {
        name: "garden".into(),
        place: ProfilePlace::Telephone {
            destination: Some(destination),
        },
        confirm: Some(true),
        settings: CallSettings {
            no_answer_ms: 40_000,
            voicemail: false,
            call_waiting: false,
        },
        do_not_disturb: true,
        forwarding: forwarding(FAR).forwarding,
    };
    let save = CommandBody::SaveProfile {
        profile: Box::new(profile.clone()),
    };
    world.accepted(ANNA, save).await;
    let switch = |name: &str| CommandBody::SwitchProfile {
        name: name.to_owned(),
    };
    assert_eq!(
        outcome(&world, switch("attic")).await,
        Outcome::Refused {
            refusal: Refusal::UnknownProfile
        }
    );
    assert_eq!(
        outcome(&world, switch("home")).await,
        Outcome::Refused {
            refusal: Refusal::UnknownDestination
        },
        "no telephone was chosen for it"
    );
    world.accepted(ANNA, switch("garden")).await;
    world.stop_gateway().await;
    world.start_gateway().await;
    world
        .until("the portal shows all of it again", |world| {
            world
                .edge
                .state(ANNA)
                .is_some_and(|state| state.live_profile() == Some(&profile))
        })
        .await;
    let state = world.edge.state(ANNA).unwrap();
    assert!(matches!(
        &state.mode,
        Mode::Telecommuting {
            destination: Destination::Number { number, confirm: true, .. },
            ..
        } if number.as_str() == HOME
    ));
    assert_eq!(state.presence.availability, Availability::DoNotDisturb);
    // Something set by hand matches no profile.
    let settings = CallSettings {
        no_answer_ms: 41_000,
        ..state.settings
    };
    world
        .accepted(ANNA, CommandBody::SetCallSettings { settings })
        .await;
    world
        .until("no profile is live", |world| {
            world
                .edge
                .state(ANNA)
                .is_some_and(|state| state.live_profile().is_none())
        })
        .await;
    world.accepted(ANNA, switch("office")).await;
    world
        .accepted(
            ANNA,
            CommandBody::DeleteProfile {
                name: "garden".into(),
            },
        )
        .await;
    world
        .until("the office is live, and the own one gone", |world| {
            world.edge.state(ANNA).is_some_and(|state| {
                state.live_profile().is_some_and(|live| live.name == "office") && state.profiles.len() == 3
            })
        })
        .await;
    let unknown = CommandBody::SaveProfile {
        profile: Box::new(CallProfile {
            place: ProfilePlace::Telephone {
                destination: Some(DestinationId(uuid::Uuid::nil())),
            },
            ..profile
        }),
    };
    assert_eq!(
        outcome(&world, unknown).await,
        Outcome::Refused {
            refusal: Refusal::UnknownDestination
        }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_administrator_sets_for_a_user_holds_at_once() {
    let mut world = World::start().await;
    let user: UserId = ANNA.parse().unwrap();
    let profile = CallProfile {
        name: "garden".into(),
        place: ProfilePlace::Browser,
        confirm: None,
        settings: CallSettings::default(),
        do_not_disturb: false,
        forwarding: Forwarding::default(),
    };
    let settings = CallSettings {
        no_answer_ms: 33_000,
        voicemail: false,
        call_waiting: true,
    };
    let rules = forwarding("0298765401");
    let schedule = vec![ScheduleEntry {
        days: 0b100_0000,
        from: 60,
        to: 61,
        profile: "garden".into(),
    }];
    let changes = vec![
        Change::SaveCallSettings(user.clone(), settings.clone()),
        Change::SaveCallRules(user.clone(), rules.clone()),
        Change::SaveProfile(user.clone(), Box::new(profile.clone())),
        Change::SaveSchedule(user.clone(), schedule.clone(), support::edge::now()),
    ];
    let store = Store::open(StoreOptions::new(&world.folder, StoreUse::Tool))
        .await
        .unwrap();
    store.change_together(changes, Vec::new()).await.unwrap();
    let holds = |state: &UserState| {
        state.settings == settings
            && state.rules == rules
            && state.profiles.contains(&profile)
            && state.schedule == schedule
    };
    world
        .until("the portal shows it", |world| {
            world.edge.state(ANNA).is_some_and(|state| holds(&state))
        })
        .await;
    world.carrier.set_number(FAR, answer(FAR_HZ)).unwrap();
    let placed = world.place(PlaceCall::new(CALLER, COMPANY));
    world
        .until("the caller hears the number", |world| {
            world.call(placed).media.has_heard(FAR_HZ, 300)
        })
        .await;
    // A change of something else leaves what the user sets now.
    let own = CallSettings {
        no_answer_ms: 44_000,
        ..settings.clone()
    };
    let command = CommandBody::SetCallSettings {
        settings: own.clone(),
    };
    world.accepted(ANNA, command).await;
    world
        .change_user(ANNA, |row| row.display_name = "Anna B.".into())
        .await;
    world
        .until("the name is another", |world| {
            world
                .edge
                .state(ANNA)
                .is_some_and(|state| state.profile.display_name == "Anna B.")
        })
        .await;
    assert_eq!(world.edge.state(ANNA).unwrap().settings, own);
    let changes = vec![
        Change::ForgetCallSettings(user.clone()),
        Change::DeleteProfile(user.clone(), "garden".into()),
    ];
    store.change_together(changes, Vec::new()).await.unwrap();
    store.close(std::time::Duration::from_secs(5)).await;
    let gone = |state: &UserState| {
        state.settings == CallSettings::default()
            && state.rules == rules
            && state.profiles.len() == 3
            && state.schedule.is_empty()
    };
    world
        .until("it is gone", |world| {
            world.edge.state(ANNA).is_some_and(|state| gone(&state))
        })
        .await;
    world.stop_gateway().await;
    world.start_gateway().await;
    world
        .until("it stays so after a restart", |world| {
            world.edge.state(ANNA).is_some_and(|state| gone(&state))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_the_mode_ends_at_the_time_that_was_set_also_across_a_restart() {
    let mut world = World::start().await;
    world.enter(HOME, Some(false)).await;
    let at = support::edge::now().plus(4_000);
    world.accepted(ANNA, CommandBody::LeaveAt { at: Some(at) }).await;
    world.stop_gateway().await;
    world.start_gateway().await;
    world
        .until("the mode has ended", |world| {
            world
                .edge
                .state(ANNA)
                .is_some_and(|state| state.mode == Mode::Office)
        })
        .await;
    assert!(support::edge::now() >= at, "too early");
}
