//! The life of a call that a telephone of the simulator has placed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::dialog::dialog::DialogState;
use rsipstack::dialog::invitation::InviteOption;
use rsipstack::sip::{Auth, Header, HostWithPort, Param, Response, Scheme, Transport, Uri};
use rsipstack::transport::SipAddr;
use tokio::sync::mpsc;

use crate::behaviour::Behaviour;
use crate::call::{Call, CallCommand, EndedBy, lock};
use crate::leg::{self, Leg};
use crate::media::Media;
use crate::place::{CallerId, PlaceCall};
use crate::script::{self, Abilities, Step};
use crate::sdp::{Described, Direction, Local};
use crate::tone::{Score, tone_of};
use crate::trunk::Trunk;

/// RFC 3323 §4.1.1.3.
const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";

/// Calls, listens to what comes before the answer, then does what the order says.
pub(crate) async fn run(
    trunk: &Arc<Trunk>,
    call: &Arc<Call>,
    mut commands: mpsc::Receiver<CallCommand>,
    order: &PlaceCall,
    (from, via): (&str, SocketAddr),
) -> EndedBy {
    let shared = Arc::clone(&trunk.state.shared);
    let ip = trunk.addr.ip();
    let abilities = Abilities::of(&Behaviour::Answer(order.telephone.clone()));
    let tape = abilities.record.then(|| call.tape());
    let Ok(media) = Media::open(&shared.media, ip, Arc::clone(&call.media), tape).await else {
        return EndedBy::Simulator;
    };
    let mut local = Local::new(media.local, call.id, abilities.telephone_events);
    let offer = local.offer(&abilities.codecs, Direction::SendRecv);
    let call_id = call.with(|report| report.call_id.clone());
    let Some(invite) = invite(trunk, order, (from, via), offer.into_bytes(), call_id) else {
        return EndedBy::Simulator;
    };
    let (sender, mut states) = trunk.dialogs.new_dialog_state_channel();
    let (dialog, mut invited) = match trunk.dialogs.do_invite_async(invite, sender) {
        Ok(invited) => invited,
        Err(error) => {
            tracing::debug!(call = call.id, %error, "INVITE");
            return EndedBy::Simulator;
        }
    };
    let mut patience = std::pin::pin!(leg::sleep_until(
        order
            .give_up_after_ms
            .map(|ms| tokio::time::Instant::now() + Duration::from_millis(ms)),
    ));
    let mut cancelled = None;
    let outcome = loop {
        tokio::select! {
            outcome = &mut invited => break outcome,
            () = shared.closing.cancelled(), if cancelled.is_none() => cancelled = Some(EndedBy::Simulator),
            () = &mut patience, if cancelled.is_none() => cancelled = Some(EndedBy::Telephone),
            Some(command) = commands.recv(), if cancelled.is_none() => {
                if command != CallCommand::HangUp {
                    continue;
                }
                cancelled = Some(EndedBy::Control);
            }
            Some(state) = states.recv() => {
                if let DialogState::Early(_, response) = state {
                    listen_early(&media, &abilities, &response).await;
                }
                continue;
            }
        }
        let _ = dialog.hangup().await;
    };
    let Ok(Ok((id, Some(response)))) = outcome else {
        return cancelled.unwrap_or(EndedBy::Timeout);
    };
    if let Some(by) = cancelled {
        return by;
    }
    if !(200..300).contains(&response.status_code.code()) {
        return EndedBy::Refused;
    }
    *lock(&call.local_tag) = Some(id.local_tag.clone());
    let leg = Leg::new(shared, Arc::clone(call), dialog, states, commands, ip, abilities);
    let (says, steps) = once_answered(order, from);
    let by = leg.go_on(media, local, &response, steps, says).await;
    trunk.dialogs.remove_dialog(&id);
    by
}

/// What comes before the answer is heard, and answered with silence (RFC 3264 §5.1, RFC 3960).
async fn listen_early(media: &Media, abilities: &Abilities, response: &Response) {
    if let Ok(described) = Described::parse(&response.body)
        && let Some(session) = leg::session(&described, abilities)
    {
        media.negotiated(session).await;
    }
}

/// What the telephone says from the answer on, and what it does then.
fn once_answered(order: &PlaceCall, from: &str) -> (Score, Vec<Step>) {
    let hz = order.telephone.tone_hz.unwrap_or_else(|| tone_of(from));
    if let Some(message) = &order.leave_message {
        let steps = vec![
            Step::AwaitBeep(Duration::from_millis(message.patience_ms)),
            Step::Say(Score::tone_for(hz, message.speak_ms)),
            Step::Wait(Duration::from_millis(message.speak_ms)),
            Step::HangUp,
        ];
        return (Score::silence(), steps);
    }
    let steps = script::script(&Behaviour::Answer(order.telephone.clone()), from)
        .into_iter()
        .skip_while(|step| !matches!(step, Step::Answer(_)))
        .skip(1)
        .collect();
    (Score::tone(hz), steps)
}

/// The INVITE. `None` when an address cannot be written.
fn invite(
    trunk: &Trunk,
    order: &PlaceCall,
    (from, via): (&str, SocketAddr),
    offer: Vec<u8>,
    call_id: String,
) -> Option<InviteOption> {
    let transport = if order.tcp { Transport::Tcp } else { Transport::Udp };
    let identity = uri(from, trunk.addr);
    let shown = order.caller_id == CallerId::Shown;
    let name = order
        .name
        .as_deref()
        .filter(|_| order.caller_id != CallerId::Withheld);
    let mut headers = vec![Header::Supported("timer".into())];
    if order.caller_id != CallerId::Withheld {
        let name = name.map(|name| format!("\"{name}\" ")).unwrap_or_default();
        headers.push(Header::PAssertedIdentity(format!("{name}<{identity}>").into()));
    }
    if !shown {
        headers.push(Header::Privacy("id".into()));
    }
    Some(InviteOption {
        caller_display_name: if shown {
            name.map(str::to_owned)
        } else {
            Some("Anonymous".to_owned())
        },
        caller: if shown {
            identity
        } else {
            Uri::try_from(ANONYMOUS).ok()?
        },
        callee: callee(&order.to, via, transport),
        destination: Some(SipAddr {
            r#type: Some(transport),
            addr: via.into(),
        }),
        content_type: Some("application/sdp".to_owned()),
        offer: Some(offer),
        contact: trunk.contact(if shown { from } else { "anonymous" }, transport),
        headers: Some(headers),
        support_prack: false,
        call_id: Some(call_id),
        ..InviteOption::default()
    })
}

fn uri(user: &str, addr: SocketAddr) -> Uri {
    Uri {
        scheme: Some(Scheme::Sip),
        auth: Some(Auth {
            user: user.to_owned(),
            password: None,
        }),
        host_with_port: HostWithPort::from(addr),
        ..Uri::default()
    }
}

fn callee(user: &str, addr: SocketAddr, transport: Transport) -> Uri {
    let mut uri = uri(user, addr);
    if transport != Transport::Udp {
        uri.params.push(Param::Transport(transport));
    }
    uri
}
