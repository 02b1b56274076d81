//! Calls that the control API places from a telephone of the simulator: what may be asked, and the start.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::behaviour::{Answer, Behaviour, BehaviourError};
use crate::call::{CallDirection, CallReport};
use crate::caller;
use crate::number::{Masked, from_user_part};
use crate::script;
use crate::trunk::Trunk;

/// The longest time in milliseconds that a placed call waits for anything.
const LONGEST_MS: u64 = 3_600_000;

/// What the network tells of the caller's number (RFC 3323, RFC 3325).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerId {
    /// `From` and `P-Asserted-Identity` have it.
    #[default]
    Shown,
    /// An anonymous `From`; `P-Asserted-Identity` has it with `Privacy: id`: for the gateway, not for people.
    Restricted,
    /// An anonymous `From` and `Privacy: id`; no header has it.
    Withheld,
}

/// A message for a mailbox: the telephone is silent until it hears a beep, speaks its tone, and hangs up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaveMessage {
    /// How long it speaks, in milliseconds.
    pub speak_ms: u64,
    /// How long after the answer it waits for a beep, in milliseconds; then it hangs up without a word.
    pub patience_ms: u64,
}

impl Default for LeaveMessage {
    fn default() -> Self {
        Self {
            speak_ms: 3000,
            patience_ms: 30_000,
        }
    }
}

/// A call to place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceCall {
    /// The calling telephone's number.
    pub from: String,
    /// The number to call, or an extension.
    pub to: String,
    /// SIP address of the gateway, on loopback; the configuration's `gateway` where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<SocketAddr>,
    /// Over TCP instead of UDP.
    #[serde(default)]
    pub tcp: bool,
    /// The trunk to call from; the first one where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk: Option<String>,
    /// What the network tells of `from`.
    #[serde(default)]
    pub caller_id: CallerId,
    /// Display name that goes with a number that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When the caller gives up (CANCEL), in milliseconds after the INVITE, where nobody answered. Without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub give_up_after_ms: Option<u64>,
    /// What the telephone does once it is answered; `after_ms` has no meaning here.
    #[serde(default)]
    pub telephone: Answer,
    /// Leaves a message instead: of `telephone`, only the tone, the codecs and `record` are heeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave_message: Option<LeaveMessage>,
}

impl PlaceCall {
    /// A call that shows its number and talks until somebody hangs up.
    pub fn new(from: &str, to: &str) -> Self {
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            via: None,
            tcp: false,
            trunk: None,
            caller_id: CallerId::Shown,
            name: None,
            give_up_after_ms: None,
            telephone: Answer::default(),
            leave_message: None,
        }
    }

    /// Checks what serde cannot, except the addresses.
    fn check(&self) -> Result<(), PlaceError> {
        let callable = (1..=64).contains(&self.to.len())
            && self
                .to
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+*._-".contains(&byte));
        if !callable {
            return Err(PlaceError::Number);
        }
        // They end a quoted string, or the header (RFC 3261 §25.1).
        let unquotable = |c: char| c.is_control() || c == '"' || c == '\\';
        if let Some(name) = &self.name
            && (name.chars().count() > 64 || name.chars().any(unquotable))
        {
            return Err(PlaceError::Name);
        }
        let message = self.leave_message.iter();
        let times = message.flat_map(|message| [message.speak_ms, message.patience_ms]);
        if times.chain(self.give_up_after_ms).any(|ms| ms > LONGEST_MS) {
            return Err(PlaceError::Time);
        }
        Ok(Behaviour::Answer(self.telephone.clone()).check()?)
    }
}

/// Why a call cannot be placed.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// There is no such trunk.
    #[error("no trunk is named `{0}`")]
    NoTrunk(String),
    /// Nowhere to call.
    #[error("`via` is missing, and the configuration names no `gateway`")]
    NoGateway,
    /// The simulator calls this machine only.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// Not a number.
    #[error("`from` is no number, or `to` cannot be part of an address")]
    Number,
    /// A name that no header can carry.
    #[error("`name` is longer than 64 characters, or has quotes, backslashes or control characters")]
    Name,
    /// Too long to wait.
    #[error("a time is over {LONGEST_MS} ms")]
    Time,
    /// The telephone's behaviour.
    #[error("telephone: {0}")]
    Telephone(#[from] BehaviourError),
    /// As many calls as allowed are up.
    #[error("there are as many calls as `max_calls` allows")]
    TooMany,
}

/// Places a call and gives its report; the call goes on by itself.
pub(crate) fn place(
    trunk: &Arc<Trunk>,
    order: PlaceCall,
    gateway: Option<SocketAddr>,
) -> Result<CallReport, PlaceError> {
    let via = order.via.or(gateway).ok_or(PlaceError::NoGateway)?;
    if !via.ip().is_loopback() {
        return Err(PlaceError::NotLoopback(via));
    }
    order.check()?;
    let from = from_user_part(&order.from).ok_or(PlaceError::Number)?;
    let behaviour = Behaviour::Answer(order.telephone.clone());
    let shared = Arc::clone(&trunk.state.shared);
    let call_id = format!("{:032x}", rand::random::<u128>());
    let opened = shared.calls.open(|id| CallReport {
        behaviour: behaviour.kind().to_owned(),
        tone_hz: script::tone(&behaviour, &from),
        from: from.clone(),
        from_name: order.name.clone(),
        dialled: Some(order.to.clone()),
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
        let by = caller::run(&trunk, &call, commands, &order, (&from, via)).await;
        call.end(shared.clock.mark(), by);
        shared.calls.close(&call);
        tracing::info!(call = call.id, ended_by = ?by, status = call.report().status, "placed call over");
    });
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_order_reads_and_a_wrong_one_does_not() {
        let order: PlaceCall =
            serde_json::from_str(r#"{"from":"+393331234567","to":"+390212345201"}"#).unwrap();
        assert_eq!(order, PlaceCall::new("+393331234567", "+390212345201"));
        order.check().unwrap();
        let order: PlaceCall = serde_json::from_str(
            r#"{"from":"+393331234567","to":"201","caller_id":"withheld","leave_message":{"speak_ms":500}}"#,
        )
        .unwrap();
        assert_eq!(order.caller_id, CallerId::Withheld);
        assert_eq!(order.leave_message.unwrap().patience_ms, 30_000);
        assert!(serde_json::from_str::<PlaceCall>(r#"{"from":"1","to":"2","fro":"3"}"#).is_err());
    }

    #[test]
    fn what_no_header_can_carry_is_refused() {
        let mut order = PlaceCall::new("+393331234567", "201");
        order.name = Some("Ann \"the bridge\" Lee".into());
        assert!(matches!(order.check(), Err(PlaceError::Name)));
        order.name = Some("Ann\r\nVia: x".into());
        assert!(matches!(order.check(), Err(PlaceError::Name)));
        order.name = Some("Zoë Ångström".into());
        order.check().unwrap();
        order.to = "201@elsewhere".into();
        assert!(matches!(order.check(), Err(PlaceError::Number)));
        order.to = "201".into();
        order.give_up_after_ms = Some(u64::MAX);
        assert!(matches!(order.check(), Err(PlaceError::Time)));
    }
}
