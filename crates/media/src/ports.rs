//! The pool of RTP port pairs. Only the control side takes from it; media threads give back without a lock.

use std::collections::VecDeque;
use std::net::{IpAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;

use crate::{MediaError, PortRange};

/// Where media threads lay closed ports: the RTP port, and when it was closed.
pub(crate) type FreedPorts = Arc<ArrayQueue<(u16, Instant)>>;

#[derive(Debug)]
pub(crate) struct PortPool {
    ip: IpAddr,
    hold: Duration,
    pairs: usize,
    freed: FreedPorts,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: VecDeque<u16>,
    held: VecDeque<(u16, Instant)>,
}

/// Two bound sockets: RTP, RTCP.
pub(crate) type Pair = (UdpSocket, UdpSocket);

impl PortPool {
    pub(crate) fn new(ip: IpAddr, range: PortRange, hold: Duration) -> Result<Self, MediaError> {
        let free: VecDeque<u16> = (range.first..range.last)
            .filter(|port| *port != 0 && port.is_multiple_of(2))
            .collect();
        let pairs = free.len();
        if pairs == 0 {
            return Err(MediaError::EmptyPortRange {
                first: range.first,
                last: range.last,
            });
        }
        let state = Mutex::new(State {
            free,
            held: VecDeque::new(),
        });
        Ok(Self {
            ip,
            hold,
            pairs,
            freed: Arc::new(ArrayQueue::new(pairs)),
            state,
        })
    }

    pub(crate) fn freed(&self) -> FreedPorts {
        self.freed.clone()
    }

    /// Binds the pair that was unused the longest. Ports that another program holds are passed over.
    pub(crate) fn bind(&self, now: Instant) -> Result<(u16, Pair), MediaError> {
        // A panic while it was held cannot have left the queues half changed.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        while let Some(freed) = self.freed.pop() {
            state.held.push_back(freed);
        }
        // Threads give back in any order, nearly by time.
        state.held.retain(|&(port, since)| {
            let over = now.saturating_duration_since(since) >= self.hold;
            if over {
                state.free.push_back(port);
            }
            !over
        });

        let mut failure = None;
        for _ in 0..state.free.len() {
            let Some(port) = state.free.pop_front() else { break };
            match bind_pair(self.ip, port) {
                Ok(pair) => return Ok((port, pair)),
                Err(error) => {
                    state.free.push_back(port);
                    let in_use = error.kind() == std::io::ErrorKind::AddrInUse;
                    failure = Some(error);
                    if !in_use {
                        break;
                    }
                }
            }
        }
        Err(match failure {
            Some(source) => MediaError::Bind { ip: self.ip, source },
            None => MediaError::PortsExhausted { pairs: self.pairs },
        })
    }

    /// Gives back a port that no thread took over.
    pub(crate) fn give_back(&self, port: u16) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .free
            .push_back(port);
    }
}

fn bind_pair(ip: IpAddr, port: u16) -> std::io::Result<Pair> {
    let rtp = UdpSocket::bind((ip, port))?;
    let rtcp = UdpSocket::bind((ip, port + 1))?;
    rtp.set_nonblocking(true)?;
    rtcp.set_nonblocking(true)?;
    Ok((rtp, rtcp))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const IP: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn ports_come_back_only_after_their_hold() {
        let pool = PortPool::new(
            IP,
            PortRange {
                first: 34_001,
                last: 34_005,
            },
            Duration::from_secs(5),
        )
        .unwrap();
        let now = Instant::now();
        let (first, pair) = pool.bind(now).unwrap();
        let (second, _other) = pool.bind(now).unwrap();
        assert_eq!((first, second), (34_002, 34_004));
        assert!(matches!(
            pool.bind(now),
            Err(MediaError::PortsExhausted { pairs: 2 })
        ));
        drop(pair);
        pool.freed().push((first, now)).unwrap();
        let early = now + Duration::from_millis(4900);
        assert!(matches!(pool.bind(early), Err(MediaError::PortsExhausted { .. })));
        assert_eq!(pool.bind(now + Duration::from_secs(5)).unwrap().0, first);
    }

    #[test]
    fn a_port_of_another_program_is_passed_over() {
        let _taken = UdpSocket::bind((IP, 34_101)).unwrap();
        let pool = PortPool::new(
            IP,
            PortRange {
                first: 34_100,
                last: 34_103,
            },
            Duration::from_secs(5),
        )
        .unwrap();
        let (port, _pair) = pool.bind(Instant::now()).unwrap();
        assert_eq!(port, 34_102);
        assert!(matches!(pool.bind(Instant::now()), Err(MediaError::Bind { .. })));
    }

    #[test]
    fn a_range_without_a_pair_is_refused() {
        for (first, last) in [(5, 5), (5, 6), (7, 3), (0, 1)] {
            let range = PortRange { first, last };
            let refused = PortPool::new(IP, range, Duration::ZERO);
            assert!(
                matches!(refused, Err(MediaError::EmptyPortRange { .. })),
                "{range:?}"
            );
        }
    }
}
