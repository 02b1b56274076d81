//! The store against a real database in a folder of its own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod calls;
mod commands;
mod contacts;
mod crash;
mod devices;
mod directory;
mod faults;
mod folder;
mod messages;
mod migration;
mod personal;
mod users;
mod verification;

use ponte_call_core::{Caps, LegId};
use ponte_gateway::store::{CallUp, LegUp, Store, StoreOptions, StoreUse, UserRow};
use ponte_protocol::{
    BookedCode, CallId, CallRecord, CallerId, Cause, CauseReason, Direction, EndedBy, FailureClass,
    LegRecord, LegRole, MessageId, UnixMillis, UserId,
};
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

fn options(folder: &Path) -> StoreOptions {
    StoreOptions {
        busy_timeout: Duration::from_millis(100),
        ..StoreOptions::new(folder, StoreUse::Gateway)
    }
}

async fn open(folder: &Path) -> Store {
    Store::open(options(folder)).await.unwrap()
}

/// Lets go of the store without closing it, and waits until its lock is free.
async fn abandon(folder: &Path, store: Store) {
    drop(store);
    let lock = std::fs::File::open(folder.join("gateway.lock")).unwrap();
    while lock.try_lock().is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn anna() -> UserId {
    "anna".parse().unwrap()
}

fn user(name: &str, extension: &str) -> UserRow {
    UserRow {
        display_name: format!("{name} of Milan"),
        telecommuter_allowed: true,
        caller_id: CallerId {
            number: "+390212345600".parse().unwrap(),
            name: Some("Ponte SpA".to_owned()),
        },
        language: Some("en".to_owned()),
        restrictions: vec![
            ponte_gateway::numbers::parse_rule("deny +39899").unwrap(),
            ponte_gateway::numbers::parse_rule("allow +39").unwrap(),
        ],
        caps: Caps {
            dials_per_hour: 10,
            minutes_per_day: 60,
        },
        user_no_answer_ms: 18_000,
        confirm: Some(true),
        ..UserRow::new(
            name.parse().unwrap(),
            extension.parse().unwrap(),
            "+390212345600".parse().unwrap(),
        )
    }
}

fn cause(reason: CauseReason) -> Cause {
    Cause {
        reason,
        class: FailureClass::User,
        q850: Some(17),
        sip: Some(486),
    }
}

fn call_id(n: u128) -> CallId {
    CallId(Uuid::from_u128(n))
}

fn record(n: u128, user: &UserId, started_at: UnixMillis) -> CallRecord {
    let leg = |role, trunk: &str| LegRecord {
        role,
        number: "+393331234567".to_owned(),
        trunk: trunk.to_owned(),
        device: (role == LegRole::User).then(|| "desk-201".parse().unwrap()),
        started_at,
        ringing_at: Some(started_at.plus(900)),
        answered_at: None,
        ended_at: started_at.plus(5_000),
        cause: cause(CauseReason::Busy),
    };
    CallRecord {
        id: call_id(n),
        user: user.clone(),
        direction: Direction::Outgoing,
        dialled: "02 1234 5678".parse().unwrap(),
        number: "+390212345678".to_owned(),
        name: Some("Studio Bianchi".to_owned()),
        started_at,
        connected_at: Some(started_at.plus(2_000)),
        ended_at: started_at.plus(5_000),
        cause: cause(CauseReason::NormalClearing),
        ended_by: EndedBy::FarLeg,
        message: Some(MessageId(Uuid::from_u128(n))),
        recordings: Vec::new(),
        account_code: Some(booked()),
        legs: vec![leg(LegRole::User, "first"), leg(LegRole::Far, "second")],
    }
}

fn call_up(n: u128) -> CallUp {
    CallUp {
        call: call_id(n),
        user: anna(),
        direction: Direction::Outgoing,
        dialled: "0212345678".parse().unwrap(),
        number: "+390212345678".to_owned(),
        name: None,
        started_at: NOW,
        connected_at: None,
        account_code: Some(booked()),
    }
}

fn booked() -> BookedCode {
    BookedCode {
        code: "1042".parse().unwrap(),
        name: "Rossi".to_owned(),
    }
}

fn leg_up(n: u128, index: u16) -> LegUp {
    LegUp {
        leg: LegId {
            call: call_id(n),
            index,
        },
        role: if index == 0 { LegRole::User } else { LegRole::Far },
        direction: if index == 1 {
            Direction::Incoming
        } else {
            Direction::Outgoing
        },
        number: "+393331234567".to_owned(),
        trunk: "first".to_owned(),
        device: (index == 1).then(|| "desk-201".parse().unwrap()),
        started_at: NOW,
        ringing_at: None,
        answered_at: None,
        ended: None,
        dialog: Some(r#"{"call_id":"x"}"#.to_owned()),
    }
}
