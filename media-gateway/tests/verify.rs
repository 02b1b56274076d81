//! A number is proven by a call that speaks a code (rule T2).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_protocol::{CommandBody, DestinationChoice, DestinationId, Outcome, Refusal, SavedDestination};
use ponte_pstn_sim::{Answer, Behaviour};
use support::{ANNA, HOME, Options, World};

async fn strict() -> (World, SavedDestination) {
    let world = World::with(Options {
        verify: true,
        ..Options::default()
    })
    .await;
    let answer = Answer {
        after_ms: 100,
        ..Answer::default()
    };
    world.carrier.set_number(HOME, Behaviour::Answer(answer)).unwrap();
    let save = CommandBody::SaveDestination {
        label: "Home".into(),
        number: HOME.parse().unwrap(),
        confirm: None,
    };
    world.accepted(ANNA, save).await;
    world
        .until("the number is saved", |world| saved(world).len() == 1)
        .await;
    let destination = saved(&world).remove(0);
    (world, destination)
}

fn saved(world: &World) -> Vec<SavedDestination> {
    world
        .edge
        .state(ANNA)
        .map(|state| state.destinations)
        .unwrap_or_default()
}

async fn outcome(world: &World, body: CommandBody) -> Option<Refusal> {
    match world.edge.command(ANNA, body).await {
        Outcome::Accepted { .. } => None,
        Outcome::Refused { refusal } => Some(refusal),
        other => panic!("{other:?}"),
    }
}

fn enter(destination: DestinationChoice) -> CommandBody {
    CommandBody::EnterTelecommuter { destination }
}

fn confirm(destination: DestinationId, code: &str) -> CommandBody {
    CommandBody::ConfirmDestination {
        destination,
        code: code.into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t02_a_number_that_is_not_proven_cannot_be_entered() {
    let (world, home) = strict().await;
    assert!(!home.verified);
    let by_id = DestinationChoice::Saved { destination: home.id };
    let typed = DestinationChoice::Number {
        number: HOME.parse().unwrap(),
        confirm: None,
    };
    for choice in [by_id.clone(), typed.clone()] {
        assert_eq!(outcome(&world, enter(choice)).await, Some(Refusal::NotVerified));
    }
    // What may not be called at all is refused for that reason.
    let emergency = DestinationChoice::Number {
        number: "112".parse().unwrap(),
        confirm: None,
    };
    assert_eq!(
        outcome(&world, enter(emergency)).await,
        Some(Refusal::EmergencyNumber)
    );
    assert_eq!(
        outcome(&world, confirm(home.id, "123456")).await,
        Some(Refusal::NoCode)
    );

    let verify = CommandBody::VerifyDestination { destination: home.id };
    assert_eq!(outcome(&world, verify).await, None);
    world
        .until("the telephone is called and hears the code", |world| {
            world
                .calls_to(HOME)
                .first()
                .is_some_and(|call| call.acked_at.is_some() && call.media.packets_received > 100)
        })
        .await;
    // Five tries, and the code is gone; none of these is likely to be right.
    let mut left = Vec::new();
    for code in ["000000", "000001", "000002", "000003", "000004"] {
        match outcome(&world, confirm(home.id, code)).await {
            Some(Refusal::WrongCode { tries_left }) => left.push(tries_left),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(left, [4, 3, 2, 1, 0]);
    assert_eq!(
        outcome(&world, confirm(home.id, "000005")).await,
        Some(Refusal::NoCode)
    );
}
