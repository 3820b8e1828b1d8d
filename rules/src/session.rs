//! Who speaks for a node. One run of an agent is a session; the latest speaks, and older ones are fenced.

use lilac_api::SessionId;
use uuid::Uuid;

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

/// A session is new with its first message only: one that was overtaken does not come back with a later one.
#[must_use]
pub fn greet(known: Known<'_>, speaker: Speaker<'_>) -> Greeting {
    if known.machine_id != speaker.machine_id {
        return Greeting::OtherMachine;
    }
    if known.session == Some(speaker.session) {
        return Greeting::Current;
    }
    if speaker.sequence != 0 {
        return Greeting::Older;
    }
    Greeting::TakesOver { rebooted: known.boot_id.is_some_and(|boot_id| boot_id != speaker.boot_id) }
}

#[cfg(test)]
mod tests {
    use super::*;

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
