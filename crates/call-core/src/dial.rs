//! May this be dialled, and on which call?

use crate::user::User;
use crate::{Dialled, restriction};
use ponte_protocol::{CallId, E164, Refusal};

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
    match user.line {
        None => Ok(None),
        Some(call) if waits(call) => Ok(Some(call)),
        Some(_) => Err(Refusal::LineBusy),
    }
}

/// The number itself, and the user's own once more: rights may have changed since it was entered.
///
/// A number of the site is refused as long as no desk telephone could ring for it: over a trunk it would come back as a
/// call from outside, and cost money twice.
pub(crate) fn check_numbers(user: &User, dialled: &Dialled) -> Result<E164, Refusal> {
    let number = check_destination(user, dialled)?;
    let telephone = user.telephone()?;
    restriction::check(
        &user.config.restrictions,
        telephone.number,
        user.destination_class,
    )?;
    Ok(number)
}
