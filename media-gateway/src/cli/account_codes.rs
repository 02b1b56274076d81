//! `account-code …`.

use super::args::Switched;
use super::{Done, output, refused};
use crate::admin::Admin;
use crate::store::StoreError;
use clap::Subcommand;
use ponte_protocol::AccountCode;
use ponte_protocol::admin::AccountCodeSettings;

#[derive(Debug, Subcommand)]
pub(super) enum AccountCodeCommand {
    /// Add a code that calls can be booked to, or change what is given of one.
    Set {
        /// 1 to 16 digits.
        code: AccountCode,
        /// Of the client or the matter; needed for a new code.
        #[arg(long)]
        name: Option<String>,
        /// Whether calls can be booked to it from here on.
        #[arg(long, value_enum)]
        active: Option<Switched>,
    },
    /// List all codes.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Take a code off the list. Calls that are booked to it stay so.
    Remove { code: AccountCode },
}

pub(super) async fn carry_out(command: AccountCodeCommand, admin: &Admin<'_>) -> Done {
    match command {
        AccountCodeCommand::Set { code, name, active } => {
            let before = admin.account_code(&code).await.map_err(refused)?;
            let settings = AccountCodeSettings {
                name: name
                    .or_else(|| before.as_ref().map(|before| before.name.clone()))
                    .unwrap_or_default(),
                active: active.map_or_else(
                    || before.as_ref().is_none_or(|before| before.active),
                    |active| active == Switched::On,
                ),
                code: code.clone(),
            };
            admin.put_account_code(settings).await.map_err(refused)?;
            output::line(&format!("the account code {code} is set"))
        }
        AccountCodeCommand::List { json } => list(&admin.store().account_codes().await?, json),
        AccountCodeCommand::Remove { code } => {
            if admin.account_code(&code).await.map_err(refused)?.is_none() {
                return Err(refused(StoreError::UnknownAccountCode(code).into()));
            }
            admin.remove_account_code(code.clone()).await.map_err(refused)?;
            output::line(&format!("the account code {code} is removed"))
        }
    }
}

fn list(codes: &[AccountCodeSettings], json: bool) -> Done {
    if json {
        return output::json(&codes);
    }
    let rows: Vec<Vec<String>> = codes
        .iter()
        .map(|settings| {
            let active = if settings.active { "yes" } else { "no" };
            vec![
                settings.code.to_string(),
                settings.name.clone(),
                active.to_owned(),
            ]
        })
        .collect();
    output::table(&["CODE", "NAME", "IN USE"], &rows)
}
