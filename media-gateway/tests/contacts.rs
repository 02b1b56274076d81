//! Users' own directories through the whole gateway: names on calls (rule T7), files, the users of the site.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{
    Availability, CommandBody, Contact, ContactFormat, ContactId, ContactNumber, ContactText, DialString,
    EdgeFrame, EventBody, ImportPreview, ImportProblemKind, LegRole, LineState, Outcome, Refusal,
};
use ponte_pstn_sim::{Answer, Behaviour, PlaceCall};
use support::{ANNA, COMPANY, FAR, HOME, World};
use uuid::Uuid;

const BRUNO: &str = "bruno";

fn contact(name: &str, numbers: &[&str]) -> Contact {
    let number = |number: &&str| ContactNumber {
        label: "mobile".into(),
        number: number.parse().unwrap(),
    };
    Contact {
        id: ContactId(Uuid::now_v7()),
        name: name.into(),
        organisation: String::new(),
        numbers: numbers.iter().map(number).collect(),
        favourite: false,
        notes: String::new(),
    }
}

async fn save(world: &World, user: &str, contact: &Contact) {
    let contact = Box::new(contact.clone());
    world.accepted(user, CommandBody::SaveContact { contact }).await;
}

async fn read(world: &World, text: &str) -> (Uuid, ImportPreview) {
    let import = Uuid::now_v7();
    let half = text.len() / 2;
    let parts = [&text[..half], &text[half..]];
    for (part, text) in parts.into_iter().enumerate() {
        let body = CommandBody::ReadContacts {
            import,
            part: u16::try_from(part).unwrap(),
            last: part == 1,
            text: ContactText(text.to_owned()),
        };
        match world.edge.command(ANNA, body).await {
            Outcome::Accepted { .. } if part == 0 => {}
            Outcome::ContactsRead(preview) if part == 1 => return (import, preview),
            other => panic!("{other:?}"),
        }
    }
    unreachable!()
}

async fn all(world: &World, user: &str) -> Vec<Contact> {
    let body = CommandBody::FetchContacts {
        after: None,
        limit: 500,
    };
    match world.edge.command(user, body).await {
        Outcome::Contacts(page) if !page.more => page.contacts,
        other => panic!("{other:?}"),
    }
}

fn ringing() -> PlaceCall {
    PlaceCall {
        telephone: Answer::default(),
        ..PlaceCall::new(FAR, COMPANY)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t07_a_caller_has_the_name_that_the_user_gave_and_keeps_it_in_the_log() {
    let world = World::start().await;
    world.carrier.set_number(HOME, Behaviour::RingOut).unwrap();
    world.enter(HOME, Some(false)).await;
    // As it is written in the country: the numbering plan makes it the number that the network tells.
    save(&world, ANNA, &contact("Nadia Neri", &["02 98765401"])).await;
    let kept = &all(&world, ANNA).await[0];
    assert_eq!(kept.numbers[0].number.as_str(), FAR);
    world.place(PlaceCall {
        give_up_after_ms: Some(1500),
        ..ringing()
    });
    let call = world.shown().await;
    let far = call.leg(LegRole::Far).unwrap();
    assert_eq!(
        (far.number.as_str(), far.name.as_deref()),
        (FAR, Some("Nadia Neri"))
    );
    let record = world.ended(call.id).await;
    assert_eq!(record.name.as_deref(), Some("Nadia Neri"));
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    let logged = loop {
        let log = CommandBody::FetchLog {
            before: None,
            limit: 1,
        };
        match world.edge.command(ANNA, log).await {
            Outcome::Log(mut page) if !page.records.is_empty() => break page.records.remove(0),
            // Records are written in groups.
            Outcome::Log(_) => assert!(
                tokio::time::Instant::now() < deadline,
                "the call is not in the log"
            ),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(logged.name.as_deref(), Some("Nadia Neri"));
    // Nobody's names reach the log of the process.
    assert!(!world.log().contains("Nadia"), "{}", world.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t07_who_is_called_has_a_name_too_also_after_a_restart() {
    let mut world = World::start().await;
    save(&world, ANNA, &contact("Nadia Neri", &[FAR])).await;
    world.stop_gateway().await;
    world.start_gateway().await;
    let answer = Behaviour::Answer(Answer::default());
    world.telephones(answer.clone(), answer).await;
    let call = world.dial().await;
    world.connected(call).await;
    let state = world.edge.state(ANNA).unwrap();
    assert_eq!(state.contacts.total, 1);
    let far = state.calls[0].leg(LegRole::Far).unwrap();
    assert_eq!(far.name.as_deref(), Some("Nadia Neri"));
    world.hang_up(call).await;
    assert_eq!(world.ended(call).await.name.as_deref(), Some("Nadia Neri"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_is_deleted_and_brought_back_and_is_nobody_elses() {
    let world = World::start().await;
    world.add_user(BRUNO, false).await;
    world
        .until("the gateway knows Bruno", |world| {
            world.edge.users().contains(&BRUNO.to_owned())
        })
        .await;
    let nadia = contact("Nadia", &[FAR, "201"]);
    save(&world, ANNA, &nadia).await;
    assert_eq!(all(&world, BRUNO).await, []);
    let delete = || CommandBody::DeleteContact { contact: nadia.id };
    let stranger = world.edge.command(BRUNO, delete()).await;
    let refusal = Refusal::UnknownContact;
    assert_eq!(stranger, Outcome::Refused { refusal });
    world.accepted(ANNA, delete()).await;
    assert_eq!(all(&world, ANNA).await, []);
    save(&world, ANNA, &nadia).await;
    assert_eq!(all(&world, ANNA).await, std::slice::from_ref(&nadia));
    let told = world
        .edge
        .wait_event(|body| matches!(body, EventBody::ContactsChanged { book, .. } if book.version == 3))
        .await;
    let EventBody::ContactsChanged { saved, .. } = told else {
        panic!("{told:?}")
    };
    assert_eq!(saved.as_deref(), Some(&nadia));
    let nonsense = Box::new(contact("Nobody", &["0299"]));
    let refused = world
        .edge
        .command(ANNA, CommandBody::SaveContact { contact: nonsense })
        .await;
    let refusal = Refusal::InvalidNumber;
    assert_eq!(refused, Outcome::Refused { refusal });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_previewed_before_anything_is_kept_and_comes_out_again() {
    let world = World::start().await;
    let file = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Nadia Neri\r\nTEL;TYPE=CELL:333 1234567\r\nEND:VCARD\r\n\
        BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Otto\r\nTEL:nonsense\r\nEND:VCARD\r\n\
        BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Piero\r\nTEL:tel:+39-02-98765401\r\nNOTE:a\\nb\r\nEND:VCARD\r\n";
    let (import, preview) = read(&world, file).await;
    assert_eq!((preview.added, preview.known, preview.faults), (2, 0, 1));
    let problem = &preview.problems[0];
    assert_eq!((problem.entry, problem.kind), (2, ImportProblemKind::BadNumber));
    assert_eq!(
        (problem.name.as_str(), problem.text.as_str()),
        ("Otto", "nonsense")
    );
    assert_eq!(all(&world, ANNA).await, [], "a preview keeps nothing");
    world.accepted(ANNA, CommandBody::ImportContacts { import }).await;
    let again = world
        .edge
        .command(ANNA, CommandBody::ImportContacts { import })
        .await;
    let refusal = Refusal::Expired;
    assert_eq!(again, Outcome::Refused { refusal });
    let kept = all(&world, ANNA).await;
    let numbers: Vec<&DialString> = kept.iter().map(|contact| &contact.numbers[0].number).collect();
    assert_eq!(
        numbers.iter().map(|number| number.as_str()).collect::<Vec<_>>(),
        ["+393331234567", FAR]
    );
    for format in [ContactFormat::Vcard, ContactFormat::Csv] {
        let body = CommandBody::ExportContacts { format, after: None };
        let Outcome::ContactsText { text, next: None } = world.edge.command(ANNA, body).await else {
            panic!("no file")
        };
        let (_, preview) = read(&world, &text.0).await;
        assert_eq!(
            (preview.added, preview.known, preview.faults),
            (0, 2, 0),
            "{format:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t12_a_portal_that_watches_sees_colleagues_change() {
    let world = World::start().await;
    world.add_user(BRUNO, false).await;
    world
        .until("the gateway knows Bruno", |world| {
            world.edge.state(BRUNO).is_some()
        })
        .await;
    let portal = Uuid::now_v7();
    world.edge.send(EdgeFrame::WatchCompany {
        user: BRUNO.parse().unwrap(),
        portal,
    });
    let anna = world.edge.colleague(ANNA, |_| true).await;
    assert_eq!((anna.line, anna.telecommuting), (LineState::NotConnected, false));
    assert_eq!(anna.extension.as_str(), "201");
    world.carrier.set_number(HOME, Behaviour::RingOut).unwrap();
    world.enter(HOME, Some(false)).await;
    let body = CommandBody::SetPresence {
        availability: Availability::Away,
        status: "Back at three".into(),
        status_until: None,
    };
    world.accepted(ANNA, body).await;
    let away = world
        .edge
        .colleague(ANNA, |anna| {
            anna.line == LineState::Free && anna.availability == Availability::Away
        })
        .await;
    assert_eq!(
        (away.telecommuting, away.status.as_str()),
        (true, "Back at three")
    );
    world.place(PlaceCall {
        give_up_after_ms: Some(4000),
        ..ringing()
    });
    let rings = world
        .edge
        .colleague(ANNA, |anna| anna.line == LineState::Ringing)
        .await;
    assert!(rings.telecommuting);
    // Whom a colleague speaks with is told to nobody.
    assert!(!world.edge.company_text().contains(&FAR[3..]));
    world
        .edge
        .colleague(ANNA, |anna| anna.line == LineState::Free)
        .await;
}
