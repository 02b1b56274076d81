//! `group …`: restrictions that several users share.

use super::args::{Rule, rule_or_none};
use super::{Done, output, refused};
use crate::admin::Admin;
use crate::numbers::rule_text;
use crate::store::{GroupRow, Store};
use clap::Subcommand;
use ponte_protocol::{GroupId, UserId};
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(super) enum GroupCommand {
    /// Add a group. `user set --group` puts users into it.
    Add {
        group: GroupId,
        /// A rule after each user's own and before those of the site, e.g. "allow +44"; the first that fits decides.
        /// Given again for more.
        #[arg(long = "restriction", value_name = "RULE", value_parser = rule_or_none)]
        restrictions: Vec<Rule>,
    },
    /// Replace the rules of a group; "" for none.
    Set {
        group: GroupId,
        #[arg(long = "restriction", value_name = "RULE", value_parser = rule_or_none, required = true)]
        restrictions: Vec<Rule>,
    },
    /// List all groups with their rules and users.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Remove a group that has no users.
    Remove { group: GroupId },
}

pub(super) async fn carry_out(command: GroupCommand, admin: &Admin<'_>) -> Done {
    let row = |group, restrictions: Vec<Rule>| GroupRow {
        group,
        restrictions: restrictions.into_iter().filter_map(|rule| rule.0).collect(),
    };
    match command {
        GroupCommand::Add { group, restrictions } => {
            admin
                .add_group(row(group.clone(), restrictions))
                .await
                .map_err(refused)?;
            output::line(&format!("{group} is added"))
        }
        GroupCommand::Set { group, restrictions } => {
            admin
                .set_group(row(group.clone(), restrictions))
                .await
                .map_err(refused)?;
            output::line(&format!("{group} is changed"))
        }
        GroupCommand::List { json } => list(json, admin.store()).await,
        GroupCommand::Remove { group } => {
            admin.remove_group(group.clone()).await.map_err(refused)?;
            output::line(&format!("{group} is removed"))
        }
    }
}

async fn list(as_json: bool, store: &Store) -> Done {
    let users = store.users().await?;
    let members = |group: &GroupId| -> Vec<UserId> {
        users
            .iter()
            .filter(|user| user.group.as_ref().is_some_and(|row| row.group == *group))
            .map(|user| user.user.clone())
            .collect()
    };
    let rules = |row: &GroupRow| -> Vec<String> { row.restrictions.iter().map(rule_text).collect() };
    let groups = store.groups().await?;
    if as_json {
        let rows: Vec<_> = groups
            .iter()
            .map(
                |row| json!({ "group": row.group, "restrictions": rules(row), "users": members(&row.group) }),
            )
            .collect();
        return output::json(&rows);
    }
    let rows: Vec<Vec<String>> = groups
        .iter()
        .map(|row| {
            let users: Vec<String> = members(&row.group).iter().map(ToString::to_string).collect();
            vec![row.group.to_string(), rules(row).join(", "), users.join(", ")]
        })
        .collect();
    output::table(&["GROUP", "RULES", "USERS"], &rows)
}
