//! A call between a browser and a telephone, through a gateway's media plane in this process.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use ponte_media::{
    Codec, EndpointId, MediaConfig, MediaEvent, MediaPlane, PortRange, RemoteMedia, WebRtcConfig,
};

use crate::Failure;
use crate::path::Path;
use crate::peer::{Peer, Speaks};
use crate::score::Arrived;

pub const STEP: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(20);

/// A telephone of µ-law.
pub struct Phone {
    socket: UdpSocket,
    to: SocketAddr,
    sequence: u16,
    time: u32,
    pub heard: Vec<Arrived>,
}

impl Phone {
    fn new(at: IpAddr, to: SocketAddr) -> Result<Self, Failure> {
        let socket = UdpSocket::bind((at, 0))?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            to,
            sequence: 1,
            time: 0,
            heard: Vec::new(),
        })
    }

    pub fn speak(&mut self, payload: &[u8]) {
        let mut packet = vec![0x80, Codec::Pcmu.payload_type()];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.time.to_be_bytes());
        packet.extend([7; 4]);
        packet.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.time = self.time.wrapping_add(payload.len() as u32);
        drop(self.socket.send_to(&packet, self.to));
    }

    pub fn listen(&mut self) {
        let mut buffer = [0; 2048];
        while let Ok((length, _)) = self.socket.recv_from(&mut buffer) {
            if let Some((header, payload)) = buffer[..length].split_at_checked(12)
                && header[1] & 0x7F == Codec::Pcmu.payload_type()
            {
                self.heard.push(Arrived {
                    at: Instant::now(),
                    time: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
                    payload: payload.to_vec(),
                });
            }
        }
    }
}

/// Starts the plane whose calls are measured.
pub fn plane(at: IpAddr) -> Result<MediaPlane, Failure> {
    let config = MediaConfig {
        threads: 1,
        bind_ip: at,
        advertised_ip: at,
        ports: PortRange {
            first: 20_000,
            last: 20_999,
        },
        webrtc: Some(WebRtcConfig {
            listen: vec![(at, 0).into()],
            listen_tcp: Vec::new(),
            advertised: Vec::new(),
            dtx: true,
            threads: 1,
        }),
        ..MediaConfig::default()
    };
    Ok(MediaPlane::start(config, || {})?)
}

pub struct Call {
    pub peer: Peer,
    pub phone: Phone,
    pub path: Option<Path>,
    pub browser_id: EndpointId,
}

impl Call {
    /// Sets a call up from a browser at `at`; with a seed by way of a [`Path`], else directly.
    pub fn start(plane: &MediaPlane, speaks: Speaks, at: IpAddr, seed: Option<u64>) -> Result<Self, Failure> {
        let group = seed.unwrap_or(0);
        let browser_id = plane.open_browser(group)?;
        let (phone_id, to) = plane.open(group)?;
        let gateway = *plane
            .browser_addresses()
            .first()
            .ok_or("no address for browsers")?;
        let path = seed.map(|seed| Path::start(at, gateway, seed)).transpose()?;
        let mut peer = Peer::new(speaks, (at, 0).into())?;
        let answer = plane
            .answer_browser(browser_id, &peer.offer()?)?
            .ok_or("no answer")?;
        peer.answer(&by_way_of(&answer, gateway, path.as_ref()))?;
        let phone = Phone::new(gateway.ip(), to)?;
        plane.set_remote(
            phone_id,
            RemoteMedia::new(phone.socket.local_addr()?, Codec::Pcmu),
        );
        plane.bridge(browser_id, phone_id)?;
        let begun = Instant::now();
        while !peer.connected {
            if begun.elapsed() > PATIENCE {
                return Err("a browser was not connected".into());
            }
            peer.live(Instant::now() + Duration::from_millis(5))?;
        }
        Ok(Self {
            peer,
            phone,
            path,
            browser_id,
        })
    }

    /// Both say these packets, one each 20 ms, and listen on for half a second. `each` is called before each step.
    pub fn talk(
        &mut self,
        from_browser: &[Vec<u8>],
        from_phone: &[Vec<u8>],
        mut each: impl FnMut(&mut Self, usize),
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        let steps = from_browser.len().max(from_phone.len());
        for step in 0..steps + 25 {
            each(self, step);
            if let Some(payload) = from_browser.get(step) {
                self.peer.speak(payload);
            }
            if let Some(payload) = from_phone.get(step) {
                self.phone.speak(payload);
            }
            self.peer.live(begun + STEP * (step as u32 + 1))?;
            self.phone.listen();
        }
        Ok(())
    }

    /// Carries a later offer of the browser to the gateway, and the answer back.
    pub fn offer_again(&mut self, plane: &MediaPlane, offer: &str) -> Result<(), Failure> {
        plane.answer_browser(self.browser_id, offer)?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(MediaEvent::BrowserAnswer { id, answer }) = plane.next_event() {
                if id == self.browser_id {
                    return self.peer.answer(&answer.map_err(String::from)?);
                }
            } else {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        Err("an ICE restart was not answered".into())
    }
}

/// The answer as it stands when the way leads through the path: its candidate is the path's address.
fn by_way_of(answer: &str, gateway: SocketAddr, path: Option<&Path>) -> String {
    let Some(path) = path else {
        return answer.to_owned();
    };
    let of = |address: SocketAddr| format!("{} {}", address.ip(), address.port());
    answer.replace(&of(gateway), &of(path.inside))
}
