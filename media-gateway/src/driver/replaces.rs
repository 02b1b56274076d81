//! Calls that desk telephones take over: INVITE with Replaces (RFC 3891, ADR 41), and the names by which telephones that
//! watch an extension know its calls.

use super::Driver;
use super::incoming::{Refused, could_be_answered};
use ponte_call_core::{CallSource, Event, Replaced, Takeable};
use ponte_protocol::{CallId, DeviceId, UserId};
use ponte_sip::{DialogName, IncomingCall, Replaces, Replacing, Takes};
use std::hash::{BuildHasher, RandomState};

/// Makes the names of calls, and reads them back. A name is no dialog of ours, so that whoever knows it can do nothing but
/// ask for the call; it holds for every call alike, whether a desk telephone rings, a mobile or a browser.
#[derive(Debug, Default)]
pub(super) struct CallNames {
    keys: RandomState,
}

impl CallNames {
    fn tag(&self, call: CallId, side: &str) -> String {
        format!("{:016x}", self.keys.hash_one((call, side)))
    }

    pub fn of(&self, call: CallId, who: Takeable) -> DialogName {
        DialogName {
            call_id: call.to_string(),
            local_tag: self.tag(call, "local"),
            remote_tag: self.tag(call, "remote"),
            for_colleagues: who == Takeable::ByColleagues,
        }
    }

    /// The call that is named. The tags may stand in either order: a telephone that thinks of the other party puts the remote
    /// one first (RFC 5359 section 2.11), one that thinks of the extension to which it sends the INVITE the local one.
    fn read(&self, replaces: &Replaces) -> Option<CallId> {
        let call = CallId(replaces.call_id.parse().ok()?);
        let tags = [self.tag(call, "local"), self.tag(call, "remote")];
        let [local, remote] = tags.each_ref().map(String::as_str);
        let told = (replaces.to_tag.as_str(), replaces.from_tag.as_str());
        (told == (remote, local) || told == (local, remote)).then_some(call)
    }
}

impl Driver {
    /// A telephone that has proven its account asks for a call. What it may take, the switch says.
    pub(super) fn admit_taker(&mut self, call: &IncomingCall, asked: &Replacing) -> Result<(), Refused> {
        let account = call.account.as_deref().ok_or(Refused::Stranger)?;
        let device: DeviceId = account.parse().map_err(|_| Refused::Stranger)?;
        if self.telephones.get(&device).is_none() {
            return Err(Refused::Stranger);
        }
        let of = match asked.dialog {
            Some(dialog) => self.legs.by_dialog(dialog).map(|leg| Replaced::Leg(leg.id)),
            None => self.names_of_calls.read(&asked.replaces).map(Replaced::Call),
        };
        let of = of.ok_or(Refused::NoDialog)?;
        could_be_answered(call)?;
        let user = self.switch.logged_on(&device);
        let entry = user.and_then(|user| self.users.get(user));
        let number = entry.map_or_else(String::new, |entry| entry.row.extension.as_str().to_owned());
        let source = CallSource::Device {
            device: device.clone(),
        };
        let leg = self.came_in(call, &source, number);
        tracing::debug!(%leg, %device, ?of, "a telephone takes a call over");
        metrics::counter!("ponte_replacing_total").increment(1);
        self.tell(Event::TakesOver {
            leg,
            device,
            of,
            early_only: asked.early_only,
        });
        Ok(())
    }

    /// Tells the SIP layer which calls that a telephone watches its user could take over.
    pub(super) fn show_takes(&mut self, device: &DeviceId) {
        let entry = self
            .switch
            .logged_on(device)
            .and_then(|user| self.users.get(user));
        let takes = entry.map_or_else(Takes::default, |entry| Takes {
            own: Some(entry.row.extension.as_str().to_owned()),
            colleagues: entry.row.pick_up_allowed,
        });
        self.agent.set_takes(self.clock.sip_now(), device.as_str(), takes);
    }

    /// The same of the telephones that the user is logged on to.
    pub(super) fn show_takes_of(&mut self, user: &UserId) {
        for device in self.telephones_of(user) {
            self.show_takes(&device);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &DialogName) -> Replaces {
        Replaces {
            call_id: name.call_id.clone(),
            to_tag: name.remote_tag.clone(),
            from_tag: name.local_tag.clone(),
        }
    }

    #[test]
    fn a_call_is_known_by_its_name_with_the_tags_in_either_order_and_by_no_other() {
        let names = CallNames::default();
        let call = CallId(uuid::Uuid::now_v7());
        let name = names.of(call, Takeable::ByColleagues);
        assert!(name.for_colleagues && !names.of(call, Takeable::ByUser).for_colleagues);
        let good = named(&name);
        assert_eq!(names.read(&good), Some(call));
        let swapped = Replaces {
            to_tag: good.from_tag.clone(),
            from_tag: good.to_tag.clone(),
            ..good.clone()
        };
        assert_eq!(names.read(&swapped), Some(call));
        let other = named(&names.of(CallId(uuid::Uuid::now_v7()), Takeable::ByColleagues));
        for wrong in [
            Replaces {
                to_tag: good.from_tag.clone(),
                ..good.clone()
            },
            Replaces {
                from_tag: good.to_tag.clone(),
                ..good.clone()
            },
            Replaces {
                call_id: other.call_id.clone(),
                ..good.clone()
            },
            Replaces {
                call_id: "nobody".into(),
                ..good.clone()
            },
        ] {
            assert_eq!(names.read(&wrong), None, "{wrong:?}");
        }
        // Names do not outlive the process, as calls do not.
        assert_eq!(CallNames::default().read(&good), None);
    }
}
