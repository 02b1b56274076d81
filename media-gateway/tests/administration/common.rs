//! An administrator, what she asks, and a second user.

use crate::support::{ANNA, COMPANY, HOME, World};
use ponte_gateway::store::{Store, StoreOptions, StoreUse};
use ponte_protocol::admin::{
    AdminAnswer, AdminChange, AdminQuery, AuditEntry, Problem, ProblemKind, UserOverview, UserSettings,
};
use ponte_protocol::{CallerId, CommandBody, DestinationChoice, Outcome};
use ponte_pstn_sim::{Answer, Behaviour};
use std::time::Duration;

/// A world in which Anna is the administrator.
pub async fn world() -> World {
    let world = World::start().await;
    store(&world, async |store| {
        let mut anna = store.user(&ANNA.parse().unwrap()).await.unwrap().unwrap();
        anna.administrator = true;
        store.set_user(anna).await.unwrap();
    })
    .await;
    world
        .until("Anna is the administrator", |world| {
            world
                .edge
                .state(ANNA)
                .is_some_and(|state| state.profile.administrator)
        })
        .await;
    world
}

pub async fn store<T>(world: &World, act: impl AsyncFnOnce(&Store) -> T) -> T {
    let store = Store::open(StoreOptions::new(&world.folder, StoreUse::Tool))
        .await
        .unwrap();
    let result = act(&store).await;
    store.close(Duration::from_secs(5)).await;
    result
}

pub async fn query(world: &World, query: AdminQuery) -> AdminAnswer {
    match world.edge.command(ANNA, CommandBody::AdminQuery { query }).await {
        Outcome::Admin { answer } => answer,
        other => panic!("{other:?}"),
    }
}

pub async fn change(world: &World, change: AdminChange) -> AdminAnswer {
    match world
        .edge
        .command(ANNA, CommandBody::AdminChange { change })
        .await
    {
        Outcome::Admin { answer } => answer,
        other => panic!("{other:?}"),
    }
}

pub async fn done(world: &World, wanted: AdminChange) {
    let answer = change(world, wanted).await;
    let AdminAnswer::Done = answer else {
        panic!("{}", serde_json::to_string(&answer).unwrap());
    };
}

pub async fn problems(world: &World, wanted: AdminChange) -> Vec<Problem> {
    match change(world, wanted).await {
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
    match query(world, wanted).await {
        AdminAnswer::Users { users, .. } => users,
        other => panic!("{other:?}"),
    }
}

pub async fn audit(world: &World) -> Vec<AuditEntry> {
    let wanted = AdminQuery::Audit {
        before: None,
        limit: 100,
    };
    match query(world, wanted).await {
        AdminAnswer::Audit { entries, .. } => entries,
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
