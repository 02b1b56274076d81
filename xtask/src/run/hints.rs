//! What a person who started the demo is told: where it is, who one can be, what to try.

use super::people::{PEOPLE, Person};
use super::stack::Stack;
use crate::ui;

/// Whom the hints let call in from outside: one of the simulated mobiles.
const CALLER: &str = "+393337654321";

/// Prints it all.
pub(crate) fn introduce(stack: &Stack) {
    ui::heading("Ponte is up");
    ui::say(&text(
        &stack.url(),
        stack.listens.carrier,
        stack.listens.sip,
        &PEOPLE,
    ));
    for (name, log) in stack.logs() {
        ui::say(&format!("  log of {name:<8} {}", log.display()));
    }
    ui::say("\n  Ctrl-C stops everything.");
}

fn text(url: &str, carrier: u16, sip: u16, people: &[Person; 2]) -> String {
    let [anna, marco] = people;
    let sign_in = rows(people, |person| {
        format!(
            "{:<6} password {:<15} {}, extension {}, from outside {}",
            person.name, person.password, person.display_name, person.extension, person.number
        )
    });
    let desks = rows(people, |person| {
        format!("user {:<11} password {}", person.desk, person.desk_password)
    });
    let (home, mobile) = (anna.destinations[0], anna.destinations[1]);
    format!(
        "
  Open    {url}

  Sign in as
{sign_in}

  Call out: choose a telephone, enter telecommuter mode, dial. No telephone of yours is needed, all are simulated.
    {home} {home_number} answers after three seconds; {mobile} {mobile_number} presses 1 to confirm
    dial  +39 06 9876 5401 … 5419   Rome: a number for each thing a telephone can do
          +44 20 7946 0001          London, answers          +1 212 555 0102   declines
          {extension}                       {marco}              112               emergency: never called back

  Be called: in another terminal, let somebody outside call {anna}
    curl --json '{{\"from\": \"{CALLER}\", \"to\": \"{number}\"}}' http://127.0.0.1:{carrier}/calls
    more in the braces:  \"caller_id\": \"withheld\"     \"leave_message\": {{}} speaks after the beep of a mailbox
                         \"give_up_after_ms\": 5000   \"telephone\": {{\"hang_up_after_ms\": 20000}}
    what became of it:   curl http://127.0.0.1:{carrier}/calls

  Desk telephones: register a softphone of this machine at 127.0.0.1:{sip}, UDP or TCP
{desks}
    dial 201, 202 or a number; *97 is voicemail with the PIN {pin} ({anna}), {other_pin} ({marco})
",
        home = home.0,
        home_number = home.1,
        mobile = mobile.0,
        mobile_number = mobile.1,
        extension = marco.extension,
        anna = anna.display_name,
        marco = marco.display_name,
        number = anna.number,
        pin = anna.pin,
        other_pin = marco.pin,
    )
}

fn rows(people: &[Person], row: impl Fn(&Person) -> String) -> String {
    let rows: Vec<String> = people
        .iter()
        .map(|person| format!("    {}", row(person)))
        .collect();
    rows.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hints_fit_a_terminal_and_their_order_is_json() {
        let text = text("http://localhost:8787", 18_089, 15_060, &PEOPLE);
        for line in text.lines() {
            assert!(line.chars().count() <= 120, "{line}");
        }
        let order = text.split('\'').nth(1).unwrap();
        let order: serde_json::Value = serde_json::from_str(order).unwrap();
        assert_eq!(order["to"], PEOPLE[0].number);
    }
}
