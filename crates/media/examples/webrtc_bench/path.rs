//! The network between a browser and the gateway: a relay that loses and delays as it is told, and can change the address
//! that the gateway sees, as a NAT does that forgot its binding. It stands where `tc netem` would, which not every kernel has.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Failure;

/// What happens to datagrams, both ways.
#[derive(Debug, Clone, Copy, Default)]
pub struct Impairment {
    /// Of a thousand, each for itself.
    pub loss_per_mille: u32,
    /// The delay is anything from nothing to twice this, so that packets overtake each other.
    pub jitter_ms: u32,
}

#[derive(Debug)]
struct Shared {
    loss_per_mille: AtomicU32,
    jitter_ms: AtomicU32,
    rebind: AtomicBool,
    end: AtomicBool,
    outside: Mutex<Arc<UdpSocket>>,
}

/// See the module's documentation. Ends with the value.
#[derive(Debug)]
pub struct Path {
    /// Where the browser sends.
    pub inside: SocketAddr,
    pub gateway: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Path {
    /// Relays between whoever sends to it and the gateway, with addresses of `ip`. The same `seed` loses the same packets.
    pub fn start(ip: IpAddr, gateway: SocketAddr, seed: u64) -> Result<Self, Failure> {
        let inside = bound(ip)?;
        let address = inside.local_addr()?;
        let shared = Arc::new(Shared {
            loss_per_mille: AtomicU32::new(0),
            jitter_ms: AtomicU32::new(0),
            rebind: AtomicBool::new(false),
            end: AtomicBool::new(false),
            outside: Mutex::new(Arc::new(bound(ip)?)),
        });
        let thread = std::thread::spawn({
            let shared = shared.clone();
            move || relay(&inside, gateway, &shared, seed)
        });
        Ok(Self {
            inside: address,
            gateway,
            shared,
            thread: Some(thread),
        })
    }

    pub fn impair(&self, with: Impairment) {
        self.shared
            .loss_per_mille
            .store(with.loss_per_mille, Ordering::Relaxed);
        self.shared.jitter_ms.store(with.jitter_ms, Ordering::Relaxed);
    }

    /// The gateway sees another address from here on, and nothing that goes to the old one arrives.
    pub fn rebind(&self) {
        self.shared.rebind.store(true, Ordering::Release);
    }

    /// The socket that the gateway knows the browser by.
    pub fn outside(&self) -> Arc<UdpSocket> {
        self.shared
            .outside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        self.shared.end.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn bound(ip: IpAddr) -> Result<UdpSocket, Failure> {
    let socket = UdpSocket::bind((ip, 0))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A small generator of its own, so that a run can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u32) -> u32 {
        // Xorshift64*.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % u64::from(limit.max(1))) as u32
    }
}

/// Due time, order of arrival, to the gateway or from it, bytes.
type Waiting = Reverse<(Instant, u64, bool, Vec<u8>)>;

fn relay(inside: &UdpSocket, gateway: SocketAddr, shared: &Shared, seed: u64) {
    let mut dice = [Dice(seed | 1), Dice(seed.wrapping_mul(31) | 1)];
    let mut waiting: BinaryHeap<Waiting> = BinaryHeap::new();
    let mut browser = None;
    let mut number = 0;
    let mut buffer = [0; 2048];
    while !shared.end.load(Ordering::Acquire) {
        if shared.rebind.swap(false, Ordering::AcqRel)
            && let Ok(fresh) =
                bound(gateway.ip()).or_else(|_| bound(inside.local_addr().map_or(gateway.ip(), |at| at.ip())))
        {
            *shared.outside.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        }
        let outside = shared
            .outside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut came = false;
        for to_gateway in [true, false] {
            let socket = if to_gateway { inside } else { &*outside };
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                came = true;
                if to_gateway {
                    browser = Some(from);
                }
                let dice = &mut dice[usize::from(to_gateway)];
                let lost = dice.below(1000) < shared.loss_per_mille.load(Ordering::Relaxed);
                let jitter = 2_000 * shared.jitter_ms.load(Ordering::Relaxed);
                let delay = Duration::from_micros(u64::from(dice.below(jitter + 1)));
                if !lost {
                    number += 1;
                    waiting.push(Reverse((
                        Instant::now() + delay,
                        number,
                        to_gateway,
                        buffer[..length].to_vec(),
                    )));
                }
            }
        }
        let now = Instant::now();
        while let Some(Reverse((_, _, to_gateway, bytes))) = waiting
            .peek()
            .is_some_and(|next| next.0.0 <= now)
            .then(|| waiting.pop())
            .flatten()
        {
            // A datagram that cannot be sent is lost, as on any network.
            if to_gateway {
                drop(outside.send_to(&bytes, gateway));
            } else if let Some(browser) = browser {
                drop(inside.send_to(&bytes, browser));
            }
        }
        if !came {
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}
