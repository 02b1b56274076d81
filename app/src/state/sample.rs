//! Values for tests.

use ponte_protocol::{
    AccountCodePolicy, Availability, CallId, CallPhase, CallRecord, CallRules, CallSettings, CallView,
    CallerId, Cause, CauseReason, Colleague, Contact, ContactBook, ContactId, ContactNumber, Destination,
    Direction, E164, EndedBy, FailureClass, LineState, Mailbox, MessageId, Mode, Presence, UnixMillis,
    UserProfile, UserState, VoiceMessage,
};
use uuid::Uuid;

fn number(text: &str) -> E164 {
    text.parse().unwrap()
}

pub(crate) fn user() -> UserState {
    UserState {
        profile: UserProfile {
            user: "anna".parse().unwrap(),
            display_name: "Anna Bianchi".into(),
            extension: "201".parse().unwrap(),
            telecommuter_allowed: true,
            call_waiting_allowed: false,
            voicemail_allowed: false,
            pick_up_allowed: true,
            browser_allowed: false,
            recording_allowed: false,
            administrator: false,
            caller_id: CallerId {
                number: number("+390212345600"),
                name: None,
            },
            country: "IT".into(),
            language: "it".into(),
            emergency_numbers: vec!["112".into(), "118".into()],
            external_directory: None,
            account_codes: AccountCodePolicy::Off,
        },
        mode: Mode::Telecommuting {
            destination: Destination::Number {
                number: number("+393331234567"),
                label: None,
                confirm: true,
            },
            since: UnixMillis(1),
            until: None,
        },
        destinations: vec![],
        calls: vec![],
        log: vec![],
        stations: vec![],
        presence: Presence::default(),
        mailbox: Mailbox::default(),
        settings: CallSettings::default(),
        rules: CallRules::default(),
        profiles: vec![],
        schedule: vec![],
        parked: vec![],
        desk_used: None,
        quality: vec![],
        contacts: ContactBook::default(),
        persistent_leg: ponte_protocol::PersistentLeg::Off,
    }
}

pub(crate) fn contact(n: u64) -> Contact {
    Contact {
        id: ContactId(Uuid::from_u128(u128::from(n))),
        name: format!("Person {n}"),
        organisation: String::new(),
        numbers: vec![ContactNumber {
            label: "mobile".into(),
            number: "+390212345678".parse().unwrap(),
        }],
        favourite: false,
        notes: String::new(),
    }
}

pub(crate) fn colleague(name: &str) -> Colleague {
    Colleague {
        user: name.parse().unwrap(),
        name: name.to_owned(),
        extension: "202".parse().unwrap(),
        availability: Availability::Available,
        status: String::new(),
        line: LineState::Free,
        telecommuting: false,
    }
}

pub(crate) fn call(n: u64) -> CallView {
    CallView {
        id: CallId(Uuid::from_u128(u128::from(n))),
        direction: Direction::Outgoing,
        dialled: "0212345678".parse().unwrap(),
        phase: CallPhase::CallingUser,
        started_at: UnixMillis(n),
        legs: vec![],
        held_by_far: false,
        muted: false,
        moving: None,
        conference: None,
        recorded_since: None,
        account_code: None,
    }
}

pub(crate) fn record(n: u64) -> CallRecord {
    CallRecord {
        id: CallId(Uuid::from_u128(u128::from(n))),
        user: "anna".parse().unwrap(),
        direction: Direction::Outgoing,
        dialled: "0212345678".parse().unwrap(),
        number: "+390212345678".into(),
        name: None,
        started_at: UnixMillis(n),
        connected_at: None,
        ended_at: UnixMillis(n + 1),
        cause: Cause {
            reason: CauseReason::Busy,
            class: FailureClass::User,
            q850: Some(17),
            sip: Some(486),
        },
        ended_by: EndedBy::FarLeg,
        message: None,
        recordings: vec![],
        account_code: None,
        legs: vec![],
    }
}

pub(crate) fn message(n: u64) -> VoiceMessage {
    VoiceMessage {
        id: MessageId(Uuid::from_u128(u128::from(n))),
        number: "+390212345678".into(),
        name: None,
        received_at: UnixMillis(n),
        duration_ms: 4_000,
        heard: false,
        deleted_until: None,
        waveform: vec![],
        call: None,
    }
}

pub(crate) fn mailbox(messages: Vec<VoiceMessage>) -> Mailbox {
    Mailbox {
        unheard: 0,
        total: u32::try_from(messages.len()).unwrap(),
        messages,
        quota_left_s: 600,
        ..Mailbox::default()
    }
}
