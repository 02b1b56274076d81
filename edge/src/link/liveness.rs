//! Whether the other end of the link is still there.

use ponte_protocol::UnixMillis;
use ponte_protocol::link::LINK_IDLE_MS;

/// How often the last sign of life is written to the socket's attachment, in milliseconds. Between two writes it is
/// known in memory only, which does not outlive hibernation.
pub const KEEP_MS: u64 = 5_000;

/// What to do about a link that is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Look again then.
    Fine { next: UnixMillis },
    /// Send a ping; look again then.
    Silent { next: UnixMillis },
    /// Give it up.
    Dead,
}

/// Judges a link that was last heard at `seen`.
pub fn judge(seen: UnixMillis, now: UnixMillis) -> Health {
    let silence = now.since(seen);
    if silence >= LINK_IDLE_MS.saturating_mul(2) {
        Health::Dead
    } else if silence >= LINK_IDLE_MS {
        Health::Silent {
            next: seen.plus(LINK_IDLE_MS.saturating_mul(2)),
        }
    } else {
        Health::Fine {
            next: seen.plus(LINK_IDLE_MS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_link_is_asked_then_given_up() {
        let seen = UnixMillis(1000);
        assert_eq!(
            judge(seen, UnixMillis(1000)),
            Health::Fine {
                next: UnixMillis(16_000)
            }
        );
        assert_eq!(
            judge(seen, UnixMillis(16_000)),
            Health::Silent {
                next: UnixMillis(31_000)
            }
        );
        assert_eq!(
            judge(seen, UnixMillis(30_999)),
            Health::Silent {
                next: UnixMillis(31_000)
            }
        );
        assert_eq!(judge(seen, UnixMillis(31_000)), Health::Dead);
        assert_eq!(
            judge(seen, UnixMillis(0)),
            Health::Fine {
                next: UnixMillis(16_000)
            }
        );
    }
}
