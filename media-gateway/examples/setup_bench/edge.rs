//! The edge's side of the link, as `docs/protocol.md` describes it: commands for all users, an acknowledgement for
//! every event.

use crate::USERS;
use crate::board::Board;
use crate::gateway::{far, home, user_id};
use futures_util::{SinkExt, StreamExt};
use hmac::{Hmac, Mac};
use ponte_protocol::link::{ProofBy, proof_text};
use ponte_protocol::version::VersionRange;
use ponte_protocol::{
    Command, CommandBody, CommandId, DestinationChoice, EdgeFrame, GatewayFrame, Outcome, Reply, UnixMillis,
};
use sha2::Sha256;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, SystemTime};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

pub const SITE_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// Commands on their way at once while users enter the mode.
const WINDOW: usize = 50;

#[derive(Debug)]
enum Order {
    EnterAll,
    Dial { rate: u32, calls: usize },
}

#[derive(Default)]
struct Progress {
    linked: AtomicBool,
    entered: AtomicUsize,
}

/// An edge with one gateway, on a thread of its own.
pub struct Edge {
    address: SocketAddr,
    orders: mpsc::UnboundedSender<Order>,
    progress: Arc<Progress>,
}

impl Edge {
    pub fn start(board: &Arc<Board>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (orders, queue) = mpsc::unbounded_channel();
        let progress = Arc::new(Progress::default());
        let (board, shared) = (Arc::clone(board), Arc::clone(&progress));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                let (stream, _) = listener.accept().await.unwrap();
                let link = Link {
                    socket: welcome(stream).await,
                    board,
                    progress: shared,
                    waiting: HashMap::new(),
                    to_enter: 0..0,
                    plan: None,
                };
                link.run(queue).await;
            });
        });
        Self {
            address,
            orders,
            progress,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn linked(&self) -> bool {
        self.progress.linked.load(Relaxed)
    }

    /// Users who are in telecommuter mode.
    pub fn entered(&self) -> usize {
        self.progress.entered.load(Relaxed)
    }

    /// Begins to send all users into telecommuter mode.
    pub fn enter_all(&self) {
        self.orders.send(Order::EnterAll).expect("the edge runs");
    }

    /// Begins to dial, one user after the other.
    pub fn dial(&self, rate: u32, calls: usize) {
        self.orders
            .send(Order::Dial { rate, calls })
            .expect("the edge runs");
    }
}

fn mac(by: ProofBy, edge_nonce: &str, gateway_nonce: &str) -> Hmac<Sha256> {
    let key = hex::decode(SITE_KEY).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(proof_text(by, &"test".parse().unwrap(), edge_nonce, gateway_nonce).as_bytes());
    mac
}

fn text(frame: &EdgeFrame) -> Message {
    Message::text(serde_json::to_string(frame).unwrap())
}

async fn welcome(stream: TcpStream) -> WebSocketStream<TcpStream> {
    stream.set_nodelay(true).unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let edge_nonce = hex::encode(rand::random::<[u8; 32]>());
    let challenge = EdgeFrame::Challenge {
        versions: VersionRange::OURS,
        nonce: edge_nonce.clone(),
    };
    socket.send(text(&challenge)).await.unwrap();
    let first = socket.next().await.unwrap().unwrap();
    let GatewayFrame::Authenticate { nonce, proof, .. } =
        serde_json::from_str(first.to_text().unwrap()).unwrap()
    else {
        panic!("the gateway begins with its proof");
    };
    mac(ProofBy::Gateway, &edge_nonce, &nonce)
        .verify_slice(&hex::decode(proof).unwrap())
        .unwrap();
    let proof = hex::encode(mac(ProofBy::Edge, &edge_nonce, &nonce).finalize().into_bytes());
    let welcome = EdgeFrame::Welcome {
        version: 1,
        proof,
        last: None,
    };
    socket.send(text(&welcome)).await.unwrap();
    socket
}

/// Calls that are still to be dialled.
struct Plan {
    start: Instant,
    rate: u32,
    calls: usize,
    begun: usize,
}

impl Plan {
    fn due(&self) -> Instant {
        self.start + Duration::from_secs_f64(self.begun as f64 / f64::from(self.rate))
    }
}

struct Link {
    socket: WebSocketStream<TcpStream>,
    board: Arc<Board>,
    progress: Arc<Progress>,
    waiting: HashMap<CommandId, usize>,
    to_enter: std::ops::Range<usize>,
    plan: Option<Plan>,
}

impl Link {
    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        loop {
            let due = self.plan.as_ref().map(Plan::due);
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::EnterAll) => {
                        self.to_enter = 0..USERS;
                        self.enter_some().await;
                    }
                    Some(Order::Dial { rate, calls }) => {
                        self.plan = Some(Plan { start: Instant::now(), rate, calls, begun: 0 });
                    }
                    None => return,
                },
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.dial_due().await;
                }
                message = self.socket.next() => match message {
                    Some(Ok(Message::Text(json))) => self.received(&json).await,
                    Some(Ok(_)) => {}
                    _ => return,
                },
            }
        }
    }

    async fn send(&mut self, frame: &EdgeFrame) {
        self.socket.send(text(frame)).await.expect("the link stays up");
    }

    async fn command(&mut self, user: usize, body: CommandBody) {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let now = UnixMillis(since.as_millis() as u64);
        let command = Command {
            id: CommandId(Uuid::now_v7()),
            issued_at: now,
            expires_at: now.plus(body.lifetime_ms()),
            body,
        };
        self.waiting.insert(command.id, user);
        let user = user_id(user);
        self.send(&EdgeFrame::Command { user, command }).await;
    }

    async fn enter_some(&mut self) {
        while self.waiting.len() < WINDOW {
            let Some(user) = self.to_enter.next() else { return };
            let destination = DestinationChoice::Number {
                number: home(user).parse().unwrap(),
                confirm: Some(false),
            };
            self.command(user, CommandBody::EnterTelecommuter { destination })
                .await;
        }
    }

    async fn dial_due(&mut self) {
        while let Some(plan) = &mut self.plan {
            if plan.due() > Instant::now() {
                return;
            }
            let user = plan.begun % USERS;
            plan.begun += 1;
            if plan.begun == plan.calls {
                self.plan = None;
            }
            let number = far(user).parse().unwrap();
            self.board.dialled(user);
            self.command(
                user,
                CommandBody::Dial {
                    number,
                    account_code: None,
                },
            )
            .await;
        }
    }

    async fn received(&mut self, json: &str) {
        match serde_json::from_str(json).unwrap() {
            GatewayFrame::Event { event } => {
                let position = event.position;
                self.send(&EdgeFrame::Ack { position }).await;
            }
            GatewayFrame::Reply { reply, .. } => self.replied(reply).await,
            GatewayFrame::Users { .. } => self.progress.linked.store(true, Relaxed),
            GatewayFrame::Ping { n } => self.send(&EdgeFrame::Pong { n }).await,
            _ => {}
        }
    }

    async fn replied(&mut self, reply: Reply) {
        let Some(user) = self.waiting.remove(&reply.id) else {
            return;
        };
        match reply.outcome {
            Outcome::Accepted { call: None } => {
                self.progress.entered.fetch_add(1, Relaxed);
                self.enter_some().await;
            }
            Outcome::Accepted { .. } => {}
            Outcome::Refused { refusal } => self.board.refused(user, refusal.to_string()),
            other => self.board.refused(user, format!("{other:?}")),
        }
    }
}
