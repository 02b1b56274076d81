//! How long a session lives.

use ponte_protocol::UnixMillis;

/// A session ends when nothing was heard of it for this long, in milliseconds.
pub const IDLE_MS: u64 = 12 * 3_600_000;
/// A session ends this long after it began, in milliseconds.
pub const ABSOLUTE_MS: u64 = 30 * 24 * 3_600_000;
/// A use of the session is written down at most this often, in milliseconds: writing is paid for.
pub const TOUCH_MS: u64 = 60_000;

/// When a session ends if nothing more is heard of it.
pub fn expires_at(created: UnixMillis, seen: UnixMillis) -> UnixMillis {
    seen.plus(IDLE_MS).min(created.plus(ABSOLUTE_MS))
}

/// Whether a session is over.
pub fn is_over(created: UnixMillis, seen: UnixMillis, now: UnixMillis) -> bool {
    now >= expires_at(created, seen)
}

/// Whether a use now is to be written down.
pub fn needs_touch(seen: UnixMillis, now: UnixMillis) -> bool {
    now.since(seen) >= TOUCH_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_slides_but_not_for_ever() {
        let start = UnixMillis(1_000);
        assert!(!is_over(start, start, start.plus(IDLE_MS - 1)));
        assert!(is_over(start, start, start.plus(IDLE_MS)));
        let busy = start.plus(ABSOLUTE_MS - 1);
        assert!(!is_over(start, busy, busy));
        assert!(is_over(start, busy, start.plus(ABSOLUTE_MS)));
    }

    #[test]
    fn uses_are_written_once_a_minute() {
        assert!(!needs_touch(UnixMillis(0), UnixMillis(59_999)));
        assert!(needs_touch(UnixMillis(0), UnixMillis(60_000)));
    }
}
