//! The directory elsewhere: `OpenLDAP`'s own server, asked by the whole gateway.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::admin::{AdminAnswer, AdminChange, AdminQuery};
use ponte_protocol::external::{DirectoryPassword, DirectorySettings};
use ponte_protocol::{
    CallRecord, CommandBody, DirectoryFault, EdgeFrame, EventBody, ExternalPage, LegRole, Outcome, Refusal,
    SearchText,
};
use ponte_pstn_sim::{Answer, Behaviour, PlaceCall};
use std::time::{Duration, Instant};
use support::slapd::{BASE, Certificates, NAME, Person, SECRET, Slapd};
use support::{ANNA, COMPANY, FAR, HOME, Options, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const JUERGEN: Person<'_> = &[
    ("cn", "Jürgen Größe"),
    ("sn", "Größe"),
    ("telephoneNumber", "+39 02 9876-5401"),
    ("telephoneNumber", "02 98765402"),
    ("mobile", "333 123 4567"),
    ("homePhone", "no number"),
    ("mail", "juergen@example.com"),
    ("o", "Studio Größe"),
];
const STAR: Person<'_> = &[
    ("cn", r"Star *()\ Person"),
    ("sn", "Person"),
    ("telephoneNumber", "201"),
];
const NADIA: Person<'_> = &[
    ("cn", "Nadia Neri"),
    ("sn", "Neri"),
    ("mobile", "+41 44 668 18 00"),
];

fn settings(server: &Slapd) -> DirectorySettings {
    DirectorySettings {
        name: "Clients".into(),
        url: server.url(),
        bind_dn: NAME.into(),
        base_dn: BASE.into(),
        ..DirectorySettings::default()
    }
}

/// A gateway whose administrator is Anna.
async fn world() -> World {
    World::administered(Options::default()).await
}

async fn put(world: &World, settings: &DirectorySettings, password: Option<&str>) -> AdminAnswer {
    let change = AdminChange::PutDirectory {
        settings: Box::new(settings.clone()),
        password: password.map(|text| DirectoryPassword(text.to_owned())),
    };
    world.administer(change).await
}

/// Sets the directory, so that the gateway asks it from here on.
async fn set(world: &World, settings: &DirectorySettings) {
    assert_eq!(put(world, settings, Some(SECRET)).await, AdminAnswer::Done);
}

async fn outcome(world: &World, find: &str) -> Outcome {
    let find = SearchText(find.to_owned());
    world
        .edge
        .command(ANNA, CommandBody::SearchExternal { find })
        .await
}

async fn search(world: &World, find: &str) -> ExternalPage {
    match outcome(world, find).await {
        Outcome::External(page) => page,
        other => panic!("{find}: {other:?}"),
    }
}

async fn names(world: &World, find: &str) -> Vec<String> {
    let page = search(world, find).await;
    page.people.into_iter().map(|person| person.name).collect()
}

async fn fault(world: &World, find: &str) -> DirectoryFault {
    match outcome(world, find).await {
        Outcome::Refused {
            refusal: Refusal::DirectoryFailed { fault },
        } => fault,
        other => panic!("{find}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_found_by_any_part_and_what_is_typed_is_no_filter() {
    let server = Slapd::start(&[JUERGEN, STAR, NADIA], None, false);
    let world = world().await;
    assert!(matches!(
        outcome(&world, "nadia").await,
        Outcome::Refused {
            refusal: Refusal::NoDirectory
        }
    ));
    set(&world, &settings(&server)).await;
    let told = world
        .edge
        .wait_event(|body| matches!(body, EventBody::ProfileChanged { profile } if profile.external_directory.is_some()))
        .await;
    let EventBody::ProfileChanged { profile } = told else {
        unreachable!()
    };
    assert_eq!(profile.external_directory.as_deref(), Some("Clients"));

    let page = search(&world, "größ").await;
    assert!(!page.more);
    let [person] = &page.people[..] else {
        panic!("{page:?}")
    };
    assert_eq!(
        (
            person.name.as_str(),
            person.organisation.as_str(),
            person.email.as_str()
        ),
        ("Jürgen Größe", "Studio Größe", "juergen@example.com")
    );
    let mut numbers: Vec<_> = person
        .numbers
        .iter()
        .map(|number| (number.label.as_str(), number.number.as_str()))
        .collect();
    // Of one attribute's values LDAP promises no order.
    numbers.sort_unstable();
    let wanted = [
        ("mobile", "+393331234567"),
        ("work", "+390298765401"),
        ("work", "+390298765402"),
    ];
    assert_eq!(numbers, wanted);

    let juergen = ["Jürgen Größe"];
    for find in ["JÜRG", "größe jürgen", "juergen@", "02 9876", "298765402"] {
        assert_eq!(names(&world, find).await, juergen, "{find}");
    }
    assert_eq!(
        names(&world, "er").await,
        ["Jürgen Größe", "Nadia Neri", r"Star *()\ Person"]
    );
    // Every one of these would find somebody else if it were read as a filter.
    for find in [r"*()\", "*()", r") \", "(*"] {
        let expected: &[&str] = if find == "(*" { &[] } else { &[r"Star *()\ Person"] };
        assert_eq!(names(&world, find).await, expected, "{find}");
    }
    for find in [
        "**",
        "*)(uid=*",
        "*)(objectClass=*))(|(cn=*",
        r"\2a",
        "nadia jürgen",
        "\u{1F4DE}\u{1F4DE}",
    ] {
        assert_eq!(names(&world, find).await, [""; 0], "{find}");
    }
    assert!(matches!(
        outcome(&world, "n").await,
        Outcome::Refused {
            refusal: Refusal::Malformed { .. }
        }
    ));
    // One connection carried all of it.
    assert_eq!(server.binds(), 1, "{}", server.log());
    assert!(
        !world.log().contains("Nadia") && !world.log().contains(SECRET),
        "{}",
        world.log()
    );

    assert_eq!(
        world.administer(AdminChange::RemoveDirectory).await,
        AdminAnswer::Done
    );
    world
        .edge
        .wait_event(|body| matches!(body, EventBody::ProfileChanged { profile } if profile.external_directory.is_none()))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_the_limit_are_cut_and_it_is_told() {
    let people: Vec<[(&str, String); 2]> = (0..12)
        .map(|n| [("cn", format!("Person {n:02}")), ("sn", "Person".to_owned())])
        .collect();
    let people: Vec<Vec<(&str, &str)>> = people
        .iter()
        .map(|person| {
            person
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect()
        })
        .collect();
    let people: Vec<Person<'_>> = people.iter().map(Vec::as_slice).collect();
    let server = Slapd::start(&people, None, false);
    let world = world().await;
    let limited = |limit| DirectorySettings {
        limit,
        ..settings(&server)
    };
    set(&world, &limited(5)).await;
    let page = search(&world, "person").await;
    assert_eq!((page.people.len(), page.more), (5, true));
    assert!(page.people.is_sorted_by_key(|person| person.name.clone()));
    set(&world, &limited(12)).await;
    let page = search(&world, "person").await;
    assert_eq!((page.people.len(), page.more), (12, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_and_the_right_one_to_nobody() {
    let server = Slapd::start(&[NADIA], None, false);
    let world = world().await;
    let wanted = settings(&server);
    let wrong = "wrong-secret";
    assert_eq!(put(&world, &wanted, Some(wrong)).await, AdminAnswer::Done);
    assert_eq!(fault(&world, "nadia").await, DirectoryFault::NotAuthorised);
    set(&world, &wanted).await;
    assert_eq!(names(&world, "nadia").await, ["Nadia Neri"]);

    // What is kept can be used on, but is not read, and goes to no other server.
    let read = world.admin_query(AdminQuery::Directory).await;
    let AdminAnswer::Directory {
        settings: Some(read),
        has_password: true,
    } = read
    else {
        panic!("{read:?}")
    };
    assert_eq!(*read, wanted);
    let fewer = DirectorySettings {
        limit: 7,
        ..wanted.clone()
    };
    assert_eq!(put(&world, &fewer, None).await, AdminAnswer::Done);
    assert_eq!(names(&world, "nadia").await, ["Nadia Neri"]);
    let elsewhere = DirectorySettings {
        url: "ldap://127.0.0.1:1".into(),
        ..wanted
    };
    let AdminAnswer::Invalid { problems } = put(&world, &elsewhere, None).await else {
        panic!("the password was taken along");
    };
    assert_eq!(problems[0].field, "password");
    let audit = serde_json::to_string(&world.audit().await).unwrap();
    assert!(audit.contains("directory_changed"), "{audit}");
    for secret in [SECRET, wrong] {
        assert!(!audit.contains(secret) && !world.log().contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_is_found_again() {
    let mut server = Slapd::start(&[NADIA], None, false);
    let world = world().await;
    set(&world, &settings(&server)).await;
    assert_eq!(names(&world, "nadia").await, ["Nadia Neri"]);
    server.kill();
    assert_eq!(fault(&world, "nadia").await, DirectoryFault::Unreachable);
    server.serve();
    assert_eq!(names(&world, "nadia").await, ["Nadia Neri"]);
    // Restarted between two searches: nobody is told of it.
    server.kill();
    server.serve();
    assert_eq!(names(&world, "neri").await, ["Nadia Neri"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_servers_certificate_is_verified() {
    let (ours, others) = (Certificates::new(), Certificates::new());
    let world = world().await;
    for (ldaps, start_tls) in [(true, false), (false, true)] {
        let server = Slapd::start(&[NADIA], Some(&ours), ldaps);
        let trusting = |authority: &str| DirectorySettings {
            start_tls,
            ca: authority.to_owned(),
            ..settings(&server)
        };
        set(&world, &trusting(&ours.authority)).await;
        assert_eq!(names(&world, "nadia").await, ["Nadia Neri"], "ldaps {ldaps}");
        // Another authority, and those of the system.
        for authority in [others.authority.as_str(), ""] {
            set(&world, &trusting(authority)).await;
            assert_eq!(
                fault(&world, "nadia").await,
                DirectoryFault::Untrusted,
                "ldaps {ldaps}"
            );
        }
    }
    // One that cannot turn to TLS is told nothing.
    let plain = Slapd::start(&[NADIA], None, false);
    let wanted = DirectorySettings {
        start_tls: true,
        ca: ours.authority,
        ..settings(&plain)
    };
    set(&world, &wanted).await;
    fault(&world, "nadia").await;
    assert_eq!(plain.binds(), 0, "{}", plain.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_silent_hinders_nothing_and_a_later_search_takes_the_place_of_the_one_before() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Slapd::start(&[NADIA], None, false);
    let world = world().await;
    let hangs = DirectorySettings {
        url: format!("ldap://{}", silent.local_addr().unwrap()),
        timeout_ms: 3_000,
        ..settings(&server)
    };
    set(&world, &hangs).await;
    let sent: Vec<_> = ["na", "nad", "nadi"]
        .map(|find| {
            let body = CommandBody::SearchExternal {
                find: SearchText(find.to_owned()),
            };
            let command = support::edge::new_command(body);
            let id = command.id;
            let user = ANNA.parse().unwrap();
            world.edge.send(EdgeFrame::Command { user, command });
            id
        })
        .into();
    let asked = Instant::now();
    for id in &sent[..2] {
        let Outcome::Refused { refusal } = world.edge.reply(*id).await.outcome else {
            panic!("it was not refused");
        };
        assert_eq!(refusal, Refusal::Superseded);
    }
    // Meanwhile everything else goes on.
    let answer = Behaviour::Answer(Answer::default());
    world.telephones(answer.clone(), answer).await;
    let call = world.dial().await;
    world.connected(call).await;
    world.hang_up(call).await;
    let Outcome::Refused { refusal } = world.edge.reply(sent[2]).await.outcome else {
        panic!("it was not refused");
    };
    assert_eq!(
        refusal,
        Refusal::DirectoryFailed {
            fault: DirectoryFault::TooSlow
        }
    );
    assert!(
        asked.elapsed() >= Duration::from_millis(2_500),
        "{:?}",
        asked.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_sends_what_would_hurt_is_hung_up_on() {
    let levels = 30_000;
    let mut nested = Vec::with_capacity(levels * 6);
    for level in 1..=levels {
        nested.extend([0x30, 0x84]);
        nested.extend(u32::try_from((levels - level) * 6).unwrap().to_be_bytes());
    }
    let hostile = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}", hostile.local_addr().unwrap());
    tokio::spawn(async move {
        let answers: [&[u8]; 3] = [
            &nested,
            b"\x30\x84\xff\xff\xff\xff",
            b"220 mail.example.com ESMTP\r\n",
        ];
        for answer in answers.into_iter().cycle() {
            let (mut stream, _) = hostile.accept().await.unwrap();
            drop(stream.write_all(answer).await);
            // Until it is hung up on.
            drop(stream.read_to_end(&mut Vec::new()).await);
        }
    });
    let server = Slapd::start(&[NADIA], None, false);
    let world = world().await;
    let hurtful = DirectorySettings {
        url,
        ..settings(&server)
    };
    set(&world, &hurtful).await;
    for find in ["nadia", "neri", "nadia neri"] {
        assert_eq!(fault(&world, find).await, DirectoryFault::Failed);
    }
    set(&world, &settings(&server)).await;
    assert_eq!(names(&world, "nadia").await, ["Nadia Neri"]);
}

/// The newest record as a portal reads it, once it has a name.
async fn named_in_the_log(world: &World) -> CallRecord {
    let until = Instant::now() + support::PATIENCE;
    loop {
        let log = CommandBody::FetchLog {
            before: None,
            limit: 1,
        };
        match world.edge.command(ANNA, log).await {
            Outcome::Log(page) => {
                if let Some(record) = page.records.into_iter().find(|record| record.name.is_some()) {
                    return record;
                }
            }
            other => panic!("{other:?}"),
        }
        assert!(Instant::now() < until, "no record has a name");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn ringing(give_up_after_ms: u64) -> PlaceCall {
    PlaceCall {
        telephone: Answer::default(),
        give_up_after_ms: Some(give_up_after_ms),
        ..PlaceCall::new(FAR, COMPANY)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t07_a_caller_of_no_other_directory_has_the_name_of_this_one() {
    // However it is written there; and another's number that ends alike.
    let person: Person<'_> = &[
        ("cn", "Nadia Neri"),
        ("sn", "Neri"),
        ("mobile", "(02) 98.76.54.01"),
    ];
    let other: Person<'_> = &[
        ("cn", "Otto"),
        ("sn", "Otto"),
        ("telephoneNumber", "+49 30 8765401"),
    ];
    let server = Slapd::start(&[other, person], None, false);
    let world = world().await;
    set(&world, &settings(&server)).await;
    world.carrier.set_number(HOME, Behaviour::RingOut).unwrap();
    world.enter(HOME, Some(false)).await;
    world.place(ringing(3_000));
    let named = |call: &ponte_protocol::CallView| {
        let far = call.leg(LegRole::Far);
        far.is_some_and(|leg| leg.name.as_deref() == Some("Nadia Neri"))
    };
    let call = world.shown_where(named).await;
    let record = world.ended(call.id).await;
    assert_eq!(record.name.as_deref(), Some("Nadia Neri"));
    assert_eq!(named_in_the_log(&world).await.id, call.id);
    // Who is called has the name too, and it was not asked for again.
    let asked = server.log().matches("SRCH base").count();
    let answer = Behaviour::Answer(Answer::default());
    world.telephones(answer.clone(), answer).await;
    let call = world.dial().await;
    world.connected(call).await;
    world.hang_up(call).await;
    assert_eq!(world.ended(call).await.name.as_deref(), Some("Nadia Neri"));
    assert_eq!(server.log().matches("SRCH base").count(), asked);
    assert!(!world.log().contains("Nadia"), "{}", world.log());
}

/// A way to the server on which every connection waits before it goes on.
async fn slow_way_to(server: &Slapd, wait: Duration) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    let address = server.url().trim_start_matches("ldap://").to_owned();
    tokio::spawn(async move {
        while let Ok((mut inside, _)) = listener.accept().await {
            let address = address.clone();
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                let mut outside = tokio::net::TcpStream::connect(address).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut inside, &mut outside).await);
            });
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t07_a_call_waits_for_no_name_and_its_record_gets_it_afterwards() {
    let server = Slapd::start(&[JUERGEN], None, false);
    let world = world().await;
    let slow = DirectorySettings {
        url: slow_way_to(&server, Duration::from_secs(4)).await,
        timeout_ms: 10_000,
        ..settings(&server)
    };
    set(&world, &slow).await;
    world.carrier.set_number(HOME, Behaviour::RingOut).unwrap();
    world.enter(HOME, Some(false)).await;
    world.place(ringing(500));
    let call = world.shown().await;
    assert_eq!(call.leg(LegRole::Far).unwrap().name, None);
    let record = world.ended(call.id).await;
    assert_eq!((record.number.as_str(), record.name.as_deref()), (FAR, None));
    let record = named_in_the_log(&world).await;
    assert_eq!(
        (record.id, record.name.as_deref()),
        (call.id, Some("Jürgen Größe"))
    );
    world
        .until("portals are told", |world| {
            let log = world.edge.state(ANNA).unwrap().log;
            log.iter()
                .any(|record| record.name.as_deref() == Some("Jürgen Größe"))
        })
        .await;
}
