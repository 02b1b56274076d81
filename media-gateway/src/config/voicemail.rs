//! `[voicemail]`: where messages are recorded, and how long they may be.

use super::VoicemailConfig;
use super::reader::{Problems, Section};
use std::path::Path;
use std::time::Duration;

const QUOTA_DEFAULT_S: u32 = 3_600;
const MESSAGES_DEFAULT: u32 = 200;

/// `data_folder` is where messages are where nothing else is said; `message_ms` how long one may be then.
pub(super) fn read(
    mut section: Section<'_, '_>,
    problems: &Problems<'_>,
    folder: &Path,
    data_folder: &Path,
    message_ms: u64,
) -> VoicemailConfig {
    let quota = section.number("quota_seconds", 60..=1_000_000);
    let messages = section.number("quota_messages", 1..=10_000);
    let message = section.number("message_seconds", 5..=3_600);
    let own_folder = section.text("folder");
    if let Some(empty) = own_folder.as_ref().filter(|found| found.value.is_empty()) {
        empty.problem(problems, "must not be empty");
    }
    section.finish();
    VoicemailConfig {
        quota_s: quota
            .and_then(|found| u32::try_from(found.value).ok())
            .unwrap_or(QUOTA_DEFAULT_S),
        quota_messages: messages
            .and_then(|found| u32::try_from(found.value).ok())
            .unwrap_or(MESSAGES_DEFAULT),
        longest: message.map_or(Duration::from_millis(message_ms), |found| {
            Duration::from_secs(found.value)
        }),
        folder: own_folder.map_or_else(|| data_folder.to_owned(), |found| folder.join(found.value)),
    }
}
