//! `did …`: numbers that reach an extension from outside.

use super::{Done, Failure, explained, output};
use crate::config::Config;
use crate::numbers::NumberingPlan;
use crate::store::{DidRow, Store};
use clap::{Args, Subcommand};
use ponte_call_core::{Dialled, TrunkId};
use ponte_protocol::{DialString, E164, Extension};
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(super) enum DidCommand {
    /// Let a number reach an extension.
    Add {
        /// E.g. +390212345601.
        number: E164,
        #[command(flatten)]
        settings: DidSettings,
    },
    /// Change what a number reaches.
    Set {
        number: E164,
        #[command(flatten)]
        settings: DidSettings,
    },
    /// List all numbers, with those of the configuration.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Let a number reach nobody.
    Remove { number: E164 },
}

#[derive(Debug, Args)]
pub(super) struct DidSettings {
    #[arg(long)]
    extension: Extension,
    /// What it is for.
    #[arg(long, value_parser = label)]
    label: Option<String>,
    /// The only trunk on which it may come in; any where it is not given.
    #[arg(long)]
    trunk: Option<String>,
}

fn label(text: &str) -> Result<String, &'static str> {
    let label = text.trim();
    if label.is_empty() || label.chars().count() > 40 || label.chars().any(char::is_control) {
        return Err("a label has 1 to 40 characters");
    }
    Ok(label.to_owned())
}

pub(super) async fn carry_out(command: DidCommand, config: &Config, store: &Store) -> Done {
    match command {
        DidCommand::Add { number, settings } => {
            let row = row(number, settings, config)?;
            let told = told(&row, "reaches", store).await?;
            store.add_did(row).await.map_err(explained)?;
            output::line(&told)
        }
        DidCommand::Set { number, settings } => {
            if !store.dids().await?.iter().any(|row| row.number == number) {
                return Err(Failure::Usage(format!(
                    "there is no number {}; add it with `ponte-gateway did add`",
                    number.as_str()
                )));
            }
            let row = row(number, settings, config)?;
            let told = told(&row, "reaches", store).await?;
            store.set_did(row).await.map_err(explained)?;
            output::line(&told)
        }
        DidCommand::List { json } => list(json, config, store).await,
        DidCommand::Remove { number } => {
            store.remove_did(number.clone()).await.map_err(explained)?;
            output::line(&format!("{} is removed", number.as_str()))
        }
    }
}

fn row(number: E164, settings: DidSettings, config: &Config) -> Result<DidRow, Failure> {
    let row = DidRow {
        number,
        extension: settings.extension,
        label: settings.label,
        trunk: settings.trunk.map(TrunkId),
    };
    check(&row, config)?;
    Ok(row)
}

/// What the configuration forbids.
pub(super) fn check(row: &DidRow, config: &Config) -> Done {
    let extension = row.extension.as_str();
    let read = extension
        .parse::<DialString>()
        .map_or(Dialled::Invalid, |dialled| {
            NumberingPlan::new(&config.site).read(&dialled)
        });
    if !matches!(read, Dialled::Own { extension: Some(_) }) {
        return Err(Failure::Usage(format!(
            "{extension} is none of site.extensions ({})",
            config.site.extensions.join(", ")
        )));
    }
    if let Some(trunk) = &row.trunk
        && !config.trunks.iter().any(|known| known.id == *trunk)
    {
        let known: Vec<&str> = config.trunks.iter().map(|trunk| trunk.id.0.as_str()).collect();
        return Err(Failure::Usage(format!(
            "there is no trunk '{}'; the configuration has {}",
            trunk.0,
            known.join(", ")
        )));
    }
    Ok(())
}

async fn told(row: &DidRow, verb: &str, store: &Store) -> Result<String, Failure> {
    let (number, extension) = (row.number.as_str(), row.extension.as_str());
    Ok(match holder(&row.extension, store).await? {
        Some(user) => format!("{number} {verb} {extension}, {user}"),
        None => format!("{number} {verb} {extension}, which no user has yet"),
    })
}

async fn holder(extension: &Extension, store: &Store) -> Result<Option<String>, Failure> {
    let users = store.users().await?;
    let holder = users.into_iter().find(|row| row.extension == *extension);
    Ok(holder.map(|row| row.user.to_string()))
}

async fn list(as_json: bool, config: &Config, store: &Store) -> Done {
    let users = store.users().await?;
    let stored = store.dids().await?;
    let of_trunks = config.trunks.iter().flat_map(|trunk| &trunk.dids);
    let unchanged = of_trunks.filter(|row| stored.iter().all(|stored| stored.number != row.number));
    let mut all: Vec<(&DidRow, &str)> = stored
        .iter()
        .map(|row| (row, "store"))
        .chain(unchanged.map(|row| (row, "configuration")))
        .collect();
    all.sort_by(|(one, _), (other, _)| one.number.cmp(&other.number));
    let user = |row: &DidRow| {
        users
            .iter()
            .find(|user| user.extension == row.extension)
            .map(|user| user.user.to_string())
    };
    if as_json {
        let rows: Vec<_> = all
            .iter()
            .map(|(row, from)| {
                json!({
                    "number": row.number,
                    "extension": row.extension,
                    "user": user(row),
                    "label": row.label,
                    "trunk": row.trunk.as_ref().map(|trunk| &trunk.0),
                    "from": from,
                })
            })
            .collect();
        return output::json(&rows);
    }
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|(row, from)| {
            vec![
                row.number.as_str().to_owned(),
                row.extension.as_str().to_owned(),
                dash(user(row)),
                dash(row.label.clone()),
                dash(row.trunk.as_ref().map(|trunk| trunk.0.clone())),
                (*from).to_owned(),
            ]
        })
        .collect();
    output::table(&["NUMBER", "EXTENSION", "USER", "LABEL", "TRUNK", "FROM"], &rows)
}
