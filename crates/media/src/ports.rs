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
        // Threads give back nearly by time; one that waits behind another comes a little later.
        while let Some(&(port, since)) = state.held.front()
            && now.saturating_duration_since(since) >= self.hold
        {
            state.held.pop_front();
            state.free.push_back(port);
        }

        // A call that finds no rested port is better served by the one that rested the longest than refused: a late
        // packet of the call before is not from the source that this one negotiates.
        let mut failure = None;
        for _ in 0..state.free.len() + state.held.len() {
            let Some(port) = state
                .free
                .pop_front()
                .or_else(|| state.held.pop_front().map(|(port, _)| port))
            else {
                break;
            };
            match bind_pair(self.ip, port) {
                Ok(pair) => return Ok((port, pair)),
                Err(error) => {
                    // Behind all others, so that it is tried last.
                    state.held.push_back((port, now));
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
    fn the_port_that_rested_the_longest_comes_first() {
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
        let (second, other) = pool.bind(now).unwrap();
        assert_eq!((first, second), (34_002, 34_004));
        assert!(matches!(
            pool.bind(now),
            Err(MediaError::PortsExhausted { pairs: 2 })
        ));
        drop(pair);
        drop(other);
        pool.freed().push((second, now)).unwrap();
        pool.freed().push((first, now)).unwrap();
        let early = now + Duration::from_millis(100);
        let (again, _pair) = pool.bind(early).unwrap();
        assert_eq!(again, second, "no call is refused for a port that only rests");
        assert_eq!(pool.bind(now + Duration::from_secs(5)).unwrap().0, first);
    }

    #[test]
    fn a_rested_port_goes_before_one_that_rests() {
        let pool = PortPool::new(
            IP,
            PortRange {
                first: 34_021,
                last: 34_025,
            },
            Duration::from_secs(5),
        )
        .unwrap();
        let now = Instant::now();
        let (first, pair) = pool.bind(now).unwrap();
        drop(pair);
        pool.freed().push((first, now)).unwrap();
        assert_eq!(pool.bind(now).unwrap().0, 34_024);
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
