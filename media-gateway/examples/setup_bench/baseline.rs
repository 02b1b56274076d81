//! The same two legs by the SIP layer alone: no call control, no media, no store, no link. What the gateway costs
//! beyond this is the gateway.

use crate::board::Board;
use crate::telephones::{Side, Telephones, number, sdp};
use crate::{PATIENCE, USERS, figures, process};
use bytes::Bytes;
use ponte_sip::{
    DialogId, Event, Flow, OutgoingCall, Output, Party, Timestamp, Transport, UaConfig, UserAgent,
};
use serde_json::Value;
use std::collections::HashMap;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

struct Leg {
    user: usize,
    side: Side,
    other: Option<DialogId>,
}

struct Caller<'a> {
    ua: UserAgent,
    socket: UdpSocket,
    flow: Flow,
    sdp: Bytes,
    legs: HashMap<DialogId, Leg>,
    board: &'a Board,
}

/// One step of the climb.
pub fn run(board: &Board, telephones: &Telephones, rate: u32, calls: usize) -> Value {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let flow = Flow {
        transport: Transport::Udp,
        local: socket.local_addr().unwrap(),
        remote: telephones.address(),
    };
    let mut caller = Caller {
        ua: UserAgent::new(UaConfig::default(), u64::from(rate)),
        sdp: sdp(flow.local.port()),
        socket,
        flow,
        legs: HashMap::new(),
        board,
    };
    let (first, cpu) = (board.begin(), process::thread_cpu());
    caller.run(rate, calls);
    let cpu = process::thread_cpu().saturating_sub(cpu);
    // The last telephone has yet to read the last 200.
    board.settle(first, calls, rate, Duration::from_millis(200));
    figures(&board.step(first), calls, rate, cpu)
}

impl Caller<'_> {
    fn run(&mut self, rate: u32, calls: usize) {
        let start = Instant::now();
        let mut buffer = vec![0; 65_535];
        let due = |call: usize| Duration::from_secs_f64(call as f64 / f64::from(rate));
        let mut begun = 0;
        while begun < calls || !self.legs.is_empty() {
            if start.elapsed() > due(calls) + PATIENCE {
                return;
            }
            while begun < calls && start.elapsed() >= due(begun) {
                let user = begun % USERS;
                begun += 1;
                self.board.dialled(user);
                self.invite(Timestamp(start.elapsed()), user, Side::Home, None);
            }
            self.drain(Timestamp(start.elapsed()));
            if let Ok((length, _)) = self.socket.recv_from(&mut buffer) {
                self.ua
                    .handle_message(Timestamp(start.elapsed()), self.flow, &buffer[..length]);
            }
            let now = Timestamp(start.elapsed());
            self.ua.handle_timeout(now);
            self.drain(now);
        }
    }

    fn invite(&mut self, now: Timestamp, user: usize, side: Side, other: Option<DialogId>) {
        let number = number(user, side);
        let call = OutgoingCall {
            flow: self.flow,
            request_uri: format!("sip:{number}@{}", self.flow.remote),
            from: Party::new("sip:+390266600201@example.com"),
            to: Party::new(format!("sip:{number}@example.com")),
            route: Vec::new(),
            contact_user: None,
            max_forwards: OutgoingCall::MAX_FORWARDS,
            headers: Vec::new(),
            sdp: self.sdp.clone(),
            credentials: None,
        };
        let dialog = self.ua.invite(now, call).unwrap();
        self.legs.insert(dialog, Leg { user, side, other });
        if let Some(first) = other.and_then(|other| self.legs.get_mut(&other)) {
            first.other = Some(dialog);
        }
    }

    fn drain(&mut self, now: Timestamp) {
        while let Some(output) = self.ua.poll_output() {
            match output {
                Output::Send { flow, bytes } => {
                    self.socket.send_to(&bytes, flow.remote).unwrap();
                }
                Output::Event(Event::Answered { dialog, .. }) => {
                    let user = self
                        .legs
                        .get(&dialog)
                        .filter(|leg| leg.side == Side::Home)
                        .map(|leg| leg.user);
                    if let Some(user) = user {
                        self.invite(now, user, Side::Far, Some(dialog));
                    }
                }
                Output::Event(Event::Ended { dialog, .. }) => {
                    let other = self.legs.remove(&dialog).and_then(|leg| leg.other);
                    if let Some(other) = other.filter(|other| self.legs.contains_key(other)) {
                        // It may be ending already.
                        let _ = self.ua.hang_up(now, other, None);
                    }
                }
                Output::Event(_) => {}
            }
        }
    }
}
