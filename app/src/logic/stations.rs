//! Desk telephones: where the user is, and what logging on changes (rule T11).

use ponte_protocol::{Mode, StationView};

/// The telephone that the user is logged on to.
pub fn logged_on(stations: &[StationView]) -> Option<&StationView> {
    stations.iter().find(|station| station.logged_on)
}

/// Something that comes with logging on to a telephone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Telecommuter mode ends.
    LeavesTelecommuting,
    /// Another user, by name, is logged off the telephone.
    LogsOffOther(String),
    /// The user leaves the telephone of this name.
    LeavesTelephone(String),
}

/// What logging on to `station` brings with it, in the order in which it is told.
pub fn consequences(
    station: &StationView,
    stations: &[StationView],
    mode: Option<&Mode>,
) -> Vec<Consequence> {
    let telecommuting = matches!(mode, Some(Mode::Telecommuting { .. }));
    let other = station.taken_by.clone().map(Consequence::LogsOffOther);
    let here = logged_on(stations).filter(|here| here.device != station.device);
    telecommuting
        .then_some(Consequence::LeavesTelecommuting)
        .into_iter()
        .chain(other)
        .chain(here.map(|here| Consequence::LeavesTelephone(here.name.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample;

    fn station(device: &str, logged_on: bool, taken_by: Option<&str>) -> StationView {
        StationView {
            device: device.parse().unwrap(),
            name: format!("The {device}"),
            registered: true,
            own: false,
            logged_on,
            taken_by: taken_by.map(str::to_owned),
        }
    }

    #[test]
    fn t11_logging_on_tells_who_is_logged_off_and_what_is_left() {
        let here = station("desk-201", true, None);
        let there = station("desk-202", false, Some("Marco Verdi"));
        let all = [here, there.clone()];
        let mode = sample::user().mode;
        assert_eq!(
            consequences(&there, &all, Some(&mode)),
            [
                Consequence::LeavesTelecommuting,
                Consequence::LogsOffOther("Marco Verdi".into()),
                Consequence::LeavesTelephone("The desk-201".into()),
            ]
        );
        assert_eq!(
            logged_on(&all).map(|station| station.name.as_str()),
            Some("The desk-201")
        );
    }

    #[test]
    fn t11_a_free_telephone_costs_nothing() {
        let free = station("desk-202", false, None);
        let all = [free.clone()];
        assert_eq!(consequences(&free, &all, Some(&Mode::Office)), []);
        assert_eq!(logged_on(&all), None);
    }
}
