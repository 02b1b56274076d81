//! The control API: JSON over HTTP, on loopback only.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::behaviour::{Behaviour, check_digits};
use crate::call::{CallCommand, CallReport};
use crate::config::TrunkMode;
use crate::directory::Entry;
use crate::number::from_user_part;
use crate::place::{PlaceCall, PlaceError};
use crate::registrar::Registration;
use crate::{Core, Shared};

/// `GET /health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Always `ok`.
    pub status: String,
    /// Calls that are up.
    pub active_calls: usize,
    /// Milliseconds since the start.
    pub uptime_ms: u64,
}

/// One line of `GET /trunks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkReport {
    /// Its name.
    pub name: String,
    /// Where it listens, UDP and TCP.
    pub addr: std::net::SocketAddr,
    /// How it treats requests.
    pub mode: TrunkMode,
    /// Who is registered.
    pub registrations: Vec<Registration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModeBody {
    mode: TrunkMode,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DigitsBody {
    digits: String,
}

/// An answer that refuses.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(serde_json::json!({ "error": self.1 }))).into_response()
    }
}

impl From<PlaceError> for Refusal {
    fn from(error: PlaceError) -> Self {
        let status = match error {
            PlaceError::NoTrunk(_) => StatusCode::NOT_FOUND,
            PlaceError::TooMany => StatusCode::SERVICE_UNAVAILABLE,
            PlaceError::NoGateway
            | PlaceError::NotLoopback(_)
            | PlaceError::Number
            | PlaceError::Name
            | PlaceError::Time
            | PlaceError::Telephone(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self(status, error.to_string())
    }
}

pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/calls", get(calls).post(place).delete(forget))
        .route("/calls/{id}", get(call))
        .route("/calls/{id}/audio", get(audio))
        .route("/calls/{id}/hangup", post(hang_up))
        .route("/calls/{id}/dtmf", post(press))
        .route("/numbers", get(numbers))
        .route("/numbers/{number}", put(set_number))
        .route("/trunks", get(trunks))
        .route("/trunks/{name}/mode", post(set_mode))
        .with_state(core)
}

async fn health(State(core): State<Arc<Core>>) -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
        active_calls: core.shared.calls.active(),
        uptime_ms: core.shared.clock.now_ms(),
    })
}

async fn calls(State(core): State<Arc<Core>>) -> Json<Vec<CallReport>> {
    Json(core.calls())
}

async fn call(State(core): State<Arc<Core>>, Path(id): Path<u64>) -> Result<Json<CallReport>, Refusal> {
    find(&core.shared, id).map(|call| Json(call.report()))
}

async fn audio(State(core): State<Arc<Core>>, Path(id): Path<u64>) -> Result<Response, Refusal> {
    let wav = find(&core.shared, id)?
        .tape()
        .wav()
        .map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(([(CONTENT_TYPE, "audio/wav")], wav).into_response())
}

async fn forget(State(core): State<Arc<Core>>) -> Json<serde_json::Value> {
    Json(serde_json::json!({ "forgotten": core.shared.calls.forget_finished() }))
}

async fn place(
    State(core): State<Arc<Core>>,
    Json(order): Json<PlaceCall>,
) -> Result<(StatusCode, Json<CallReport>), Refusal> {
    Ok((StatusCode::CREATED, Json(core.place(order)?)))
}

async fn hang_up(State(core): State<Arc<Core>>, Path(id): Path<u64>) -> Result<StatusCode, Refusal> {
    command(&core.shared, id, CallCommand::HangUp)
}

async fn press(
    State(core): State<Arc<Core>>,
    Path(id): Path<u64>,
    Json(body): Json<DigitsBody>,
) -> Result<StatusCode, Refusal> {
    check_digits(&body.digits)
        .map_err(|error| Refusal(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    command(&core.shared, id, CallCommand::Press(body.digits))
}

async fn numbers(State(core): State<Arc<Core>>) -> Json<Vec<Entry>> {
    Json(core.shared.directory().entries().cloned().collect())
}

async fn set_number(
    State(core): State<Arc<Core>>,
    Path(number): Path<String>,
    Json(behaviour): Json<Behaviour>,
) -> Result<Json<Entry>, Refusal> {
    let refuse = |error: String| Refusal(StatusCode::UNPROCESSABLE_ENTITY, error);
    let key = if number.ends_with('*') {
        number
    } else {
        from_user_part(&number).unwrap_or(number)
    };
    core.set_number(&key, behaviour)
        .map(Json)
        .map_err(|error| refuse(error.to_string()))
}

async fn trunks(State(core): State<Arc<Core>>) -> Json<Vec<TrunkReport>> {
    let now = Instant::now();
    Json(
        core.trunks
            .iter()
            .map(|trunk| TrunkReport {
                name: trunk.state.name.clone(),
                addr: trunk.addr,
                mode: trunk.state.mode(),
                registrations: trunk.state.bindings.list(now),
            })
            .collect(),
    )
}

/// A trunk by name, or by its place from 0.
async fn set_mode(
    State(core): State<Arc<Core>>,
    Path(name): Path<String>,
    Json(body): Json<ModeBody>,
) -> Result<StatusCode, Refusal> {
    if core.set_trunk_mode(&name, body.mode) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal(StatusCode::NOT_FOUND, format!("no trunk `{name}`")))
    }
}

fn find(shared: &Shared, id: u64) -> Result<Arc<crate::call::Call>, Refusal> {
    shared
        .calls
        .get(id)
        .ok_or_else(|| Refusal(StatusCode::NOT_FOUND, format!("no call {id}")))
}

fn command(shared: &Shared, id: u64, command: CallCommand) -> Result<StatusCode, Refusal> {
    if find(shared, id)?.command(command) {
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(Refusal(StatusCode::CONFLICT, format!("call {id} is over")))
    }
}
