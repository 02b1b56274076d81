//! What is keyed in or spoken as a code: a PIN may be among it.

use std::fmt;

/// A value that does not print.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret<T>(pub T);

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Announcement, Event, LegId, SwitchCommand};
    use ponte_protocol::CallId;

    #[test]
    fn keys_and_codes_do_not_print() {
        let leg = LegId {
            call: CallId(uuid::Uuid::nil()),
            index: 0,
        };
        let printed = [
            format!(
                "{:?}",
                Event::Dtmf {
                    leg,
                    digit: Secret('7')
                }
            ),
            format!("{:?}", Announcement::Digit(Secret(7))),
            format!(
                "{:?}",
                SwitchCommand::Verify {
                    dialled: crate::Dialled::Invalid,
                    code: Secret(vec![7]),
                }
            ),
            format!(
                "{:?}",
                SwitchCommand::SendDtmf {
                    call: leg.call,
                    digits: Secret("7".to_owned()),
                }
            ),
            format!(
                "{:?}",
                crate::Effect::SendDtmf {
                    leg,
                    digits: Secret("7".to_owned()),
                }
            ),
        ];
        assert!(printed.iter().all(|text| !text.contains('7')), "{printed:?}");
    }
}
