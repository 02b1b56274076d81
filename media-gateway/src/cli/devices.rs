//! `device …`: desk telephones.

use super::args::Switched;
use super::{Done, Failure, explained, now, output, secret};
use crate::config::Config;
use crate::store::{DeviceRow, DeviceSecret, Store, StoreError};
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

fn device_name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 40 || name.chars().any(char::is_control) {
        return Err("a telephone's name has 1 to 40 characters");
    }
    Ok(name.to_owned())
}

pub(super) async fn carry_out(command: DeviceCommand, config: &Config, store: &Store) -> Done {
    match command {
        DeviceCommand::Add {
            device,
            settings,
            json,
        } => add(device, settings, json, config, store).await,
        DeviceCommand::Set {
            device,
            settings,
            new_password,
            json,
        } => set(device, settings, new_password, json, config, store).await,
        DeviceCommand::List { json } => list(json, config, store).await,
        DeviceCommand::Remove { device } => {
            store.remove_device(device.clone()).await.map_err(explained)?;
            output::line(&format!("{device} is removed"))
        }
    }
}

/// A password as it was made, or as it was typed and need not be shown.
struct Password {
    text: String,
    made: bool,
}

fn password(from_input: bool) -> Result<Password, Failure> {
    Ok(Password {
        text: if from_input {
            secret::password()?
        } else {
            secret::generated()?
        },
        made: !from_input,
    })
}

fn apply(row: &mut DeviceRow, settings: &DeviceSettings) -> Done {
    if let Some(name) = &settings.name {
        row.name.clone_from(name);
    }
    match settings.owner.as_deref() {
        None => {}
        Some("") => row.owner = None,
        Some(owner) => {
            let owner = owner
                .parse::<UserId>()
                .map_err(|error| Failure::Usage(format!("--owner {owner}: {error}")))?;
            row.owner = Some(owner);
        }
    }
    if let Some(hot_desk) = settings.hot_desk {
        row.hot_desk = hot_desk == Switched::On;
    }
    Ok(())
}

async fn add(
    device: DeviceId,
    settings: DeviceSettings,
    as_json: bool,
    config: &Config,
    store: &Store,
) -> Done {
    let password = password(settings.password_stdin)?;
    let mut row = DeviceRow {
        name: device.to_string(),
        owner: None,
        hot_desk: false,
        secret: DeviceSecret::new(&device, &config.registrar.realm, &password.text),
        device,
    };
    apply(&mut row, &settings)?;
    store.add_device(row.clone()).await.map_err(explained)?;
    tell_account(&row, "added", Some(&password), as_json)
}

async fn set(
    device: DeviceId,
    settings: DeviceSettings,
    new_password: bool,
    as_json: bool,
    config: &Config,
    store: &Store,
) -> Done {
    let found = store.device(&device).await?;
    let mut row = found.ok_or_else(|| explained(StoreError::UnknownDevice(device.clone())))?;
    apply(&mut row, &settings)?;
    let password = if new_password || settings.password_stdin {
        Some(password(settings.password_stdin)?)
    } else {
        None
    };
    if let Some(password) = &password {
        row.secret = DeviceSecret::new(&device, &config.registrar.realm, &password.text);
    }
    store.set_device(row.clone()).await.map_err(explained)?;
    tell_account(&row, "changed", password.as_ref(), as_json)
}

fn tell_account(row: &DeviceRow, what: &str, password: Option<&Password>, as_json: bool) -> Done {
    let made = password.filter(|password| password.made);
    if as_json {
        return output::json(&json!({
            "device": row.device,
            "username": row.device,
            "realm": row.secret.realm,
            "password": made.map(|password| &password.text),
        }));
    }
    output::line(&format!("{} is {what}", row.device))?;
    match made {
        None => Ok(()),
        Some(password) => output::text(&format!(
            "user name  {}\npassword   {}\nrealm      {}\nThe password is not kept and not shown again.\n",
            row.device, password.text, row.secret.realm
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
