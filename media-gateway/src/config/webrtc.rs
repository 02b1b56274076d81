//! `[webrtc]`: where browsers reach the gateway.

use super::reader::{Found, Problems, Section};
use super::secret::Environment;
use super::turn::{self, TurnConfig};
use ponte_media::WebRtcConfig;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

pub(super) fn read(
    mut section: Section<'_, '_>,
    problems: &Problems<'_>,
    folder: &Path,
    environment: Environment<'_>,
) -> (WebRtcConfig, Option<TurnConfig>) {
    let listen: Vec<Found<SocketAddr>> = section.texts("listen").map_or_else(Vec::new, |texts| {
        let texts = texts.value.into_iter();
        texts
            .filter_map(|text| {
                text.read(problems, |text| match text.parse::<SocketAddr>() {
                    Ok(address) if address.port() == 0 => Err("must name a port, 1 to 65535".to_owned()),
                    Ok(address) => Ok(address),
                    Err(_) => Err(format!(
                        "'{text}' is no address with a port, e.g. 0.0.0.0:3479 or [::]:3479"
                    )),
                })
            })
            .collect()
    });
    let advertised: Vec<IpAddr> = section.texts("advertised").map_or_else(Vec::new, |texts| {
        let texts = texts.value.into_iter();
        texts
            .filter_map(|text| {
                text.read(problems, |text| match text.parse::<IpAddr>() {
                    Ok(ip) if ip.is_unspecified() || ip.is_multicast() => {
                        Err(format!("{ip} is no address that browsers can reach"))
                    }
                    Ok(ip) => Ok(ip),
                    Err(_) => Err(format!("'{text}' is no IP address")),
                })
            })
            .map(|found| found.value)
            .collect()
    });
    let tcp_port = section.number("tcp_port", 0..=65_535);
    let dtx = section.flag("dtx");
    let threads = section.number("threads", 1..=64);
    if listen.is_empty() {
        section.missing(
            "listen",
            "names no address; browsers need one, e.g. [\"0.0.0.0:3479\"]",
        );
    }
    for (place, address) in listen.iter().enumerate() {
        let ip = address.value.ip();
        let same = |other: &IpAddr| other.is_ipv4() == ip.is_ipv4();
        if listen[..place].iter().any(|other| same(&other.value.ip())) {
            address.problem(problems, "is the second address of its family; one each can be");
        }
        if ip.is_unspecified() && !advertised.iter().any(same) {
            address.problem(
                problems,
                "is every address; set webrtc.advertised to the one that browsers reach",
            );
        }
    }
    let turn = section
        .section("turn")
        .and_then(|section| turn::read(section, problems, folder, environment));
    section.finish();
    let listen: Vec<SocketAddr> = listen.into_iter().map(|found| found.value).collect();
    let tcp_port = tcp_port.map(|found| u16::try_from(found.value).unwrap_or(0));
    let listen_tcp = if tcp_port == Some(0) {
        Vec::new()
    } else {
        let of = |at: &SocketAddr| SocketAddr::new(at.ip(), tcp_port.unwrap_or(at.port()));
        listen.iter().map(of).collect()
    };
    let webrtc = WebRtcConfig {
        listen,
        listen_tcp,
        advertised,
        dtx: dtx.is_none_or(|found| found.value),
        threads: threads.map_or(1, |found| usize::try_from(found.value).unwrap_or(1)),
    };
    (webrtc, turn)
}
