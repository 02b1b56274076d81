//! What went wrong at the directory's server, as a person is told it.

use ldap3::{LdapError, LdapResult};
use ponte_protocol::DirectoryFault;
use std::io;

/// Why a search has no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    Protocol(LdapError),
    /// As it is told.
    Fault(DirectoryFault),
}

impl From<LdapError> for Trouble {
    fn from(error: LdapError) -> Self {
        Self::Protocol(error)
    }
}

impl From<DirectoryFault> for Trouble {
    fn from(fault: DirectoryFault) -> Self {
        Self::Fault(fault)
    }
}

impl Trouble {
    /// Whether the connection is gone, so that another one may do.
    pub fn is_lost(&self) -> bool {
        matches!(
            self,
            Self::Protocol(
                LdapError::Io { .. }
                    | LdapError::OpSend { .. }
                    | LdapError::ResultRecv { .. }
                    | LdapError::IdScrubSend { .. }
                    | LdapError::MiscSend { .. }
                    | LdapError::EndOfStream
            )
        )
    }

    pub fn fault(&self) -> DirectoryFault {
        match self {
            Self::Fault(fault) => *fault,
            Self::Protocol(LdapError::LdapResult { result }) => of_result(result.rc),
            Self::Protocol(LdapError::FilterParsing) => DirectoryFault::Refused,
            trouble if trouble.is_lost() => DirectoryFault::Unreachable,
            Self::Protocol(_) => DirectoryFault::Failed,
        }
    }
}

/// `sizeLimitExceeded` and `adminLimitExceeded` (RFC 4511 appendix A): what was found before counts.
pub(super) fn is_cut(result: &LdapResult) -> bool {
    matches!(result.rc, 4 | 11)
}

/// What a handshake of TLS ended with.
pub(super) fn of_handshake(error: &io::Error) -> DirectoryFault {
    let behind = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match behind {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            DirectoryFault::Untrusted
        }
        Some(_) => DirectoryFault::Failed,
        None => DirectoryFault::Unreachable,
    }
}

/// RFC 4511 appendix A.
fn of_result(code: u32) -> DirectoryFault {
    match code {
        // Active Directory says operationsError to whoever has not proven who they are.
        1 | 7 | 8 | 13 | 48 | 49 | 50 => DirectoryFault::NotAuthorised,
        3 => DirectoryFault::TooSlow,
        51 | 52 => DirectoryFault::Unreachable,
        2 | 10 | 12 | 16..=21 | 32..=36 | 53 => DirectoryFault::Refused,
        _ => DirectoryFault::Failed,
    }
}
