//! Which rule decides about a number.

use ponte_call_core::{Dialled, Event, Switch, Timeouts, UserConfig};
use ponte_protocol::{Refusal, UnixMillis};

/// What a user's rules say of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `None`: the number may be called.
    pub refusal: Option<Refusal>,
    /// The place of the rule that decided, among the user's and then the site's rules; `None` where no rule did.
    pub rule: Option<usize>,
}

/// Asks call control itself, so that the explanation cannot differ from what happens in a call.
pub fn explain(user: &UserConfig, dialled: &Dialled) -> Verdict {
    let count = user.restrictions.len();
    let refusal = refusal(user, count, dialled);
    // The first rule that speaks of a number decides, so it is the one before which nothing is decided.
    let rule = (0..count).find(|place| match self::refusal(user, place + 1, dialled) {
        None => true,
        Some(Refusal::Restricted { rule }) => !rule.is_empty(),
        Some(_) => false,
    });
    Verdict { refusal, rule }
}

/// What call control says when only the first rules are there.
fn refusal(user: &UserConfig, rules: usize, dialled: &Dialled) -> Option<Refusal> {
    let mut config = user.clone();
    config.restrictions.truncate(rules);
    let name = config.profile.user.clone();
    let mut switch = Switch::new(Timeouts::default());
    switch.handle_event(
        UnixMillis(0),
        Event::UserConfigured {
            config: Box::new(config),
        },
    );
    switch.check_destination(&name, dialled).err()
}
