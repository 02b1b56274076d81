//! Telephones of users and of the other parties, behind one socket that plays the carrier: they answer at once, and
//! the user's telephone hangs up when the call has been up for long enough.

use crate::board::Board;
use crate::process;
use bytes::Bytes;
use ponte_sip::{DialogId, Event, Flow, Output, Timestamp, Transport, UaConfig, UserAgent};
use std::collections::{HashMap, VecDeque};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The telephone of user 0; the others follow.
const HOME: u64 = 390_212_300_000;
/// The other party that user 0 calls; the others follow.
const FAR: u64 = 390_298_700_000;
const FOREVER: u64 = u64::MAX;
/// Between two packets, so that many calls ending at once are no flood.
const HANG_UPS_A_TURN: usize = 2;

/// Which of a call's two telephones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Home,
    Far,
}

/// A user's number of one side, in E.164 with its plus.
pub fn number(user: usize, side: Side) -> String {
    let base = match side {
        Side::Home => HOME,
        Side::Far => FAR,
    };
    format!("+{}", base + user as u64)
}

fn whose(uri: &str) -> Option<(usize, Side)> {
    let digits: u64 = uri
        .strip_prefix("sip:")?
        .split('@')
        .next()?
        .trim_start_matches('+')
        .parse()
        .ok()?;
    let (side, base) = if digits >= FAR {
        (Side::Far, FAR)
    } else {
        (Side::Home, HOME)
    };
    let user = usize::try_from(digits.checked_sub(base)?).ok()?;
    (user < crate::USERS).then_some((user, side))
}

struct Shared {
    board: Arc<Board>,
    hold_ms: AtomicU64,
    stop: AtomicBool,
    /// From an INVITE read to its 200 sent.
    own: Mutex<Vec<Duration>>,
}

/// All telephones, on a thread of their own.
pub struct Telephones {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Where they want their audio. Nobody reads it: the kernel drops what it has no room for.
    _audio: UdpSocket,
}

impl Telephones {
    pub fn start(board: &Arc<Board>, hold: Duration) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        let audio = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let shared = Arc::new(Shared {
            board: Arc::clone(board),
            hold_ms: AtomicU64::new(hold.as_millis() as u64),
            stop: AtomicBool::new(false),
            own: Mutex::new(Vec::new()),
        });
        let line = Line {
            local: address,
            socket,
            sdp: sdp(audio.local_addr().unwrap().port()),
            ua: UserAgent::new(
                UaConfig {
                    max_dialogs: 1_000_000,
                    ..UaConfig::default()
                },
                1,
            ),
            dialogs: HashMap::new(),
            calls: HashMap::new(),
            up: VecDeque::new(),
            shared: Arc::clone(&shared),
        };
        Self {
            address,
            shared,
            thread: Some(std::thread::spawn(move || line.run())),
            _audio: audio,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How long calls stay up from now on, those that are up included; `None`: until told otherwise.
    pub fn hold(&self, hold: Option<Duration>) {
        let ms = hold.map_or(FOREVER, |hold| hold.as_millis() as u64);
        self.shared.hold_ms.store(ms, Relaxed);
    }

    /// How long the telephones took to answer since the last time this was asked, sorted.
    pub fn take_own_time(&self) -> Vec<Duration> {
        let mut own = std::mem::take(&mut *self.shared.own.lock().unwrap());
        own.sort_unstable();
        own
    }

    /// Datagrams for the telephones that the kernel had no room for.
    pub fn drops(&self) -> u64 {
        process::udp_drops(self.address)
    }
}

impl Drop for Telephones {
    fn drop(&mut self) {
        self.shared.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// G.711 A-law on loopback.
pub fn sdp(port: u16) -> Bytes {
    Bytes::from(format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    ))
}

#[derive(Default)]
struct Call {
    home: Option<DialogId>,
    acknowledged: usize,
    legs: usize,
}

struct Line {
    socket: UdpSocket,
    local: SocketAddr,
    sdp: Bytes,
    ua: UserAgent,
    dialogs: HashMap<DialogId, usize>,
    calls: HashMap<usize, Call>,
    /// Calls that are up, by the user's dialog, oldest first.
    up: VecDeque<(Instant, DialogId)>,
    shared: Arc<Shared>,
}

impl Line {
    fn run(mut self) {
        let origin = Instant::now();
        let mut buffer = vec![0; 65_535];
        while !self.shared.stop.load(Relaxed) {
            let received = self.socket.recv_from(&mut buffer);
            let arrived = Instant::now();
            let now = Timestamp(arrived - origin);
            if let Ok((length, remote)) = received {
                let flow = Flow {
                    transport: Transport::Udp,
                    local: self.local,
                    remote,
                };
                self.ua.handle_message(now, flow, &buffer[..length]);
            }
            self.ua.handle_timeout(now);
            self.hang_up_due(now, arrived);
            let answered = self.drain(now, arrived);
            if answered {
                self.shared.own.lock().unwrap().push(arrived.elapsed());
            }
        }
    }

    fn hang_up_due(&mut self, now: Timestamp, at: Instant) {
        let hold_ms = self.shared.hold_ms.load(Relaxed);
        if hold_ms == FOREVER {
            return;
        }
        let hold = Duration::from_millis(hold_ms);
        for _ in 0..HANG_UPS_A_TURN {
            match self.up.front() {
                Some((since, dialog)) if at.duration_since(*since) >= hold => {
                    // The gateway may have hung up before.
                    let _ = self.ua.hang_up(now, *dialog, None);
                    self.up.pop_front();
                }
                _ => return,
            }
        }
    }

    /// Sends what there is to send; whether a call was answered.
    fn drain(&mut self, now: Timestamp, arrived: Instant) -> bool {
        let mut answered = false;
        while let Some(output) = self.ua.poll_output() {
            match output {
                Output::Send { flow, bytes } => {
                    self.socket.send_to(&bytes, flow.remote).unwrap();
                }
                Output::Event(Event::IncomingCall(call)) => {
                    answered = true;
                    self.answer(now, call.dialog, &call.request_uri);
                }
                Output::Event(Event::Confirmed { dialog, .. }) => self.acknowledged(dialog, arrived),
                Output::Event(Event::Ended { dialog, .. }) => self.ended(dialog),
                Output::Event(Event::Offer { dialog, sdp: Some(_) }) => {
                    // A call may have ended meanwhile.
                    let _ = self.ua.answer_offer(now, dialog, self.sdp.clone());
                }
                Output::Event(_) => {}
            }
        }
        answered
    }

    fn answer(&mut self, now: Timestamp, dialog: DialogId, uri: &str) {
        let Some((user, side)) = whose(uri) else {
            self.ua.respond(now, dialog, 404, "", None, &[]).unwrap();
            return;
        };
        let call = self.calls.entry(user).or_default();
        if side == Side::Home {
            call.home = Some(dialog);
        }
        call.legs += 1;
        self.dialogs.insert(dialog, user);
        self.ua
            .respond(now, dialog, 200, "", Some(self.sdp.clone()), &[])
            .unwrap();
    }

    fn acknowledged(&mut self, dialog: DialogId, at: Instant) {
        let Some(user) = self.dialogs.get(&dialog) else {
            return;
        };
        let Some(call) = self.calls.get_mut(user) else {
            return;
        };
        call.acknowledged += 1;
        if call.acknowledged == 2
            && let Some(home) = call.home
        {
            self.shared.board.connected(*user, at);
            self.up.push_back((at, home));
        }
    }

    fn ended(&mut self, dialog: DialogId) {
        let Some(user) = self.dialogs.remove(&dialog) else {
            return;
        };
        if let Some(call) = self.calls.get_mut(&user) {
            call.legs -= 1;
            if call.legs == 0 {
                self.calls.remove(&user);
                self.shared.board.over(user);
            }
        }
    }
}
