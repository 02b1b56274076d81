//! The simulator as a whole: start, questions, stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::behaviour::{Behaviour, BehaviourError};
use crate::call::{CallReport, Calls};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, TrunkMode};
use crate::control;
use crate::directory::{Directory, Entry, KeyError};
use crate::ear::EarKit;
use crate::media::MediaKit;
use crate::place::{PlaceCall, PlaceError, place};
use crate::trunk::Trunk;

/// How long calls may take to end when the simulator stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// What all parts share.
pub(crate) struct Shared {
    pub(crate) clock: Arc<Clock>,
    pub(crate) calls: Calls,
    pub(crate) media: MediaKit,
    pub(crate) tracker: TaskTracker,
    /// Calls end.
    pub(crate) closing: CancellationToken,
    /// Everything ends.
    pub(crate) token: CancellationToken,
    directory: RwLock<Directory>,
}

impl Shared {
    pub(crate) fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a task until it ends or the simulator does.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let token = self.token.clone();
        self.tracker.spawn(async move {
            token.run_until_cancelled(task).await;
        });
    }
}

/// What the control API and [`Simulator`] work on.
pub(crate) struct Core {
    pub(crate) shared: Arc<Shared>,
    pub(crate) trunks: Vec<Arc<Trunk>>,
    /// Whom telephones call where an order names nobody.
    gateway: Option<SocketAddr>,
}

impl Core {
    pub(crate) fn calls(&self) -> Vec<CallReport> {
        let calls = self.shared.calls.all();
        calls.iter().map(|call| call.report()).collect()
    }

    pub(crate) fn set_number(&self, number: &str, behaviour: Behaviour) -> Result<Entry, NumberError> {
        behaviour.check()?;
        let mut directory = self
            .shared
            .directory
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let note = directory
            .entries()
            .find(|entry| entry.number == number)
            .map(|entry| entry.note.clone())
            .unwrap_or_default();
        let entry = Entry {
            number: number.to_owned(),
            note,
            behaviour,
        };
        directory.put(entry.clone())?;
        Ok(entry)
    }

    pub(crate) fn place(&self, order: PlaceCall) -> Result<CallReport, PlaceError> {
        let trunk = match &order.trunk {
            Some(name) => self.trunks.iter().find(|trunk| trunk.state.name == *name),
            None => self.trunks.first(),
        };
        let trunk = trunk.ok_or_else(|| PlaceError::NoTrunk(order.trunk.clone().unwrap_or_default()))?;
        place(trunk, order, self.gateway)
    }

    pub(crate) fn set_trunk_mode(&self, name: &str, mode: TrunkMode) -> bool {
        let named = self.trunks.iter().find(|trunk| trunk.state.name == name);
        let trunk = named.or_else(|| self.trunks.get(name.parse::<usize>().ok()?));
        if let Some(trunk) = trunk {
            trunk.state.set_mode(mode);
        }
        trunk.is_some()
    }
}

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A trunk's address; it must be free for UDP and for TCP.
    #[error("trunk `{name}` cannot listen on {addr} (UDP and TCP): {source}")]
    Trunk {
        /// Its name.
        name: String,
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The control API's address.
    #[error("the control API cannot listen on {addr}: {source}")]
    Control {
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Why a number cannot be given a behaviour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The number or prefix.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The behaviour.
    #[error(transparent)]
    Behaviour(#[from] BehaviourError),
}

/// A running simulator. Dropping it stops it at once; [`Simulator::shutdown`] ends its calls first.
pub struct Simulator {
    core: Arc<Core>,
    control_addr: SocketAddr,
    _stop: tokio_util::sync::DropGuard,
}

impl Simulator {
    /// Binds all addresses and serves them on the current tokio runtime.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let directory = config.directory()?;
        let token = CancellationToken::new();
        // On an early return, what is already up must stop.
        let stop = token.clone().drop_guard();
        let tracker = TaskTracker::new();
        let clock = Arc::new(Clock::start());
        let shared = Arc::new(Shared {
            clock: Arc::clone(&clock),
            calls: Calls::new(config.max_calls, config.kept_calls),
            media: MediaKit {
                ears: EarKit::new(),
                clock,
                tracker: tracker.clone(),
                token: token.clone(),
            },
            tracker,
            closing: CancellationToken::new(),
            token,
            directory: RwLock::new(directory),
        });
        let listener = TcpListener::bind(config.control).await;
        let (listener, control_addr) = listener
            .and_then(|listener| listener.local_addr().map(|addr| (listener, addr)))
            .map_err(|source| StartError::Control {
                addr: config.control,
                source,
            })?;
        let mut trunks = Vec::new();
        for trunk in &config.trunks {
            let started = Trunk::start(Arc::clone(&shared), trunk).await;
            trunks.push(started.map_err(|source| StartError::Trunk {
                name: trunk.name.clone(),
                addr: trunk.listen,
                source,
            })?);
        }
        let core = Arc::new(Core {
            shared,
            trunks,
            gateway: config.gateway,
        });
        let router = control::router(Arc::clone(&core));
        core.shared.spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "control API");
            }
        });
        Ok(Self {
            core,
            control_addr,
            _stop: stop,
        })
    }

    /// Address of the first trunk, UDP and TCP.
    pub fn sip_addr(&self) -> SocketAddr {
        self.core
            .trunks
            .first()
            .map_or(self.control_addr, |trunk| trunk.addr)
    }

    /// Address of a trunk by name.
    pub fn trunk_addr(&self, name: &str) -> Option<SocketAddr> {
        let mut trunks = self.core.trunks.iter();
        trunks
            .find(|trunk| trunk.state.name == name)
            .map(|trunk| trunk.addr)
    }

    /// Address of the control API.
    pub fn control_addr(&self) -> SocketAddr {
        self.control_addr
    }

    /// All calls, those that are over among them, in the order in which they came.
    pub fn calls(&self) -> Vec<CallReport> {
        self.core.calls()
    }

    /// Calls that are up.
    pub fn active_calls(&self) -> usize {
        self.core.shared.calls.active()
    }

    /// What the telephone of a call heard, 8000 samples a second: the first minute, of a telephone that records
    /// ([`crate::Answer::record`]). `None` when there is no such call.
    pub fn audio(&self, call: u64) -> Option<Vec<i16>> {
        Some(self.core.shared.calls.get(call)?.tape().samples())
    }

    /// Forgets the calls that are over.
    pub fn clear_calls(&self) {
        self.core.shared.calls.forget_finished();
    }

    /// Gives a number, or a prefix that ends with `*`, a behaviour. Calls that are up keep theirs.
    pub fn set_number(&self, number: &str, behaviour: Behaviour) -> Result<(), NumberError> {
        self.core.set_number(number, behaviour).map(|_| ())
    }

    /// Changes how a trunk treats requests. False when there is none of that name.
    pub fn set_trunk_mode(&self, name: &str, mode: TrunkMode) -> bool {
        self.core.set_trunk_mode(name, mode)
    }

    /// Calls a gateway from a telephone of this simulator.
    pub fn place(&self, order: PlaceCall) -> Result<CallReport, PlaceError> {
        self.core.place(order)
    }

    /// Ends the calls by BYE or a refusal, then stops everything. No task of the simulator is left.
    pub async fn shutdown(self) {
        let shared = Arc::clone(&self.core.shared);
        shared.closing.cancel();
        let quiet = async {
            while shared.calls.active() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(FAREWELL, quiet).await;
        shared.token.cancel();
        shared.tracker.close();
        shared.tracker.wait().await;
    }
}
