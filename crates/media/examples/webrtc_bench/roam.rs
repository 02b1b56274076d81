//! The browser's address changes in a call: how long nobody hears anything.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ponte_media::MediaPlane;

use crate::Failure;
use crate::call::{self, Call};
use crate::peer::Speaks;
use crate::score::Arrived;
use crate::sound;

const SECONDS: usize = 8;
/// The step in which the address changes.
const CHANGE: usize = 150;
/// What offer and answer need through portal and edge.
const SIGNALLING: Duration = Duration::from_millis(100);
const ROUNDS: usize = 5;

/// How the network changes.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// A NAT gives another address, of which nobody is told.
    Rebound,
    /// The host has another address, and the browser offers an ICE restart.
    Restarted,
}

/// Takes an address from the host and gives another; what the host has then.
pub type ChangeAddress<'a> = &'a dyn Fn(usize) -> Result<IpAddr, Failure>;

pub fn measure(browser_at: IpAddr, gateway_at: IpAddr, change: ChangeAddress<'_>) -> Result<String, Failure> {
    let mut rows = Vec::new();
    for (kind, name) in [
        (Change::Rebound, "nat_rebound"),
        (Change::Restarted, "address_changed_ice_restart"),
    ] {
        let plane = call::plane(gateway_at)?;
        let mut worst = [Duration::ZERO; 2];
        let mut at = browser_at;
        for round in 0..ROUNDS {
            let gaps = round_of(&plane, kind, &mut at, round, change)?;
            eprintln!(
                "| {name} | telephone hears again after {:?} | browser after {:?} |",
                gaps[0], gaps[1]
            );
            worst = [worst[0].max(gaps[0]), worst[1].max(gaps[1])];
        }
        rows.push(format!(
            "{{\"change\":\"{name}\",\"rounds\":{ROUNDS},\"telephone_gap_ms\":{},\"browser_gap_ms\":{}}}",
            worst[0].as_millis(),
            worst[1].as_millis()
        ));
    }
    Ok(format!("[{}]", rows.join(",")))
}

fn round_of(
    plane: &MediaPlane,
    kind: Change,
    at: &mut IpAddr,
    round: usize,
    change: ChangeAddress<'_>,
) -> Result<[Duration; 2], Failure> {
    let path = matches!(kind, Change::Rebound).then_some(900 + round as u64);
    let mut call = Call::start(plane, Speaks::Opus, *at, path)?;
    let audio = sound::tone(SECONDS as f64);
    let from_browser = sound::packets(Speaks::Opus, &audio)?;
    let from_phone = sound::packets(Speaks::Pcmu, &audio)?;
    let (mut changed, mut offer, mut failed) = (None, None, None);
    call.talk(&from_browser, &from_phone, |call, step| {
        if step == CHANGE {
            changed = Some(Instant::now());
            match (kind, &call.path) {
                (Change::Rebound, Some(path)) => path.rebind(),
                _ => match change(round).and_then(|to| {
                    *at = to;
                    call.peer.move_to((to, 0).into())
                }) {
                    Ok(sdp) => offer = Some((sdp, Instant::now() + SIGNALLING)),
                    Err(error) => failed = Some(error),
                },
            }
        }
        if let Some((sdp, _)) = offer.take_if(|(_, due)| *due <= Instant::now())
            && let Err(error) = call.offer_again(plane, &sdp)
        {
            failed = Some(error);
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let changed = changed.ok_or("the address was not changed")?;
    Ok([
        gap_after(&call.phone.heard, changed),
        gap_after(&call.peer.heard, changed),
    ])
}

/// From the last packet before the longest pause after `changed` to the first one after it.
fn gap_after(heard: &[Arrived], changed: Instant) -> Duration {
    let margin = Duration::from_millis(100);
    let arrivals = heard.iter().map(|packet| packet.at);
    let times: Vec<Instant> = arrivals.filter(|at| *at + margin >= changed).collect();
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    // What never came back has no second packet.
    let silent = times.last().map_or(SILENT, |last| {
        if *last < changed + Duration::from_secs(2) {
            SILENT
        } else {
            Duration::ZERO
        }
    });
    gaps.max().unwrap_or(SILENT).max(silent)
}

const SILENT: Duration = Duration::from_secs(SECONDS as u64);
