//! `cargo xtask demo`: everything runs on this machine, with a simulated carrier and a person to sign in as.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::stack::{Listens, Person, SITE, Stack};
use super::{control, http};
use crate::build::{self, portal::Mode};
use crate::paths::Paths;
use crate::process;
use crate::setup::{self, Needs, Tools};
use crate::ui;

const INVITATION_TIMEOUT: Duration = Duration::from_secs(15);

/// How the demo runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Port of the portal; the usual one, or the next that is free, where it is not given.
    #[arg(long)]
    port: Option<u16>,
    /// Start with an empty store in a temporary folder that is removed at the end.
    #[arg(long)]
    fresh: bool,
    /// Build the gateway with optimisation: for measuring, not needed to try it.
    #[arg(long)]
    release: bool,
    /// For programs: JSON on stdout, commands on stdin (see docs/development.md).
    #[arg(long)]
    json: bool,
}

/// Who can sign in.
pub(crate) const PEOPLE: [Person; 2] = [
    Person {
        name: "anna",
        display_name: "Anna Bianchi",
        extension: "201",
        caller_id: "+390212345201",
        password: "try-the-bridge",
    },
    Person {
        name: "marco",
        display_name: "Marco Rossi",
        extension: "202",
        caller_id: "+390212345202",
        password: "try-the-bridge",
    },
];

impl Options {
    /// True if the native programs are built with optimisation.
    pub(crate) fn release(&self) -> bool {
        self.release
    }
}

/// A stack that is up, and who can sign in.
pub(crate) struct Running {
    stack: Stack,
    people: Vec<Value>,
    /// Removed, where it is temporary, after the stack was stopped.
    _data: DataFolder,
}

impl Running {
    /// Stops these services and starts them again with what was built since.
    pub(crate) fn restart(&mut self, names: &[&str]) -> Result<()> {
        for name in names {
            let service = self.stack.service(name)?;
            service.stop();
            service.start()?;
            ui::done(name, "restarted");
        }
        Ok(())
    }
}

/// Builds, starts, waits for Ctrl-C, stops.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<ExitCode> {
    if options.json {
        ui::talk_on_stderr();
    }
    ui::heading("Set-up");
    let tools = setup::ensure(paths, Needs::DEMO)?;
    ui::heading("Build");
    build::portal::build(paths, &tools, Mode::Release)?;
    build::edge::build(paths, &tools)?;
    let mut running = start(paths, &tools, options)?;

    if options.json {
        let ready = description(&running.stack, &running.people);
        control::serve(&mut running.stack, &ready);
    } else {
        introduce(&running.stack);
        while !process::interrupted() {
            running.stack.check()?;
            thread::sleep(Duration::from_millis(300));
        }
    }
    ui::say("\nStopping …");
    drop(running);
    ui::say("Stopped.");
    Ok(ExitCode::SUCCESS)
}

/// Builds the native programs and brings everything up; portal and edge are built.
pub(crate) fn start(paths: &Paths, tools: &Tools, options: &Options) -> Result<Running> {
    let programs = build::gateway::build(paths, options.release)?;
    ui::heading("Start");
    let listens = Listens::choose(options.port)?;
    let data = DataFolder::choose(paths, options.fresh);
    let mut stack = Stack::prepare(paths, tools, programs, data.path.clone(), listens)?;
    add_people(&stack).context("the demo's people could not be added")?;
    stack.start()?;
    let people = PEOPLE
        .iter()
        .map(|person| enrol(&stack, person))
        .collect::<Result<_>>()
        .context("the demo's people could not be invited")?;
    Ok(Running {
        stack,
        people,
        _data: data,
    })
}

/// Adds the people whom the store does not have yet.
fn add_people(stack: &Stack) -> Result<()> {
    let list = stack.gateway_command(&["user", "list", "--json"])?;
    let known: Vec<Value> = serde_json::from_str(&list).context("`user list --json` printed no list")?;
    for person in &PEOPLE {
        if !known.iter().any(|user| user["user"] == person.name) {
            stack.gateway_command(&person.add_command())?;
        }
    }
    Ok(())
}

/// Makes sure that a person can sign in: with an invitation, as any user gets it.
fn enrol(stack: &Stack, person: &Person) -> Result<Value> {
    let port = stack.listens.edge;
    let credentials = json!({ "user": person.name, "password": person.password });
    if http::post(port, "/api/sign-in", &credentials)? != 204 {
        let link = stack.gateway_command(&["user", "invite", person.name])?;
        let token = token_in(&link).with_context(|| format!("no invitation link in `{link}`"))?;
        accept(port, token, person)?;
    }
    ui::done(person.display_name, "can sign in");
    Ok(json!({
        "site": SITE,
        "name": person.name,
        "password": person.password,
        "extension": person.extension,
    }))
}

/// The invitation travels from the gateway to the edge: it may take a moment.
fn accept(port: u16, token: &str, person: &Person) -> Result<()> {
    let deadline = Instant::now() + INVITATION_TIMEOUT;
    let body = json!({ "token": token, "password": person.password });
    loop {
        match http::post(port, "/api/invitation", &body)? {
            204 => return Ok(()),
            status if Instant::now() > deadline => {
                bail!("the edge answers {status} to the invitation of {}", person.name)
            }
            _ => thread::sleep(Duration::from_millis(200)),
        }
    }
}

/// The token in the link that the gateway prints: what follows the last `/`, `#` or `=`.
fn token_in(output: &str) -> Option<&str> {
    let link = output.split_whitespace().find(|word| word.starts_with("http"))?;
    link.rsplit(['/', '#', '='])
        .next()
        .filter(|token| token.len() >= 16)
}

/// What a driving program is told.
fn description(stack: &Stack, people: &[Value]) -> Value {
    let listens = &stack.listens;
    let logs: serde_json::Map<String, Value> = stack
        .logs()
        .into_iter()
        .map(|(name, log)| (name.to_owned(), Value::from(log.display().to_string())))
        .collect();
    json!({
        "ready": true,
        "url": stack.url(),
        "carrier": format!("http://127.0.0.1:{}", listens.carrier),
        "metrics": format!("http://127.0.0.1:{}/metrics", listens.metrics),
        "sip": format!("127.0.0.1:{}", listens.sip),
        "trunks": [format!("127.0.0.1:{}", listens.trunk), format!("127.0.0.1:{}", listens.second_trunk)],
        "data": stack.data.display().to_string(),
        "people": people,
        "programs": { "gateway": stack.programs.gateway.display().to_string() },
        "logs": logs,
    })
}

fn introduce(stack: &Stack) {
    let [anna, ..] = &PEOPLE;
    ui::say(&format!(
        "
  Ponte is up:   {url}
  Sign in as:    {name} / {password}

  Choose a telephone (+39 02 1234 5601 answers after three seconds), then dial:
    +39 06 9876 5401 … 5419   Rome: a number for each thing a telephone can do
    +44 20 7946 0002   busy              +1 212 555 0102   declines
    +44 20 7946 0001   London answers    112               an emergency number: never called back
  All telephones of the simulated carrier: http://127.0.0.1:{carrier}/numbers
",
        url = stack.url(),
        name = anna.name,
        password = anna.password,
        carrier = stack.listens.carrier,
    ));
    for (name, log) in stack.logs() {
        ui::say(&format!("  log of {name:<8} {}", log.display()));
    }
    ui::say("\n  Ctrl-C stops everything.");
}

/// The demo's data: kept in the checkout, or temporary.
struct DataFolder {
    path: PathBuf,
    temporary: bool,
}

impl DataFolder {
    fn choose(paths: &Paths, fresh: bool) -> Self {
        if fresh {
            let path = std::env::temp_dir().join(format!("ponte-demo-{}", std::process::id()));
            Self {
                path,
                temporary: true,
            }
        } else {
            Self {
                path: paths.root.join("demo-data"),
                temporary: false,
            }
        }
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed stays in the temporary folder: the system clears that.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::token_in;

    #[test]
    fn the_token_is_the_end_of_the_link() {
        let token = "abcdefghijklmnop0123";
        for link in [
            "http://localhost:8787/invitation/",
            "http://localhost:8787/invitation#",
            "http://localhost:8787/?t=",
        ] {
            assert_eq!(
                token_in(&format!("Send this link to Anna:\n  {link}{token}\n")),
                Some(token)
            );
        }
        assert_eq!(token_in("no link"), None);
        assert_eq!(token_in("http://localhost:8787/"), None);
    }
}
