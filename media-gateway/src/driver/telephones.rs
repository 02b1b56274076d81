//! Desk telephones: their accounts, their registrations, who is logged on, and what portals are shown of it.

use super::Driver;
use super::writes::Saved;
use crate::store::{BindingsRow, DeviceRow, Store, StoreError};
use ponte_call_core::Event;
use ponte_protocol::{DeviceId, EventBody, StationView, UnixMillis, UserId};
use ponte_sip::Binding;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// How long changes to telephones are gathered before the portals are told: after a power cut all register at once.
const GATHER: Duration = Duration::from_millis(50);

/// The desk telephones as the host knows them.
#[derive(Debug, Default)]
pub(super) struct Telephones {
    rows: BTreeMap<DeviceId, DeviceRow>,
    /// Whether the SIP layer asks for accounts; without telephones every stranger is refused at once.
    served: bool,
    /// What each user's portals were shown last.
    shown: HashMap<UserId, Vec<StationView>>,
    /// When the portals are shown what changed.
    show_at: Option<Instant>,
}

impl Telephones {
    pub fn get(&self, device: &DeviceId) -> Option<&DeviceRow> {
        self.rows.get(device)
    }

    pub fn devices(&self) -> impl Iterator<Item = &DeviceId> {
        self.rows.keys()
    }

    pub fn show_at(&self) -> Option<Instant> {
        self.show_at
    }
}

/// What the store keeps of all telephones.
#[derive(Debug)]
pub(super) struct SavedTelephones {
    pub rows: Vec<DeviceRow>,
    pub logons: Vec<(DeviceId, Option<UserId>)>,
    pub bindings: Vec<BindingsRow>,
}

impl SavedTelephones {
    pub async fn load(store: &Store, now: UnixMillis) -> Result<Self, StoreError> {
        Ok(Self {
            rows: store.devices().await?,
            logons: store.logons().await?,
            bindings: store.bindings(now).await?,
        })
    }
}

/// A binding with the time that its own form leaves out.
#[derive(Serialize, Deserialize)]
struct KeptBinding {
    binding: Binding,
    expires_at: UnixMillis,
}

impl Driver {
    /// The telephones as an earlier run left them; after the users.
    pub(super) fn load_telephones(&mut self, saved: SavedTelephones) {
        for row in saved.rows {
            self.set_telephone(row);
        }
        for (device, user) in saved.logons {
            self.tell(Event::LogonRestored {
                device: device.clone(),
                user,
            });
            self.show_box(&device);
            self.show_takes(&device);
        }
        for row in saved.bindings {
            let kept: Vec<KeptBinding> = match serde_json::from_str(&row.json) {
                Ok(kept) => kept,
                Err(error) => {
                    tracing::warn!(device = %row.device, %error, "registrations in the store cannot be read");
                    continue;
                }
            };
            let bindings = kept.into_iter().map(|kept| Binding {
                expires_at: self.clock.sip_timestamp(kept.expires_at),
                ..kept.binding
            });
            let restored =
                self.agent
                    .restore_bindings(self.clock.sip_now(), row.device.as_str(), bindings.collect());
            if let Err(error) = restored {
                tracing::warn!(device = %row.device, %error, "registrations cannot be taken back");
            }
        }
    }

    /// An administrator's command changed the telephones.
    pub(super) fn telephones_changed(&mut self, rows: Vec<DeviceRow>) {
        let gone: Vec<DeviceId> = self
            .telephones
            .rows
            .keys()
            .filter(|device| rows.iter().all(|row| row.device != **device))
            .cloned()
            .collect();
        for device in gone {
            self.telephones.rows.remove(&device);
            // Its bindings end with it.
            if let Err(error) = self.agent.remove_account(self.clock.sip_now(), device.as_str()) {
                tracing::debug!(%device, %error, "an account was gone already");
            }
            self.tell(Event::DeviceRemoved { device });
        }
        for row in rows {
            if self.telephones.rows.get(&row.device) != Some(&row) {
                self.set_telephone(row);
            }
        }
        self.stations_changed();
    }

    fn set_telephone(&mut self, row: DeviceRow) {
        let registrar = &self.config.registrar;
        if row.secret.realm != registrar.realm {
            tracing::error!(
                device = %row.device,
                realm = %registrar.realm,
                "a telephone's password was set for another realm: set it anew, or registrar.realm back"
            );
        }
        if !self.telephones.served {
            self.agent.serve_accounts(&registrar.accounts(rand::random()));
            self.telephones.served = true;
            let users: Vec<UserId> = self.users.keys().cloned().collect();
            for user in &users {
                self.show_user(user);
            }
        }
        if let Err(error) = self.agent.set_account(self.clock.sip_now(), row.account()) {
            tracing::error!(device = %row.device, %error, "a telephone cannot be served");
        }
        let config = Box::new(row.switch_config());
        let device = row.device.clone();
        self.telephones.rows.insert(device.clone(), row);
        self.tell(Event::DeviceConfigured { config });
        self.show_box(&device);
        self.show_takes(&device);
        self.stations_changed();
    }

    /// Keeps the registrations of a telephone.
    pub(super) fn bindings_changed(&mut self, account: &str, bindings: Vec<Binding>) {
        let Ok(device) = account.parse::<DeviceId>() else {
            return;
        };
        let last = bindings.iter().map(|binding| binding.expires_at).max();
        let Some(last) = last else {
            drop(self.store.forget_bindings(device));
            return;
        };
        let expires_at = self.clock.unix(last);
        let kept: Vec<KeptBinding> = bindings
            .into_iter()
            .map(|binding| KeptBinding {
                expires_at: self.clock.unix(binding.expires_at),
                binding,
            })
            .collect();
        match serde_json::to_string(&kept) {
            Ok(json) => drop(self.store.save_bindings(BindingsRow {
                device,
                json,
                expires_at,
            })),
            Err(error) => tracing::error!(%device, %error, "registrations cannot be written"),
        }
    }

    /// A telephone can be reached, or no longer.
    pub(super) fn registration_changed(&mut self, account: &str, registered: bool) {
        let Ok(device) = account.parse::<DeviceId>() else {
            return;
        };
        tracing::info!(%device, registered, "a telephone's registration changed");
        metrics::counter!("ponte_registrations_total", "registered" => registered.to_string()).increment(1);
        self.tell(Event::DeviceRegistered { device, registered });
        self.stations_changed();
    }

    pub(super) fn save_logon(&mut self, device: DeviceId, user: Option<UserId>) {
        tracing::info!(%device, user = user.as_ref().map(tracing::field::display), "a telephone's log-on changed");
        let written = self.store.save_logon(device.clone(), user.clone());
        self.show_box(&device);
        self.show_takes(&device);
        match user {
            Some(user) => self.writes.after(written, Saved::User(user)),
            None => drop(written),
        }
        self.stations_changed();
    }

    pub(super) fn stations_changed(&mut self) {
        self.telephones
            .show_at
            .get_or_insert_with(|| Instant::now() + GATHER);
    }

    /// Tells each user's portals what changed about telephones.
    pub(super) fn show_stations(&mut self) {
        self.telephones.show_at = None;
        let users: Vec<UserId> = self.users.keys().cloned().collect();
        self.telephones
            .shown
            .retain(|user, _| self.users.contains_key(user));
        for user in users {
            let stations = self.switch.stations(&user);
            let shown = self.telephones.shown.get(&user);
            if shown.map_or(stations.is_empty(), |shown| *shown == stations) {
                continue;
            }
            self.telephones.shown.insert(user.clone(), stations.clone());
            self.company.touch(&user);
            self.send_event(user, EventBody::StationsChanged { stations });
        }
    }
}
