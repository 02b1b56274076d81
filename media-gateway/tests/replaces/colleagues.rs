//! A colleague's call that rings is picked up: by whom, and by whom not.

use crate::office::{BRUNO, CALLER_HZ, OTHER_HZ, Office, TAKER_HZ, Taking, idle, notified, watches};
use crate::support::voice::Voice;
use crate::support::wire::{Call, SDP, Wire, field, status};
use crate::support::{ANNA, FAR, HOME};
use ponte_protocol::{CauseReason, CommandBody, LegRole};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t06_t18_a_colleagues_call_is_picked_up_by_what_the_lamp_tells() {
    let office = Office::open().await;
    let watch = watches(&office.bruno, &office.world, "201").await;
    let (placed, invite) = office.rings_for_anna().await;
    let document = notified(&office.bruno, &watch, |text| text.contains("early")).await;
    assert!(
        !document.contains(&FAR[1..]) && !document.contains(&field(&invite, "Call-ID")),
        "neither who calls nor the dialog itself: {document}"
    );
    let taking = Taking::of(&document, "early", true).expect("a dialog that can be taken");
    let voice = Voice::new(TAKER_HZ).await;
    let (mut call, answer) = taking.by(&office.bruno, &voice.sdp(1, "sendrecv")).await;
    assert_eq!(status(&answer), 200, "{answer}");
    voice.speaks_to(&answer);
    office.anna_stops_ringing(&invite).await;
    voice.hears_tone(CALLER_HZ).await;
    office.caller_hears(placed, TAKER_HZ).await;
    let gone = notified(&office.bruno, &watch, |text| text.contains("terminated")).await;
    assert_eq!(Taking::of(&gone, "terminated", false), None, "{gone}");
    assert_eq!(
        office.world.carrier.calls().len(),
        1,
        "the caller is in the same call"
    );

    assert_eq!(status(&office.bruno.asks(&mut call, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    let [anna] = &office.records(ANNA).await[..] else {
        panic!("one record of Anna's")
    };
    assert_eq!(anna.cause.reason, CauseReason::AnsweredElsewhere);
    let rang = anna.legs.iter().find(|leg| leg.role == LegRole::User).unwrap();
    assert_eq!(rang.cause.reason, CauseReason::AnsweredElsewhere);
    let [bruno] = &office.records(BRUNO).await[..] else {
        panic!("one record of Bruno's")
    };
    assert_eq!((bruno.number.as_str(), bruno.legs.len()), (FAR, 2), "{bruno:?}");
    assert_eq!(bruno.cause.reason, CauseReason::NormalClearing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_may_pick_up_is_told_the_name_of_a_call_and_may_take_it() {
    let office = Office::open().await;
    let world = &office.world;
    world.change_user(BRUNO, |row| row.pick_up_allowed = false).await;
    world
        .until("Bruno may not", |world| {
            !world.edge.state(BRUNO).unwrap().profile.pick_up_allowed
        })
        .await;
    let of_bruno = watches(&office.bruno, world, "201").await;
    let of_carla = watches(&office.carla, world, "201").await;
    let (placed, invite) = office.rings_for_anna().await;
    let told = notified(&office.bruno, &of_bruno, |text| text.contains("early")).await;
    assert!(!told.contains("tag=") && !told.contains("call-id"), "{told}");
    let told = notified(&office.carla, &of_carla, |text| text.contains("early")).await;
    let taking = Taking::of(&told, "early", false).unwrap();

    // Whoever learned the name elsewhere has no more right than before.
    let (_, answer) = taking.by(&office.bruno, SDP).await;
    assert_eq!(status(&answer), 403, "{answer}");
    // A trunk is not heard at all, nor anybody without an account.
    let bare = taking.replaces.replace("Require: replaces\r\n", "");
    let mut call = Call::new(taking.target.clone());
    assert_eq!(status(&office.trunk.calls(&mut call, &bare, SDP).await), 481);
    let mut call = Call::new(taking.target.clone());
    let required = office.trunk.calls(&mut call, &taking.replaces, SDP).await;
    assert_eq!(status(&required), 420, "{required}");
    let mut stranger = Wire::new().await;
    stranger.speaks_to(world.sip);
    let mut call = Call::new(taking.target.clone());
    stranger
        .send(&stranger.written(&mut call, "INVITE", &taking.replaces, SDP))
        .await;
    assert_eq!(status(&stranger.answer(&mut call).await), 401);
    // Nor is there anything by a wrong name, or one that cannot be read.
    for (wrong, wanted) in [
        (taking.replaces.replace("to-tag=", "to-tag=0"), 481),
        (taking.replaces.replace("from-tag=", "x="), 400),
        (format!("{bare}{bare}"), 400),
        (format!("{bare}Join: a;to-tag=b;from-tag=c\r\n"), 400),
    ] {
        let mut call = Call::new(taking.target.clone());
        let answer = office.carla.calls(&mut call, &wrong, SDP).await;
        assert_eq!(status(&answer), wanted, "{wrong}: {answer}");
    }
    assert_eq!(world.carrier.active_calls(), 1, "it rings on");

    // The right is given while it rings: the telephone is told at once.
    world.change_user(BRUNO, |row| row.pick_up_allowed = true).await;
    let told = notified(&office.bruno, &of_bruno, |text| text.contains("call-id")).await;
    let taking = Taking::of(&told, "early", true).unwrap();
    let (mut call, answer) = taking.by(&office.bruno, SDP).await;
    assert_eq!(status(&answer), 200, "{answer}");
    office.anna_stops_ringing(&invite).await;
    assert_eq!(world.call(placed).id, placed);
    assert_eq!(status(&office.bruno.asks(&mut call, "BYE", "", "").await), 200);
    office.nobody_talks().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_pick_up_at_once_one_wins_and_a_call_that_is_answered_or_over_goes_on() {
    let office = Office::open().await;
    let world = &office.world;
    let of_bruno = watches(&office.bruno, world, "201").await;
    let of_carla = watches(&office.carla, world, "201").await;
    let (placed, invite) = office.rings_for_anna().await;
    let told = notified(&office.bruno, &of_bruno, |text| text.contains("early")).await;
    let taking = Taking::of(&told, "early", true).unwrap();
    let told = notified(&office.carla, &of_carla, |text| text.contains("early")).await;
    assert_eq!(Taking::of(&told, "early", true).unwrap(), taking);
    let ((mut bruno, to_bruno), (mut carla, to_carla)) =
        tokio::join!(taking.by(&office.bruno, SDP), taking.by(&office.carla, SDP));
    let mut both = [status(&to_bruno), status(&to_carla)];
    both.sort_unstable();
    assert_eq!(both, [200, 481], "{to_bruno} {to_carla}");
    office.anna_stops_ringing(&invite).await;
    let (winner, call) = if status(&to_bruno) == 200 {
        (&office.bruno, &mut bruno)
    } else {
        (&office.carla, &mut carla)
    };
    assert_eq!(status(&winner.asks(call, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    assert_eq!(world.calls_to(FAR).len(), 1, "{placed} is the caller's one call");
    idle(&office.bruno, &of_bruno).await;

    // Her telephone is answered first: the call is hers.
    let (answered, invite) = office.rings_for_anna().await;
    let told = notified(&office.bruno, &of_bruno, |text| text.contains("early")).await;
    let voice = Voice::new(OTHER_HZ).await;
    office
        .anna
        .replies(&invite, 200, "", &voice.sdp(1, "sendrecv"))
        .await;
    let (_, late) = Taking::of(&told, "early", true)
        .unwrap()
        .by(&office.bruno, SDP)
        .await;
    assert_eq!(status(&late), 486, "the answer came first: {late}");
    office.anna.next("ACK").await;
    let (_, late) = Taking::of(&told, "early", false)
        .unwrap()
        .by(&office.bruno, SDP)
        .await;
    assert_eq!(
        status(&late),
        403,
        "an answered call of a colleague is not to be taken"
    );
    voice.speaks_to(&invite);
    office.caller_hears(answered, OTHER_HZ).await;
    let after = notified(&office.bruno, &of_bruno, |text| text.contains("confirmed")).await;
    assert_eq!(Taking::of(&after, "confirmed", false), None, "{after}");
    let mut hers = Call::taken(&invite);
    assert_eq!(status(&office.anna.asks(&mut hers, "BYE", "", "").await), 200);
    office.nobody_talks().await;
    idle(&office.bruno, &of_bruno).await;

    // The caller gives up.
    let (_, invite) = office.rings_for_anna_until(Some(4_000)).await;
    let told = notified(&office.bruno, &of_bruno, |text| text.contains("early")).await;
    let cancel = office.anna.next("CANCEL").await;
    let (_, late) = Taking::of(&told, "early", false)
        .unwrap()
        .by(&office.bruno, SDP)
        .await;
    assert_eq!(status(&late), 481, "{late}");
    office.anna.replies(&cancel, 200, "", "").await;
    office.anna.replies(&invite, 487, "", "").await;
    office.nobody_talks().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t03_while_telecommuting_the_ordinary_telephone_takes_no_call() {
    let office = Office::open().await;
    let world = &office.world;
    let watch = watches(&office.bruno, world, "201").await;
    let (_, invite) = office.rings_for_anna().await;
    let told = notified(&office.bruno, &watch, |text| text.contains("early")).await;
    let destination = ponte_protocol::DestinationChoice::Number {
        number: HOME.parse().unwrap(),
        confirm: Some(false),
    };
    world
        .accepted(BRUNO, CommandBody::EnterTelecommuter { destination })
        .await;
    let hidden = notified(&office.bruno, &watch, |text| !text.contains("call-id")).await;
    assert!(hidden.contains("early"), "{hidden}");
    let (_, answer) = Taking::of(&told, "early", true)
        .unwrap()
        .by(&office.bruno, SDP)
        .await;
    assert_eq!(status(&answer), 403, "{answer}");
    assert_eq!(world.carrier.active_calls(), 1, "it rings on");
    office.anna.replies(&invite, 486, "", "").await;
    office.nobody_talks().await;
}
