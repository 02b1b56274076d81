//! Who can sign in to the demo, and what belongs to them: a number from outside, a desk telephone, telephones elsewhere.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::http;
use super::stack::{SITE, Stack};
use crate::process;
use crate::ui;

const INVITATION_TIMEOUT: Duration = Duration::from_secs(15);

/// A person of the demo.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) display_name: &'static str,
    pub(crate) extension: &'static str,
    /// The number that reaches the person from outside, and that the far end sees.
    pub(crate) number: &'static str,
    pub(crate) password: &'static str,
    /// For telephones: voicemail, logging on.
    pub(crate) pin: &'static str,
    /// Account of the desk telephone.
    pub(crate) desk: &'static str,
    pub(crate) desk_password: &'static str,
    /// Telephones elsewhere, by label.
    pub(crate) destinations: &'static [(&'static str, &'static str)],
    /// Whether the person may change the whole site at `/admin/`.
    pub(crate) administrator: bool,
}

/// Who can sign in.
pub(crate) const PEOPLE: [Person; 2] = [
    Person {
        name: "anna",
        display_name: "Anna Bianchi",
        extension: "201",
        number: "+390212345201",
        password: "try-the-bridge",
        pin: "4711",
        desk: "anna-desk",
        desk_password: "ring-my-desk",
        destinations: &[("Home", "+390212345601"), ("Mobile", "+393331234501")],
        administrator: true,
    },
    Person {
        name: "marco",
        display_name: "Marco Rossi",
        extension: "202",
        number: "+390212345202",
        password: "try-the-bridge",
        pin: "4712",
        desk: "marco-desk",
        desk_password: "ring-my-desk",
        destinations: &[("London", "+442079460001")],
        administrator: false,
    },
];

/// Adds to the store what it does not have yet.
pub(crate) fn add(stack: &Stack) -> Result<()> {
    let users = Known::ask(stack, &["user", "list", "--json"])?;
    let numbers = Known::ask(stack, &["did", "list", "--json"])?;
    let telephones = Known::ask(stack, &["device", "list", "--json"])?;
    for person in &PEOPLE {
        if !users.has("user", person.name) {
            person.add(stack)?;
        }
        person.add_destinations(stack)?;
        if !numbers.has("number", person.number) {
            stack.gateway_command(&["did", "add", person.number, "--extension", person.extension])?;
        }
        if !telephones.has("device", person.desk) {
            person.add_desk(stack)?;
        }
    }
    Ok(())
}

/// What a `list --json` of the gateway printed.
struct Known(Vec<Value>);

impl Known {
    fn ask(stack: &Stack, args: &[&str]) -> Result<Self> {
        let list = stack.gateway_command(args)?;
        let known = serde_json::from_str(&list);
        known
            .map(Self)
            .with_context(|| format!("`{}` printed no list", args.join(" ")))
    }

    fn has(&self, field: &str, value: &str) -> bool {
        self.0.iter().any(|entry| entry[field] == value)
    }
}

impl Person {
    fn add(&self, stack: &Stack) -> Result<()> {
        let mut args = vec!["user", "add", self.name];
        args.extend(["--display-name", self.display_name]);
        args.extend(["--extension", self.extension]);
        args.extend(["--caller-id", self.number]);
        args.extend([
            "--telecommuter",
            "on",
            "--voicemail",
            "on",
            "--call-waiting",
            "on",
        ]);
        if self.administrator {
            args.extend(["--administrator", "on"]);
        }
        args.push("--pin");
        stack.gateway_command_with(&args, self.pin)?;
        Ok(())
    }

    /// Telephones that the administrator vouches for: they can be used at once.
    fn add_destinations(&self, stack: &Stack) -> Result<()> {
        let known = Known::ask(stack, &["user", "destination", "list", self.name, "--json"])?;
        for (label, number) in self.destinations {
            if !known.has("number", number) {
                let mut args = vec!["user", "destination", "add", self.name];
                args.extend(["--label", label, "--number", number]);
                stack.gateway_command(&args)?;
            }
        }
        Ok(())
    }

    fn add_desk(&self, stack: &Stack) -> Result<()> {
        let name = format!("{} desk", self.display_name);
        let mut args = vec!["device", "add", self.desk, "--name", &name];
        args.extend(["--owner", self.name, "--hot-desk", "on", "--password-stdin"]);
        stack.gateway_command_with(&args, self.desk_password)?;
        Ok(())
    }

    /// Makes sure that the person can sign in: with an invitation, as any user gets it.
    pub(crate) fn enrol(&self, stack: &Stack) -> Result<Value> {
        let port = stack.listens.edge;
        let credentials = json!({ "user": self.name, "password": self.password });
        if http::post(port, "/api/sign-in", &credentials)? != 204 {
            let link = stack.gateway_command(&["user", "invite", self.name])?;
            let token = token_in(&link).with_context(|| format!("no invitation link in `{link}`"))?;
            self.accept(port, token)?;
        }
        ui::done(self.display_name, "can sign in");
        Ok(json!({
            "site": SITE,
            "name": self.name,
            "display_name": self.display_name,
            "password": self.password,
            "pin": self.pin,
            "extension": self.extension,
            "number": self.number,
            "desk": { "username": self.desk, "password": self.desk_password },
            "destinations": self.destinations.iter().map(|(label, number)| json!({
                "label": label,
                "number": number,
            })).collect::<Vec<_>>(),
        }))
    }

    /// The invitation travels from the gateway to the edge: it may take a moment.
    fn accept(&self, port: u16, token: &str) -> Result<()> {
        let deadline = Instant::now() + INVITATION_TIMEOUT;
        let body = json!({ "token": token, "password": self.password });
        loop {
            match http::post(port, "/api/invitation", &body)? {
                204 => return Ok(()),
                status if Instant::now() > deadline => {
                    bail!("the edge answers {status} to the invitation of {}", self.name)
                }
                _ => thread::sleep(Duration::from_millis(200)),
            }
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

impl Stack {
    /// Runs a command of the gateway on the demo's store.
    pub(crate) fn gateway_command(&self, args: &[&str]) -> Result<String> {
        process::output(&mut self.gateway_program(args))
    }

    /// The same, with one line on its standard input.
    fn gateway_command_with(&self, args: &[&str], line: &str) -> Result<String> {
        process::output_with(&mut self.gateway_program(args), &format!("{line}\n"))
    }

    fn gateway_program(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.programs.gateway);
        command
            .arg("--config")
            .arg(self.data.join("ponte.toml"))
            .args(args);
        command
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
