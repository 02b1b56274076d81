//! `directory …`: how a directory elsewhere (LDAP) is asked.

use super::args::Switched;
use super::{Done, Failure, output, refused, secret};
use crate::admin::Admin;
use clap::{Args, Subcommand};
use ponte_protocol::external::{DirectorySettings, NumberAttribute};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum DirectoryCommand {
    /// Show how it is asked; never the password.
    Show {
        #[arg(long)]
        json: bool,
    },
    /// Change what is given, and leave the rest. The first time needs --url and --base-dn.
    Set {
        #[command(flatten)]
        settings: Box<DirectoryArgs>,
    },
    /// Ask no directory any more.
    Remove,
}

#[derive(Debug, Args)]
pub(super) struct DirectoryArgs {
    /// What the portal calls it; "" for its own word.
    #[arg(long)]
    name: Option<String>,
    /// Where it is: `ldap://HOST` or `ldaps://HOST`, with a port where it is not 389 or 636.
    #[arg(long)]
    url: Option<String>,
    /// Whether a connection to `ldap://` turns to TLS before anything is asked.
    #[arg(long, value_enum)]
    start_tls: Option<Switched>,
    /// A file with the certificates that the server's must lead to, in PEM; "" for those that this system trusts.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// As whom it is asked, e.g. cn=ponte,dc=example,dc=com; "" for nobody.
    #[arg(long, value_name = "DN")]
    bind_dn: Option<String>,
    /// Read the password from standard input.
    #[arg(long, conflicts_with = "no_password")]
    password: bool,
    /// Ask without a password.
    #[arg(long)]
    no_password: bool,
    /// Where the people are, e.g. ou=people,dc=example,dc=com.
    #[arg(long, value_name = "DN")]
    base_dn: Option<String>,
    /// Who counts, e.g. (objectClass=person).
    #[arg(long)]
    filter: Option<String>,
    /// Attributes in which what is typed is looked for, with commas between them.
    #[arg(long, value_name = "ATTRIBUTES", value_delimiter = ',')]
    search: Option<Vec<String>>,
    /// Attributes of the name, with commas between them: the first that has a value.
    #[arg(long, value_name = "ATTRIBUTES", value_delimiter = ',')]
    names: Option<Vec<String>>,
    /// Where the numbers are and what they are, e.g. telephoneNumber=work,mobile=mobile.
    #[arg(long, value_name = "ATTRIBUTE=KIND", value_delimiter = ',', value_parser = number)]
    numbers: Option<Vec<NumberAttribute>>,
    /// The attribute of the e-mail address; "" for none.
    #[arg(long, value_name = "ATTRIBUTE")]
    mail: Option<String>,
    /// The attribute of the organisation; "" for none.
    #[arg(long, value_name = "ATTRIBUTE")]
    organisation: Option<String>,
    /// The most people that are shown, 1 to 100.
    #[arg(long)]
    limit: Option<u16>,
    /// How long a search may take, 500 to 10000.
    #[arg(long, value_name = "MILLISECONDS")]
    timeout_ms: Option<u64>,
    /// Whether the names of callers are looked up.
    #[arg(long, value_enum)]
    names_on_calls: Option<Switched>,
}

/// An attribute and what its numbers are.
#[allow(clippy::unnecessary_wraps)]
fn number(text: &str) -> Result<NumberAttribute, String> {
    let (attribute, label) = text.split_once('=').unwrap_or((text, ""));
    Ok(NumberAttribute {
        attribute: attribute.trim().to_owned(),
        label: label.trim().to_owned(),
    })
}

pub(super) async fn carry_out(command: DirectoryCommand, admin: &Admin<'_>) -> Done {
    let row = admin.store().directory().await?;
    match command {
        DirectoryCommand::Show { json } => {
            let has_password = row.as_ref().is_some_and(|row| row.password.is_some());
            show(row.map(|row| row.settings).as_ref(), has_password, json)
        }
        DirectoryCommand::Set { settings } => {
            let password = match (settings.password, settings.no_password) {
                (true, _) => Some(secret::line("password")?),
                (_, true) => Some(String::new()),
                _ => None,
            };
            let before = row.map(|row| row.settings).unwrap_or_default();
            let wanted = with(before, *settings)?;
            admin.put_directory(wanted, password).await.map_err(refused)?;
            output::line("the external directory is set")
        }
        DirectoryCommand::Remove => {
            admin.remove_directory().await.map_err(refused)?;
            output::line("there is no external directory")
        }
    }
}

fn with(mut settings: DirectorySettings, given: DirectoryArgs) -> Result<DirectorySettings, Failure> {
    fn put<T>(field: &mut T, given: Option<T>) {
        if let Some(given) = given {
            *field = given;
        }
    }
    put(&mut settings.name, given.name);
    put(&mut settings.url, given.url);
    put(
        &mut settings.start_tls,
        given.start_tls.map(|on| on == Switched::On),
    );
    put(&mut settings.bind_dn, given.bind_dn);
    put(&mut settings.base_dn, given.base_dn);
    put(&mut settings.filter, given.filter);
    put(&mut settings.search, given.search);
    put(&mut settings.names, given.names);
    put(&mut settings.numbers, given.numbers);
    put(&mut settings.mail, given.mail);
    put(&mut settings.organisation, given.organisation);
    put(&mut settings.limit, given.limit);
    put(&mut settings.timeout_ms, given.timeout_ms);
    put(
        &mut settings.names_on_calls,
        given.names_on_calls.map(|on| on == Switched::On),
    );
    if let Some(file) = given.ca_file {
        settings.ca = if file.as_os_str().is_empty() {
            String::new()
        } else {
            let text = std::fs::read_to_string(&file);
            text.map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", file.display())))?
        };
    }
    Ok(settings)
}

fn show(settings: Option<&DirectorySettings>, has_password: bool, as_json: bool) -> Done {
    if as_json {
        return output::json(&settings);
    }
    let Some(settings) = settings else {
        return output::line("there is no external directory");
    };
    let on = |on: bool| if on { "on" } else { "off" }.to_owned();
    let numbers = settings.numbers.iter().map(|number| {
        if number.label.is_empty() {
            number.attribute.clone()
        } else {
            format!("{}={}", number.attribute, number.label)
        }
    });
    let numbers: Vec<String> = numbers.collect();
    let certificates = settings.ca.matches("-----BEGIN CERTIFICATE-----").count();
    let trusted = match certificates {
        0 => "those of the system".to_owned(),
        count => format!("{count} of its own"),
    };
    let rows = [
        ("name", settings.name.clone()),
        ("url", settings.url.clone()),
        ("StartTLS", on(settings.start_tls)),
        ("certificates", trusted),
        ("asks as", settings.bind_dn.clone()),
        ("password", if has_password { "set" } else { "none" }.to_owned()),
        ("base", settings.base_dn.clone()),
        ("filter", settings.filter.clone()),
        ("searched", settings.search.join(",")),
        ("names", settings.names.join(",")),
        ("numbers", numbers.join(",")),
        ("e-mail", settings.mail.clone()),
        ("organisation", settings.organisation.clone()),
        ("at most", settings.limit.to_string()),
        ("time-out", format!("{} ms", settings.timeout_ms)),
        ("names on calls", on(settings.names_on_calls)),
    ];
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect();
    output::table(&["DIRECTORY", ""], &rows)
}
