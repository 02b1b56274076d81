//! Desk telephones: which are there, and who is logged on to them (rules T3, T10 and T11).

use crate::{DeviceConfig, Effect, Switch};
use ponte_protocol::{DeviceId, Mode, Refusal, StationView, UserId};
use std::collections::BTreeMap;

#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) config: DeviceConfig,
    pub(crate) registered: bool,
    /// Who is logged on.
    pub(crate) user: Option<UserId>,
}

impl Device {
    /// Whether the user may log on to it.
    pub(crate) fn admits(&self, user: &UserId) -> bool {
        self.config.hot_desk || self.config.owner.as_ref() == Some(user)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Devices(BTreeMap<DeviceId, Device>);

impl Devices {
    pub(crate) fn get(&self, id: &DeviceId) -> Option<&Device> {
        self.0.get(id)
    }

    /// The telephone that the user is logged on to.
    pub(crate) fn of(&self, user: &UserId) -> Option<&Device> {
        self.0.values().find(|device| device.user.as_ref() == Some(user))
    }

    /// The telephone on the user's desk: the one that they are logged on to, else their own where nobody else is.
    pub(crate) fn on_desk_of(&self, user: &UserId) -> Option<&Device> {
        let own = || self.owned_by(user).filter(|device| device.user.is_none());
        self.of(user).or_else(own)
    }

    fn owned_by(&self, user: &UserId) -> Option<&Device> {
        self.0
            .values()
            .find(|device| device.config.owner.as_ref() == Some(user))
    }
}

impl Switch {
    /// Who is logged on to a telephone; `None` for nobody, and for a telephone that is not known.
    pub fn logged_on(&self, device: &DeviceId) -> Option<&UserId> {
        self.devices.get(device)?.user.as_ref()
    }

    /// The telephones that the user is logged on to or may log on to. It changes with every
    /// [`Effect::SaveLogon`], and with the events that configure, remove and register telephones.
    pub fn stations(&self, user: &UserId) -> Vec<StationView> {
        let other = |logged_on: &UserId| {
            let known = self.users.get(logged_on).filter(|_| logged_on != user)?;
            Some(known.config.profile.display_name.clone())
        };
        self.devices
            .0
            .values()
            .filter(|device| device.admits(user) || device.user.as_ref() == Some(user))
            .map(|device| StationView {
                device: device.config.id.clone(),
                name: device.config.name.clone(),
                registered: device.registered,
                own: device.config.owner.as_ref() == Some(user),
                logged_on: device.user.as_ref() == Some(user),
                taken_by: device.user.as_ref().and_then(other),
            })
            .collect()
    }

    pub(crate) fn configure_device(&mut self, config: DeviceConfig) {
        let id = config.id.clone();
        let Some(device) = self.devices.0.get_mut(&id) else {
            let user = config
                .owner
                .clone()
                .filter(|owner| self.is_at_no_telephone(owner));
            let device = Device {
                config,
                registered: false,
                user,
            };
            self.devices.0.insert(id, device);
            return;
        };
        let new_owner = device.config.owner != config.owner;
        device.config = config;
        let shut_out = device.user.clone().filter(|user| !device.admits(user));
        if shut_out.is_some() {
            self.save_logon(&id, None);
        }
        let Some(device) = self.devices.get(&id) else {
            return;
        };
        if (new_owner || shut_out.is_some())
            && device.user.is_none()
            && let Some(owner) = device.config.owner.clone()
            && self.is_at_no_telephone(&owner)
        {
            self.save_logon(&id, Some(owner));
        }
    }

    pub(crate) fn remove_device(&mut self, id: &DeviceId) {
        self.devices.0.remove(id);
    }

    pub(crate) fn device_registered(&mut self, id: &DeviceId, registered: bool) {
        if let Some(device) = self.devices.0.get_mut(id) {
            device.registered = registered;
        }
    }

    pub(crate) fn restore_logon(&mut self, id: &DeviceId, user: Option<UserId>) {
        let user = user.filter(|user| !self.is_telecommuting(user));
        if let Some(user) = &user {
            self.forget_logon(user);
        }
        if let Some(device) = self.devices.0.get_mut(id) {
            device.user = user;
        }
    }

    /// Takes the user off every telephone without a word: the mode says where the user is.
    pub(crate) fn forget_logon(&mut self, user: &UserId) {
        for device in self.devices.0.values_mut() {
            if device.user.as_ref() == Some(user) {
                device.user = None;
            }
        }
    }

    pub(crate) fn is_telecommuting(&self, user: &UserId) -> bool {
        self.users
            .get(user)
            .is_some_and(|user| !user.removed && matches!(user.mode, Mode::Telecommuting { .. }))
    }

    fn is_at_no_telephone(&self, user: &UserId) -> bool {
        !self.is_telecommuting(user) && self.devices.of(user).is_none()
    }

    fn save_logon(&mut self, id: &DeviceId, user: Option<UserId>) {
        let Some(device) = self.devices.0.get_mut(id) else {
            return;
        };
        if device.user == user {
            return;
        }
        device.user.clone_from(&user);
        self.cx.push(Effect::SaveLogon {
            device: id.clone(),
            user,
        });
    }

    /// Rule T3: the ordinary telephone no longer rings for the extension. It is kept in mind for rule T10.
    pub(crate) fn log_off(&mut self, user: &UserId) -> Option<DeviceId> {
        let device = self.devices.of(user)?.config.id.clone();
        self.save_logon(&device, None);
        Some(device)
    }

    /// Rule T10: the ordinary telephone is the user's again, if it is there and nobody else is on it.
    pub(crate) fn give_telephone_back(&mut self, user: &UserId) {
        if self.devices.of(user).is_some() {
            return;
        }
        let remembered = self
            .users
            .get_mut(user)
            .and_then(|user| user.telephone_left.take());
        let remembered = remembered.as_ref().and_then(|id| self.devices.get(id));
        let free = |device: &&Device| device.registered && device.user.is_none() && device.admits(user);
        let ordinary = remembered
            .filter(free)
            .or_else(|| self.devices.owned_by(user).filter(free));
        if let Some(id) = ordinary.map(|device| device.config.id.clone()) {
            self.save_logon(&id, Some(user.clone()));
        }
    }

    /// Rule T11, with every check but the PIN.
    pub(crate) fn check_log_on(&self, user: &UserId, id: &DeviceId) -> Result<(), Refusal> {
        self.known_user(user)?;
        let device = self.devices.get(id).ok_or(Refusal::UnknownDevice)?;
        if !device.admits(user) {
            return Err(Refusal::NotPermitted);
        }
        if !device.registered {
            return Err(Refusal::DeviceOffline);
        }
        if !self.store_writable {
            return Err(Refusal::StoreUnavailable);
        }
        Ok(())
    }

    /// Rule T11: whoever was on the telephone is logged off it, and the user leaves telecommuter mode.
    pub(crate) fn log_on(&mut self, user: &UserId, id: &DeviceId) {
        if let Some(before) = self.devices.of(user).map(|device| device.config.id.clone())
            && before != *id
        {
            self.save_logon(&before, None);
        }
        self.save_logon(id, Some(user.clone()));
        if let Some(user) = self.users.get_mut(user) {
            user.telephone_left = None;
        }
        self.set_mode(user, Mode::Office, crate::NumberClass::Other);
    }
}
