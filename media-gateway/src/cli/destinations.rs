//! `user destination …`: telephones at which a user may be called.

use super::args::{Confirmation, Switched};
use super::users::known;
use super::{Done, Failure, output, refused};
use crate::admin::{Admin, AdminError, LABEL_MAX, check_name};
use crate::store::{Store, StoreError};
use clap::Subcommand;
use ponte_protocol::{DestinationId, DialString, UserId};
use serde_json::json;
use uuid::Uuid;

#[derive(Debug, Subcommand)]
pub(super) enum DestinationCommand {
    /// Add a telephone that counts as verified: you vouch that it is the user's.
    Add {
        user: UserId,
        /// What the user calls it, e.g. Home.
        #[arg(long, value_parser = label)]
        label: String,
        /// As it is dialled in the site's country, or +39…
        #[arg(long)]
        number: DialString,
        /// Whether the key 1 or Accept must confirm that a person answered.
        #[arg(long, value_enum, default_value = "mobiles")]
        confirm: Confirmation,
    },
    /// List a user's telephones.
    List {
        user: UserId,
        #[arg(long)]
        json: bool,
    },
    /// Change what is given of one, and leave the rest.
    Set {
        user: UserId,
        id: Uuid,
        #[arg(long, value_parser = label)]
        label: Option<String>,
        /// Whether the key 1 or Accept must confirm that a person answered.
        #[arg(long, value_enum)]
        confirm: Option<Switched>,
        /// Whether it counts as proven; on: you vouch that it is the user's.
        #[arg(long, value_enum)]
        verified: Option<Switched>,
    },
    /// Remove one by its id.
    Remove { user: UserId, id: Uuid },
}

fn label(text: &str) -> Result<String, String> {
    check_name(text, LABEL_MAX)
}

pub(super) async fn carry_out(command: DestinationCommand, admin: &Admin<'_>) -> Done {
    match command {
        DestinationCommand::Add {
            user,
            label,
            number,
            confirm,
        } => {
            let confirm = match confirm {
                Confirmation::On => Some(true),
                Confirmation::Off => Some(false),
                Confirmation::Mobiles => None,
            };
            let added = admin
                .add_destination(user.clone(), &label, &number, confirm)
                .await;
            let number = added.map_err(refused)?.number;
            output::line(&format!("{user} can be called at {}", number.as_str()))
        }
        DestinationCommand::List { user, json } => list(&user, json, admin.store()).await,
        DestinationCommand::Set {
            user,
            id,
            label,
            confirm,
            verified,
        } => {
            let on = |switched| switched == Switched::On;
            let changed = admin
                .set_destination(
                    user.clone(),
                    DestinationId(id),
                    label,
                    confirm.map(on),
                    verified.map(on),
                )
                .await;
            changed.map_err(|error| unknown(&user, error))?;
            output::line("it is changed")
        }
        DestinationCommand::Remove { user, id } => {
            let removed = admin.remove_destination(user.clone(), DestinationId(id)).await;
            removed.map_err(|error| unknown(&user, error))?;
            output::line("it is removed")
        }
    }
}

fn unknown(user: &UserId, error: AdminError) -> Failure {
    match error {
        AdminError::Store(StoreError::UnknownDestination(_)) => Failure::Usage(format!(
            "{user} has no such telephone; `ponte-gateway user destination list {user}` names all"
        )),
        other => refused(other),
    }
}

async fn list(user: &UserId, as_json: bool, store: &Store) -> Done {
    known(user, store).await?;
    let destinations = store.destinations(user).await?;
    if as_json {
        return output::json(&json!(destinations));
    }
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let rows: Vec<Vec<String>> = destinations
        .iter()
        .map(|destination| {
            vec![
                destination.id.to_string(),
                destination.label.clone(),
                destination.number.as_str().to_owned(),
                yes(destination.confirm),
                yes(destination.verified),
            ]
        })
        .collect();
    output::table(&["ID", "LABEL", "NUMBER", "CONFIRM", "VERIFIED"], &rows)
}
