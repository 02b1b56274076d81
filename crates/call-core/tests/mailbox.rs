//! The voicemail box on the telephone: who is let in, listening, deleting, calling back, greeting and name (rules T4, T5
//! and T9).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_call_core::{
    Announcement, BoxWords, Dialled, Effect, Event, LegId, ListedMessage, NumberClass, OwnRecording,
    ReceivedDay, Secret, Tone, UserConfig,
};
use ponte_protocol::{CallId, CallPhase, CallSettings, CauseReason, LegRole, MessageId};
use ponte_testkit::site::{ABROAD, ANNA, BRUNO, CUSTOMER, DID_ANNA, HOME, SHOP, user};
use ponte_testkit::{Phone, Told, World};

const PIN: &str = "4711";

fn message(n: u128, heard: bool, caller: Option<&str>) -> ListedMessage {
    ListedMessage {
        id: MessageId(uuid::Uuid::from_u128(n)),
        heard,
        duration_ms: 2_000,
        day: ReceivedDay::Date { day: 23, month: 11 },
        hour: 14,
        minute: 5,
        caller: caller.map(|number| {
            let dialled = Dialled::External {
                number: number.parse().unwrap(),
                class: NumberClass::Fixed,
            };
            (number.parse().unwrap(), dialled)
        }),
    }
}

fn id(n: u128) -> MessageId {
    MessageId(uuid::Uuid::from_u128(n))
}

/// Anna at her desk, with one message heard, then two new ones, from the shop and from nobody known.
fn office() -> World {
    let mut world = World::default();
    world.desk("desk-201", Some(ANNA), false);
    world.desk("desk-202", Some(BRUNO), false);
    world.phone("desk-201", Phone::answers_after(1_000));
    world.phone(SHOP, Phone::answers_after(1_000));
    world.pin("201", PIN);
    world.messages(
        ANNA,
        vec![
            message(1, true, Some(CUSTOMER)),
            message(2, false, Some(SHOP)),
            message(3, false, None),
        ],
    );
    world
}

/// Anna in her box, at the main menu.
fn inside() -> (World, CallId) {
    let mut world = office();
    let call = world.desk_dials("desk-201", "*97");
    world.run_for(1_000);
    world.caller_keys(call, &format!("{PIN}#"));
    world.run_for(500);
    (world, call)
}

/// All words said to the caller since the `from`th thing.
fn said(world: &World, call: CallId, from: usize) -> Vec<Announcement> {
    world.told(call)[from..]
        .iter()
        .flat_map(|told| match told {
            Told::Words(words) => words.clone(),
            _ => vec![],
        })
        .collect()
}

fn last_words(world: &World, call: CallId) -> Vec<Announcement> {
    let words = |told: &Told| match told {
        Told::Words(words) => Some(words.clone()),
        _ => None,
    };
    world.told(call).iter().rev().find_map(words).unwrap_or_default()
}

fn of_box(words: &[BoxWords]) -> Vec<Announcement> {
    words.iter().copied().map(Announcement::Mailbox).collect()
}

fn played(world: &World, call: CallId) -> Vec<MessageId> {
    world
        .told(call)
        .into_iter()
        .filter_map(|told| match told {
            Told::Message(message) => Some(message),
            _ => None,
        })
        .collect()
}

fn effects(world: &World, wanted: impl Fn(&Effect) -> bool) -> Vec<Effect> {
    world
        .trace()
        .iter()
        .filter(|(_, effect)| wanted(effect))
        .map(|(_, effect)| effect.clone())
        .collect()
}

#[test]
fn t09_the_box_is_opened_by_code_and_pin_and_tells_what_is_in_it() {
    let (mut world, call) = inside();
    let told = world.told(call);
    assert_eq!(told[0], Told::Answered);
    assert_eq!(told[1], Told::Words(vec![Announcement::EnterPin]));
    let mut expected = of_box(&[BoxWords::YouHave]);
    expected.push(Announcement::Digit(Secret(2)));
    expected.extend(of_box(&[BoxWords::NewMessages]));
    expected.push(Announcement::Digit(Secret(1)));
    expected.extend(of_box(&[BoxWords::OldMessages, BoxWords::MainMenu]));
    assert_eq!(last_words(&world, call), expected);
    world.caller_keys(call, "#");
    world.run_for(5_000);
    assert_eq!(world.told(call).last(), Some(&Told::HungUp));
    world.run_to_the_end();
    assert_eq!(world.switch().call_count(), 0, "nobody was called: no record");
}

#[test]
fn t09_the_own_extension_opens_the_own_box() {
    let mut world = office();
    let call = world.desk_dials("desk-201", "201");
    assert_eq!(
        world.told(call),
        [Told::Answered, Told::Words(vec![Announcement::EnterPin])]
    );
    world.caller_hangs_up(call);
    world.run_to_the_end();
    // Who has no box is not let in, whatever was dialled.
    let mut profile = user(ANNA).profile;
    profile.voicemail_allowed = false;
    world.configure_user(UserConfig {
        profile,
        ..user(ANNA)
    });
    let code = world.desk_dials("desk-201", "*97");
    assert_eq!(world.told(code), [Told::Refused(403)]);
    let own = world.desk_dials("desk-201", "201");
    assert_eq!(world.told(own), [Told::Refused(486)]);
}

#[test]
fn t09_three_wrong_pins_close_the_box_and_no_pin_prints() {
    let mut world = office();
    let call = world.desk_dials("desk-201", "*97");
    for pin in ["8888", "9999", "7777"] {
        world.run_for(1_000);
        world.caller_keys(call, pin);
        assert!(!format!("{:?}", world.switch()).contains(pin));
        // No #: the pause ends it.
        world.run_for(6_000);
    }
    assert_eq!(
        last_words(&world, call),
        [Announcement::Wrong, Announcement::Goodbye]
    );
    assert!(!format!("{:?}", world.trace()).contains("9999"));
    world.run_to_the_end();
    assert_eq!(world.told(call).last(), Some(&Told::HungUp));
    assert!(effects(&world, |effect| matches!(effect, Effect::ListMessages { .. })).is_empty());
}

#[test]
fn t09_new_messages_come_first_with_date_and_caller_digit_by_digit() {
    let (mut world, call) = inside();
    let before = world.told(call).len();
    world.caller_keys(call, "1");
    world.run_for(100);
    let digit = |digit| Announcement::Digit(Secret(digit));
    let mut expected = of_box(&[BoxWords::Message]);
    expected.push(digit(1));
    expected.extend(of_box(&[BoxWords::ReceivedOn]));
    expected.extend([digit(2), digit(3)]);
    expected.extend(of_box(&[BoxWords::Month(11), BoxWords::At]));
    expected.extend([digit(1), digit(4), digit(0), digit(5)]);
    assert_eq!(said(&world, call, before), expected);
    // The message itself, then what can be done with it.
    world.run_until("the message was played", |world| {
        last_words(world, call) == of_box(&[BoxWords::MessageMenu])
    });
    assert_eq!(played(&world, call), [id(2)]);
    let heard = effects(&world, |effect| matches!(effect, Effect::MarkHeard { .. }));
    assert_eq!(
        heard,
        [Effect::MarkHeard {
            user: ANNA.parse().unwrap(),
            message: id(2)
        }]
    );
    world.caller_keys(call, "2");
    let mut expected = expected[2..].to_vec();
    expected.extend(of_box(&[BoxWords::From]));
    expected.extend(SHOP.bytes().skip(1).map(|byte| digit(byte - b'0')));
    assert_eq!(last_words(&world, call), expected);
    // The next one is from nobody known, the last one was heard before.
    world.caller_keys(call, "62");
    assert_eq!(
        last_words(&world, call).last(),
        Some(&Announcement::Mailbox(BoxWords::FromUnknown))
    );
    world.caller_keys(call, "1");
    assert_eq!(played(&world, call), [id(2), id(3)]);
    world.caller_keys(call, "6");
    world.run_until("the next is played", |world| {
        played(world, call) == [id(2), id(3), id(1)]
    });
    world.caller_keys(call, "4");
    world.run_until("the previous is played", |world| {
        played(world, call).last() == Some(&id(3))
    });
    world.caller_keys(call, "1");
    assert_eq!(played(&world, call)[3..], [id(3), id(3)], "repeated");
    world.caller_keys(call, "66");
    assert_eq!(
        last_words(&world, call),
        of_box(&[BoxWords::NoMoreMessages, BoxWords::MainMenu])
    );
    world.caller_hangs_up(call);
    world.run_to_the_end();
}

#[test]
fn t09_who_hangs_up_before_the_message_begins_has_not_heard_it() {
    let (mut world, call) = inside();
    world.caller_keys(call, "1");
    world.run_for(500);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    assert!(effects(&world, |effect| matches!(effect, Effect::MarkHeard { .. })).is_empty());
}

#[test]
fn t09_a_message_is_deleted_and_comes_back_by_undo() {
    let (mut world, call) = inside();
    world.caller_keys(call, "13");
    let binned = |binned| Effect::BinMessage {
        user: ANNA.parse().unwrap(),
        message: id(2),
        binned,
    };
    let bins = |world: &World| effects(world, |effect| matches!(effect, Effect::BinMessage { .. }));
    assert_eq!(bins(&world), [binned(true)]);
    let words = last_words(&world, call);
    assert_eq!(words[..2], of_box(&[BoxWords::Deleted, BoxWords::Message]));
    assert_eq!(words[2], Announcement::Digit(Secret(2)), "the next one follows");
    // The deleted one is passed over.
    world.caller_keys(call, "4");
    assert_eq!(
        last_words(&world, call)[0],
        Announcement::Mailbox(BoxWords::NoMoreMessages)
    );
    world.caller_keys(call, "17");
    assert_eq!(bins(&world), [binned(true), binned(false)]);
    let words = last_words(&world, call);
    assert_eq!(words[0], Announcement::Mailbox(BoxWords::Restored));
    world.caller_keys(call, "1");
    assert_eq!(played(&world, call), [id(2)]);
    // All of them.
    world.caller_keys(call, "333");
    assert_eq!(bins(&world).len(), 5);
    assert_eq!(
        last_words(&world, call),
        of_box(&[BoxWords::Deleted, BoxWords::NoMessages, BoxWords::MainMenu])
    );
    // A box that cannot be written keeps its messages, and says so.
    world.caller_hangs_up(call);
    world.run_to_the_end();
    let call = world.desk_dials("desk-201", "*97");
    world.run_for(500);
    world.caller_keys(call, &format!("{PIN}#"));
    world.run_for(500);
    world.event(Event::StoreState { writable: false });
    world.caller_keys(call, "13");
    assert_eq!(last_words(&world, call), [Announcement::Unavailable]);
    assert_eq!(bins(&world).len(), 5);
}

#[test]
fn t04_the_caller_is_called_back_with_the_users_rights() {
    let (mut world, call) = inside();
    world.caller_keys(call, "15");
    world.run_for(3_000);
    assert_eq!(world.opened(call), [(LegRole::Far, "a".into(), SHOP.into())]);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(world.told(call).last(), Some(&Told::Connected));
    // The line is taken: a second call waits or is busy.
    assert_eq!(world.switch().calls(&ANNA.parse().unwrap()).len(), 1);
    world.caller_hangs_up(call);
    world.run_to_the_end();
    let record = world.record(call);
    assert_eq!(record.number, SHOP);
    assert!(record.connected_at.is_some());

    // A number that the user may not dial is not called, and a message of nobody cannot be answered.
    let mut world = office();
    world.messages(
        ANNA,
        vec![message(1, false, Some(ABROAD)), message(2, false, None)],
    );
    let call = world.desk_dials("desk-201", "*97");
    world.run_for(500);
    world.caller_keys(call, &format!("{PIN}#"));
    world.run_for(500);
    world.caller_keys(call, "15");
    assert_eq!(last_words(&world, call), [Announcement::NotAllowed]);
    world.caller_keys(call, "65");
    assert_eq!(last_words(&world, call), [Announcement::Unavailable]);
    assert!(world.opened(call).is_empty());
    world.run_to_the_end();
}

#[test]
fn t04_a_telecommuter_hears_the_box_on_the_own_telephone_and_calls_back() {
    let mut world = office();
    world.phone(HOME, Phone::answers_after(1_000));
    world.enter(ANNA, HOME);
    let call = world.dial(ANNA, "*97");
    world.run_for(2_000);
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    assert_eq!(world.opened(call), [(LegRole::User, "a".into(), HOME.into())]);
    // The portal has said who it is: no PIN.
    assert!(effects(&world, |effect| matches!(effect, Effect::CheckPin { .. })).is_empty());
    // While she listens her line is taken.
    let busy = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(100);
    assert_eq!(world.told(busy), [Told::Answered, Told::Greeting]);
    world.caller_hangs_up(busy);
    world.phone_presses(call, LegRole::User, '1');
    world.run_for(100);
    world.phone_presses(call, LegRole::User, '5');
    world.run_for(3_000);
    assert_eq!(world.opened(call)[1], (LegRole::Far, "a".into(), SHOP.into()));
    assert!(matches!(world.phase(call), CallPhase::Connected { .. }));
    world.hang_up(ANNA, call);
    world.run_to_the_end();
    assert_eq!(world.record(call).number, SHOP);

    let listened = world.dial(ANNA, "*97");
    world.run_for(3_000);
    world.phone_presses(listened, LegRole::User, '#');
    world.run_to_the_end();
    let record = world.record(listened);
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    assert_eq!((record.number.as_str(), record.legs.len()), ("*97", 1));
}

#[test]
fn t09_from_any_telephone_the_star_in_the_greeting_and_the_pin_open_the_box() {
    let mut world = office();
    world.configure_user(UserConfig {
        do_not_disturb: true,
        ..user(ANNA)
    });
    let call = world.call_in(DID_ANNA, HOME);
    world.run_for(500);
    world.caller_keys(call, "*");
    world.run_for(500);
    assert_eq!(last_words(&world, call), [Announcement::EnterPin]);
    world.caller_keys(call, &format!("{PIN}#"));
    world.run_for(500);
    world.caller_keys(call, "1");
    world.run_until("a message is played", |world| played(world, call) == [id(2)]);
    // With the right PIN too, a stranger's line is not called out from.
    world.caller_keys(call, "5");
    assert_eq!(last_words(&world, call), [Announcement::NotAllowed]);
    world.caller_keys(call, "*#");
    world.run_to_the_end();
    assert_eq!(world.told(call).last(), Some(&Told::HungUp));
    assert!(!world.told(call).contains(&Told::Recorded));
    assert_eq!(world.record(call).message, None);

    // Without the PIN the caller is let go, and a star after the beep is part of the message.
    let guess = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(500);
    world.caller_keys(guess, "*");
    world.run_to_the_end();
    assert_eq!(world.told(guess).last(), Some(&Told::HungUp));
    let leaves = world.call_in(DID_ANNA, CUSTOMER);
    world.run_for(4_000);
    world.caller_keys(leaves, "*");
    assert_eq!(world.told(leaves).last(), Some(&Told::Recorded));
    world.caller_hangs_up(leaves);
    world.run_to_the_end();
}

#[test]
fn t09_a_colleagues_telephone_opens_the_box_too() {
    let mut world = office();
    world.configure_user(UserConfig {
        do_not_disturb: true,
        ..user(ANNA)
    });
    let call = world.desk_dials("desk-202", "201");
    world.run_for(500);
    world.caller_keys(call, "*");
    world.run_for(500);
    world.caller_keys(call, &format!("{PIN}#"));
    world.run_for(500);
    world.caller_keys(call, "1");
    world.run_until("a message is played", |world| played(world, call) == [id(2)]);
    world.caller_keys(call, "*#");
    world.run_to_the_end();
}

#[test]
fn t09_greeting_and_name_are_recorded_reviewed_kept_and_deleted() {
    for (key, which) in [("2", OwnRecording::Greeting), ("3", OwnRecording::Name)] {
        let (mut world, call) = inside();
        let own = |world: &World| {
            effects(world, |effect| {
                matches!(
                    effect,
                    Effect::RecordDraft { .. }
                        | Effect::KeepDraft { .. }
                        | Effect::DropDraft { .. }
                        | Effect::RemoveOwn { .. }
                )
            })
        };
        world.caller_keys(call, key);
        assert_eq!(last_words(&world, call), of_box(&[BoxWords::RecordingMenu]));
        world.caller_keys(call, "1");
        assert_eq!(world.told(call).last(), Some(&Told::Own(which)));
        world.caller_keys(call, "2");
        let mut prompt = of_box(&[BoxWords::RecordAfterTone]);
        prompt.push(Announcement::RecordBeep);
        assert_eq!(last_words(&world, call), prompt);
        world.run_for(8_000);
        assert!(matches!(own(&world)[..], [Effect::RecordDraft { .. }]));
        world.caller_keys(call, "#");
        world.run_for(200);
        assert_eq!(world.told(call).last(), Some(&Told::Draft));
        world.run_for(3_000);
        assert_eq!(last_words(&world, call), of_box(&[BoxWords::ReviewMenu]));
        // Again, this time until it is as long as it may be.
        world.caller_keys(call, "2");
        world.run_until("it is full", |world| {
            world
                .told(call)
                .iter()
                .filter(|told| **told == Told::Draft)
                .count()
                == 2
        });
        world.caller_keys(call, "1");
        world.run_for(200);
        let kept = own(&world);
        assert!(matches!(kept.last(), Some(Effect::KeepDraft { which: of, .. }) if *of == which));
        assert_eq!(
            last_words(&world, call),
            of_box(&[BoxWords::Kept, BoxWords::RecordingMenu])
        );
        world.caller_keys(call, "3");
        assert!(matches!(own(&world).last(), Some(Effect::RemoveOwn { which: of, .. }) if *of == which));
        // A draft that is discarded, and one that is left by hanging up.
        world.caller_keys(call, "2");
        world.run_for(6_000);
        world.caller_keys(call, "#");
        world.run_for(200);
        world.caller_keys(call, "3");
        assert!(matches!(own(&world).last(), Some(Effect::DropDraft { .. })));
        world.caller_keys(call, "2");
        world.run_for(6_000);
        let drops = own(&world).len();
        world.caller_hangs_up(call);
        world.run_to_the_end();
        assert!(matches!(own(&world)[drops..], [Effect::DropDraft { .. }]));
    }
}

#[test]
fn t05_nobody_waits_for_ever_and_never_in_silence() {
    // Nothing is keyed in: the question again, then goodbye.
    let mut world = office();
    let call = world.desk_dials("desk-201", "*97");
    world.run_to_the_end();
    assert_eq!(last_words(&world, call), [Announcement::Goodbye]);
    assert!(world.told(call).contains(&Told::Tone(Tone::Progress)));
    let (mut world, call) = inside();
    world.run_to_the_end();
    assert_eq!(last_words(&world, call), [Announcement::Goodbye]);
    assert_eq!(world.told(call).last(), Some(&Told::HungUp));
}

#[test]
fn t09_a_box_that_cannot_be_read_says_so() {
    let mut world = office();
    let call = world.desk_dials("desk-201", "*97");
    world.run_for(500);
    world.caller_keys(call, PIN);
    let leg = LegId { call, index: 0 };
    world.event(Event::Dtmf {
        leg,
        digit: Secret('#'),
    });
    // The host has checked the PIN; the world's own answer about the messages would come later.
    world.run_for(60);
    let asked = effects(&world, |effect| matches!(effect, Effect::ListMessages { .. }));
    let [Effect::ListMessages { ask, .. }] = asked[..] else {
        panic!("{asked:?}")
    };
    world.event(Event::MessagesListed {
        leg,
        ask,
        messages: None,
    });
    world.run_for(100);
    assert_eq!(last_words(&world, call), [Announcement::Unavailable]);
    world.run_to_the_end();
}

#[test]
fn a_caller_without_voicemail_settings_is_no_owner() {
    let mut world = office();
    world.configure_user(UserConfig {
        settings: CallSettings {
            voicemail: false,
            ..CallSettings::default()
        },
        do_not_disturb: true,
        ..user(ANNA)
    });
    let call = world.call_in(DID_ANNA, HOME);
    world.caller_keys(call, "*");
    assert_eq!(world.told(call), [Told::Refused(486)]);
}

#[test]
fn t09_a_full_box_is_told_and_the_record_says_busy() {
    let mut world = office();
    world.configure_user(UserConfig {
        do_not_disturb: true,
        ..user(ANNA)
    });
    // Before anything was said, and from a colleague's telephone too.
    for inside in [false, true] {
        let call = if inside {
            world.desk_dials("desk-202", "201")
        } else {
            world.call_in(DID_ANNA, CUSTOMER)
        };
        world.run_for(100);
        let leg = LegId { call, index: 0 };
        let kept = false;
        world.event(Event::NoRoom { leg, kept });
        assert_eq!(last_words(&world, call), of_box(&[BoxWords::Full]));
        world.run_to_the_end();
        assert_eq!(world.told(call).last(), Some(&Told::HungUp));
        assert!(!world.told(call).contains(&Told::Recorded));
        if !inside {
            let record = world.record(call);
            assert_eq!((record.cause.reason, record.message), (CauseReason::Busy, None));
            assert!(record.is_missed());
        }
    }
    // In the middle of a message: what was said is kept, or it is not.
    for kept in [true, false] {
        let call = world.call_in(DID_ANNA, CUSTOMER);
        world.run_for(5_000);
        assert_eq!(world.told(call).last(), Some(&Told::Recorded));
        let leg = LegId { call, index: 0 };
        world.event(Event::NoRoom { leg, kept });
        world.event(Event::NoRoom { leg, kept });
        assert_eq!(last_words(&world, call), of_box(&[BoxWords::Full]));
        world.run_to_the_end();
        let record = world.record(call);
        assert_eq!(record.message.is_some(), kept);
        let reason = if kept {
            CauseReason::Voicemail
        } else {
            CauseReason::Busy
        };
        assert_eq!(record.cause.reason, reason);
    }
}
