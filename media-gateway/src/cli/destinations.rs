//! `user destination …`: telephones at which a user may be called.

use super::args::Confirmation;
use super::users::known;
use super::{Done, Failure, explained, output};
use crate::config::Config;
use crate::numbers::decide;
use crate::store::Store;
use clap::Subcommand;
use ponte_call_core::{Dialled, NumberClass};
use ponte_protocol::{DestinationId, DialString, Refusal, SavedDestination, UserId};
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
    /// Remove one by its id.
    Remove { user: UserId, id: Uuid },
}

fn label(text: &str) -> Result<String, &'static str> {
    let label = text.trim();
    if label.is_empty() || label.chars().count() > 40 || label.chars().any(char::is_control) {
        return Err("a label has 1 to 40 characters");
    }
    Ok(label.to_owned())
}

pub(super) async fn carry_out(command: DestinationCommand, config: &Config, store: &Store) -> Done {
    match command {
        DestinationCommand::Add {
            user,
            label,
            number,
            confirm,
        } => add(user, label, &number, confirm, config, store).await,
        DestinationCommand::List { user, json } => list(&user, json, store).await,
        DestinationCommand::Remove { user, id } => {
            let deleted = store
                .delete_destination(user.clone(), DestinationId(id))
                .await
                .map_err(explained)?;
            if !deleted {
                return Err(Failure::Usage(format!(
                    "{user} has no such telephone; `ponte-gateway user destination list {user}` names all"
                )));
            }
            store.announce_users().await.map_err(explained)?;
            output::line("it is removed")
        }
    }
}

async fn add(
    user: UserId,
    label: String,
    number: &DialString,
    confirm: Confirmation,
    config: &Config,
    store: &Store,
) -> Done {
    let row = known(&user, store).await?;
    let dialled = config.numbering_plan(&store.dids().await?).read(number);
    let refusal = match &dialled {
        Dialled::Own { .. } => Some(Refusal::OwnNumber),
        Dialled::FeatureCode(_) => Some(Refusal::InvalidNumber),
        _ => decide(&row, &config.site, &dialled).refusal,
    };
    let Dialled::External { number, class } = dialled else {
        let refusal = refusal.unwrap_or(Refusal::InvalidNumber);
        return Err(Failure::Usage(format!(
            "{user} cannot be called there: {refusal}"
        )));
    };
    if let Some(refusal) = refusal {
        return Err(Failure::Usage(format!(
            "{user} cannot be called there: {refusal}; `ponte-gateway explain --user {user} --dial {}` says why",
            number.as_str()
        )));
    }
    let destination = SavedDestination {
        id: DestinationId(Uuid::now_v7()),
        label,
        number,
        confirm: match confirm {
            Confirmation::On => true,
            Confirmation::Off => false,
            Confirmation::Mobiles => class == NumberClass::Mobile,
        },
        verified: true,
    };
    let told = format!("{user} can be called at {}", destination.number.as_str());
    let saved = store.save_destination(user, destination);
    let announced = store.announce_users();
    saved.await.map_err(explained)?;
    announced.await.map_err(explained)?;
    output::line(&told)
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
