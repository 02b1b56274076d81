//! A user agent that serves telephones and trunks, and whatever a datagram makes it do.

use ponte_sip::{
    Account, AccountsConfig, Flow, Output, ResourceState, Timestamp, Transport, UaConfig, UserAgent,
};
use std::net::SocketAddr;
use std::time::Duration;

/// More than this for one datagram would make the gateway an amplifier.
const MAX_ANSWERS: usize = 3;

/// Hands the datagrams, parted by a line that holds only `%%`, to a fresh user agent, from a trunk and from a stranger.
///
/// # Panics
/// Where one datagram is answered by many, or time does not clear up what was left behind.
pub fn run(data: &[u8]) {
    let address = |host: u8| SocketAddr::from(([192, 0, 2, host], 5060));
    let mut agent = UserAgent::new(UaConfig::default(), 1);
    agent.serve_accounts(&AccountsConfig::new("fuzz", [1; 32]));
    let account = Account {
        name: "desk-201".to_owned(),
        ha1_md5: Some("5e5d0ee93ac5a76b2e0b2ee1d1f7a3a1".to_owned()),
        ha1_sha256: None,
    };
    let mut now = Timestamp::default();
    drop(agent.set_account(now, account));
    agent.set_trusted([address(2)]);
    for datagram in datagrams(data).take(8) {
        for remote in [address(2), address(3)] {
            let flow = Flow {
                transport: Transport::Udp,
                local: address(1),
                remote,
            };
            agent.handle_message(now, flow, datagram);
            assert!(drain(&mut agent) <= MAX_ANSWERS);
        }
        agent.set_state(now, "201", ResourceState::Dialog(Vec::new()));
        now = now + Duration::from_millis(700);
        agent.handle_timeout(now);
        drain(&mut agent);
    }
    // Longer than any call rings, any transaction lasts and any subscription holds.
    for _ in 0..200 {
        let Some(next) = agent.poll_timeout() else { break };
        now = now.max(next);
        agent.handle_timeout(now);
        drain(&mut agent);
    }
    now = now + Duration::from_hours(2);
    for _ in 0..200 {
        agent.handle_timeout(now);
        drain(&mut agent);
        now = now + Duration::from_mins(1);
    }
    assert_eq!(agent.transaction_count(), 0);
    assert_eq!(agent.dialog_count(), 0);
}

fn datagrams(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let present = rest?;
        let at = present.windows(4).position(|window| window == b"\n%%\n");
        rest = at.map(|at| &present[at + 4..]);
        Some(at.map_or(present, |at| &present[..=at]))
    })
}

fn drain(agent: &mut UserAgent) -> usize {
    let mut sent = 0;
    while let Some(output) = agent.poll_output() {
        sent += usize::from(matches!(output, Output::Send { .. }));
    }
    sent
}
