//! Building the messages that we send.

use bytes::Bytes;

use crate::dialog::{Dialog, tag_text};
use crate::message::{HeaderName, Message, Method, NameAddr, Uri, Writer, is_token_byte};
use crate::transaction::{Core, branch_text, reply_flow};
use crate::types::{Flow, OutgoingCall, Party, SipError, Timestamp, Transport};

/// Methods we understand.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER";
/// Extensions we understand.
const SUPPORTED: &str = "100rel, timer, norefersub";
/// … and of telephones that have an account.
const SUPPORTED_OF_TELEPHONES: &str = "100rel, timer, norefersub, replaces";
pub(crate) const SDP: &str = "application/sdp";
/// A piece of a SIP message (RFC 3420).
pub(crate) const SIPFRAG: &str = "message/sipfrag;version=2.0";

/// Headers that only the layer writes.
const OWNED: [HeaderName; 12] = [
    HeaderName::Via,
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::MaxForwards,
    HeaderName::ContentLength,
    HeaderName::ContentType,
    HeaderName::RSeq,
    HeaderName::RAck,
    HeaderName::RecordRoute,
    HeaderName::Route,
];

/// … and in dialogs these as well.
const OWNED_IN_DIALOG: [HeaderName; 6] = [
    HeaderName::Allow,
    HeaderName::Supported,
    HeaderName::Require,
    HeaderName::SessionExpires,
    HeaderName::MinSe,
    HeaderName::Contact,
];

/// Checks headers that the host wants to add.
pub(crate) fn check_headers(headers: &[(String, String)], in_dialog: bool) -> Result<(), SipError> {
    for (name, value) in headers {
        let known = HeaderName::from_bytes(name.as_bytes());
        let owned = OWNED.contains(&known) || in_dialog && OWNED_IN_DIALOG.contains(&known);
        let breaks = value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
        if name.is_empty() || !name.bytes().all(is_token_byte) || owned || breaks {
            return Err(SipError::InvalidHeader);
        }
    }
    Ok(())
}

pub(crate) fn check_uri(uri: &str) -> Result<(), SipError> {
    Uri::parse(uri.as_bytes()).map(|_| ()).ok_or(SipError::InvalidUri)
}

/// A name-addr for From, To and the like.
pub(crate) fn name_addr(party: &Party) -> Result<Box<[u8]>, SipError> {
    check_uri(&party.uri)?;
    let text = match &party.display {
        Some(display) => format!("{} <{}>", crate::digest::quote(display), party.uri),
        None => format!("<{}>", party.uri),
    };
    Ok(text.into_bytes().into_boxed_slice())
}

/// A Route value for a URI given by the host.
pub(crate) fn route_value(uri: &str) -> Result<Bytes, SipError> {
    let parsed = Uri::parse(uri.as_bytes()).ok_or(SipError::InvalidUri)?;
    let loose = if parsed.param("lr").is_some() { "" } else { ";lr" };
    Ok(Bytes::from(format!("<{uri}{loose}>")))
}

/// Splits what a route set and a target ask for into Request-URI and Route values: a first route without
/// `lr` is a strict router (RFC 3261 12.2.1.1).
fn target_and_routes<'a>(routes: &'a [Bytes], target: &'a [u8]) -> (&'a [u8], Vec<Bytes>) {
    let first = routes.first().and_then(|route| NameAddr::parse(route));
    match first {
        Some(first) if Uri::parse(first.uri).is_some_and(|uri| uri.param("lr").is_none()) => {
            let mut rest = routes[1..].to_vec();
            rest.push(Bytes::from([b"<", target, b">"].concat()));
            (first.uri, rest)
        }
        _ => (target, routes.to_vec()),
    }
}

/// Where one in-dialog request goes: that of the dialog, or of one early dialog.
pub(crate) struct Target<'a> {
    pub(crate) tag: Option<&'a [u8]>,
    pub(crate) uri: &'a [u8],
    pub(crate) routes: &'a [Bytes],
}

impl Dialog {
    pub(crate) fn target(&self) -> Target<'_> {
        Target {
            tag: self.remote_tag.as_deref(),
            uri: &self.remote_target,
            routes: &self.routes,
        }
    }
}

/// The Request-URI that a request to this target has.
pub(crate) fn request_uri<'a>(target: &Target<'a>) -> &'a [u8] {
    target_and_routes(target.routes, target.uri).0
}

impl Core {
    /// The extensions that hold for whoever is at the other end of a flow: a call is taken over (RFC 3891) only by
    /// telephones with an account.
    pub(crate) fn supported(&self, flow: &Flow) -> &'static str {
        if self.asks_for_accounts(flow) {
            SUPPORTED_OF_TELEPHONES
        } else {
            SUPPORTED
        }
    }

    /// URI of our Contact on a flow.
    pub(crate) fn contact_uri(&self, flow: Flow, user: Option<&[u8]>) -> Box<[u8]> {
        let ip = self.config.advertised_ip.unwrap_or(flow.local.ip());
        let address = std::net::SocketAddr::new(ip, flow.local.port());
        let mut uri = b"sip:".to_vec();
        if let Some(user) = user.filter(|user| !user.is_empty()) {
            uri.extend_from_slice(user);
            uri.push(b'@');
        }
        uri.extend_from_slice(address.to_string().as_bytes());
        uri.extend_from_slice(match flow.transport {
            Transport::Udp => b"",
            Transport::Tcp => b";transport=tcp",
            Transport::Tls => b";transport=tls",
        });
        uri.into_boxed_slice()
    }

    pub(crate) fn write_via(&self, writer: &mut Writer, flow: Flow, branch: u64) {
        let ip = self.config.advertised_ip.unwrap_or(flow.local.ip());
        let transport: &[u8] = match flow.transport {
            Transport::Udp => b"SIP/2.0/UDP ",
            Transport::Tcp => b"SIP/2.0/TCP ",
            Transport::Tls => b"SIP/2.0/TLS ",
        };
        writer
            .name(HeaderName::Via)
            .put(transport)
            .address(ip, flow.local.port())
            .put(b";branch=")
            .put(branch_text(branch).as_bytes())
            .put(b";rport")
            .end();
    }

    /// Starts a request of a dialog: everything up to `CSeq`.
    pub(crate) fn dialog_request(
        &self,
        dialog: &Dialog,
        target: &Target<'_>,
        flow: Flow,
        method: &Method,
        cseq: u32,
        branch: u64,
    ) -> Writer {
        let hops = OutgoingCall::MAX_FORWARDS;
        self.dialog_request_with(dialog, target, flow, (method, hops), cseq, branch)
    }

    /// The same, with a Max-Forwards of its own.
    pub(crate) fn dialog_request_with(
        &self,
        dialog: &Dialog,
        target: &Target<'_>,
        flow: Flow,
        (method, max_forwards): (&Method, u8),
        cseq: u32,
        branch: u64,
    ) -> Writer {
        let (uri, routes) = target_and_routes(target.routes, target.uri);
        let mut writer = Writer::request(method.as_str(), uri);
        self.write_via(&mut writer, flow, branch);
        for route in &routes {
            writer.header(HeaderName::Route, route);
        }
        writer
            .header_number(HeaderName::MaxForwards, u64::from(max_forwards))
            .name(HeaderName::From)
            .put(&dialog.local_party)
            .put(b";tag=")
            .put(tag_text(dialog.local_tag).as_bytes())
            .end()
            .name(HeaderName::To)
            .put(&dialog.remote_party);
        if let Some(tag) = target.tag.filter(|tag| !tag.is_empty()) {
            writer.put(b";tag=").put(tag);
        }
        writer
            .end()
            .header(HeaderName::CallId, &dialog.call_id)
            .name(HeaderName::CSeq)
            .number(u64::from(cseq))
            .put(b" ")
            .put(method.as_str().as_bytes())
            .end();
        writer
    }

    pub(crate) fn write_contact(writer: &mut Writer, uri: &[u8]) {
        writer
            .name(HeaderName::Contact)
            .put(b"<")
            .put(uri)
            .put(b">")
            .end();
    }

    pub(crate) fn write_agent(&self, writer: &mut Writer, name: HeaderName) {
        if !self.config.user_agent.is_empty() {
            writer.header(name, self.config.user_agent.as_bytes());
        }
    }

    /// Starts a response to the request of a server transaction.
    pub(crate) fn response(
        &self,
        transaction: u64,
        status: u16,
        reason: &str,
        tag: Option<&str>,
    ) -> Option<Writer> {
        let transaction = self.servers.get(&transaction)?;
        let request = transaction.request.as_deref()?;
        let mut writer = Writer::status(status, reason);
        writer.echo(request, transaction.source, tag);
        if matches!(request.method(), Some(Method::Invite | Method::Subscribe))
            && (101..300).contains(&status)
        {
            for route in request.lines(HeaderName::RecordRoute) {
                writer.header(HeaderName::RecordRoute, route);
            }
        }
        if status > 100 {
            self.write_agent(&mut writer, HeaderName::Server);
        }
        Some(writer)
    }

    /// Sends a response with a few headers and no body through its transaction.
    pub(crate) fn respond_simply(
        &mut self,
        now: Timestamp,
        transaction: u64,
        status: u16,
        tag: Option<&str>,
        headers: &[(HeaderName, &str)],
    ) {
        let Some(mut writer) = self.response(transaction, status, "", tag) else {
            return;
        };
        for (name, value) in headers {
            writer.header(*name, value.as_bytes());
        }
        self.server_respond(now, transaction, status, writer.finish(None));
    }

    /// Answers a request without keeping any state: a repeated request is answered anew.
    pub(crate) fn reply(
        &mut self,
        flow: Flow,
        request: &Message,
        status: u16,
        reason: &str,
        headers: &[(HeaderName, &str)],
    ) {
        let tag = tag_text(self.tag_for(request));
        self.reply_with_tag(flow, request, status, reason, &tag, headers);
    }

    /// Answers a request within a dialog, and keeps the answer for its repetitions: to the dialog they are old.
    pub(crate) fn reply_in_dialog(
        &mut self,
        now: Timestamp,
        flow: Flow,
        request: Message,
        status: u16,
        reason: &str,
        headers: &[(HeaderName, &str)],
    ) {
        let Some(transaction) = self.start_server(now, flow, request) else {
            return;
        };
        let Some(mut writer) = self.response(transaction, status, reason, None) else {
            return;
        };
        for (name, value) in headers {
            writer.header(*name, value.as_bytes());
        }
        self.server_respond(now, transaction, status, writer.finish(None));
    }

    pub(crate) fn reply_with_tag(
        &mut self,
        flow: Flow,
        request: &Message,
        status: u16,
        reason: &str,
        tag: &str,
        headers: &[(HeaderName, &str)],
    ) {
        let mut writer = Writer::status(status, reason);
        writer.echo(request, flow.remote, Some(tag));
        self.write_agent(&mut writer, HeaderName::Server);
        for (name, value) in headers {
            writer.header(*name, value.as_bytes());
        }
        let bytes = writer.finish(None);
        self.send(reply_flow(flow, request), bytes);
    }
}

/// The parties of a header that lists them.
pub(crate) fn parties(message: &Message, name: HeaderName) -> Vec<Party> {
    message
        .values(name)
        .take(8)
        .filter_map(NameAddr::parse)
        .map(|address| party(&address))
        .collect()
}

pub(crate) fn party(address: &NameAddr<'_>) -> Party {
    Party {
        uri: String::from_utf8_lossy(address.uri).into_owned(),
        display: address.display().map(std::borrow::Cow::into_owned),
    }
}
