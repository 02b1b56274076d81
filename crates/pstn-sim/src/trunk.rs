//! One trunk: a SIP address that lets calls in, as a carrier's does.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rsipstack::EndpointBuilder;
use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::sip::prelude::{HeadersExt, ToTypedHeader};
use rsipstack::sip::{Auth, Header, Method, Request, Scheme, StatusCode, Transport, Uri};
use rsipstack::transaction::TransactionReceiver;
use rsipstack::transaction::endpoint::EndpointInnerRef;
use rsipstack::transaction::transaction::Transaction;
use rsipstack::transport::tcp::TcpConnection;
use rsipstack::transport::udp::UdpConnection;
use rsipstack::transport::{SipAddr, TransportLayer};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::Shared;
use crate::behaviour::Behaviour;
use crate::call::{Call, CallCommand, CallDirection, CallReport, EndedBy, Way, lock};
use crate::config::{TrunkConfig, TrunkMode};
use crate::digest::{DigestServer, Verdict};
use crate::directory::Entry;
use crate::leg::Leg;
use crate::number::{Masked, from_user_part};
use crate::registrar::Bindings;
use crate::script;
use crate::wire::{Gate, Notary, mark_of, reportable};

/// Methods that a trunk takes, for `Allow`.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO";
/// Ports tried until one is free for UDP and for TCP.
const PORT_ATTEMPTS: usize = 32;

/// What the trunk's parts share.
pub(crate) struct TrunkState {
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: String,
    mode: Mutex<TrunkMode>,
    digest: Option<Mutex<DigestServer>>,
    pub(crate) bindings: Bindings,
}

/// A running trunk.
pub(crate) struct Trunk {
    pub(crate) state: Arc<TrunkState>,
    pub(crate) addr: SocketAddr,
    pub(crate) dialogs: Arc<DialogLayer>,
}

/// An INVITE that has become a call.
struct Admitted {
    call: Arc<Call>,
    commands: mpsc::Receiver<CallCommand>,
    behaviour: Behaviour,
}

impl TrunkState {
    pub(crate) fn mode(&self) -> TrunkMode {
        *lock(&self.mode)
    }

    pub(crate) fn set_mode(&self, mode: TrunkMode) {
        *lock(&self.mode) = mode;
    }

    /// The number a request is for, and the telephone behind it. Without a number, the user part as it is.
    pub(crate) fn telephone(&self, request: &Request) -> (String, Option<Entry>) {
        let user = request.uri.user().unwrap_or_default();
        match from_user_part(user) {
            Some(number) => {
                let entry = self.shared.directory().find(&number).cloned();
                (number, entry)
            }
            None => (user.to_owned(), None),
        }
    }

    /// The report of a call that `request` opens, or tries to.
    pub(crate) fn report(
        &self,
        id: u64,
        number: &str,
        behaviour: Option<&Behaviour>,
        request: &Request,
    ) -> CallReport {
        let at = mark_of(request).unwrap_or_else(|| self.shared.clock.mark());
        let from = request
            .from_header()
            .ok()
            .and_then(|from| from.clone().typed().ok());
        let call_id = request
            .call_id_header()
            .map(|id| id.value().to_owned())
            .unwrap_or_default();
        let mut report = CallReport::new(id, CallDirection::ToTelephone, &self.name, number, &call_id, at);
        if let Some(behaviour) = behaviour {
            behaviour.kind().clone_into(&mut report.behaviour);
            report.tone_hz = script::tone(behaviour, number);
        }
        for header in request.headers.iter().filter(|header| reportable(header)) {
            report
                .headers
                .entry(header.name().to_owned())
                .or_default()
                .push(header.value().trim().to_owned());
        }
        from.as_ref()
            .and_then(|from| from.uri.user())
            .unwrap_or_default()
            .clone_into(&mut report.from);
        report.from_name = from.and_then(|from| from.display_name);
        report.p_asserted_identity = request.header_value("P-Asserted-Identity");
        report.note_request(at, Way::In, "INVITE");
        report
    }

    /// Notes an INVITE that becomes no call, so that tests see where it went.
    pub(crate) fn note_refused(&self, request: &Request, behaviour: Option<&Behaviour>) -> Arc<Call> {
        let (number, _) = self.telephone(request);
        let calls = &self.shared.calls;
        calls.note(|id| self.report(id, &number, behaviour, request))
    }

    /// Checks a request's credentials. `Err` has the status and header of the challenge.
    pub(crate) fn authorise(&self, request: &Request) -> Result<(), (StatusCode, Header)> {
        let Some(digest) = &self.digest else {
            return Ok(());
        };
        let mut digest = lock(digest);
        let register = request.method == Method::Register;
        if !register && !digest.auth().invites {
            return Ok(());
        }
        let proxy = !register && digest.auth().challenge == 407;
        let now = Instant::now();
        let value = request.headers.iter().find_map(|header| match header {
            Header::ProxyAuthorization(value) if proxy => Some(value.value()),
            Header::Authorization(value) if !proxy => Some(value.value()),
            _ => None,
        });
        let verdict = value.map(|value| {
            let same_uri = |uri: &str| Uri::try_from(uri).is_ok_and(|uri| uri == request.uri);
            digest.check(value, &request.method.to_string(), same_uri, now)
        });
        if verdict == Some(Verdict::Right) {
            return Ok(());
        }
        let challenge = digest.challenge(now, verdict == Some(Verdict::Stale));
        Err(if proxy {
            (
                StatusCode::ProxyAuthenticationRequired,
                Header::ProxyAuthenticate(challenge.into()),
            )
        } else {
            (
                StatusCode::Unauthorized,
                Header::WwwAuthenticate(challenge.into()),
            )
        })
    }

    /// The status with which the trunk refuses what is not part of a call that is up.
    fn refusal(&self, method: Method) -> Option<StatusCode> {
        match self.mode() {
            TrunkMode::Ok | TrunkMode::Silent => None,
            TrunkMode::ServiceUnavailable => Some(StatusCode::ServiceUnavailable),
            TrunkMode::ServerError => Some(StatusCode::ServerInternalError),
            TrunkMode::RejectOptions => (method == Method::Options).then_some(StatusCode::ServiceUnavailable),
        }
    }
}

impl Trunk {
    /// Binds and serves until the simulator stops.
    pub(crate) async fn start(shared: Arc<Shared>, config: &TrunkConfig) -> io::Result<Arc<Self>> {
        let state = Arc::new(TrunkState {
            shared: Arc::clone(&shared),
            name: config.name.clone(),
            mode: Mutex::new(config.mode),
            digest: config
                .auth
                .clone()
                .map(|auth| Mutex::new(DigestServer::new(auth))),
            bindings: Bindings::default(),
        });
        let (socket, listener) = bind(config.listen).await?;
        let addr = socket.local_addr()?;
        let fault = |error: rsipstack::Error| io::Error::other(error.to_string());
        let transport = TransportLayer::new(shared.token.clone());
        let udp = UdpConnection::from_socket(Arc::new(socket), None, Some(shared.token.clone()));
        transport.add_transport(udp.await.map_err(fault)?.into());
        let endpoint = EndpointBuilder::new()
            .with_user_agent("pstn-sim")
            .with_cancel_token(shared.token.clone())
            .with_transport_layer(transport)
            .with_inspector(Box::new(Notary(Arc::clone(&state))))
            .with_transport_inspector(Box::new(Gate(Arc::clone(&state))))
            .build();
        let incoming = endpoint.incoming_transactions().map_err(fault)?;
        let trunk = Arc::new(Self {
            state,
            addr,
            dialogs: Arc::new(DialogLayer::new(Arc::clone(&endpoint.inner))),
        });
        shared.spawn(accept(
            listener,
            addr,
            Arc::clone(&endpoint.inner),
            shared.token.clone(),
        ));
        shared.tracker.spawn(async move { endpoint.serve().await });
        shared.tracker.spawn(Arc::clone(&trunk).serve(incoming));
        Ok(trunk)
    }

    async fn serve(self: Arc<Self>, mut incoming: TransactionReceiver) {
        let token = self.state.shared.token.clone();
        loop {
            let transaction = tokio::select! {
                () = token.cancelled() => break,
                transaction = incoming.recv() => transaction,
            };
            let Some(transaction) = transaction else {
                break;
            };
            let trunk = Arc::clone(&self);
            self.state
                .shared
                .spawn(async move { trunk.dispatch(transaction).await });
        }
    }

    async fn dispatch(self: Arc<Self>, mut transaction: Transaction) {
        let method = transaction.original.method;
        let in_dialog = transaction
            .original
            .to_header()
            .is_ok_and(|to| to.tag().is_ok_and(|tag| tag.is_some()));
        let result = if in_dialog {
            self.in_dialog(&mut transaction).await
        } else if let Some(status) = self.state.refusal(method)
            && method != Method::Invite
        {
            refuse(transaction, status, Vec::new()).await
        } else {
            match method {
                Method::Invite => {
                    self.invite(transaction).await;
                    Ok(())
                }
                Method::Options => {
                    let headers = vec![
                        Header::Allow(ALLOW.into()),
                        Header::Accept("application/sdp".into()),
                        Header::Supported("100rel, timer".into()),
                    ];
                    transaction.reply_with(StatusCode::OK, headers, None).await
                }
                Method::Register => self.register(transaction).await,
                _ => {
                    let headers = vec![Header::Allow(ALLOW.into())];
                    refuse(transaction, StatusCode::MethodNotAllowed, headers).await
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(trunk = %self.state.name, %method, %error, "request not answered");
        }
    }

    async fn in_dialog(&self, transaction: &mut Transaction) -> rsipstack::Result<()> {
        let known = self.dialogs.match_dialog(transaction).filter(|_| {
            transaction.original.method != Method::PRack || self.acknowledges(&transaction.original)
        });
        match known {
            Some(mut dialog) => dialog.handle(transaction).await,
            None => transaction.reply(StatusCode::CallTransactionDoesNotExist).await,
        }
    }

    /// Whether a PRACK names the reliable response that is out (RFC 3262 §3).
    fn acknowledges(&self, prack: &Request) -> bool {
        let call = prack
            .call_id_header()
            .ok()
            .and_then(|id| self.state.shared.calls.by_call_id(id.value()));
        let named = prack
            .header_value("RAck")
            .and_then(|value| value.split_whitespace().next()?.parse::<u32>().ok());
        let Some((call, named)) = call.zip(named) else {
            return false;
        };
        call.prack.send_if_modified(|expected| {
            let right = *expected == Some(named);
            if right {
                *expected = None;
            }
            right
        })
    }

    async fn register(&self, transaction: Transaction) -> rsipstack::Result<()> {
        if let Err((status, challenge)) = self.state.authorise(&transaction.original) {
            return refuse(transaction, status, vec![challenge]).await;
        }
        let mut transaction = transaction;
        match self
            .state
            .bindings
            .register(&transaction.original, Instant::now())
        {
            Ok(headers) => transaction.reply_with(StatusCode::OK, headers, None).await,
            Err((status, headers)) => transaction.reply_with(status, headers, None).await,
        }
    }

    async fn invite(&self, transaction: Transaction) {
        let request = transaction.original.clone();
        let (number, entry) = self.state.telephone(&request);
        let opened = match self.state.refusal(Method::Invite) {
            Some(status) => Err((status, Vec::new())),
            None => self.admit(&request, &number, entry),
        };
        let Admitted {
            call,
            commands,
            behaviour,
        } = match opened {
            Ok(opened) => opened,
            Err((status, headers)) => {
                tracing::info!(trunk = %self.state.name, number = %Masked(&number), status = status.code(), "call refused");
                if !matches!(status.code(), 401 | 407) {
                    let call = self.state.note_refused(&request, None);
                    call.end(self.state.shared.clock.mark(), EndedBy::Trunk);
                }
                if let Err(error) = refuse(transaction, status, headers).await {
                    tracing::debug!(%error, "refusal not sent");
                }
                return;
            }
        };
        tracing::info!(call = call.id, trunk = %self.state.name, number = %Masked(&number), behaviour = behaviour.kind(), "call");
        let shared = Arc::clone(&self.state.shared);
        let (state_sender, states) = self.dialogs.new_dialog_state_channel();
        let contact = self.contact(
            &number,
            transaction
                .connection
                .as_ref()
                .map_or(Transport::Udp, rsipstack::transport::SipConnection::transport),
        );
        let dialog =
            self.dialogs
                .get_or_create_server_invite(&transaction, state_sender, None, Some(contact));
        let dialog = match dialog {
            Ok(dialog) => dialog,
            Err(error) => {
                tracing::debug!(call = call.id, %error, "INVITE cannot open a dialog");
                let _ = refuse(transaction, StatusCode::BadRequest, Vec::new()).await;
                call.end(shared.clock.mark(), EndedBy::Simulator);
                shared.calls.close(&call);
                return;
            }
        };
        let id = dialog.id();
        *lock(&call.local_tag) = Some(id.local_tag.clone());
        let mut answering = dialog.clone();
        shared.spawn(async move {
            let mut transaction = transaction;
            if let Err(error) = answering.handle(&mut transaction).await {
                tracing::debug!(%error, "INVITE transaction");
            }
        });
        let leg = Leg::new(
            Arc::clone(&shared),
            Arc::clone(&call),
            dialog,
            states,
            commands,
            self.addr.ip(),
            script::Abilities::of(&behaviour),
        );
        let by = leg.be_called(script::script(&behaviour, &number)).await;
        call.end(shared.clock.mark(), by);
        shared.calls.close(&call);
        self.dialogs.remove_dialog(&id);
        let report = call.report();
        tracing::info!(
            call = call.id,
            number = %Masked(&number),
            status = report.status,
            ended_by = ?by,
            packets = report.media.packets_received,
            heard_hz = ?report.media.heard.iter().map(|tone| tone.hz.round()).collect::<Vec<_>>(),
            digits = report.media.dtmf.len(),
            "call over"
        );
    }

    /// Whether an INVITE becomes a call.
    fn admit(
        &self,
        request: &Request,
        number: &str,
        entry: Option<Entry>,
    ) -> Result<Admitted, (StatusCode, Vec<Header>)> {
        self.state
            .authorise(request)
            .map_err(|(status, challenge)| (status, vec![challenge]))?;
        let Some(entry) = entry else {
            return Err((StatusCode::NotFound, cause(1, "Unallocated number")));
        };
        if matches!(entry.behaviour, Behaviour::Require100Rel(_)) && !knows_100rel(request) {
            return Err((
                StatusCode::ExtensionRequired,
                vec![Header::Require("100rel".into())],
            ));
        }
        let shared = &self.state.shared;
        let opened = shared
            .calls
            .open(|id| self.state.report(id, number, Some(&entry.behaviour), request));
        match opened {
            Some((call, commands)) => Ok(Admitted {
                call,
                commands,
                behaviour: entry.behaviour,
            }),
            None => Err((
                StatusCode::ServiceUnavailable,
                cause(42, "Switching equipment congestion"),
            )),
        }
    }

    /// Where a telephone is reached within its call.
    pub(crate) fn contact(&self, number: &str, transport: Transport) -> Uri {
        let mut uri = Uri::from(rsipstack::sip::HostWithPort::from(self.addr));
        uri.scheme = Some(Scheme::Sip);
        uri.auth = Some(Auth {
            user: number.to_owned(),
            password: None,
        });
        if transport != Transport::Udp {
            uri.params.push(rsipstack::sip::Param::Transport(transport));
        }
        uri
    }
}

/// `Reason` with a cause of Q.850 (RFC 3326).
pub(crate) fn cause(code: u8, text: &str) -> Vec<Header> {
    vec![Header::Reason(
        format!("Q.850;cause={code};text=\"{text}\"").into(),
    )]
}

fn knows_100rel(request: &Request) -> bool {
    request.header_contains_token("Supported", "100rel") || request.header_contains_token("Require", "100rel")
}

/// Hands TCP connections to the SIP stack. Its own listener binds late, and tells nobody when it cannot.
async fn accept(
    listener: TcpListener,
    addr: SocketAddr,
    endpoint: EndpointInnerRef,
    token: CancellationToken,
) {
    let local = SipAddr {
        r#type: Some(Transport::Tcp),
        addr: addr.into(),
    };
    loop {
        let accepted = match listener.accept().await {
            Ok((stream, _)) => TcpConnection::from_stream(stream, local.clone(), Some(token.child_token())),
            Err(error) => {
                tracing::warn!(%error, "TCP connection not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        match accepted {
            Ok(connection) => endpoint.transport_layer.add_connection(connection.into()),
            Err(error) => tracing::debug!(%error, "TCP connection"),
        }
    }
}

/// Answers finally and stays until the answer is acknowledged or times out.
async fn refuse(
    mut transaction: Transaction,
    status: StatusCode,
    headers: Vec<Header>,
) -> rsipstack::Result<()> {
    transaction.reply_with(status, headers, None).await?;
    if transaction.original.method == Method::Invite {
        while transaction.receive().await.is_some() {}
    }
    Ok(())
}

/// One port for UDP and for TCP.
async fn bind(listen: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORT_ATTEMPTS {
        let socket = UdpSocket::bind(listen).await?;
        match TcpListener::bind(socket.local_addr()?).await {
            Ok(listener) => return Ok((socket, listener)),
            Err(error) => last = error,
        }
        if listen.port() != 0 {
            break;
        }
    }
    Err(last)
}
