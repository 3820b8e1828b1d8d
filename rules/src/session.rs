//! Who speaks for a node. One run of an agent is a session; the latest speaks, and older ones are fenced.

use lilac_api::SessionId;
use uuid::Uuid;

/// How long the first message of a session may be under way, in seconds. What is older by more than that is no late
/// message: it is counted by another clock.
const LATEST_SECS: u64 = 600;

/// Who speaks, by the message's own words.
#[derive(Clone, Copy, Debug)]
pub struct Speaker<'a> {
    pub session: SessionId,
    pub sequence: u64,
    pub boot_id: Uuid,
    pub machine_id: &'a str,
}

/// What is known of the node.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    pub session: Option<SessionId>,
    pub boot_id: Option<Uuid>,
    pub machine_id: &'a str,
}

/// What to make of a speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// It speaks for the node already.
    Current,
    /// A new session. After a reboot, nothing that an older one was told runs any more.
    TakesOver { rebooted: bool },
    /// The credential belongs to another machine.
    OtherMachine,
    /// A newer session speaks for the node.
    Older,
}

/// A session is new with its first message only: one that was overtaken does not come back with a later one. And that
/// first one is not taken when it comes late, after that of a session that began after it in the same boot.
#[must_use]
pub fn greet(known: Known<'_>, speaker: Speaker<'_>) -> Greeting {
    if known.machine_id != speaker.machine_id {
        return Greeting::OtherMachine;
    }
    if known.session == Some(speaker.session) {
        return Greeting::Current;
    }
    let is_late = known.boot_id == Some(speaker.boot_id)
        && known.session.is_some_and(|session| began_before(speaker.session, session));
    if speaker.sequence != 0 || is_late {
        return Greeting::Older;
    }
    Greeting::TakesOver { rebooted: known.boot_id.is_some_and(|boot_id| boot_id != speaker.boot_id) }
}

/// Whether a session began before another, by what their ids say, and not longer ago than a message may take. An id
/// holds a time since the boot; that of an agent of a release before, a time since 1970.
fn began_before(one: SessionId, other: SessionId) -> bool {
    let began = |session: SessionId| session.0.get_timestamp().map(|began| began.to_unix());
    let (Some(one), Some(other)) = (began(one), began(other)) else { return false };
    one < other && other.0 - one.0 <= LATEST_SECS
}

#[cfg(test)]
mod tests {
    use uuid::{NoContext, Timestamp};

    use super::*;

    #[test]
    fn a_first_message_that_comes_late_is_not_that_of_a_new_session() {
        let at = |secs, nanos| SessionId(Uuid::new_v7(Timestamp::from_unix(NoContext, secs, nanos)));
        let (boot, other_boot) = (Uuid::from_u128(3), Uuid::from_u128(4));
        let speaks = at(1_000, 500_000_000);
        let known = Known { session: Some(speaks), boot_id: Some(boot), machine_id: "m" };
        let greeted =
            |session, boot_id| greet(known, Speaker { session, sequence: 0, boot_id, machine_id: "m" });
        assert_eq!(greeted(at(1_000, 499_000_000), boot), Greeting::Older);
        assert_eq!(greeted(at(400, 600_000_000), boot), Greeting::Older);
        assert_eq!(greeted(at(1_000, 500_000_000), boot), Greeting::TakesOver { rebooted: false });
        assert_eq!(greeted(at(1_001, 0), boot), Greeting::TakesOver { rebooted: false });
        // The clock of another boot, or another clock.
        assert_eq!(greeted(at(1, 0), other_boot), Greeting::TakesOver { rebooted: true });
        assert_eq!(greeted(at(300, 0), boot), Greeting::TakesOver { rebooted: false });
        assert_eq!(greeted(at(1_700_000_000, 0), boot), Greeting::TakesOver { rebooted: false });
    }

    #[test]
    fn the_latest_session_of_the_machine_speaks() {
        let (old, new) = (SessionId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)));
        let (boot, other_boot) = (Uuid::from_u128(3), Uuid::from_u128(4));
        let known = Known { session: Some(old), boot_id: Some(boot), machine_id: "m" };
        let nobody = Known { session: None, boot_id: None, machine_id: "m" };
        let speaker = |session, sequence, boot_id| Speaker { session, sequence, boot_id, machine_id: "m" };
        for (known, speaker, expected) in [
            (nobody, speaker(new, 0, boot), Greeting::TakesOver { rebooted: false }),
            (nobody, speaker(new, 1, boot), Greeting::Older),
            (known, speaker(old, 0, boot), Greeting::Current),
            (known, speaker(old, 7, boot), Greeting::Current),
            (known, speaker(new, 0, boot), Greeting::TakesOver { rebooted: false }),
            (known, speaker(new, 0, other_boot), Greeting::TakesOver { rebooted: true }),
            (known, speaker(new, 1, boot), Greeting::Older),
            (known, Speaker { machine_id: "x", ..speaker(old, 7, boot) }, Greeting::OtherMachine),
            (known, Speaker { machine_id: "x", ..speaker(new, 0, boot) }, Greeting::OtherMachine),
        ] {
            assert_eq!(greet(known, speaker), expected, "{known:?} {speaker:?}");
        }
    }
}
