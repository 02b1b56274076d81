//! Calls from a telephone of the simulator to a gateway.

use std::net::SocketAddr;
use std::sync::Arc;

use rsipstack::dialog::dialog::DialogState;
use rsipstack::dialog::invitation::InviteOption;
use rsipstack::sip::{Auth, Header, HostWithPort, Param, Scheme, Transport, Uri};
use rsipstack::transport::SipAddr;
use serde::{Deserialize, Serialize};

use crate::behaviour::{Answer, Behaviour, BehaviourError};
use crate::call::{Call, CallCommand, CallDirection, CallReport, EndedBy, lock};
use crate::leg::Leg;
use crate::media::Media;
use crate::number::{Masked, from_user_part};
use crate::script::{self, Abilities, Step};
use crate::sdp::{Direction, Local};
use crate::tone::{Score, tone_of};
use crate::trunk::Trunk;

/// A call to place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceCall {
    /// The calling telephone's number.
    pub from: String,
    /// The number to call, or an extension.
    pub to: String,
    /// SIP address of the gateway, on loopback.
    pub via: SocketAddr,
    /// Over TCP instead of UDP.
    #[serde(default)]
    pub tcp: bool,
    /// The trunk to call from; the first one where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk: Option<String>,
    /// What the telephone does once it is answered; `after_ms` has no meaning here.
    #[serde(default)]
    pub telephone: Answer,
}

/// Why a call cannot be placed.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// There is no such trunk.
    #[error("no trunk is named `{0}`")]
    NoTrunk(String),
    /// The simulator calls this machine only.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// Not a number.
    #[error("`from` is no number, or `to` cannot be part of an address")]
    Number,
    /// The telephone's behaviour.
    #[error("telephone: {0}")]
    Telephone(#[from] BehaviourError),
    /// As many calls as allowed are up.
    #[error("there are as many calls as `max_calls` allows")]
    TooMany,
}

/// Places a call and gives its report; the call goes on by itself.
pub(crate) fn place(trunk: &Arc<Trunk>, order: PlaceCall) -> Result<CallReport, PlaceError> {
    if !order.via.ip().is_loopback() {
        return Err(PlaceError::NotLoopback(order.via));
    }
    let behaviour = Behaviour::Answer(order.telephone.clone());
    behaviour.check()?;
    let from = from_user_part(&order.from).ok_or(PlaceError::Number)?;
    let callable = !order.to.is_empty()
        && order.to.len() <= 64
        && order
            .to
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+*._-".contains(&byte));
    if !callable {
        return Err(PlaceError::Number);
    }
    let shared = Arc::clone(&trunk.state.shared);
    let call_id = format!("{:032x}", rand::random::<u128>());
    let opened = shared.calls.open(|id| CallReport {
        behaviour: behaviour.kind().to_owned(),
        tone_hz: script::tone(&behaviour, &from),
        from: from.clone(),
        ..CallReport::new(
            id,
            CallDirection::FromTelephone,
            &trunk.state.name,
            &from,
            &call_id,
            shared.clock.mark(),
        )
    });
    let (call, commands) = opened.ok_or(PlaceError::TooMany)?;
    let report = call.report();
    let trunk = Arc::clone(trunk);
    shared.spawn(async move {
        let shared = Arc::clone(&trunk.state.shared);
        tracing::info!(call = call.id, number = %Masked(&from), "call placed");
        let by = run(&trunk, &call, commands, &order, &from, call_id).await;
        call.end(shared.clock.mark(), by);
        shared.calls.close(&call);
        tracing::info!(call = call.id, ended_by = ?by, "placed call over");
    });
    Ok(report)
}

async fn run(
    trunk: &Arc<Trunk>,
    call: &Arc<Call>,
    mut commands: tokio::sync::mpsc::Receiver<CallCommand>,
    order: &PlaceCall,
    from: &str,
    call_id: String,
) -> EndedBy {
    let shared = Arc::clone(&trunk.state.shared);
    let ip = trunk.addr.ip();
    let telephone = Behaviour::Answer(order.telephone.clone());
    let abilities = Abilities::of(&telephone);
    let Ok(media) = Media::open(&shared.media, ip, Arc::clone(&call.media)).await else {
        return EndedBy::Simulator;
    };
    let mut local = Local::new(media.local, call.id, abilities.telephone_events);
    let offer = local.offer(&abilities.codecs, Direction::SendRecv);
    let transport = if order.tcp { Transport::Tcp } else { Transport::Udp };
    let option = InviteOption {
        caller: uri(from, trunk.addr),
        callee: callee(&order.to, order.via, transport),
        destination: Some(SipAddr {
            r#type: Some(transport),
            addr: order.via.into(),
        }),
        content_type: Some("application/sdp".to_owned()),
        offer: Some(offer.into_bytes()),
        contact: trunk.contact(from, transport),
        headers: Some(vec![
            Header::PAssertedIdentity(format!("<{}>", uri(from, trunk.addr)).into()),
            Header::Supported("timer".into()),
        ]),
        support_prack: false,
        call_id: Some(call_id),
        ..InviteOption::default()
    };
    let (sender, mut states) = trunk.dialogs.new_dialog_state_channel();
    let (dialog, mut invited) = match trunk.dialogs.do_invite_async(option, sender) {
        Ok(invited) => invited,
        Err(error) => {
            tracing::debug!(call = call.id, %error, "INVITE");
            return EndedBy::Simulator;
        }
    };
    let mut cancelled = None;
    let outcome = loop {
        tokio::select! {
            outcome = &mut invited => break outcome,
            () = shared.closing.cancelled(), if cancelled.is_none() => {
                cancelled = Some(EndedBy::Simulator);
                let _ = dialog.hangup().await;
            }
            Some(command) = commands.recv(), if cancelled.is_none() => {
                if command == CallCommand::HangUp {
                    cancelled = Some(EndedBy::Control);
                    let _ = dialog.hangup().await;
                }
            }
            Some(state) = states.recv() => drop::<DialogState>(state),
        }
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
    let steps: Vec<Step> = script::script(&telephone, from)
        .into_iter()
        .skip_while(|step| !matches!(step, Step::Answer(_)))
        .skip(1)
        .collect();
    let says = Score::tone(order.telephone.tone_hz.unwrap_or_else(|| tone_of(from)));
    let leg = Leg::new(shared, Arc::clone(call), dialog, states, commands, ip, abilities);
    let by = leg.go_on(media, local, &response.body, steps, says).await;
    trunk.dialogs.remove_dialog(&id);
    by
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
