//! What the store refuses, in words for whoever typed the command.

use super::Failure;
use crate::admin::AdminError;
use crate::store::StoreError;
use ponte_protocol::UserId;

/// Why an administrator's change was not made.
pub(super) fn refused(error: AdminError) -> Failure {
    match error {
        AdminError::Store(error) => explained(error),
        AdminError::Invalid(_) | AdminError::NoPortal => Failure::Usage(error.to_string()),
        AdminError::System => Failure::Runtime(error.to_string()),
    }
}

/// The mistake of whoever typed the command, or of the machine.
pub(super) fn explained(error: StoreError) -> Failure {
    match error {
        StoreError::UserExists(user) => Failure::Usage(format!(
            "there is a user {user} already; change it with `ponte-gateway user set {user} …`"
        )),
        StoreError::UnknownUser(user) => Failure::Usage(format!(
            "there is no user {user}; `ponte-gateway user list` names all of them"
        )),
        StoreError::ExtensionTaken { extension, by } => Failure::Usage(format!(
            "the extension {} belongs to {by} already",
            extension.as_str()
        )),
        StoreError::DeviceExists(device) => Failure::Usage(format!(
            "there is a telephone {device} already; change it with `ponte-gateway device set {device} …`"
        )),
        StoreError::UnknownDevice(device) => Failure::Usage(format!(
            "there is no telephone {device}; `ponte-gateway device list` names all of them"
        )),
        StoreError::GroupExists(group) => Failure::Usage(format!(
            "there is a group {group} already; change it with `ponte-gateway group set {group} …`"
        )),
        StoreError::UnknownGroup(group) => Failure::Usage(format!(
            "there is no group {group}; add it with `ponte-gateway group add {group}`"
        )),
        StoreError::GroupInUse { group, members } => {
            let names: Vec<String> = members.iter().map(UserId::to_string).collect();
            Failure::Usage(format!(
                "the group {group} has users: {}; give them another with `ponte-gateway user set … --group`",
                names.join(", ")
            ))
        }
        StoreError::DidTaken { number, extension } => Failure::Usage(format!(
            "{0} reaches {1} already; change it with `ponte-gateway did set {0} --extension …`",
            number.as_str(),
            extension.as_str()
        )),
        StoreError::UnknownDid(number) => Failure::Usage(format!(
            "there is no number {}; `ponte-gateway did list` names all of them",
            number.as_str()
        )),
        StoreError::UnknownAccountCode(code) => Failure::Usage(format!(
            "there is no account code {code}; `ponte-gateway account-code list` names all of them"
        )),
        StoreError::LastAdministrator => Failure::Usage(
            "no administrator would be left; make another user one first: `ponte-gateway user set … --administrator on`"
                .to_owned(),
        ),
        StoreError::Unavailable { reason } => Failure::Runtime(format!(
            "the database cannot be written now ({reason}); nothing was changed, try again"
        )),
        other => other.into(),
    }
}
