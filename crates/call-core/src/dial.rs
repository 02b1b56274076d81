//! May this be dialled, and on which call?

use crate::setup::Far;
use crate::user::{User, UserTelephone};
use crate::{Dialled, FeatureCode, Switch, restriction};
use ponte_protocol::{CallId, E164, Refusal, UserId};

/// Whether the user may be called back on this number (rule T2).
pub(crate) fn check_destination(user: &User, dialled: &Dialled) -> Result<E164, Refusal> {
    match dialled {
        Dialled::Emergency => Err(Refusal::EmergencyNumber),
        Dialled::Own { .. } => Err(Refusal::OwnNumber),
        Dialled::FeatureCode(_) | Dialled::Invalid => Err(Refusal::InvalidNumber),
        Dialled::External { number, class } => {
            restriction::check(&user.config.restrictions, number, *class)?;
            Ok(number.clone())
        }
    }
}

/// Rights and mode: what must hold before the number is looked at (rules T1 and T4).
pub(crate) fn check_user(user: &User) -> Result<(), Refusal> {
    if !user.config.profile.telecommuter_allowed {
        return Err(Refusal::NotPermitted);
    }
    user.telephone().map(|_| ())
}

/// The call whose user leg waits for another number, if that is why the line is taken.
pub(crate) fn check_line(user: &User, waits: impl Fn(CallId) -> bool) -> Result<Option<CallId>, Refusal> {
    match &user.line {
        None => Ok(None),
        Some(line) if waits(line.active) => Ok(Some(line.active)),
        Some(_) => Err(Refusal::LineBusy),
    }
}

/// The user's own telephone once more: rights may have changed since it was entered.
pub(crate) fn check_telephone(user: &User) -> Result<(), Refusal> {
    match user.telephone()? {
        UserTelephone::Number { number, .. } => {
            restriction::check(&user.config.restrictions, number, user.destination_class)
        }
        UserTelephone::Browser => Ok(()),
    }
}

impl Switch {
    /// Whether the user's caps leave room for one more call.
    ///
    /// Calls that are up count too: two parties who were put through may talk for days and leave the line free.
    pub(crate) fn check_caps(&mut self, id: &UserId) -> Result<(), Refusal> {
        let now = self.cx.now;
        let known = self.users.get(id).ok_or(Refusal::UnknownUser)?;
        // A leg that stays up has a limit of its own ([`crate::persistent`]).
        let up = known
            .calls
            .iter()
            .filter_map(|call| self.calls.get(call))
            .filter(|call| !call.counted && !call.stands())
            .filter_map(|call| call.connected_at)
            .fold(0_u64, |sum, since| sum.saturating_add(now.since(since)));
        let known = self.users.get_mut(id).ok_or(Refusal::UnknownUser)?;
        known.check_caps(now, up)
    }

    /// Whom a user reaches with what was dialled: a number that the class of restriction allows, another user, or by its
    /// feature code the own voicemail box. An
    /// own DID is no number to be dialled over a trunk: it would come back as a call from outside, and cost money twice.
    pub(crate) fn far_of(&self, user: &UserId, dialled: &Dialled) -> Result<Far, Refusal> {
        let known = self.known_user(user)?;
        if *dialled == Dialled::FeatureCode(Some(FeatureCode::Voicemail)) {
            return if known.config.profile.voicemail_allowed {
                Ok(Far::Mailbox)
            } else {
                Err(Refusal::NotPermitted)
            };
        }
        let Dialled::Own {
            extension: Some(extension),
        } = dialled
        else {
            return check_destination(known, dialled).map(Far::Number);
        };
        match self.user_of(extension) {
            Some(other) if other == *user => Err(Refusal::OwnNumber),
            Some(other) => Ok(Far::User {
                name: self.known_user(&other)?.config.profile.display_name.clone(),
                user: other,
                extension: extension.clone(),
            }),
            None => Err(Refusal::InvalidNumber),
        }
    }
}
