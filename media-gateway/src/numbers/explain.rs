//! Which rule decides about a number.

use super::TimedRule;
use crate::config::SiteConfig;
use crate::store::{RuleOwner, UserRow};
use ponte_call_core::{Dialled, Event, Switch, Timeouts, UserConfig};
use ponte_protocol::{CallSettings, Explanation, Presence, Refusal, UnixMillis};

/// What a user's rules say of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `None`: the number may be called.
    pub refusal: Option<Refusal>,
    /// The rule that decided, and whose it is; `None` where no rule did.
    pub rule: Option<(RuleOwner, TimedRule)>,
}

/// Asks call control itself, so that the explanation cannot differ from what happens in a call at that moment.
pub fn decide(user: &UserRow, site: &SiteConfig, dialled: &Dialled, at: UnixMillis) -> Verdict {
    match dialled {
        // No restriction is on calls within the site.
        Dialled::Own { extension: Some(_) } | Dialled::FeatureCode(Some(_)) => {
            return Verdict {
                refusal: None,
                rule: None,
            };
        }
        _ => {}
    }
    let config = user.switch_config(site, &CallSettings::default(), &Presence::default(), at);
    let count = config.restrictions.len();
    // The first rule that speaks of a number decides, so it is the one before which nothing is decided.
    let place = (0..count).find(|place| match refusal(&config, place + 1, dialled) {
        None => true,
        Some(Refusal::Restricted { rule }) => !rule.is_empty(),
        Some(_) => false,
    });
    let rule = place.and_then(|place| user.rules_at(site, at).nth(place));
    Verdict {
        refusal: refusal(&config, count, dialled),
        rule: rule.map(|(owner, rule)| (owner, rule.clone())),
    }
}

/// As [`decide`], in the words of the protocol.
pub fn explain(user: &UserRow, site: &SiteConfig, dialled: &Dialled, at: UnixMillis) -> Explanation {
    let Verdict { refusal, rule } = decide(user, site, dialled, at);
    let number = match dialled {
        Dialled::External { number, .. } => Some(number.clone()),
        _ => None,
    };
    let (rule, hours, from) = match rule {
        Some((owner, rule)) => (rule.prefix, rule.hours, owner.as_str()),
        None => (String::new(), None, ""),
    };
    Explanation {
        number,
        refusal,
        rule,
        hours: hours.map(|hours| hours.to_string()),
        from: from.to_owned(),
    }
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
