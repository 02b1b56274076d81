//! `records`.

use super::args::RecordsArgs;
use super::{Done, output};
use crate::store::Store;
use jiff::Timestamp;
use ponte_protocol::{CallRecord, Direction, UnixMillis};
use serde_json::Value;

pub(super) async fn list(arguments: RecordsArgs, store: &Store) -> Done {
    let before = arguments.before.map(UnixMillis);
    let page = match (&arguments.user, &arguments.account_code) {
        (user, Some(code)) => {
            let user = user.as_ref();
            store.booked_records(code, user, before, arguments.limit).await?
        }
        (Some(user), None) => store.records(user, before, arguments.limit).await?,
        // The arguments are read so that one of them is there.
        (None, None) => return Ok(()),
    };
    if arguments.json {
        return output::json(&page);
    }
    let rows: Vec<Vec<String>> = page.records.iter().map(row).collect();
    output::table(
        &[
            "STARTED (UTC)",
            "USER",
            "DIRECTION",
            "NUMBER",
            "TALK",
            "LEGS",
            "CODE",
            "CAUSE",
        ],
        &rows,
    )
}

fn row(record: &CallRecord) -> Vec<String> {
    let direction = match record.direction {
        Direction::Outgoing => "out",
        Direction::Incoming => "in",
    };
    let seconds = record.talk_millis() / 1000;
    vec![
        utc(record.started_at),
        record.user.to_string(),
        direction.to_owned(),
        record.number.clone(),
        format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
        record.legs.len().to_string(),
        record
            .account_code
            .as_ref()
            .map_or_else(String::new, |booked| booked.code.to_string()),
        cause(record),
    ]
}

/// The cause in its own words, with the codes of the network.
fn cause(record: &CallRecord) -> String {
    let text = match serde_json::to_value(record.cause.reason) {
        Ok(Value::String(word)) => word.replace('_', " "),
        _ => String::new(),
    };
    match record.cause.sip {
        Some(sip) => format!("{text} (SIP {sip})"),
        None => text,
    }
}

fn utc(time: UnixMillis) -> String {
    i64::try_from(time.0)
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .map_or_else(String::new, |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string())
}
