//! Names of methods and headers.

use std::fmt;

/// A request method. Names are case-sensitive (RFC 3261 7.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Register,
    Prack,
    Update,
    Info,
    Message,
    Subscribe,
    Notify,
    Refer,
    Publish,
    /// A method none of the RFCs above names.
    Other(Box<str>),
}

impl Method {
    /// Reads a method; `None` unless it is a token (RFC 3261 25.1).
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"OPTIONS" => Self::Options,
            b"REGISTER" => Self::Register,
            b"PRACK" => Self::Prack,
            b"UPDATE" => Self::Update,
            b"INFO" => Self::Info,
            b"MESSAGE" => Self::Message,
            b"SUBSCRIBE" => Self::Subscribe,
            b"NOTIFY" => Self::Notify,
            b"REFER" => Self::Refer,
            b"PUBLISH" => Self::Publish,
            _ => {
                if bytes.is_empty() || bytes.len() > 64 || !bytes.iter().copied().all(is_token_byte) {
                    return None;
                }
                Self::Other(std::str::from_utf8(bytes).ok()?.into())
            }
        })
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options => "OPTIONS",
            Self::Register => "REGISTER",
            Self::Prack => "PRACK",
            Self::Update => "UPDATE",
            Self::Info => "INFO",
            Self::Message => "MESSAGE",
            Self::Subscribe => "SUBSCRIBE",
            Self::Notify => "NOTIFY",
            Self::Refer => "REFER",
            Self::Publish => "PUBLISH",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether `byte` may stand in a token (RFC 3261 25.1).
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

macro_rules! header_names {
    ($($variant:ident = $text:literal $(| $compact:literal)?),+ $(,)?) => {
        /// A header the layer knows; any other is [`HeaderName::Other`], found by its text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum HeaderName {
            $(#[doc = concat!("`", $text, "`")] $variant,)+
            /// Any other name.
            Other,
        }

        impl HeaderName {
            /// Reads a long or compact name, in any case.
            pub fn from_bytes(bytes: &[u8]) -> Self {
                if let [letter] = bytes {
                    return match letter.to_ascii_lowercase() {
                        $($($compact => Self::$variant,)?)+
                        _ => Self::Other,
                    };
                }
                $(if bytes.len() == $text.len() && bytes.eq_ignore_ascii_case($text.as_bytes()) {
                    return Self::$variant;
                })+
                Self::Other
            }

            /// The long name; empty for [`HeaderName::Other`].
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other => "",
                }
            }
        }
    };
}

header_names! {
    Via = "Via" | b'v',
    From = "From" | b'f',
    To = "To" | b't',
    CallId = "Call-ID" | b'i',
    CSeq = "CSeq",
    Contact = "Contact" | b'm',
    MaxForwards = "Max-Forwards",
    ContentLength = "Content-Length" | b'l',
    ContentType = "Content-Type" | b'c',
    ContentEncoding = "Content-Encoding" | b'e',
    ContentDisposition = "Content-Disposition",
    Route = "Route",
    RecordRoute = "Record-Route",
    Allow = "Allow",
    Supported = "Supported" | b'k',
    Require = "Require",
    Unsupported = "Unsupported",
    Accept = "Accept",
    AcceptEncoding = "Accept-Encoding",
    Expires = "Expires",
    SessionExpires = "Session-Expires" | b'x',
    MinSe = "Min-SE",
    RSeq = "RSeq",
    RAck = "RAck",
    Reason = "Reason",
    RetryAfter = "Retry-After",
    WwwAuthenticate = "WWW-Authenticate",
    ProxyAuthenticate = "Proxy-Authenticate",
    Authorization = "Authorization",
    ProxyAuthorization = "Proxy-Authorization",
    AuthenticationInfo = "Authentication-Info",
    UserAgent = "User-Agent",
    Server = "Server",
    Date = "Date",
    Timestamp = "Timestamp",
    PAssertedIdentity = "P-Asserted-Identity",
    Diversion = "Diversion",
    HistoryInfo = "History-Info",
    Warning = "Warning",
    MinExpires = "Min-Expires",
    Event = "Event" | b'o',
    AllowEvents = "Allow-Events" | b'u',
    SubscriptionState = "Subscription-State",
    SipETag = "SIP-ETag",
    SipIfMatch = "SIP-If-Match",
    ReferTo = "Refer-To" | b'r',
    ReferSub = "Refer-Sub",
}
