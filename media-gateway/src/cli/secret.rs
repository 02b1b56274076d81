//! Passwords and PINs: never among the arguments, where other processes and the shell's history see them.

use super::Failure;
use std::io::{self, IsTerminal};

const SHORTEST: usize = 10;

/// One line of standard input, without its end; at a terminal it is asked for, and does not show.
pub(super) fn line(what: &str) -> Result<String, Failure> {
    let line = if io::stdin().is_terminal() {
        rpassword::prompt_password(format!("{what}: "))?
    } else {
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        line
    };
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        return Err(Failure::Usage(format!(
            "the {what} is expected on standard input"
        )));
    }
    Ok(line.to_owned())
}

/// A telephone's password from standard input.
pub(super) fn password() -> Result<String, Failure> {
    let password = line("password")?;
    let printable = password.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if password.len() < SHORTEST || password.len() > 128 || !printable {
        return Err(Failure::Usage(
            "a telephone's password has 10 to 128 printable ASCII characters: strangers try shorter ones"
                .to_owned(),
        ));
    }
    Ok(password)
}
