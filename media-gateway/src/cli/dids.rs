//! `did …`: numbers that reach an extension from outside.

use super::{Done, Failure, output, refused};
use crate::admin::{Admin, LABEL_MAX, check_name};
use crate::store::{DidRow, Store};
use clap::{Args, Subcommand};
use ponte_call_core::TrunkId;
use ponte_protocol::{E164, Extension};
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

fn label(text: &str) -> Result<String, String> {
    check_name(text, LABEL_MAX)
}

pub(super) async fn carry_out(command: DidCommand, admin: &Admin<'_>) -> Done {
    let store = admin.store();
    match command {
        DidCommand::Add { number, settings } => {
            let row = row(number, settings);
            let told = told(&row, "reaches", store).await?;
            admin.add_did(row).await.map_err(refused)?;
            output::line(&told)
        }
        DidCommand::Set { number, settings } => {
            let row = row(number, settings);
            let told = told(&row, "reaches", store).await?;
            admin.set_did(row).await.map_err(refused)?;
            output::line(&told)
        }
        DidCommand::List { json } => list(json, admin).await,
        DidCommand::Remove { number } => {
            admin.remove_did(number.clone()).await.map_err(refused)?;
            output::line(&format!("{} is removed", number.as_str()))
        }
    }
}

fn row(number: E164, settings: DidSettings) -> DidRow {
    DidRow {
        number,
        extension: settings.extension,
        label: settings.label,
        trunk: settings.trunk.map(TrunkId),
    }
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

async fn list(as_json: bool, admin: &Admin<'_>) -> Done {
    let (users, stored) = (admin.store().users().await?, admin.store().dids().await?);
    let all = admin.dids().await?;
    let from = |number: &E164| {
        if stored.iter().any(|row| row.number == *number) {
            "store"
        } else {
            "configuration"
        }
    };
    let user = |extension: &Extension| {
        users
            .iter()
            .find(|user| user.extension == *extension)
            .map(|user| user.user.to_string())
    };
    if as_json {
        let rows: Vec<_> = all
            .iter()
            .map(|did| {
                json!({
                    "number": did.number,
                    "extension": did.extension,
                    "user": user(&did.extension),
                    "label": did.label,
                    "trunk": did.trunk,
                    "from": from(&did.number),
                })
            })
            .collect();
        return output::json(&rows);
    }
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|did| {
            vec![
                did.number.as_str().to_owned(),
                did.extension.as_str().to_owned(),
                dash(user(&did.extension)),
                dash(did.label.clone()),
                dash(did.trunk.clone()),
                from(&did.number).to_owned(),
            ]
        })
        .collect();
    output::table(&["NUMBER", "EXTENSION", "USER", "LABEL", "TRUNK", "FROM"], &rows)
}
