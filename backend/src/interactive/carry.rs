//! One direction of a stream: message by message, the next one read only when the last one is on its way. So whoever
//! reads slowly slows down who writes, over both connections, and the server holds a message of each at most.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::extract::ws::Message;
use futures::{Sink, SinkExt, Stream, StreamExt};
use lilac_api::stream::{Channel, Control};
use tokio::time::{MissedTickBehavior, interval_at};

/// How often an end is asked for a sign of life, which also keeps what stands between from closing the connection.
const PING_EVERY: Duration = Duration::from_secs(15);
/// How long an end may be silent altogether: it answers pings.
const SILENCE: Duration = Duration::from_secs(60);

/// When something last flowed.
pub struct Pulse(Mutex<Instant>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Mutex::new(Instant::now()))
    }
}

impl Pulse {
    fn beat(&self) {
        if let Ok(mut last) = self.0.lock() {
            *last = Instant::now();
        }
    }

    pub fn is_silent_for(&self, time: Duration) -> bool {
        self.0.lock().is_ok_and(|last| last.elapsed() >= time)
    }
}

/// What a user may say.
pub fn from_user(message: &Message) -> bool {
    match message {
        Message::Binary(data) => matches!(Channel::read(data), Some((Channel::Input, _))),
        Message::Text(text) => matches!(Control::read(text), Some(Control::Resize(_) | Control::End)),
        _ => false,
    }
}

/// What an agent may say.
pub fn from_agent(message: &Message) -> bool {
    match message {
        Message::Binary(data) => matches!(Channel::read(data), Some((Channel::Output | Channel::Error, _))),
        Message::Text(text) => Control::read(text).is_some_and(|said| !matches!(said, Control::Resize(_))),
        _ => false,
    }
}

/// Carries until one of the ends is over, is silent, or says what it may not.
pub async fn carry<E>(
    from: &mut (impl Stream<Item = Result<Message, E>> + Unpin),
    to: &mut (impl Sink<Message> + Unpin),
    is_allowed: fn(&Message) -> bool,
    pulse: &Pulse,
) {
    let mut pings = interval_at(tokio::time::Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            message = from.next() => {
                heard = Instant::now();
                let Some(Ok(message)) = message else { return };
                match message {
                    // Answered by the connection itself.
                    Message::Ping(_) | Message::Pong(_) => continue,
                    Message::Close(_) => return,
                    message if !is_allowed(&message) => return,
                    message => if to.send(message).await.is_err() { return },
                }
                pulse.beat();
            }
            _ = pings.tick() => {
                if heard.elapsed() > SILENCE || to.send(Message::Ping(Default::default())).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::channel::mpsc;
    use lilac_api::stream::TerminalSize;

    use super::*;

    fn binary(channel: Channel) -> Message {
        Message::Binary(channel.message(b"x").into())
    }

    fn text(control: &Control) -> Message {
        Message::Text(control.text().into())
    }

    #[test]
    fn each_end_says_only_what_is_its_own() {
        let resize = Control::Resize(TerminalSize { columns: 80, rows: 24 });
        for (message, user, agent) in [
            (binary(Channel::Input), true, false),
            (binary(Channel::Output), false, true),
            (binary(Channel::Error), false, true),
            (text(&resize), true, false),
            (text(&Control::End), true, true),
            (text(&Control::Exited(0)), false, true),
            (text(&Control::Failed(String::new())), false, true),
            (text(&Control::Started), false, true),
            (Message::Text("{}".into()), false, false),
            (Message::Binary(vec![9, 9].into()), false, false),
            (Message::Binary(Vec::new().into()), false, false),
        ] {
            assert_eq!((from_user(&message), from_agent(&message)), (user, agent), "{message:?}");
        }
    }

    #[tokio::test]
    async fn the_next_message_is_read_when_the_last_one_is_taken() {
        let (mut writer, mut from) = mpsc::channel::<Result<Message, std::convert::Infallible>>(0);
        let (mut to, mut reader) = mpsc::channel::<Message>(0);
        tokio::spawn(async move {
            let pulse = Pulse::default();
            carry(&mut from, &mut to, from_user, &pulse).await;
        });
        let mut written = 0;
        // With nobody reading, only what fits on the way is taken.
        while let Ok(sent) =
            tokio::time::timeout(Duration::from_millis(200), writer.send(Ok(binary(Channel::Input)))).await
        {
            sent.unwrap();
            written += 1;
            assert!(written < 10, "{written} messages are held");
        }
        for _ in 0..written {
            assert_eq!(reader.next().await, Some(binary(Channel::Input)));
        }
        // What may not be said ends it, after all that was said before. It is read beside the writing: a message that
        // was given up waiting above may still be on its way.
        let last = writer.send(Ok(binary(Channel::Output)));
        let rest = async {
            while let Some(message) = reader.next().await {
                assert_eq!(message, binary(Channel::Input));
            }
        };
        let (last, ()) = tokio::join!(last, rest);
        last.unwrap();
    }
}
