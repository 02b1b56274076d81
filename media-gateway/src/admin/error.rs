use super::Wrong;
use crate::store::StoreError;
use ponte_protocol::Refusal;
use ponte_protocol::admin::{AdminAnswer, Problem, ProblemKind};

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Everything that is wrong with what was given.
    #[error("{}", reasons(.0))]
    Invalid(Vec<Wrong>),
    /// What the store holds speaks against it, or it cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no [edge] in the configuration, so there is no portal to invite to")]
    NoPortal,
    #[error("the system gives no randomness or no memory")]
    System,
}

fn reasons(wrong: &[Wrong]) -> String {
    let reasons: Vec<&str> = wrong.iter().map(|wrong| wrong.reason.as_str()).collect();
    reasons.join("; ")
}

impl From<Wrong> for AdminError {
    fn from(wrong: Wrong) -> Self {
        Self::Invalid(vec![wrong])
    }
}

impl AdminError {
    /// What the portal is answered.
    ///
    /// # Errors
    /// The refusal, where nothing is wrong with the settings themselves.
    pub fn answer(self) -> Result<AdminAnswer, Refusal> {
        let problems = match self {
            Self::Invalid(wrong) => wrong.into_iter().map(Wrong::problem).collect(),
            Self::Store(error) => vec![problem(&error).ok_or(Refusal::StoreUnavailable)?],
            Self::NoPortal => return Err(Refusal::Unsupported),
            Self::System => return Err(Refusal::Internal),
        };
        Ok(AdminAnswer::Invalid { problems })
    }
}

/// What the store refuses for its content, by the field that is to blame.
fn problem(error: &StoreError) -> Option<Problem> {
    let (field, kind) = match error {
        StoreError::UserExists(_) => ("user", ProblemKind::Taken),
        StoreError::UnknownUser(_) => ("user", ProblemKind::NotFound),
        StoreError::ExtensionTaken { .. } => ("extension", ProblemKind::Taken),
        StoreError::DeviceExists(_) => ("device", ProblemKind::Taken),
        StoreError::UnknownDevice(_) => ("device", ProblemKind::NotFound),
        StoreError::GroupExists(_) => ("name", ProblemKind::Taken),
        StoreError::UnknownGroup(_) => ("group", ProblemKind::NotFound),
        StoreError::GroupInUse { .. } => ("name", ProblemKind::InUse),
        StoreError::DidTaken { .. } => ("number", ProblemKind::Taken),
        StoreError::UnknownDid(_) => ("number", ProblemKind::NotFound),
        StoreError::UnknownAccountCode(_) => ("code", ProblemKind::NotFound),
        StoreError::UnknownDestination(_) => ("destination", ProblemKind::NotFound),
        StoreError::LastAdministrator => ("administrator", ProblemKind::LastAdministrator),
        _ => return None,
    };
    Some(Problem {
        field: field.to_owned(),
        kind,
    })
}
