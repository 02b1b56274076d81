//! Commands on their way. Each is sent again with the same identifier until it is answered or expired.

use ponte_protocol::{CallId, Command, CommandBody, CommandId, Reply, UnixMillis};

/// How long after a command's expiry its answer is still awaited, in milliseconds: the refusal needs its way back.
const ANSWER_GRACE_MS: u64 = 2_000;

/// The commands without an answer, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commands(Vec<Command>);

impl Commands {
    /// Makes a command out of a wish; `now` by the server's clock.
    pub fn issue(&mut self, id: CommandId, body: CommandBody, now: UnixMillis) -> Command {
        let expires_at = now.plus(body.lifetime_ms());
        let command = Command {
            id,
            issued_at: now,
            expires_at,
            body,
        };
        self.0.push(command.clone());
        command
    }

    /// Takes the answered command out; `None` for an answer that was not awaited, e.g. a repeated one.
    pub fn settle(&mut self, reply: &Reply) -> Option<CommandBody> {
        let place = self.0.iter().position(|command| command.id == reply.id)?;
        Some(self.0.remove(place).body)
    }

    /// What to send again after a reconnect.
    pub fn unanswered(&self, now: UnixMillis) -> Vec<Command> {
        self.0
            .iter()
            .filter(|command| now < command.expires_at)
            .cloned()
            .collect()
    }

    /// Takes out what can no longer be answered.
    pub fn expire(&mut self, now: UnixMillis) -> Vec<CommandBody> {
        let over = |command: &Command| now > command.expires_at.plus(ANSWER_GRACE_MS);
        let (expired, kept) = std::mem::take(&mut self.0).into_iter().partition(over);
        self.0 = kept;
        let expired: Vec<Command> = expired;
        expired.into_iter().map(|command| command.body).collect()
    }

    /// Whether a command of this kind awaits its answer.
    pub fn any(&self, kind: impl Fn(&CommandBody) -> bool) -> bool {
        self.0.iter().any(|command| kind(&command.body))
    }

    /// Whether this command awaits its answer.
    pub fn awaits(&self, id: CommandId) -> bool {
        self.0.iter().any(|command| command.id == id)
    }

    /// Whether a call was asked to end, or to leave the user's telephone.
    pub fn hanging_up(&self, call: CallId) -> bool {
        self.any(|body| {
            matches!(body, CommandBody::HangUp { call: asked } | CommandBody::Reject { call: asked } if *asked == call)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ponte_protocol::{Outcome, Refusal};
    use uuid::Uuid;

    fn id(n: u128) -> CommandId {
        CommandId(Uuid::from_u128(n))
    }

    fn dial() -> CommandBody {
        CommandBody::Dial {
            number: "0212345678".parse().unwrap(),
            account_code: None,
        }
    }

    #[test]
    fn a_command_is_sent_again_with_the_same_id_until_it_is_answered() {
        let mut commands = Commands::default();
        let sent = commands.issue(id(1), dial(), UnixMillis(1_000));
        assert_eq!(sent.expires_at, UnixMillis(11_000));
        assert_eq!(commands.unanswered(UnixMillis(5_000)), [sent]);
        assert!(commands.awaits(id(1)) && !commands.awaits(id(2)));
        let reply = Reply {
            id: id(1),
            outcome: Outcome::Accepted { call: None },
        };
        assert_eq!(commands.settle(&reply), Some(dial()));
        assert_eq!(commands.settle(&reply), None);
        assert!(commands.unanswered(UnixMillis(5_000)).is_empty());
    }

    #[test]
    fn an_old_click_rings_no_telephone() {
        let mut commands = Commands::default();
        commands.issue(id(1), dial(), UnixMillis(0));
        commands.issue(id(2), CommandBody::LeaveTelecommuter, UnixMillis(0));
        assert_eq!(commands.unanswered(UnixMillis(10_000)).len(), 1);
        assert!(commands.expire(UnixMillis(11_000)).is_empty());
        assert_eq!(commands.expire(UnixMillis(12_001)), [dial()]);
        assert!(commands.any(|body| *body == CommandBody::LeaveTelecommuter));
    }

    #[test]
    fn an_answer_to_another_command_settles_nothing() {
        let mut commands = Commands::default();
        commands.issue(id(1), dial(), UnixMillis(0));
        assert_eq!(commands.settle(&Reply::refused(id(2), Refusal::Expired)), None);
        assert!(commands.any(|_| true));
    }
}
