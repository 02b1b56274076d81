//! A program that drives the stack: it reads one JSON line when all is ready, then writes one command a line
//! (`kill gateway`, `stop edge`, `start edge`, `check`) and reads one JSON answer for each. End of input ends
//! everything.

use std::io::{self, BufRead};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::stack::Stack;
use crate::process;
use crate::ui;

/// Answers commands until the input ends or Ctrl-C.
pub(crate) fn serve(stack: &mut Stack, ready: &Value) {
    ui::answer(ready);
    let lines = input();
    while !process::interrupted() {
        match lines.recv_timeout(Duration::from_millis(200)) {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => {
                let answer = match obey(stack, line.trim()) {
                    Ok(()) => json!({ "ok": true }),
                    Err(error) => json!({ "ok": false, "error": format!("{error:#}") }),
                };
                ui::answer(&answer);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn obey(stack: &mut Stack, line: &str) -> Result<()> {
    match line.split_once(' ') {
        Some(("start", name)) => stack.service(name)?.start(),
        Some(("stop", name)) => {
            stack.service(name)?.stop();
            Ok(())
        }
        Some(("kill", name)) => {
            stack.service(name)?.kill();
            Ok(())
        }
        None if line == "check" => stack.check(),
        _ => bail!("no such command: start NAME, stop NAME, kill NAME, check"),
    }
}

fn input() -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
