//! `[email]`: how voicemail messages are sent to the addresses of their users.

use super::reader::{Problems, Section};
use super::secret::{self, Environment};
use super::{EmailConfig, EmailSecurity};
use lettre::message::Mailbox;
use std::net::IpAddr;
use std::path::Path;

/// RFC 6409 section 3.1, RFC 8314 section 3.3, and RFC 5321 for what stays on this machine.
const STARTTLS_PORT: u16 = 587;
const TLS_PORT: u16 = 465;
const PLAIN_PORT: u16 = 25;

fn security(text: &String) -> Result<EmailSecurity, String> {
    match text.as_str() {
        "starttls" => Ok(EmailSecurity::StartTls),
        "tls" => Ok(EmailSecurity::Tls),
        "none" => Ok(EmailSecurity::None),
        _ => Err(format!("'{text}' is neither starttls, tls nor none")),
    }
}

fn server(text: &String) -> Result<(String, Option<u16>), String> {
    let wrong = || format!("'{text}' is no server, e.g. smtp.example.org or smtp.example.org:587");
    let (host, port) = match text.rsplit_once(':') {
        None => (text.as_str(), None),
        Some((host, port)) => {
            let port: u16 = port.parse().map_err(|_| wrong())?;
            (host, Some(port).filter(|port| *port > 0))
        }
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    if host.is_empty() || host.len() > 253 || !host.chars().all(fits) {
        return Err(wrong());
    }
    Ok((host.to_owned(), port))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

pub(super) fn read(
    mut section: Section<'_, '_>,
    problems: &Problems<'_>,
    folder: &Path,
    environment: Environment<'_>,
) -> Option<EmailConfig> {
    let server = section
        .required_text("server", "smtp.example.org:587")
        .and_then(|text| text.read(problems, server));
    let security = section
        .text("security")
        .and_then(|text| text.read(problems, security));
    let from = section
        .required_text("from", "Ponte <voicemail@example.org>")
        .and_then(|text| {
            text.read(problems, |text| {
                text.parse::<Mailbox>()
                    .map_err(|_| format!("'{text}' is no sender, e.g. Ponte <voicemail@example.org>"))
            })
        });
    let username = section.text("username");
    let password = secret::read(&mut section, &secret::PASSWORD, problems, folder, environment);
    let attach = section.flag("attach");
    section.finish();
    let chosen = security
        .as_ref()
        .map_or(EmailSecurity::StartTls, |found| found.value);
    if let (Some(found), Some(server)) = (&security, &server)
        && chosen == EmailSecurity::None
        && !is_loopback(&server.value.0)
    {
        found.problem(
            problems,
            "is for a server on this machine only: messages are nobody else's business",
        );
    }
    let credentials = password.account(username, problems);
    let (host, port) = server?.value;
    Some(EmailConfig {
        host,
        port: port.unwrap_or(match chosen {
            EmailSecurity::StartTls => STARTTLS_PORT,
            EmailSecurity::Tls => TLS_PORT,
            EmailSecurity::None => PLAIN_PORT,
        }),
        security: chosen,
        credentials,
        from: from?.value,
        attach: attach.is_none_or(|found| found.value),
    })
}
