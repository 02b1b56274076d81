//! Account codes through the whole gateway: before, during and after a call, by portal, by key and by desk telephone; what
//! the record says, also after a crash (rules T4, T13 and T18).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::unnecessary_wraps)]

mod support;

use ponte_gateway::store::{Store, StoreOptions, StoreUse};
use ponte_protocol::admin::{
    AccountCodeSettings, AdminAnswer, AdminChange, AdminQuery, AuditEntry, Problem, ProblemKind, SiteSettings,
};
use ponte_protocol::{
    AccountCodePolicy, BookedCode, CallId, CallRecord, CauseReason, CommandBody, Outcome, Refusal,
};
use ponte_pstn_sim::{Answer, Behaviour, Press};
use std::time::Duration;
use support::baresip::{Baresip, Settings};
use support::{ANNA, FAR, HOME, Options, PASSWORD, PATIENCE, World};

const HOME_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1130.0;
const DESK: &str = "desk-201";

fn speaks(hz: f64, press: &[(&str, u64)]) -> Behaviour {
    Behaviour::Answer(Answer {
        after_ms: 100,
        tone_hz: Some(hz),
        press: press
            .iter()
            .map(|(digits, at_ms)| Press {
                digits: (*digits).to_owned(),
                at_ms: *at_ms,
            })
            .collect(),
        ..Answer::default()
    })
}

/// A site with this policy and two codes in use, and one that no longer is. Anna is an administrator.
async fn site(policy: &str) -> World {
    let world = World::administered(Options {
        site: format!("account_codes = \"{policy}\""),
        ..Options::default()
    })
    .await;
    for (code, name, active) in [
        ("1042", "Rossi", true),
        ("2001", "Verdi", true),
        ("999", "Neri", false),
    ] {
        let settings = AccountCodeSettings {
            code: code.parse().unwrap(),
            name: name.to_owned(),
            active,
        };
        world.makes_change(AdminChange::PutAccountCode { settings }).await;
    }
    world.telephones(speaks(HOME_HZ, &[]), speaks(FAR_HZ, &[])).await;
    world
}

fn booked(code: &str, name: &str) -> Option<BookedCode> {
    Some(BookedCode {
        code: code.parse().unwrap(),
        name: name.to_owned(),
    })
}

fn dial_to(number: &str, code: Option<&str>) -> CommandBody {
    CommandBody::Dial {
        number: number.parse().unwrap(),
        account_code: code.map(|code| code.parse().unwrap()),
    }
}

async fn dial(world: &World, code: Option<&str>) -> CallId {
    world.begins(ANNA, dial_to(FAR, code)).await
}

fn set(call: CallId, code: Option<&str>) -> CommandBody {
    CommandBody::SetAccountCode {
        call,
        account_code: code.map(|code| code.parse().unwrap()),
    }
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused { refusal }
}

/// Waits until the portal shows what the call is booked to.
async fn shows(world: &World, call: CallId, booked: Option<BookedCode>) {
    world
        .until("the portal is told", |world| {
            let state = world.edge.state(ANNA).unwrap();
            let view = state.calls.into_iter().find(|known| known.id == call);
            view.is_some_and(|view| view.account_code == booked)
        })
        .await;
}

/// The one call that is up, once there is one.
async fn up(world: &World) -> CallId {
    world
        .until("a call is up", |world| {
            world.edge.state(ANNA).unwrap().calls.len() == 1
        })
        .await;
    world.edge.state(ANNA).unwrap().calls.remove(0).id
}

fn logged(world: &World, call: CallId) -> Option<CallRecord> {
    let state = world.edge.state(ANNA).unwrap();
    state.log.into_iter().find(|known| known.id == call)
}

/// The record in the store, once it is there.
async fn stored(world: &World, call: CallId) -> CallRecord {
    let store = Store::open(StoreOptions::new(&world.folder, StoreUse::Tool))
        .await
        .unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let record = loop {
        if let Some(record) = store.record(call).await.unwrap() {
            break record;
        }
        assert!(tokio::time::Instant::now() < deadline, "no record is written");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    store.close(Duration::from_secs(5)).await;
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t04_a_call_is_dialled_with_a_code_and_not_without_one_that_is_required() {
    let world = site("required").await;
    for (code, refusal) in [
        (None, Refusal::AccountCodeRequired),
        (Some("31"), Refusal::UnknownAccountCode),
        (Some("999"), Refusal::InactiveAccountCode),
    ] {
        let outcome = world.edge.command(ANNA, dial_to(FAR, code)).await;
        assert_eq!(outcome, refused(refusal));
    }
    assert!(world.carrier.calls().is_empty(), "no telephone rang");
    let call = dial(&world, Some("1042")).await;
    shows(&world, call, booked("1042", "Rossi")).await;
    world.connected(call).await;
    world.hang_up(call).await;
    let record = world.ended(call).await;
    assert_eq!(record.account_code, booked("1042", "Rossi"));
    assert_eq!(stored(&world, call).await.account_code, booked("1042", "Rossi"));
    // As at a telephone.
    let outcome = world
        .edge
        .command(ANNA, dial_to("*152001*0298765401", None))
        .await;
    let Outcome::Accepted { call: Some(call) } = outcome else {
        panic!("{outcome:?}");
    };
    shows(&world, call, booked("2001", "Verdi")).await;
    world.hang_up(call).await;
    assert_eq!(world.ended(call).await.dialled.as_str(), "0298765401");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_a_call_is_booked_while_it_is_up_and_a_crash_forgets_nothing() {
    let mut world = site("optional").await;
    let call = dial(&world, None).await;
    world.connected(call).await;
    let outcome = world.edge.command(ANNA, set(call, Some("31"))).await;
    assert_eq!(outcome, refused(Refusal::UnknownAccountCode));
    world.accepted(ANNA, set(call, Some("1042"))).await;
    shows(&world, call, booked("1042", "Rossi")).await;
    world.accepted(ANNA, CommandBody::Hold { call }).await;
    world.accepted(ANNA, set(call, Some("2001"))).await;
    shows(&world, call, booked("2001", "Verdi")).await;
    let was_up = || async {
        let store = Store::open(StoreOptions::new(&world.folder, StoreUse::Tool))
            .await
            .unwrap();
        let up = store.calls_up().await.unwrap();
        store.close(Duration::from_secs(5)).await;
        up.into_iter()
            .any(|(up, _)| up.account_code == booked("2001", "Verdi") && up.connected_at.is_some())
    };
    while !was_up().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.crash_gateway().await;
    world.start_gateway().await;
    world
        .until("the log has the record", |world| logged(world, call).is_some())
        .await;
    let record = logged(&world, call).unwrap();
    assert_eq!(record.cause.reason, CauseReason::GatewayRestarted);
    assert_eq!(record.account_code, booked("2001", "Verdi"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_a_call_is_booked_by_key_while_no_portal_is_connected() {
    let world = site("optional").await;
    world
        .carrier
        .set_number(HOME, speaks(HOME_HZ, &[("**731#", 2_000), ("**71042#", 6_000)]))
        .unwrap();
    let call = dial(&world, None).await;
    world.connected(call).await;
    shows(&world, call, booked("1042", "Rossi")).await;
    assert_eq!(world.call_to(FAR).media.digits(), "", "the code leaked");
    world.hang_up(call).await;
    assert_eq!(world.ended(call).await.account_code, booked("1042", "Rossi"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t18_a_record_is_booked_afterwards_by_its_user_alone_and_the_audit_log_says_so() {
    let mut world = site("required").await;
    world.add_user("bruno", false).await;
    world
        .until("the new user is known", |world| {
            world.edge.state("bruno").is_some()
        })
        .await;
    let call = dial(&world, Some("1042")).await;
    world.connected(call).await;
    world.hang_up(call).await;
    world.ended(call).await;
    let outcome = world.edge.command("bruno", set(call, Some("2001"))).await;
    assert_eq!(outcome, refused(Refusal::UnknownCall));
    let outcome = world.edge.command(ANNA, set(call, None)).await;
    assert_eq!(outcome, refused(Refusal::AccountCodeRequired));
    let outcome = world.edge.command(ANNA, set(call, Some("999"))).await;
    assert_eq!(outcome, refused(Refusal::InactiveAccountCode));
    // To another, and back.
    for (code, name) in [("2001", "Verdi"), ("1042", "Rossi"), ("2001", "Verdi")] {
        let outcome = world.edge.command(ANNA, set(call, Some(code))).await;
        assert_eq!(outcome, Outcome::Accepted { call: Some(call) });
        world
            .until("the log says so", |world| {
                logged(world, call).unwrap().account_code == booked(code, name)
            })
            .await;
    }
    let page = CommandBody::FetchLog {
        before: None,
        limit: 10,
    };
    let Outcome::Log(page) = world.edge.command(ANNA, page).await else {
        panic!("no page");
    };
    assert_eq!(page.records[0].account_code, booked("2001", "Verdi"));
    assert_eq!(page.records[0].legs.len(), 2, "the rest stays");
    let notes: Vec<AuditEntry> = world.audit().await;
    let note = notes.first().unwrap();
    assert_eq!(
        (note.action.as_str(), &note.subject),
        ("record_booked", &call.to_string())
    );
    assert_eq!(note.by, Some(ANNA.parse().unwrap()));
    assert_eq!(
        notes.iter().filter(|note| note.action == "record_booked").count(),
        3
    );

    world.stop_gateway().await;
    world.start_gateway().await;
    world
        .until("the log is back", |world| logged(world, call).is_some())
        .await;
    assert_eq!(
        logged(&world, call).unwrap().account_code,
        booked("2001", "Verdi")
    );
}

async fn find(world: &World, find: &str) -> Vec<String> {
    let body = CommandBody::FindAccountCodes {
        find: find.to_owned(),
    };
    match world.edge.command(ANNA, body).await {
        Outcome::AccountCodes { codes, more: false } => {
            codes.into_iter().map(|known| known.code.to_string()).collect()
        }
        outcome => panic!("{outcome:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_keeps_the_list_and_a_user_finds_in_it() {
    let world = site("optional").await;
    assert_eq!(find(&world, "").await, ["1042", "2001"]);
    assert_eq!(find(&world, "ROSS").await, ["1042"]);
    assert_eq!(
        find(&world, "2").await,
        ["2001", "1042"],
        "those that begin with it first"
    );
    assert!(find(&world, "neri").await.is_empty(), "it is not in use");
    let nameless = AccountCodeSettings {
        code: "7".parse().unwrap(),
        name: " ".to_owned(),
        active: true,
    };
    let answer = world
        .administer(AdminChange::PutAccountCode { settings: nameless })
        .await;
    let problem = Problem {
        field: "name".to_owned(),
        kind: ProblemKind::Malformed,
    };
    assert_eq!(
        answer,
        AdminAnswer::Invalid {
            problems: vec![problem]
        }
    );
    let code = "1042".parse().unwrap();
    let removed = world.administer(AdminChange::RemoveAccountCode { code }).await;
    assert_eq!(removed, AdminAnswer::Done);
    assert_eq!(find(&world, "").await, ["2001"]);
    let query = AdminQuery::AccountCodes {
        after: None,
        find: "e".to_owned(),
    };
    let answer = world.admin_query(query).await;
    let AdminAnswer::AccountCodes { codes, more: false } = answer else {
        panic!("{answer:?}");
    };
    let codes: Vec<_> = codes
        .iter()
        .map(|known| (known.code.as_str(), known.active))
        .collect();
    assert_eq!(codes, [("2001", true), ("999", false)]);
    let actions: Vec<String> = world.audit().await.into_iter().map(|note| note.action).collect();
    assert_eq!(actions[..2], ["account_code_removed", "account_code_added"]);

    // The policy of a site that runs.
    let settings = world.site_settings().await;
    assert_eq!(settings.account_codes, Some(AccountCodePolicy::Optional));
    let settings = Box::new(SiteSettings {
        account_codes: Some(AccountCodePolicy::Off),
        ..settings
    });
    world.makes_change(AdminChange::PutSite { settings }).await;
    world
        .until("the portal is told", |world| {
            world.edge.state(ANNA).unwrap().profile.account_codes == AccountCodePolicy::Off
        })
        .await;
    let outcome = world.edge.command(ANNA, dial_to(FAR, Some("2001"))).await;
    assert_eq!(outcome, refused(Refusal::NotPermitted));
    assert!(find(&world, "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t04_a_desk_telephone_gives_the_code_before_the_number_or_is_asked_for_it() {
    let world = site("required").await;
    world.accepted(ANNA, CommandBody::LeaveTelecommuter).await;
    world.add_device(DESK, Some(ANNA), false).await;
    world
        .station(ANNA, DESK, |station| station.own && station.logged_on)
        .await;
    let settings = Settings::desk(DESK, (DESK, PASSWORD), world.sip, HOME_HZ);
    let desk = Baresip::start(&settings).await;
    desk.registered().await;
    world
        .station(ANNA, DESK, |station| station.registered && station.logged_on)
        .await;
    desk.dial("*151042*0298765401").await;
    desk.established(1).await;
    let call = up(&world).await;
    shows(&world, call, booked("1042", "Rossi")).await;
    desk.hang_up().await;
    let record = world.ended(call).await;
    assert_eq!(record.account_code, booked("1042", "Rossi"));
    assert_eq!(record.dialled.as_str(), "0298765401");

    desk.dial("0298765401").await;
    desk.established(2).await;
    assert_eq!(world.calls_to(FAR).len(), 1, "nobody is called before");
    // "Please enter the account code."
    tokio::time::sleep(Duration::from_secs(2)).await;
    desk.press("2001#").await;
    world
        .until("the other party hears the telephone", |world| {
            let calls = world.calls_to(FAR);
            calls.len() == 2 && calls[1].media.has_heard(HOME_HZ, 500)
        })
        .await;
    let call = up(&world).await;
    shows(&world, call, booked("2001", "Verdi")).await;
    desk.hang_up().await;
    assert_eq!(world.ended(call).await.account_code, booked("2001", "Verdi"));
}
