//! What went wrong at the directory's server, as a person is told it.

use ldap3::{LdapError, LdapResult};
use ponte_protocol::DirectoryFault;

/// `sizeLimitExceeded` and `adminLimitExceeded` (RFC 4511 appendix A): what was found before counts.
pub(super) fn is_cut(result: &LdapResult) -> bool {
    matches!(result.rc, 4 | 11)
}

/// Whether the connection is gone, so that another one may do.
pub(super) fn is_lost(error: &LdapError) -> bool {
    matches!(
        error,
        LdapError::Io { .. }
            | LdapError::OpSend { .. }
            | LdapError::ResultRecv { .. }
            | LdapError::IdScrubSend { .. }
            | LdapError::MiscSend { .. }
            | LdapError::EndOfStream
    )
}

pub(super) fn of(error: &LdapError) -> DirectoryFault {
    match error {
        LdapError::Io { source } => of_io(source),
        LdapError::Rustls { source } => of_tls(source),
        LdapError::DNSName { .. } => DirectoryFault::Untrusted,
        LdapError::Timeout { .. } => DirectoryFault::TooSlow,
        LdapError::LdapResult { result } => of_result(result.rc),
        LdapError::FilterParsing => DirectoryFault::Refused,
        error if is_lost(error) => DirectoryFault::Unreachable,
        _ => DirectoryFault::Failed,
    }
}

fn of_io(error: &std::io::Error) -> DirectoryFault {
    let behind = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    behind.map_or(DirectoryFault::Unreachable, of_tls)
}

fn of_tls(error: &rustls::Error) -> DirectoryFault {
    match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            DirectoryFault::Untrusted
        }
        _ => DirectoryFault::Failed,
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
