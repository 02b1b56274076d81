//! Account codes: the client or the matter that a call is booked to.
//!
//! A code belongs to one call of one user. The policy is part of the user's profile, the list of codes that of the site;
//! a call keeps what it was booked to, whatever becomes of the list.

use crate::Switch;
use crate::call::Call;
use crate::commands::Done;
use crate::setup::Far;
use ponte_protocol::{AccountCode, AccountCodePolicy, BookedCode, CallId, Direction, Refusal, UserId};
use std::collections::BTreeMap;

/// A code of the site's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCode {
    pub code: AccountCode,
    /// Of the client or the matter.
    pub name: String,
    /// Whether calls can be booked to it.
    pub active: bool,
}

/// The site's list, by code: name, and whether calls can be booked to it. An empty one takes every code.
pub(crate) type AccountCodes = BTreeMap<AccountCode, (String, bool)>;

impl Switch {
    pub(crate) fn configure_account_codes(&mut self, codes: Vec<ListedCode>) {
        self.account_codes = codes
            .into_iter()
            .map(|listed| (listed.code, (listed.name, listed.active)))
            .collect();
    }

    /// What a call of the user is booked to by this code; also to be asked before a record is changed.
    ///
    /// # Errors
    /// [`Refusal::UnknownUser`]; [`Refusal::NotPermitted`] where the site has no account codes;
    /// [`Refusal::UnknownAccountCode`], [`Refusal::InactiveAccountCode`].
    pub fn check_account_code(&self, user: &UserId, code: &AccountCode) -> Result<BookedCode, Refusal> {
        if !self.account_code_policy(user)?.is_on() {
            return Err(Refusal::NotPermitted);
        }
        let name = match self.account_codes.get(code) {
            Some((name, true)) => name.clone(),
            Some((_, false)) => return Err(Refusal::InactiveAccountCode),
            None if self.account_codes.is_empty() => String::new(),
            None => return Err(Refusal::UnknownAccountCode),
        };
        Ok(BookedCode {
            code: code.clone(),
            name,
        })
    }

    pub(crate) fn account_code_policy(&self, user: &UserId) -> Result<AccountCodePolicy, Refusal> {
        Ok(self.known_user(user)?.config.profile.account_codes)
    }

    /// What a call that the user dials is booked to: the code that is given, else what is `kept`.
    pub(crate) fn book(
        &self,
        user: &UserId,
        far: &Far,
        given: Option<&AccountCode>,
        kept: Option<&BookedCode>,
    ) -> Result<Option<BookedCode>, Refusal> {
        if let Some(code) = given {
            return self.check_account_code(user, code).map(Some);
        }
        let required = self.account_code_policy(user)? == AccountCodePolicy::Required;
        if required && kept.is_none() && matches!(far, Far::Number(_)) {
            return Err(Refusal::AccountCodeRequired);
        }
        Ok(kept.cloned())
    }

    /// What the call is booked to from here on.
    pub(crate) fn set_account_code(
        &mut self,
        user: &UserId,
        id: CallId,
        code: Option<&AccountCode>,
    ) -> Result<Done, Refusal> {
        let booked = match code {
            Some(code) => Some(self.check_account_code(user, code)?),
            None => None,
        };
        let required = self.account_code_policy(user)? == AccountCodePolicy::Required;
        let call = self.calls.get_mut(&id).ok_or(Refusal::UnknownCall)?;
        if booked.is_none() && required && call.was_dialled_to_outside() {
            return Err(Refusal::AccountCodeRequired);
        }
        call.account_code = booked;
        call.touch();
        Ok(Done::Call(id))
    }

    /// Rule T13: `**7`, a code and `#`.
    pub(crate) fn book_by_key(&mut self, user: &UserId, id: CallId, code: &str) -> bool {
        let code = code.parse::<AccountCode>().ok();
        let shown = self.calls.get(&id).is_some_and(Call::is_shown);
        let done = code.is_some_and(|code| shown && self.set_account_code(user, id, Some(&code)).is_ok());
        if done {
            self.settle(id);
            self.beep_at(user);
        }
        done
    }
}

impl Call {
    /// Whether the user has dialled a number outside the site.
    fn was_dialled_to_outside(&self) -> bool {
        self.setup.direction == Direction::Outgoing && matches!(self.setup.far, Far::Number(_))
    }
}
