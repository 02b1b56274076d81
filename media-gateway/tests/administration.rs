//! Administrators in the portal: who may, what is checked, what it does at once, what is kept of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_gateway::store::{Store, StoreOptions, StoreUse, UserRow};
use ponte_protocol::admin::{
    ADMIN_PAGE_MAX, AdminAnswer, AdminChange, AdminQuery, AuditEntry, DeviceSettings, DidSettings,
    GroupSettings, Problem, ProblemKind, Rule, SiteSettings, UserOverview, UserSettings,
};
use ponte_protocol::{
    CallerId, CommandBody, DestinationChoice, EdgeFrame, EventBody, Mode, Outcome, Refusal,
};
use ponte_pstn_sim::{Answer, Behaviour, PlaceCall};
use sha2::{Digest, Sha256};
use std::time::Duration;
use support::edge::new_command;
use support::{ANNA, COMPANY, FAR, HOME, World};

/// A world in which Anna is the administrator.
async fn world() -> World {
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

async fn store<T>(world: &World, act: impl AsyncFnOnce(&Store) -> T) -> T {
    let store = Store::open(StoreOptions::new(&world.folder, StoreUse::Tool))
        .await
        .unwrap();
    let result = act(&store).await;
    store.close(Duration::from_secs(5)).await;
    result
}

async fn query(world: &World, query: AdminQuery) -> AdminAnswer {
    match world.edge.command(ANNA, CommandBody::AdminQuery { query }).await {
        Outcome::Admin { answer } => answer,
        other => panic!("{other:?}"),
    }
}

async fn change(world: &World, change: AdminChange) -> AdminAnswer {
    match world
        .edge
        .command(ANNA, CommandBody::AdminChange { change })
        .await
    {
        Outcome::Admin { answer } => answer,
        other => panic!("{other:?}"),
    }
}

async fn done(world: &World, wanted: AdminChange) {
    let answer = change(world, wanted).await;
    let AdminAnswer::Done = answer else {
        panic!("{}", serde_json::to_string(&answer).unwrap());
    };
}

async fn problems(world: &World, wanted: AdminChange) -> Vec<Problem> {
    match change(world, wanted).await {
        AdminAnswer::Invalid { problems } => problems,
        other => panic!("{other:?}"),
    }
}

async fn users(world: &World, telecommuting: bool) -> Vec<UserOverview> {
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

async fn audit(world: &World) -> Vec<AuditEntry> {
    let wanted = AdminQuery::Audit {
        before: None,
        limit: 100,
    };
    match query(world, wanted).await {
        AdminAnswer::Audit { entries, .. } => entries,
        other => panic!("{other:?}"),
    }
}

fn bruno() -> UserSettings {
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

fn put(settings: UserSettings) -> AdminChange {
    AdminChange::PutUser {
        settings: Box::new(settings),
        dry_run: false,
    }
}

fn fields(problems: &[Problem]) -> Vec<(&str, ProblemKind)> {
    problems
        .iter()
        .map(|problem| (problem.field.as_str(), problem.kind))
        .collect()
}

fn answers() -> Behaviour {
    Behaviour::Answer(Answer::default())
}

/// Bruno is called at [`HOME`] from now on.
async fn bruno_enters(world: &World) {
    world.carrier.set_number(HOME, answers()).unwrap();
    let destination = DestinationChoice::Number {
        number: HOME.parse().unwrap(),
        confirm: Some(false),
    };
    world
        .accepted("bruno", CommandBody::EnterTelecommuter { destination })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_no_administrator_sees_and_changes_nothing() {
    let world = world().await;
    done(&world, put(bruno())).await;
    for body in [
        CommandBody::AdminQuery {
            query: AdminQuery::Trunks,
        },
        CommandBody::AdminQuery {
            query: AdminQuery::Dids { after: None },
        },
        CommandBody::AdminChange {
            change: AdminChange::RemoveUser {
                user: ANNA.parse().unwrap(),
            },
        },
        CommandBody::AdminChange {
            change: put(UserSettings {
                administrator: true,
                ..bruno()
            }),
        },
    ] {
        let outcome = world.edge.command("bruno", body).await;
        let refusal = Refusal::NotPermitted;
        assert_eq!(outcome, Outcome::Refused { refusal });
    }
    assert_eq!(users(&world, false).await.len(), 2);
    // A right that was taken away holds from the next command on.
    done(
        &world,
        put(UserSettings {
            administrator: true,
            ..bruno()
        }),
    )
    .await;
    let mut anna = users(&world, false).await.remove(0).settings;
    anna.administrator = false;
    done(&world, put(anna)).await;
    let outcome = world
        .edge
        .command(
            ANNA,
            CommandBody::AdminQuery {
                query: AdminQuery::Site,
            },
        )
        .await;
    let refusal = Refusal::NotPermitted;
    assert_eq!(outcome, Outcome::Refused { refusal });
}

#[tokio::test(flavor = "multi_thread")]
async fn t01_a_right_that_is_taken_away_ends_the_mode_at_once() {
    let world = world().await;
    done(&world, put(bruno())).await;
    bruno_enters(&world).await;
    world
        .until("Bruno is in the mode", |world| {
            world
                .edge
                .state("bruno")
                .is_some_and(|state| state.mode != Mode::Office)
        })
        .await;
    let in_mode = users(&world, true).await;
    assert_eq!(in_mode.len(), 1);
    assert_eq!(in_mode[0].settings.user.as_str(), "bruno");
    done(
        &world,
        put(UserSettings {
            telecommuter_allowed: false,
            ..bruno()
        }),
    )
    .await;
    assert!(
        users(&world, true).await.is_empty(),
        "the answer comes after the effect"
    );
    world
        .until("Bruno's portal says that he is in the office", |world| {
            world
                .edge
                .state("bruno")
                .is_some_and(|state| state.mode == Mode::Office && !state.profile.telecommuter_allowed)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_users_calls_end_and_nobody_signs_in_as_that_user() {
    let world = world().await;
    done(&world, put(bruno())).await;
    world.carrier.set_number(FAR, answers()).unwrap();
    bruno_enters(&world).await;
    let number = FAR.parse().unwrap();
    world
        .accepted(
            "bruno",
            CommandBody::Dial {
                number,
                account_code: None,
            },
        )
        .await;
    world
        .until("both are on the line", |world| {
            world
                .carrier
                .calls()
                .iter()
                .filter(|call| call.answered_at.is_some())
                .count()
                == 2
        })
        .await;
    let trunks = query(&world, AdminQuery::Trunks).await;
    let AdminAnswer::Trunks { trunks } = trunks else {
        panic!("{trunks:?}")
    };
    assert_eq!((trunks[0].up, trunks[0].legs), (true, 2));
    assert!(trunks[0].since.0 > 0);
    done(
        &world,
        AdminChange::RemoveUser {
            user: "bruno".parse().unwrap(),
        },
    )
    .await;
    assert_eq!(world.edge.users(), [ANNA]);
    world
        .until("the call is over", |world| {
            world.carrier.calls().iter().all(|call| call.ended_at.is_some())
        })
        .await;
    let trunks = query(&world, AdminQuery::Trunks).await;
    let AdminAnswer::Trunks { trunks } = trunks else {
        panic!("{trunks:?}")
    };
    assert_eq!(trunks[0].legs, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_by_field_and_changes_nothing() {
    let world = world().await;
    let rule = |prefix: &str| Rule {
        allow: true,
        prefix: prefix.to_owned(),
        hours: None,
    };
    let wrong = UserSettings {
        display_name: " ".to_owned(),
        extension: "777".parse().unwrap(),
        caller_id: CallerId {
            number: "+390299999999".parse().unwrap(),
            name: None,
        },
        language: Some("xx".to_owned()),
        group: Some("nobody".to_owned()),
        rules: vec![rule("+39"), rule("39")],
        dials_per_hour: 0,
        email: Some("no address".to_owned()),
        no_answer_ms: 1,
        ..bruno()
    };
    let found = problems(&world, put(wrong)).await;
    let mut found = fields(&found);
    found.sort_by_key(|(field, _)| *field);
    assert_eq!(
        found,
        [
            ("caller_id", ProblemKind::Forbidden),
            ("dials_per_hour", ProblemKind::OutOfRange),
            ("display_name", ProblemKind::Malformed),
            ("email", ProblemKind::Malformed),
            ("extension", ProblemKind::OutOfRange),
            ("group", ProblemKind::NotFound),
            ("language", ProblemKind::Malformed),
            ("no_answer_ms", ProblemKind::OutOfRange),
            ("rules.1", ProblemKind::Malformed),
        ]
    );
    let taken = UserSettings {
        extension: "201".parse().unwrap(),
        ..bruno()
    };
    for dry_run in [true, false] {
        let wanted = AdminChange::PutUser {
            settings: Box::new(taken.clone()),
            dry_run,
        };
        assert_eq!(
            fields(&problems(&world, wanted).await),
            [("extension", ProblemKind::Taken)]
        );
    }
    let preview = AdminChange::PutUser {
        settings: Box::new(bruno()),
        dry_run: true,
    };
    done(&world, preview).await;
    let did = DidSettings {
        number: "+390266600299".parse().unwrap(),
        extension: "777".parse().unwrap(),
        label: None,
        trunk: Some("nowhere".to_owned()),
        configured: false,
    };
    let found = problems(&world, AdminChange::PutDid { settings: did }).await;
    assert_eq!(
        fields(&found),
        [
            ("extension", ProblemKind::OutOfRange),
            ("trunk", ProblemKind::NotFound)
        ]
    );
    let device = DeviceSettings {
        device: "lobby".parse().unwrap(),
        name: String::new(),
        owner: Some("bruno".parse().unwrap()),
        hot_desk: true,
    };
    let wanted = AdminChange::PutDevice {
        settings: device,
        new_password: false,
    };
    assert_eq!(
        fields(&problems(&world, wanted).await),
        [("name", ProblemKind::Malformed), ("owner", ProblemKind::NotFound)]
    );
    let emergency = AdminChange::AddDestination {
        user: ANNA.parse().unwrap(),
        label: "Home".to_owned(),
        number: COMPANY.parse().unwrap(),
    };
    assert_eq!(
        fields(&problems(&world, emergency).await),
        [("number", ProblemKind::Forbidden)]
    );
    assert_eq!(users(&world, false).await.len(), 1);
    assert!(
        audit(&world).await.is_empty(),
        "what was not done is not in the log"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrator_stays() {
    let world = world().await;
    let anna = users(&world, false).await.remove(0).settings;
    let plain = UserSettings {
        administrator: false,
        ..anna.clone()
    };
    let last = [("administrator", ProblemKind::LastAdministrator)];
    assert_eq!(fields(&problems(&world, put(plain.clone())).await), last);
    let remove = || AdminChange::RemoveUser {
        user: ANNA.parse().unwrap(),
    };
    assert_eq!(fields(&problems(&world, remove()).await), last);
    assert!(users(&world, false).await[0].settings.administrator);
    done(
        &world,
        put(UserSettings {
            administrator: true,
            ..bruno()
        }),
    )
    .await;
    done(&world, put(plain)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_told_once_and_kept_nowhere() {
    let world = world().await;
    let settings = DeviceSettings {
        device: "lobby".parse().unwrap(),
        name: "Lobby".to_owned(),
        owner: None,
        hot_desk: true,
    };
    let body = CommandBody::AdminChange {
        change: AdminChange::PutDevice {
            settings,
            new_password: false,
        },
    };
    let command = new_command(body);
    let send = || {
        world.edge.send(EdgeFrame::Command {
            user: ANNA.parse().unwrap(),
            command: command.clone(),
        });
    };
    send();
    let Outcome::Admin {
        answer: AdminAnswer::DevicePassword { password },
    } = world.edge.reply(command.id).await.outcome
    else {
        panic!("{:?}", world.edge.reply(command.id).await)
    };
    assert!(password.len() >= 20);
    send();
    world
        .until("the second answer", |world| {
            world.edge.replies(command.id).len() == 2
        })
        .await;
    let again = world.edge.replies(command.id)[1].outcome.clone();
    assert_eq!(
        again,
        Outcome::Admin {
            answer: AdminAnswer::Done
        }
    );

    let user = || ANNA.parse().unwrap();
    let AdminAnswer::Pin { pin } = change(&world, AdminChange::NewPin { user: user() }).await else {
        panic!()
    };
    assert!(pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit()));
    assert!(users(&world, false).await[0].has_pin);
    let AdminAnswer::Invitation { link, expires_at } =
        change(&world, AdminChange::InviteUser { user: user() }).await
    else {
        panic!()
    };
    let token = link
        .strip_prefix("http://localhost:8787/invite#")
        .unwrap()
        .to_owned();
    assert!(expires_at > support::edge::now());
    let hash = hex::encode(Sha256::digest(token.as_bytes()));
    assert!(
        world.edge.is_invited(ANNA, &hash),
        "the edge knows it before the link is told"
    );

    let kept = audit(&world).await;
    let said: Vec<_> = kept
        .iter()
        .map(|entry| (entry.action.as_str(), entry.subject.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("user_invited", ANNA),
            ("user_changed", ANNA),
            ("device_added", "lobby")
        ]
    );
    assert_eq!(kept[1].fields, ["pin"]);
    assert!(
        kept.iter()
            .all(|entry| entry.by.as_ref().is_some_and(|by| by.as_str() == ANNA))
    );
    for file in std::fs::read_dir(&world.folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let Ok(bytes) = std::fs::read(&file) else { continue };
        for secret in [&password, &token] {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a secret", file.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t06_a_new_number_leads_to_its_extension_at_once() {
    let world = world().await;
    let number = "+390266600299";
    let did = |extension: &str| DidSettings {
        number: number.parse().unwrap(),
        extension: extension.parse().unwrap(),
        label: Some("Sales".to_owned()),
        trunk: None,
        configured: false,
    };
    world.telephones(Behaviour::RingOut, answers()).await;
    done(&world, AdminChange::PutDid { settings: did("201") }).await;
    world.place(PlaceCall::new(FAR, number));
    world
        .until("Anna's telephone rings", |world| world.calls_to(HOME).len() == 1)
        .await;
    let AdminAnswer::Dids { dids, more } = query(&world, AdminQuery::Dids { after: None }).await else {
        panic!()
    };
    assert!(!more);
    let shown: Vec<_> = dids
        .iter()
        .map(|did| (did.number.as_str(), did.configured))
        .collect();
    assert_eq!(shown, [(COMPANY, true), (number, false)]);
    done(
        &world,
        AdminChange::RemoveDid {
            number: number.parse().unwrap(),
        },
    )
    .await;
    let refused = world.place(PlaceCall::new(FAR, number));
    world
        .until("the number is unknown", |world| {
            world.call(refused).status == Some(404)
        })
        .await;
    let configured = AdminChange::RemoveDid {
        number: COMPANY.parse().unwrap(),
    };
    assert_eq!(
        fields(&problems(&world, configured).await),
        [("number", ProblemKind::NotFound)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_users_come_in_pages() {
    let world = world().await;
    store(&world, async |store| {
        let rows = (0..240).map(|n| {
            let extension = format!("2{n:05}");
            UserRow {
                display_name: format!("Person {n}"),
                ..UserRow::new(
                    format!("user{n:03}").parse().unwrap(),
                    extension.parse().unwrap(),
                    COMPANY.parse().unwrap(),
                )
            }
        });
        let written: Vec<_> = rows.map(|row| store.add_user(row)).collect();
        for written in written {
            written.await.unwrap();
        }
    })
    .await;
    world
        .until("everybody is there", |world| world.edge.users().len() == 241)
        .await;
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let wanted = AdminQuery::Users {
            after: after.clone(),
            find: String::new(),
            telecommuting: false,
        };
        let AdminAnswer::Users { users, more } = query(&world, wanted).await else {
            panic!()
        };
        assert!(users.len() <= ADMIN_PAGE_MAX);
        after = users.last().map(|user| user.settings.user.clone());
        all.extend(users);
        if !more {
            break;
        }
    }
    assert_eq!(all.len(), 241);
    assert!(
        all.windows(2)
            .all(|pair| pair[0].settings.user < pair[1].settings.user)
    );
    let wanted = AdminQuery::Users {
        after: None,
        find: "PERSON 17".to_owned(),
        telecommuting: false,
    };
    let AdminAnswer::Users { users, more } = query(&world, wanted).await else {
        panic!()
    };
    assert_eq!((users.len(), more), (11, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sites_settings_hold_at_once_and_go_back_to_the_configurations() {
    let world = world().await;
    let AdminAnswer::Site { settings, .. } = query(&world, AdminQuery::Site).await else {
        panic!()
    };
    assert!(settings.call_waiting && settings.no_answer_ms == 18_000);
    let explained = async |number: &str| {
        let wanted = AdminQuery::Explain {
            user: ANNA.parse().unwrap(),
            number: number.parse().unwrap(),
        };
        match query(&world, wanted).await {
            AdminAnswer::Explained { explanation } => explanation,
            other => panic!("{other:?}"),
        }
    };
    assert!(explained("0033140205050").await.refusal.is_some());
    let mut rules = settings.rules.clone();
    rules.push(Rule {
        allow: true,
        prefix: "+33".to_owned(),
        hours: None,
    });
    let wanted = SiteSettings {
        rules,
        no_answer_ms: 30_000,
        call_waiting: false,
        voicemail_quota_s: 120,
        time_zone: Some("Asia/Tokyo".to_owned()),
        ..(*settings).clone()
    };
    done(
        &world,
        AdminChange::PutSite {
            settings: Box::new(wanted.clone()),
        },
    )
    .await;
    let allowed = explained("0033140205050").await;
    assert_eq!((allowed.refusal, allowed.from.as_str()), (None, "site"));
    world
        .until("Anna's portal shows it", |world| {
            world.edge.state(ANNA).is_some_and(|state| {
                state.settings.no_answer_ms == 30_000
                    && !state.profile.call_waiting_allowed
                    && state.mailbox.quota_left_s == 120
            })
        })
        .await;
    let entry = audit(&world).await.remove(0);
    assert_eq!(entry.action, "site_changed");
    assert_eq!(
        entry.fields,
        [
            "call_waiting",
            "no_answer_ms",
            "rules",
            "time_zone",
            "voicemail_quota_s"
        ]
    );
    let bad = SiteSettings {
        voicemail_message_s: 1,
        hold_music: Some("noise".to_owned()),
        time_zone: Some("Mars/Olympus".to_owned()),
        ..wanted.clone()
    };
    let found = problems(
        &world,
        AdminChange::PutSite {
            settings: Box::new(bad),
        },
    )
    .await;
    assert_eq!(
        fields(&found),
        [
            ("voicemail_message_s", ProblemKind::OutOfRange),
            ("time_zone", ProblemKind::NotFound),
            ("hold_music", ProblemKind::NotFound)
        ]
    );
    // A portal of the version before names no time zone: it stays.
    let before = SiteSettings {
        time_zone: None,
        ..wanted
    };
    done(
        &world,
        AdminChange::PutSite {
            settings: Box::new(before),
        },
    )
    .await;
    let row = store(&world, async |store| store.site().await.unwrap()).await;
    assert_eq!(row.time_zone.as_deref(), Some("Asia/Tokyo"));
    done(&world, AdminChange::PutSite { settings }).await;
    let row = store(&world, async |store| store.site().await.unwrap()).await;
    assert_eq!(
        row,
        ponte_gateway::store::SiteRow::default(),
        "nothing differs from the configuration"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_destinations_are_managed() {
    let world = world().await;
    let rules = vec![Rule {
        allow: true,
        prefix: "+44".to_owned(),
        hours: Some("Mon-Sun 00:00-24:00".to_owned()),
    }];
    let settings = GroupSettings {
        name: "sales".to_owned(),
        rules: rules.clone(),
    };
    done(
        &world,
        AdminChange::PutGroup {
            settings: settings.clone(),
        },
    )
    .await;
    done(
        &world,
        put(UserSettings {
            group: Some("sales".to_owned()),
            ..bruno()
        }),
    )
    .await;
    let remove = || AdminChange::RemoveGroup {
        name: "sales".to_owned(),
    };
    assert_eq!(
        fields(&problems(&world, remove()).await),
        [("name", ProblemKind::InUse)]
    );
    let AdminAnswer::Groups { groups, site, more } = query(&world, AdminQuery::Groups { after: None }).await
    else {
        panic!()
    };
    assert_eq!((groups, more), (vec![settings], false));
    assert_eq!(site[0].prefix, "+39");
    let user = || "bruno".parse().unwrap();
    let add = AdminChange::AddDestination {
        user: user(),
        label: "London".to_owned(),
        number: "+442071234567".parse().unwrap(),
    };
    done(&world, add).await;
    let destinations = async || match query(&world, AdminQuery::Destinations { user: user() }).await {
        AdminAnswer::Destinations { destinations } => destinations,
        other => panic!("{other:?}"),
    };
    let kept = destinations().await;
    assert_eq!((kept.len(), kept[0].verified, kept[0].confirm), (1, true, false));
    let remove = AdminChange::RemoveDestination {
        user: user(),
        destination: kept[0].id,
    };
    done(&world, remove.clone()).await;
    assert_eq!(
        fields(&problems(&world, remove).await),
        [("destination", ProblemKind::NotFound)]
    );
    assert!(destinations().await.is_empty());
    assert!(
        audit(&world)
            .await
            .iter()
            .all(|entry| !format!("{entry:?}").contains("2071234567")),
        "private numbers are no matter of the log"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_was_made_while_the_link_was_down_reaches_the_edge() {
    let world = World::start().await;
    world.edge.cut(Duration::from_secs(4));
    world.edge.wait_unlinked().await;
    let hash = "ab".repeat(32);
    store(&world, async |store| {
        store
            .add_user(support::edge::user_row("bruno", false))
            .await
            .unwrap();
        let invitation = ponte_gateway::store::Invitation {
            user: "bruno".parse().unwrap(),
            token_hash: hash.clone(),
            expires_at: support::edge::now().plus(3_600_000),
        };
        store.create_invitation(invitation).await.unwrap();
    })
    .await;
    // Long enough for the gateway to see it while it has nobody to tell.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!world.edge.is_invited("bruno", &hash));
    world
        .until("the edge has it", |world| world.edge.is_invited("bruno", &hash))
        .await;
    drop(
        world
            .edge
            .wait_event(|body| matches!(body, EventBody::State { .. }))
            .await,
    );
}
