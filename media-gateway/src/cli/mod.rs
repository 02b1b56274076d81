//! The command line, `ponte-gateway`.
//!
//! Exit codes: 0 done, 1 it could not be done now, 2 the command or the configuration is wrong.

mod account_codes;
mod args;
mod audit;
mod destinations;
mod devices;
mod dids;
mod directory;
mod failure;
mod groups;
mod output;
mod records;
mod roster;
mod secret;
mod site;
mod transfer;
mod treatment;
mod users;

use crate::admin::Admin;
use crate::config::{Config, EXAMPLE};
use crate::store::{Store, StoreOptions, StoreUse};
use args::{Cli, Command, StoreCommand, UserCommand};
use clap::Parser;
use failure::{explained, refused};
use ponte_protocol::UnixMillis;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

/// How long a command waits for its writes at the end.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// Why a command failed.
#[derive(Debug)]
enum Failure {
    /// The command or the configuration is wrong.
    Usage(String),
    /// It could not be done now.
    Runtime(String),
}

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Runtime(error.to_string())
    }
}

type Done = Result<(), Failure>;

/// Reads the arguments of the process and carries them out.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the process cannot start its threads: {error}");
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(carry_out(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Runtime(reason)) => {
            eprintln!("error: {reason}");
            ExitCode::from(1)
        }
        Err(Failure::Usage(reason)) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

async fn carry_out(cli: Cli) -> Done {
    match cli.command {
        Command::Run => {
            let config = load(&cli.config)?;
            crate::logging::init(&config.log)?;
            let run = Box::pin(crate::run::run(config)).await;
            run.map_err(|error| Failure::Runtime(causes(&error)))
        }
        Command::CheckConfig { file } => {
            load(file.as_deref().unwrap_or(&cli.config))?;
            output::line("ok")
        }
        Command::ExampleConfig => output::text(EXAMPLE),
        Command::Stored(command) => {
            let config = load(&cli.config)?;
            let store = open(&config).await?;
            let done = in_store(command, &config, &store).await;
            store.close(CLOSE_PATIENCE).await;
            done
        }
    }
}

async fn in_store(command: StoreCommand, config: &Config, store: &Store) -> Done {
    let admin = Admin::open(config, store, None, now()).await?;
    match command {
        StoreCommand::User { command } => user(command, &admin).await,
        StoreCommand::Device { command } => devices::carry_out(command, &admin).await,
        StoreCommand::Did { command } => dids::carry_out(command, &admin).await,
        StoreCommand::Group { command } => groups::carry_out(command, &admin).await,
        StoreCommand::AccountCode { command } => account_codes::carry_out(command, &admin).await,
        StoreCommand::Site { command } => site::carry_out(command, &admin).await,
        StoreCommand::Directory { command } => directory::carry_out(command, &admin).await,
        StoreCommand::ImportUsers { file, dry_run } => roster::import(&file, dry_run, &admin).await,
        StoreCommand::Audit(arguments) => audit::list(arguments, store).await,
        StoreCommand::Records(arguments) => records::list(arguments, store).await,
        StoreCommand::Explain { user, dial, at, json } => {
            users::explain(&user, &dial, at, json, &admin).await
        }
        StoreCommand::Export { file } => transfer::export(&file, store).await,
        StoreCommand::Import {
            file,
            dry_run,
            remove,
        } => transfer::import(&file, dry_run, remove, &admin).await,
    }
}

/// The error and what is behind it; messages that name their own cause are not repeated.
fn causes(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| {
        let cause = cause.to_string();
        match text.as_str() {
            "" => cause,
            known if known.contains(&cause) => text,
            _ => format!("{text}: {cause}"),
        }
    })
}

async fn user(command: UserCommand, admin: &Admin<'_>) -> Done {
    match command {
        UserCommand::Add { user, settings } => users::add(user, settings, admin).await,
        UserCommand::Set { user, settings } => users::set(&user, settings, admin).await,
        UserCommand::List { json } => users::list(json, admin.store()).await,
        UserCommand::Show { user, json } => users::show(&user, json, admin).await,
        UserCommand::Remove { user } => users::remove(user, admin).await,
        UserCommand::Invite { user, hours } => users::invite(user, hours, admin).await,
        UserCommand::Destination { command } => destinations::carry_out(command, admin).await,
        UserCommand::Calls { command } => treatment::calls(command, admin).await,
        UserCommand::Profile { command } => treatment::profile(command, admin).await,
        UserCommand::Schedule { command } => treatment::schedule(command, admin).await,
    }
}

fn load(path: &Path) -> Result<Config, Failure> {
    Config::load(path).map_err(|error| Failure::Usage(error.to_string()))
}

async fn open(config: &Config) -> Result<Store, Failure> {
    let options = StoreOptions {
        recordings: config.voicemail.folder.clone(),
        ..StoreOptions::new(&config.store.data_folder, StoreUse::Tool)
    };
    Ok(Store::open(options).await?)
}

fn now() -> UnixMillis {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
