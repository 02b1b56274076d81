//! `device …`: desk telephones.

use super::args::Switched;
use super::{Done, Failure, explained, now, output, refused, secret};
use crate::admin::{Admin, DeviceChange, LABEL_MAX, Password, check_name};
use crate::config::Config;
use crate::store::{DeviceRow, Store, StoreError};
use clap::{Args, Subcommand};
use ponte_protocol::{DeviceId, UserId};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Subcommand)]
pub(super) enum DeviceCommand {
    /// Add a desk telephone, and print the password of its account, once.
    Add {
        device: DeviceId,
        #[command(flatten)]
        settings: DeviceSettings,
        #[arg(long)]
        json: bool,
    },
    /// Change what is given, and leave the rest.
    Set {
        device: DeviceId,
        #[command(flatten)]
        settings: DeviceSettings,
        /// Make a new password, and print it, once.
        #[arg(long, conflicts_with = "password_stdin")]
        new_password: bool,
        #[arg(long)]
        json: bool,
    },
    /// List all telephones, and who is logged on to them.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Remove a telephone: it can no longer register or call.
    Remove { device: DeviceId },
}

#[derive(Debug, Args)]
pub(super) struct DeviceSettings {
    /// What people call it; the account's name where it is not given.
    #[arg(long, value_parser = device_name)]
    name: Option<String>,
    /// Whose ordinary telephone it is; "" for nobody's.
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    /// Whether other users may log on to it.
    #[arg(long, value_enum)]
    hot_desk: Option<Switched>,
    /// Read the password from standard input in place of making one.
    #[arg(long)]
    password_stdin: bool,
}

fn device_name(text: &str) -> Result<String, String> {
    check_name(text, LABEL_MAX)
}

pub(super) async fn carry_out(command: DeviceCommand, admin: &Admin<'_>) -> Done {
    match command {
        DeviceCommand::Add {
            device,
            settings,
            json,
        } => add(device, &settings, json, admin).await,
        DeviceCommand::Set {
            device,
            settings,
            new_password,
            json,
        } => set(device, &settings, new_password, json, admin).await,
        DeviceCommand::List { json } => list(json, admin.config(), admin.store()).await,
        DeviceCommand::Remove { device } => {
            admin.remove_device(device.clone()).await.map_err(refused)?;
            output::line(&format!("{device} is removed"))
        }
    }
}

fn apply(change: &mut DeviceChange, settings: &DeviceSettings) -> Done {
    if let Some(name) = &settings.name {
        change.name.clone_from(name);
    }
    match settings.owner.as_deref() {
        None => {}
        Some("") => change.owner = None,
        Some(owner) => {
            let owner = owner
                .parse::<UserId>()
                .map_err(|error| Failure::Usage(format!("--owner {owner}: {error}")))?;
            change.owner = Some(owner);
        }
    }
    if let Some(hot_desk) = settings.hot_desk {
        change.hot_desk = hot_desk == Switched::On;
    }
    if settings.password_stdin {
        change.password = Password::Given(secret::password()?);
    }
    Ok(())
}

async fn add(device: DeviceId, settings: &DeviceSettings, as_json: bool, admin: &Admin<'_>) -> Done {
    let mut change = DeviceChange {
        name: device.to_string(),
        owner: None,
        hot_desk: false,
        password: Password::Made,
        device: device.clone(),
    };
    apply(&mut change, settings)?;
    let made = admin.add_device(change).await.map_err(refused)?;
    tell_account(&device, "added", made.as_deref(), as_json, admin)
}

async fn set(
    device: DeviceId,
    settings: &DeviceSettings,
    new_password: bool,
    as_json: bool,
    admin: &Admin<'_>,
) -> Done {
    let found = admin.store().device(&device).await?;
    let row = found.ok_or_else(|| explained(StoreError::UnknownDevice(device.clone())))?;
    let mut change = DeviceChange {
        name: row.name,
        owner: row.owner,
        hot_desk: row.hot_desk,
        password: if new_password {
            Password::Made
        } else {
            Password::Kept
        },
        device: device.clone(),
    };
    apply(&mut change, settings)?;
    let made = admin.set_device(change).await.map_err(refused)?;
    tell_account(&device, "changed", made.as_deref(), as_json, admin)
}

fn tell_account(
    device: &DeviceId,
    what: &str,
    password: Option<&str>,
    as_json: bool,
    admin: &Admin<'_>,
) -> Done {
    let realm = &admin.config().registrar.realm;
    if as_json {
        return output::json(&json!({
            "device": device,
            "username": device,
            "realm": realm,
            "password": password,
        }));
    }
    output::line(&format!("{device} is {what}"))?;
    match password {
        None => Ok(()),
        Some(password) => output::text(&format!(
            "user name  {device}\npassword   {password}\nrealm      {realm}\nThe password is not kept and not shown again.\n",
        )),
    }
}

async fn list(as_json: bool, config: &Config, store: &Store) -> Done {
    let devices = store.devices().await?;
    let logons: BTreeMap<DeviceId, Option<UserId>> = store.logons().await?.into_iter().collect();
    let bindings = store.bindings(now()).await?;
    let registered: Vec<DeviceId> = bindings.into_iter().map(|row| row.device).collect();
    let row = |device: &DeviceRow| Listed {
        logged_on: logons
            .get(&device.device)
            .map_or_else(|| device.owner.clone(), Clone::clone),
        registered: registered.contains(&device.device),
        password_valid: device.secret.realm == config.registrar.realm,
        device: device.clone(),
    };
    let listed: Vec<Listed> = devices.iter().map(row).collect();
    if as_json {
        return output::json(&listed.iter().map(Listed::json).collect::<Vec<_>>());
    }
    let rows: Vec<Vec<String>> = listed.iter().map(Listed::cells).collect();
    output::table(
        &[
            "TELEPHONE",
            "NAME",
            "OWNER",
            "LOGGED ON",
            "HOT DESK",
            "REGISTERED",
        ],
        &rows,
    )?;
    if let Some(stale) = listed.iter().find(|listed| !listed.password_valid) {
        eprintln!(
            "the password of {} was made for another realm and no longer fits; `ponte-gateway device set {} --new-password`",
            stale.device.device, stale.device.device
        );
    }
    Ok(())
}

struct Listed {
    device: DeviceRow,
    logged_on: Option<UserId>,
    registered: bool,
    /// Whether it was made for the realm of the configuration.
    password_valid: bool,
}

impl Listed {
    fn json(&self) -> Value {
        json!({
            "device": self.device.device,
            "name": self.device.name,
            "owner": self.device.owner,
            "logged_on": self.logged_on,
            "hot_desk": self.device.hot_desk,
            "registered": self.registered,
            "realm": self.device.secret.realm,
            "password_valid": self.password_valid,
        })
    }

    fn cells(&self) -> Vec<String> {
        let user = |user: &Option<UserId>| user.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        vec![
            self.device.device.to_string(),
            self.device.name.clone(),
            user(&self.device.owner),
            user(&self.logged_on),
            if self.device.hot_desk { "on" } else { "off" }.to_owned(),
            if self.registered { "yes" } else { "no" }.to_owned(),
        ]
    }
}
