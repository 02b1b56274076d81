//! The Durable Object: takes the runtime's events in and hands them to the site's parts.

use super::attachment::Attachment;
use super::core::Core;
use super::db::Fault;
use super::push::Wish;
use super::rpc::{
    AUDIO_PATH, CALL_PATH, LINK_PATH, NETWORK_HEADER, PORTAL_PATH, SESSION_HEADER, SITE_HEADER, SiteAnswer,
    SiteCall, TICKET_HEADER, UPLOAD_PATH,
};
use super::sockets::{attachment, close, is_open};
use worker::{
    DurableObject, Env, Error, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage,
    console_error, durable_object,
};

/// One site.
#[durable_object]
pub struct Site {
    core: Core,
}

/// Close code of a socket whose other end closed without one: RFC 6455 section 7.4.1, normal.
const CLOSE_NORMAL: u16 = 1000;

impl Site {
    async fn call(&self, call: SiteCall) -> std::result::Result<SiteAnswer, Fault> {
        let core = &self.core;
        match call {
            SiteCall::BeginSignIn { user, network } => core.begin_sign_in(user.as_ref(), &network),
            SiteCall::FinishSignIn {
                user,
                network,
                phc,
                session,
            } => core.finish_sign_in(&user, &network, &phc, &session),
            SiteCall::Session { session } => Ok(match core.use_session(&session)? {
                Some(live) => SiteAnswer::Session {
                    user: live.user,
                    display_name: live.display_name,
                },
                None => SiteAnswer::NoSession,
            }),
            SiteCall::SignOut { session, everywhere } => core.sign_out(&session, everywhere),
            SiteCall::Ticket { session, ticket } => core.keep_ticket(&session, &ticket),
            SiteCall::CheckInvitation { token } => core.check_invitation(&token),
            SiteCall::UseInvitation { token, phc, session } => core.use_invitation(&token, &phc, &session),
            SiteCall::DialTokens { session } => core.dial_tokens(&session),
            SiteCall::KeepDialToken {
                session,
                id,
                token,
                label,
            } => core.keep_dial_token(&session, id, &token, &label),
            SiteCall::RevokeDialToken { session, id } => core.revoke_dial_token(&session, id),
            SiteCall::PushKey { session } => core.push_key(&session).await,
            SiteCall::KeepSubscription {
                session,
                endpoint,
                keys,
                language,
                contact,
            } => core.keep_subscription(
                &session,
                &Wish {
                    endpoint,
                    keys,
                    language,
                    contact,
                },
            ),
            SiteCall::DropSubscription { session } => core.drop_subscription(&session),
            SiteCall::Dial {
                token,
                network,
                id,
                number,
                account_code,
            } => core.dial_by_token(&token, &network, id, number, account_code),
            SiteCall::Dialled { token, network, id } => core.dialled_by_token(&token, &network, id),
        }
    }

    async fn answer(&self, mut request: Request) -> std::result::Result<Response, Fault> {
        let header = |name: &str| request.headers().get(name).ok().flatten().unwrap_or_default();
        match request.path().as_str() {
            PORTAL_PATH => self
                .core
                .open_portal(&header(TICKET_HEADER), &header(SESSION_HEADER)),
            LINK_PATH => match header(SITE_HEADER).parse() {
                Ok(site) => self.core.open_link(site, header(NETWORK_HEADER)),
                Err(_) => Ok(Response::empty()?.with_status(400)),
            },
            CALL_PATH => {
                let call = serde_json::from_str(&request.text().await?)?;
                Ok(Response::from_json(&self.call(call).await?)?)
            }
            AUDIO_PATH => {
                let call = serde_json::from_str(&request.text().await?)?;
                self.core.audio(call).await
            }
            UPLOAD_PATH => {
                let call = serde_json::from_str(&request.text().await?)?;
                Ok(Response::from_json(&self.core.upload(call).await?)?)
            }
            _ => Ok(Response::empty()?.with_status(404)),
        }
    }

    /// A site that was started anew has lost its sockets; portals that come must not be told of a gateway that is gone.
    fn notice_lost_link(&self) -> std::result::Result<(), Fault> {
        if self.core.gateway().is_none() {
            self.core.gateway_changed(false)
        } else {
            Ok(())
        }
    }

    async fn finish<T>(&self, what: &str, done: std::result::Result<T, Fault>) -> Option<T> {
        let rescheduled = self.core.reschedule().await;
        if let Err(fault) = &rescheduled {
            console_error!("site: alarm: {}", fault.to_string());
        }
        match done {
            Ok(value) => Some(value),
            Err(fault) => {
                console_error!("site: {}: {}", what, fault.to_string());
                None
            }
        }
    }
}

impl DurableObject for Site {
    fn new(state: State, env: Env) -> Self {
        let site = Self {
            core: Core::new(state, env),
        };
        if let Err(fault) = site.notice_lost_link() {
            console_error!("site: start: {}", fault.to_string());
        }
        site
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let answered = self.answer(request).await;
        match self.finish("request", answered).await {
            Some(response) => Ok(response),
            None => Ok(Response::empty()?.with_status(500)),
        }
    }

    async fn alarm(&self) -> Result<Response> {
        let done = self.core.on_alarm();
        // Whatever failed is tried again in a minute, not at once and not never.
        if done.is_err() {
            self.core.wake_by(self.core.now().plus(60_000));
        }
        self.finish("alarm", done).await;
        Response::empty()
    }

    async fn websocket_message(&self, socket: WebSocket, message: WebSocketIncomingMessage) -> Result<()> {
        // A socket that was shown out may still send until its other end hears of it.
        if !is_open(&socket) {
            return Ok(());
        }
        let text = match &message {
            WebSocketIncomingMessage::String(text) => Some(text.as_str()),
            WebSocketIncomingMessage::Binary(_) => None,
        };
        let done = match attachment(&socket) {
            Some(Attachment::Portal(portal)) => self.core.portal_frame(&socket, portal, text),
            Some(Attachment::Link(link)) => self.core.link_frame(&socket, link, text),
            None => Ok(()),
        };
        self.finish("frame", done).await;
        Ok(())
    }

    async fn websocket_close(
        &self,
        socket: WebSocket,
        _code: usize,
        _reason: String,
        _clean: bool,
    ) -> Result<()> {
        close(&socket, CLOSE_NORMAL, "");
        self.gone(&socket).await;
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _error: Error) -> Result<()> {
        self.gone(&socket).await;
        Ok(())
    }
}

impl Site {
    async fn gone(&self, socket: &WebSocket) {
        let done = match attachment(socket) {
            Some(Attachment::Portal(portal)) => {
                self.core.portal_closed(&portal);
                Ok(())
            }
            Some(Attachment::Link(link)) => self.core.link_socket_closed(socket, &link),
            None => Ok(()),
        };
        self.finish("close", done).await;
    }
}
