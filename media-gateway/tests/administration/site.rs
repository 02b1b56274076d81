//! What belongs to the site: numbers, groups, settings.

use crate::common::*;
use crate::support::{ANNA, COMPANY, FAR, HOME};
use ponte_protocol::admin::{
    AdminAnswer, AdminChange, AdminQuery, DidSettings, GroupSettings, ProblemKind, Rule, SiteSettings,
    UserSettings,
};
use ponte_pstn_sim::{Behaviour, PlaceCall};

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
    world
        .makes_change(AdminChange::PutDid { settings: did("201") })
        .await;
    world.place(PlaceCall::new(FAR, number));
    world
        .until("Anna's telephone rings", |world| world.calls_to(HOME).len() == 1)
        .await;
    let AdminAnswer::Dids { dids, more } = world.admin_query(AdminQuery::Dids { after: None }).await else {
        panic!()
    };
    assert!(!more);
    let shown: Vec<_> = dids
        .iter()
        .map(|did| (did.number.as_str(), did.configured))
        .collect();
    assert_eq!(shown, [(COMPANY, true), (number, false)]);
    world
        .makes_change(AdminChange::RemoveDid {
            number: number.parse().unwrap(),
        })
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
async fn the_sites_settings_hold_at_once_and_go_back_to_the_configurations() {
    let world = world().await;
    let settings = world.site_settings().await;
    assert!(settings.call_waiting && settings.no_answer_ms == 18_000);
    let explained = async |number: &str| {
        let wanted = AdminQuery::Explain {
            user: ANNA.parse().unwrap(),
            number: number.parse().unwrap(),
        };
        match world.admin_query(wanted).await {
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
        ..settings.clone()
    };
    world
        .makes_change(AdminChange::PutSite {
            settings: Box::new(wanted.clone()),
        })
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
    let entry = world.audit().await.remove(0);
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
    world
        .makes_change(AdminChange::PutSite {
            settings: Box::new(before),
        })
        .await;
    let row = store(&world, async |store| store.site().await.unwrap()).await;
    assert_eq!(row.time_zone.as_deref(), Some("Asia/Tokyo"));
    let settings = Box::new(settings);
    world.makes_change(AdminChange::PutSite { settings }).await;
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
    world
        .makes_change(AdminChange::PutGroup {
            settings: settings.clone(),
        })
        .await;
    world
        .makes_change(put(UserSettings {
            group: Some("sales".to_owned()),
            ..bruno()
        }))
        .await;
    let remove = || AdminChange::RemoveGroup {
        name: "sales".to_owned(),
    };
    assert_eq!(
        fields(&problems(&world, remove()).await),
        [("name", ProblemKind::InUse)]
    );
    let AdminAnswer::Groups { groups, site, more } =
        world.admin_query(AdminQuery::Groups { after: None }).await
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
    world.makes_change(add).await;
    let destinations = async || match world.admin_query(AdminQuery::Destinations { user: user() }).await {
        AdminAnswer::Destinations { destinations } => destinations,
        other => panic!("{other:?}"),
    };
    let kept = destinations().await;
    assert_eq!((kept.len(), kept[0].verified, kept[0].confirm), (1, true, false));
    let remove = AdminChange::RemoveDestination {
        user: user(),
        destination: kept[0].id,
    };
    world.makes_change(remove.clone()).await;
    assert_eq!(
        fields(&problems(&world, remove).await),
        [("destination", ProblemKind::NotFound)]
    );
    assert!(destinations().await.is_empty());
    assert!(
        world
            .audit()
            .await
            .iter()
            .all(|entry| !format!("{entry:?}").contains("2071234567")),
        "private numbers are no matter of the log"
    );
}
