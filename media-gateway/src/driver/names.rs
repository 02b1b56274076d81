//! The names on calls (rule T7): under the number of a user's own contact stands the user's name for it, under one of the
//! site's the name of whoever has it, under any other what the directory elsewhere says, else the network.
//!
//! A name is put in where something is told to one user, and nowhere before: what a user calls somebody is for nobody
//! else to read.

use super::Driver;
use ponte_call_core::{Caller, Dialled};
use ponte_protocol::{CallRecord, CallView, DialString, E164, EventBody, LegRole, ParkedCall, UserId};

impl Driver {
    /// The name that the user is shown for a number, where there is one beside the network's.
    pub(super) fn name_for(&self, user: &UserId, number: &str) -> Option<String> {
        let own = self.own_name_for(user, number);
        own.or_else(|| Some(self.external.callers.name(&number.parse().ok()?)?.to_owned()))
    }

    /// The name that the user has for a number, or that it has at this site.
    pub(super) fn own_name_for(&self, user: &UserId, number: &str) -> Option<String> {
        let entry = self.users.get(user)?;
        if let Some(name) = entry.contacts.name(number) {
            return Some(name.to_owned());
        }
        // Whoever is called from another extension is told the name by the switch.
        let number: E164 = number.parse().ok()?;
        if !self.plan.is_own(&number) {
            return None;
        }
        let dialled: DialString = number.as_str().parse().ok()?;
        let Dialled::Own {
            extension: Some(extension),
        } = self.plan.read(&dialled)
        else {
            return None;
        };
        let holder = self.users.values().find(|entry| entry.row.extension == extension);
        holder.map(|entry| entry.row.display_name.clone())
    }

    /// A caller as a telephone of the user's own shows it.
    pub(super) fn named_caller(&self, user: &UserId, mut caller: Caller) -> Caller {
        let name = caller
            .number
            .as_ref()
            .and_then(|number| self.name_for(user, number.as_str()));
        if name.is_some() {
            caller.name = name;
        }
        caller
    }

    pub(super) fn name_call(&self, user: &UserId, call: &mut CallView) {
        for leg in call.legs.iter_mut().filter(|leg| leg.role == LegRole::Far) {
            self.rename(user, &leg.number, &mut leg.name);
        }
        for member in call
            .conference
            .iter_mut()
            .flat_map(|conference| &mut conference.members)
        {
            self.rename(user, &member.number, &mut member.name);
        }
    }

    pub(super) fn name_record(&self, record: &mut CallRecord) {
        self.rename(&record.user, &record.number, &mut record.name);
    }

    pub(super) fn name_parked(&self, user: &UserId, parked: &mut [ParkedCall]) {
        for call in parked {
            self.rename(user, &call.number, &mut call.name);
        }
    }

    /// Puts the user's names into what is told to the user.
    pub(super) fn name_event(&self, user: &UserId, body: &mut EventBody) {
        match body {
            EventBody::CallChanged { call } => self.name_call(user, call),
            EventBody::CallEnded { record, .. } => self.name_record(record),
            _ => {}
        }
    }

    fn rename(&self, user: &UserId, number: &str, name: &mut Option<String>) {
        if let Some(known) = self.name_for(user, number) {
            *name = Some(known);
        }
    }
}
