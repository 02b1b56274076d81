//! Users: their rights, their passwords, their end.

use crate::common::*;
use crate::support::edge::new_command;
use crate::support::{ANNA, COMPANY, FAR, World};
use ponte_gateway::store::UserRow;
use ponte_protocol::admin::{
    ADMIN_PAGE_MAX, AdminAnswer, AdminChange, AdminQuery, DeviceSettings, DidSettings, ProblemKind, Rule,
    UserSettings,
};
use ponte_protocol::{CallerId, CommandBody, EdgeFrame, EventBody, Mode, Outcome, Refusal};
use sha2::{Digest, Sha256};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_no_administrator_sees_and_changes_nothing() {
    let world = world().await;
    world.makes_change(put(bruno())).await;
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
    world
        .makes_change(put(UserSettings {
            administrator: true,
            ..bruno()
        }))
        .await;
    let mut anna = users(&world, false).await.remove(0).settings;
    anna.administrator = false;
    world.makes_change(put(anna)).await;
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
    world.makes_change(put(bruno())).await;
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
    world
        .makes_change(put(UserSettings {
            telecommuter_allowed: false,
            ..bruno()
        }))
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
    world.makes_change(put(bruno())).await;
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
    let trunks = world.admin_query(AdminQuery::Trunks).await;
    let AdminAnswer::Trunks { trunks } = trunks else {
        panic!("{trunks:?}")
    };
    assert_eq!((trunks[0].up, trunks[0].legs), (true, 2));
    assert!(trunks[0].since.0 > 0);
    world
        .makes_change(AdminChange::RemoveUser {
            user: "bruno".parse().unwrap(),
        })
        .await;
    assert_eq!(world.edge.users(), [ANNA]);
    world
        .until("the call is over", |world| {
            world.carrier.calls().iter().all(|call| call.ended_at.is_some())
        })
        .await;
    let trunks = world.admin_query(AdminQuery::Trunks).await;
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
    world.makes_change(preview).await;
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
        world.audit().await.is_empty(),
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
    world
        .makes_change(put(UserSettings {
            administrator: true,
            ..bruno()
        }))
        .await;
    world.makes_change(put(plain)).await;
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
    let AdminAnswer::Pin { pin } = world.administer(AdminChange::NewPin { user: user() }).await else {
        panic!()
    };
    assert!(pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit()));
    assert!(users(&world, false).await[0].has_pin);
    let AdminAnswer::Invitation { link, expires_at } =
        world.administer(AdminChange::InviteUser { user: user() }).await
    else {
        panic!()
    };
    let token = link
        .strip_prefix("http://localhost:8787/invite#")
        .unwrap()
        .to_owned();
    assert!(expires_at > crate::support::edge::now());
    let hash = hex::encode(Sha256::digest(token.as_bytes()));
    assert!(
        world.edge.is_invited(ANNA, &hash),
        "the edge knows it before the link is told"
    );

    let kept = world.audit().await;
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
        let AdminAnswer::Users { users, more } = world.admin_query(wanted).await else {
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
    let AdminAnswer::Users { users, more } = world.admin_query(wanted).await else {
        panic!()
    };
    assert_eq!((users.len(), more), (11, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_was_made_while_the_link_was_down_reaches_the_edge() {
    let world = World::start().await;
    world.edge.cut(Duration::from_secs(4));
    world.edge.wait_unlinked().await;
    let hash = "ab".repeat(32);
    store(&world, async |store| {
        store
            .add_user(crate::support::edge::user_row("bruno", false))
            .await
            .unwrap();
        let invitation = ponte_gateway::store::Invitation {
            user: "bruno".parse().unwrap(),
            token_hash: hash.clone(),
            expires_at: crate::support::edge::now().plus(3_600_000),
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
