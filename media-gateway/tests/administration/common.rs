//! An administrator, what she asks, and a second user.

use crate::support::{COMPANY, HOME, Options, World};
use ponte_gateway::store::{Store, StoreOptions, StoreUse};
use ponte_protocol::admin::{
    AdminAnswer, AdminChange, AdminQuery, Problem, ProblemKind, UserOverview, UserSettings,
};
use ponte_protocol::{CallerId, CommandBody, DestinationChoice};
use ponte_pstn_sim::{Answer, Behaviour};
use std::time::Duration;

/// A world in which Anna is the administrator.
pub async fn world() -> World {
    World::administered(Options::default()).await
}

pub async fn store<T>(world: &World, act: impl AsyncFnOnce(&Store) -> T) -> T {
    let store = Store::open(StoreOptions::new(&world.folder, StoreUse::Tool))
        .await
        .unwrap();
    let result = act(&store).await;
    store.close(Duration::from_secs(5)).await;
    result
}

pub async fn problems(world: &World, wanted: AdminChange) -> Vec<Problem> {
    match world.administer(wanted).await {
        AdminAnswer::Invalid { problems } => problems,
        other => panic!("{other:?}"),
    }
}

pub async fn users(world: &World, telecommuting: bool) -> Vec<UserOverview> {
    let wanted = AdminQuery::Users {
        after: None,
        find: String::new(),
        telecommuting,
    };
    match world.admin_query(wanted).await {
        AdminAnswer::Users { users, .. } => users,
        other => panic!("{other:?}"),
    }
}

pub fn bruno() -> UserSettings {
    UserSettings {
        user: "bruno".parse().unwrap(),
        display_name: "Bruno".to_owned(),
        extension: "202".parse().unwrap(),
        caller_id: CallerId {
            number: COMPANY.parse().unwrap(),
            name: None,
        },
        language: Some("en".to_owned()),
        group: None,
        telecommuter_allowed: true,
        call_waiting_allowed: true,
        voicemail_allowed: true,
        pick_up_allowed: true,
        administrator: false,
        rules: Vec::new(),
        dials_per_hour: 60,
        minutes_per_day: 600,
        email: None,
        confirm: Some(false),
        no_answer_ms: 20_000,
        voicemail_quota_s: None,
        recording_allowed: false,
    }
}

pub fn put(settings: UserSettings) -> AdminChange {
    AdminChange::PutUser {
        settings: Box::new(settings),
        dry_run: false,
    }
}

pub fn fields(problems: &[Problem]) -> Vec<(&str, ProblemKind)> {
    problems
        .iter()
        .map(|problem| (problem.field.as_str(), problem.kind))
        .collect()
}

pub fn answers() -> Behaviour {
    Behaviour::Answer(Answer::default())
}

/// Bruno is called at [`HOME`] from now on.
pub async fn bruno_enters(world: &World) {
    world.carrier.set_number(HOME, answers()).unwrap();
    let destination = DestinationChoice::Number {
        number: HOME.parse().unwrap(),
        confirm: Some(false),
    };
    world
        .accepted("bruno", CommandBody::EnterTelecommuter { destination })
        .await;
}
