//! The edge's side of the link, as `docs/protocol.md` describes it.

use super::PATIENCE;
use futures_util::{SinkExt, StreamExt};
use hmac::{Hmac, Mac};
use ponte_gateway::store::UserRow;
use ponte_protocol::link::{ProofBy, StreamPosition, proof_text};
use ponte_protocol::upload::UPLOAD_PIECE_MAX;
use ponte_protocol::version::VersionRange;
use ponte_protocol::{
    AudioPart, CallerId, Colleague, Command, CommandBody, CommandId, EdgeFrame, EventBody, GatewayFrame,
    LinkEvent, Outcome, OwnSound, Reply, RtcSignal, Taken, UnixMillis, UploadPiece, UserId, UserState,
};
use sha2::Sha256;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

pub const SITE_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[derive(Default)]
struct Kept {
    events: Vec<LinkEvent>,
    replies: HashMap<CommandId, Vec<Reply>>,
    audio: HashMap<Uuid, AudioPart>,
    /// By upload, and where the piece began.
    taken: HashMap<(Uuid, u64), Taken>,
    signals: Vec<(Uuid, RtcSignal)>,
    /// The users of the site, as portals that watch were told last.
    company: HashMap<UserId, Colleague>,
    company_text: String,
    last: Option<StreamPosition>,
    /// Who may sign in.
    users: Vec<UserId>,
    /// Hashes of invitations for users who were known when they came; the others are passed over, as an edge does.
    invitations: Vec<(UserId, String)>,
}

/// An edge with one gateway.
pub struct Edge {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    changed: watch::Receiver<u64>,
    linked: watch::Receiver<bool>,
    frames: mpsc::UnboundedSender<EdgeFrame>,
    cut: mpsc::UnboundedSender<Duration>,
}

pub fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    UnixMillis(u64::try_from(since.as_millis()).unwrap())
}

pub fn user_row(user: &str, telecommuter: bool) -> UserRow {
    UserRow {
        display_name: user.to_owned(),
        telecommuter_allowed: telecommuter,
        caller_id: CallerId {
            number: super::COMPANY.parse().unwrap(),
            name: Some("Ponte".into()),
        },
        language: Some("en".into()),
        restrictions: Vec::new(),
        caps: ponte_call_core::Caps::default(),
        user_no_answer_ms: 20_000,
        confirm: None,
        ..UserRow::new(
            user.parse().unwrap(),
            if user == super::ANNA { "201" } else { "202" }.parse().unwrap(),
            super::COMPANY.parse().unwrap(),
        )
    }
}

impl Edge {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (change, changed) = watch::channel(0);
        let (link, linked) = watch::channel(false);
        let (frames, queue) = mpsc::unbounded_channel();
        let (cut, cuts) = mpsc::unbounded_channel();
        tokio::spawn(serve(listener, Arc::clone(&kept), change, link, queue, cuts));
        Self {
            address,
            kept,
            changed,
            linked,
            frames,
            cut,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub async fn wait_linked(&self) {
        let mut linked = self.linked.clone();
        tokio::time::timeout(PATIENCE, linked.wait_for(|up| *up))
            .await
            .expect("the gateway links")
            .unwrap();
    }

    pub async fn wait_unlinked(&self) {
        let mut linked = self.linked.clone();
        tokio::time::timeout(PATIENCE, linked.wait_for(|up| !*up))
            .await
            .expect("the link ends")
            .unwrap();
    }

    /// Cuts the link and refuses connections for a while.
    pub fn cut(&self, pause: Duration) {
        self.cut.send(pause).unwrap();
    }

    pub fn send(&self, frame: EdgeFrame) {
        self.frames.send(frame).unwrap();
    }

    /// Sends a command with a new id; its outcome.
    pub async fn command(&self, user: &str, body: CommandBody) -> Outcome {
        let command = new_command(body);
        self.send(EdgeFrame::Command {
            user: user.parse().unwrap(),
            command: command.clone(),
        });
        self.reply(command.id).await.outcome
    }

    /// The first reply to a command.
    pub async fn reply(&self, id: CommandId) -> Reply {
        self.wait(|kept| kept.replies.get(&id).and_then(|replies| replies.first().cloned()))
            .await
    }

    /// The answer to a request for audio.
    pub async fn audio(&self, request: Uuid) -> AudioPart {
        self.wait(|kept| kept.audio.get(&request).cloned()).await
    }

    /// What became of a piece of an upload; it is told once.
    pub async fn taken(&self, upload: Uuid, offset: u64) -> Taken {
        let place = (upload, offset);
        let taken = self.wait(|kept| kept.taken.get(&place).copied()).await;
        self.kept.lock().unwrap().taken.remove(&place);
        taken
    }

    /// Sends a file as a user's own, as the edge does: the next piece when the one before was taken.
    pub async fn upload(&self, user: &str, sound: OwnSound, file: &[u8]) -> Taken {
        use base64::Engine;
        let upload = Uuid::now_v7();
        let mut offset = 0;
        loop {
            let end = file.len().min(offset + UPLOAD_PIECE_MAX);
            self.send(EdgeFrame::PutAudio(UploadPiece {
                upload,
                user: user.parse().unwrap(),
                sound,
                offset: offset as u64,
                last: end == file.len(),
                base64: base64::engine::general_purpose::STANDARD.encode(&file[offset..end]),
            }));
            match self.taken(upload, offset as u64).await {
                Taken::More => offset = end,
                other => return other,
            }
        }
    }

    /// Waits for a signal to one portal; also one of before counts.
    pub async fn signal(&self, portal: Uuid, wanted: impl Fn(&RtcSignal) -> bool) -> RtcSignal {
        self.wait(|kept| {
            kept.signals
                .iter()
                .filter(|(to, _)| *to == portal)
                .map(|(_, signal)| signal)
                .find(|signal| wanted(signal))
                .cloned()
        })
        .await
    }

    /// All signals to one portal so far, in order.
    pub fn signals(&self, portal: Uuid) -> Vec<RtcSignal> {
        let kept = self.kept.lock().unwrap();
        let to_it = kept.signals.iter().filter(|(to, _)| *to == portal);
        to_it.map(|(_, signal)| signal.clone()).collect()
    }

    /// Waits until a user of the site is told to be as wanted.
    pub async fn colleague(&self, user: &str, wanted: impl Fn(&Colleague) -> bool) -> Colleague {
        let user: UserId = user.parse().unwrap();
        self.wait(|kept| kept.company.get(&user).filter(|one| wanted(one)).cloned())
            .await
    }

    /// All that was ever told of the users of the site, as it was written.
    pub fn company_text(&self) -> String {
        self.kept.lock().unwrap().company_text.clone()
    }

    /// Who may sign in.
    pub fn users(&self) -> Vec<String> {
        self.kept
            .lock()
            .unwrap()
            .users
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// Whether an invitation with this hash was taken.
    pub fn is_invited(&self, user: &str, hash: &str) -> bool {
        let kept = self.kept.lock().unwrap();
        kept.invitations
            .iter()
            .any(|(invited, known)| invited.as_str() == user && known == hash)
    }

    pub fn replies(&self, id: CommandId) -> Vec<Reply> {
        self.kept
            .lock()
            .unwrap()
            .replies
            .get(&id)
            .cloned()
            .unwrap_or_default()
    }

    /// All events so far, in order.
    pub fn events(&self) -> Vec<LinkEvent> {
        self.kept.lock().unwrap().events.clone()
    }

    /// The state of a user as an edge keeps it.
    pub fn state(&self, user: &str) -> Option<UserState> {
        let user: UserId = user.parse().unwrap();
        let mut state: Option<UserState> = None;
        for event in self.events().into_iter().filter(|event| event.user == user) {
            match (&mut state, event.body) {
                (_, EventBody::State { state: whole }) => state = Some(*whole),
                (Some(state), body) => state.apply(&body),
                (None, _) => {}
            }
        }
        state
    }

    /// Waits for an event; also one of before counts.
    pub async fn wait_event(&self, wanted: impl Fn(&EventBody) -> bool) -> EventBody {
        self.wait(|kept| {
            kept.events
                .iter()
                .map(|event| &event.body)
                .find(|body| wanted(body))
                .cloned()
        })
        .await
    }

    async fn wait<T>(&self, look: impl Fn(&Kept) -> Option<T>) -> T {
        let mut changed = self.changed.clone();
        let found = async {
            loop {
                changed.mark_unchanged();
                if let Some(found) = look(&self.kept.lock().unwrap()) {
                    return found;
                }
                changed.changed().await.unwrap();
            }
        };
        if let Ok(found) = tokio::time::timeout(PATIENCE, found).await {
            return found;
        }
        let kept = self.kept.lock().unwrap();
        let last: Vec<_> = kept.events.iter().rev().take(3).collect();
        panic!("waited in vain at the edge; the last events: {last:#?}")
    }
}

/// A command that was made now.
pub fn new_command(body: CommandBody) -> Command {
    let now = now();
    Command {
        id: CommandId(Uuid::now_v7()),
        issued_at: now,
        expires_at: now.plus(body.lifetime_ms()),
        body,
    }
}

async fn serve(
    listener: TcpListener,
    kept: Arc<Mutex<Kept>>,
    change: watch::Sender<u64>,
    link: watch::Sender<bool>,
    mut queue: mpsc::UnboundedReceiver<EdgeFrame>,
    mut cuts: mpsc::UnboundedReceiver<Duration>,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::select! {
            _ = gateway(stream, &kept, &change, &link, &mut queue) => {}
            pause = cuts.recv() => match pause {
                Some(pause) => {
                    link.send_replace(false);
                    tokio::time::sleep(pause).await;
                }
                None => return,
            },
        }
        link.send_replace(false);
    }
}

fn mac(by: ProofBy, edge_nonce: &str, gateway_nonce: &str) -> Hmac<Sha256> {
    let key = hex::decode(SITE_KEY).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(proof_text(by, &"test".parse().unwrap(), edge_nonce, gateway_nonce).as_bytes());
    mac
}

async fn gateway(
    stream: TcpStream,
    kept: &Mutex<Kept>,
    change: &watch::Sender<u64>,
    link: &watch::Sender<bool>,
    queue: &mut mpsc::UnboundedReceiver<EdgeFrame>,
) -> Option<()> {
    let mut socket = tokio_tungstenite::accept_async(stream).await.ok()?;
    let text = |frame: &EdgeFrame| Message::text(serde_json::to_string(frame).unwrap());
    let edge_nonce = hex::encode(rand::random::<[u8; 32]>());
    let challenge = EdgeFrame::Challenge {
        versions: VersionRange::OURS,
        nonce: edge_nonce.clone(),
    };
    socket.send(text(&challenge)).await.ok()?;
    let Message::Text(first) = socket.next().await?.ok()? else {
        return None;
    };
    let GatewayFrame::Authenticate { nonce, proof, .. } = serde_json::from_str(&first).ok()? else {
        return None;
    };
    mac(ProofBy::Gateway, &edge_nonce, &nonce)
        .verify_slice(&hex::decode(proof).ok()?)
        .ok()?;
    let proof = hex::encode(mac(ProofBy::Edge, &edge_nonce, &nonce).finalize().into_bytes());
    let last = kept.lock().unwrap().last;
    socket
        .send(text(&EdgeFrame::Welcome {
            version: 1,
            proof,
            last,
        }))
        .await
        .ok()?;
    let mut known = false;
    loop {
        tokio::select! {
            frame = queue.recv() => socket.send(text(&frame?)).await.ok()?,
            message = socket.next() => {
                let Message::Text(json) = message?.ok()? else { continue };
                match serde_json::from_str(&json).ok()? {
                    GatewayFrame::Event { event } => {
                        let position = event.position;
                        {
                        let mut kept = kept.lock().unwrap();
                        let seen = kept.last.is_some_and(|last| last.epoch == position.epoch && last.seq >= position.seq);
                        if !seen {
                            kept.last = Some(position);
                            kept.events.push(event);
                        }
                        }
                        socket.send(text(&EdgeFrame::Ack { position })).await.ok()?;
                    }
                    GatewayFrame::Reply { reply, .. } => {
                        kept.lock().unwrap().replies.entry(reply.id).or_default().push(reply);
                    }
                    GatewayFrame::Audio { request, part } => {
                        kept.lock().unwrap().audio.insert(request, part);
                    }
                    GatewayFrame::AudioTaken { upload, offset, taken } => {
                        kept.lock().unwrap().taken.insert((upload, offset), taken);
                    }
                    GatewayFrame::Rtc { portal, signal, .. } => {
                        kept.lock().unwrap().signals.push((portal, signal));
                    }
                    GatewayFrame::Company { whole, colleagues, .. } => {
                        let mut kept = kept.lock().unwrap();
                        if whole {
                            kept.company.clear();
                        }
                        kept.company_text.push_str(&json);
                        kept.company.extend(colleagues.into_iter().map(|one| (one.user.clone(), one)));
                    }
                    GatewayFrame::Users { users } => {
                        kept.lock().unwrap().users = users.into_iter().map(|user| user.user).collect();
                        if !known {
                            known = true;
                            link.send_replace(true);
                        }
                    }
                    GatewayFrame::Invitation { user, token_hash, .. } => {
                        let mut kept = kept.lock().unwrap();
                        if kept.users.contains(&user) {
                            kept.invitations.push((user, token_hash));
                        }
                    }
                    GatewayFrame::Ping { n } => socket.send(text(&EdgeFrame::Pong { n })).await.ok()?,
                    _ => {}
                }
                change.send_modify(|n| *n += 1);
            }
        }
    }
}
