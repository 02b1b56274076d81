//! Trunks: where they are, whether they answer, registration.

use super::Driver;
use super::work::Done;
use crate::config::TrunkSettings;
use crate::sip::SipSockets;
use ponte_call_core::{Event, TrunkId};
use ponte_protocol::UnixMillis;
use ponte_sip::{Flow, Method, OutgoingRequest, Party, RequestId, ResponseInfo, Transport};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// How soon a trunk that does not answer is asked again.
const DOWN_RETRY: Duration = Duration::from_secs(5);
/// How often a trunk's name is looked up, and how soon while it does not answer.
const RESOLVE_EVERY: Duration = Duration::from_mins(5);
const RESOLVE_SILENT: Duration = Duration::from_secs(10);
/// How soon a refused or unanswered registration is tried again.
const REGISTER_RETRY: Duration = Duration::from_secs(30);

/// Why a trunk cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrunkError {
    #[error(
        "trunk {trunk}: the name {host} cannot be resolved ({reason}). Correct trunk.host, or see that this machine \
         reaches its name server"
    )]
    Resolve {
        trunk: String,
        host: String,
        reason: String,
    },
    #[error("trunk {trunk} wants {transport}, but sip listens on no such address: add one to sip.{key}")]
    NoSocket {
        trunk: String,
        transport: &'static str,
        key: &'static str,
    },
}

/// A trunk and what is known of it.
#[derive(Debug)]
pub(super) struct Trunk {
    pub settings: TrunkSettings,
    pub flow: Flow,
    up: bool,
    /// When it came up, or went down.
    pub since: UnixMillis,
    options: Option<RequestId>,
    options_at: Option<Instant>,
    register: Option<RequestId>,
    register_at: Option<Instant>,
    registered: bool,
    /// When its name is looked up again.
    resolve_at: Instant,
}

impl Trunk {
    /// Host and port, as a SIP URI has them.
    pub fn authority(&self) -> String {
        let host = &self.settings.host;
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.clone()
        };
        match self.settings.port {
            5060 => host,
            port => format!("{host}:{port}"),
        }
    }

    pub fn usable(&self) -> bool {
        self.up && (self.registered || self.settings.register.is_none())
    }
}

/// All trunks, in the order in which they are tried.
#[derive(Debug)]
pub(super) struct Trunks(Vec<Trunk>);

impl Trunks {
    /// Resolves every trunk.
    ///
    /// # Errors
    /// [`TrunkError`] names the trunk and what to do.
    pub async fn resolve(
        settings: &[TrunkSettings],
        sockets: &SipSockets,
        since: UnixMillis,
    ) -> Result<Self, TrunkError> {
        let mut trunks = Vec::with_capacity(settings.len());
        for settings in settings {
            let (transport, key) = match settings.transport {
                Transport::Udp => ("UDP", "udp"),
                Transport::Tcp => ("TCP", "tcp"),
                Transport::Tls => ("TLS", "tls_bind"),
            };
            let local = sockets
                .local(settings.transport)
                .ok_or_else(|| TrunkError::NoSocket {
                    trunk: settings.id.0.clone(),
                    transport,
                    key,
                })?;
            let remote = resolve(settings, local).await?;
            let flow = Flow {
                transport: settings.transport,
                local,
                remote,
            };
            let now = Instant::now();
            trunks.push(Trunk {
                flow,
                // Until it is known to be down, so that a call need not wait for the first OPTIONS.
                up: true,
                since,
                options: None,
                options_at: settings.keep_alive.map(|_| now),
                register: None,
                register_at: settings.register.map(|_| now),
                registered: false,
                resolve_at: now + RESOLVE_EVERY,
                settings: settings.clone(),
            });
        }
        Ok(Self(trunks))
    }

    pub fn get(&self, id: &TrunkId) -> Option<&Trunk> {
        self.0.iter().find(|trunk| trunk.settings.id == *id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Trunk> {
        self.0.iter()
    }

    /// The trunk at this address. A carrier may call from another port than it is called on; on this machine, where every
    /// program has the same address, the port counts.
    pub fn by_address(&self, remote: SocketAddr) -> Option<&Trunk> {
        let exact = self.0.iter().find(|trunk| trunk.flow.remote == remote);
        exact.or_else(|| {
            let ip = remote.ip();
            let any_port = |trunk: &&Trunk| trunk.flow.remote.ip() == ip && !ip.is_loopback();
            self.0.iter().find(any_port)
        })
    }

    /// Whose calls need no proof, as [`ponte_sip::UserAgent::set_trusted`] takes it: port 0 is every port.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.0.iter().map(|trunk| {
            let remote = trunk.flow.remote;
            let port = if remote.ip().is_loopback() {
                remote.port()
            } else {
                0
            };
            SocketAddr::new(remote.ip(), port)
        })
    }

    /// When a keep-alive or a registration is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.0
            .iter()
            .flat_map(|trunk| {
                let resolve_at = trunk.has_name().then_some(trunk.resolve_at);
                [trunk.options_at, trunk.register_at, resolve_at]
            })
            .flatten()
            .min()
    }
}

impl Trunk {
    /// Whether its name may stand for another address by now.
    fn has_name(&self) -> bool {
        self.settings.host.parse::<IpAddr>().is_err()
    }
}

async fn resolve(settings: &TrunkSettings, local: SocketAddr) -> Result<SocketAddr, TrunkError> {
    let failed = |reason: String| TrunkError::Resolve {
        trunk: settings.id.0.clone(),
        host: settings.host.clone(),
        reason,
    };
    let addresses = tokio::net::lookup_host((settings.host.as_str(), settings.port))
        .await
        .map_err(|error| failed(error.to_string()))?;
    let reachable: Vec<SocketAddr> = addresses
        .filter(|address| address.is_ipv4() == local.is_ipv4())
        .collect();
    reachable
        .first()
        .copied()
        .ok_or_else(|| failed("it has no address of the family that sip listens on".to_owned()))
}

impl Driver {
    /// Sends the keep-alives and registrations that are due.
    pub(super) fn trunk_timers(&mut self) {
        let now = Instant::now();
        for index in 0..self.trunks.0.len() {
            let trunk = &mut self.trunks.0[index];
            if trunk.options_at.is_some_and(|at| at <= now) {
                trunk.options_at = None;
                let request = request(trunk, Method::Options, None);
                match self.agent.send_request(self.clock.sip_now(), request) {
                    Ok(id) => trunk.options = Some(id),
                    Err(_) => trunk.options_at = Some(now + DOWN_RETRY),
                }
            }
            self.resolve_again(index, now);
            let trunk = &mut self.trunks.0[index];
            if trunk.register_at.is_some_and(|at| at <= now) {
                trunk.register_at = None;
                let expires = trunk
                    .settings
                    .register
                    .map(|register| register.expires.as_secs() as u32);
                let request = request(trunk, Method::Register, expires);
                match self.agent.send_request(self.clock.sip_now(), request) {
                    Ok(id) => trunk.register = Some(id),
                    Err(_) => trunk.register_at = Some(now + REGISTER_RETRY),
                }
            }
        }
    }

    /// Looks a trunk's name up where that is due.
    fn resolve_again(&mut self, index: usize, now: Instant) {
        let trunk = &mut self.trunks.0[index];
        if !trunk.has_name() || trunk.resolve_at > now {
            return;
        }
        trunk.resolve_at = now + RESOLVE_EVERY;
        let (settings, local) = (trunk.settings.clone(), trunk.flow.local);
        self.work.push(async move {
            let address = resolve(&settings, local).await.map_err(|error| error.to_string());
            Done::TrunkResolved {
                trunk: settings.id,
                address,
            }
        });
    }

    /// A trunk's name was looked up. Calls that are up stay where they are.
    pub(super) fn trunk_resolved(&mut self, id: &TrunkId, address: Result<SocketAddr, String>) {
        let now = Instant::now();
        let Some(trunk) = self.trunks.0.iter_mut().find(|trunk| trunk.settings.id == *id) else {
            return;
        };
        if !trunk.usable() {
            trunk.resolve_at = now + RESOLVE_SILENT;
        }
        let address = match address {
            Ok(address) => address,
            Err(error) => {
                tracing::warn!(trunk = %id.0, %error, "a trunk's name could not be looked up again");
                return;
            }
        };
        if trunk.flow.remote == address {
            return;
        }
        tracing::info!(trunk = %id.0, %address, "a trunk is at another address");
        trunk.flow.remote = address;
        // Whether it answers there is asked at once.
        if trunk.settings.keep_alive.is_some() {
            trunk.options_at = Some(now);
        }
        if trunk.settings.register.is_some() {
            trunk.register_at = Some(now);
        }
        self.agent.set_trusted(self.trunks.addresses());
    }

    /// A trunk answered an OPTIONS or a REGISTER.
    pub(super) fn trunk_response(&mut self, response: &ResponseInfo) {
        let now = Instant::now();
        for index in 0..self.trunks.0.len() {
            let trunk = &mut self.trunks.0[index];
            let before = trunk.usable();
            if trunk.options == Some(response.id) {
                trunk.options = None;
                // Any answer but "service unavailable" proves that somebody is there: many trunks refuse OPTIONS.
                trunk.up = response.status != 503;
                let pause = if trunk.up {
                    trunk.settings.keep_alive.unwrap_or(DOWN_RETRY)
                } else {
                    DOWN_RETRY
                };
                trunk.options_at = Some(now + pause);
            } else if trunk.register == Some(response.id) {
                trunk.register = None;
                trunk.registered = (200..300).contains(&response.status);
                let granted = response.expires.filter(|expires| *expires > 0).unwrap_or(60);
                if !trunk.registered {
                    let trunk = &trunk.settings.id.0;
                    tracing::warn!(%trunk, status = response.status, "the trunk refused the registration");
                }
                let pause = if trunk.registered {
                    // Early enough for another try before it runs out.
                    Duration::from_secs(u64::from(granted)).mul_f64(0.8)
                } else {
                    REGISTER_RETRY
                };
                trunk.register_at = Some(now + pause);
            } else {
                continue;
            }
            self.trunk_changed(index, before);
        }
    }

    /// A trunk did not answer an OPTIONS or a REGISTER.
    pub(super) fn trunk_silent(&mut self, id: RequestId) {
        let now = Instant::now();
        for index in 0..self.trunks.0.len() {
            let trunk = &mut self.trunks.0[index];
            let before = trunk.usable();
            if trunk.options == Some(id) {
                trunk.options = None;
                trunk.up = false;
                trunk.options_at = Some(now + DOWN_RETRY);
            } else if trunk.register == Some(id) {
                trunk.register = None;
                trunk.registered = false;
                trunk.register_at = Some(now + REGISTER_RETRY);
            } else {
                continue;
            }
            self.trunk_changed(index, before);
        }
    }

    fn trunk_changed(&mut self, index: usize, before: bool) {
        let now = self.clock.now();
        let trunk = &mut self.trunks.0[index];
        if trunk.usable() != before {
            trunk.since = now;
        }
        if !trunk.usable() {
            // It may have moved.
            trunk.resolve_at = trunk.resolve_at.min(Instant::now() + RESOLVE_SILENT);
        }
        let (id, up) = (trunk.settings.id.clone(), trunk.usable());
        metrics::gauge!("ponte_trunk_up", "trunk" => id.0.clone()).set(if up { 1.0 } else { 0.0 });
        if up != before {
            if up {
                tracing::info!(trunk = %id.0, "the trunk is up");
            } else {
                tracing::warn!(trunk = %id.0, "the trunk is down");
            }
            self.tell(Event::TrunkState { trunk: id, up });
        }
    }

    /// Tells the switch about all trunks, at the start.
    pub(super) fn configure_trunks(&mut self) {
        let trunks = self
            .trunks
            .iter()
            .map(|trunk| trunk.settings.switch_config())
            .collect();
        self.tell(Event::TrunksConfigured { trunks });
        let unregistered: Vec<TrunkId> = self
            .trunks
            .iter()
            .filter(|trunk| !trunk.usable())
            .map(|trunk| trunk.settings.id.clone())
            .collect();
        for trunk in unregistered {
            self.tell(Event::TrunkState { trunk, up: false });
        }
    }
}

fn request(trunk: &Trunk, method: Method, expires: Option<u32>) -> OutgoingRequest {
    let host = trunk.authority();
    let user = trunk
        .settings
        .credentials
        .as_ref()
        .map_or("ponte", |credentials| credentials.username.as_str());
    let own = Party::new(format!("sip:{user}@{}", trunk.settings.from_domain));
    let to = if expires.is_some() {
        own.clone()
    } else {
        Party::new(format!("sip:{host}"))
    };
    OutgoingRequest {
        flow: trunk.flow,
        method,
        request_uri: format!("sip:{host}"),
        from: own,
        to,
        route: Vec::new(),
        contact_user: Some(user.to_owned()),
        expires,
        headers: Vec::new(),
        body: None,
        credentials: trunk.settings.credentials.clone(),
    }
}
