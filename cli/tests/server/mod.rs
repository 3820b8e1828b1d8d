//! A server that says what a test wants it to: what real ones seldom do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Server {
    pub address: String,
    bodies: Arc<Mutex<Vec<String>>>,
    asked: Receiver<()>,
    go_on: Sender<()>,
}

impl Server {
    /// Answers each request with the status and body that `answer` gives for its path.
    pub fn start(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> Self {
        Self::serve(answer, false)
    }

    /// As [`Server::start`], but each answer waits for [`Server::go_on`]. A status of 0 never answers.
    pub fn held(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> Self {
        Self::serve(answer, true)
    }

    fn serve(answer: impl Fn(&str) -> (u16, String) + Send + 'static, is_held: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = format!("http://{}", listener.local_addr().expect("it has an address"));
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let ((tell_asked, asked), (go_on, wait)) = (channel(), channel());
        let kept = bodies.clone();
        std::thread::spawn(move || {
            // Connections that are not answered stay open for as long as the server is.
            let mut open = Vec::new();
            for stream in listener.incoming().flatten() {
                if is_tls(&stream) {
                    // As plain servers do.
                    respond(&stream, &(400, String::new()));
                } else if let Some((path, body)) = request(&stream) {
                    kept.lock().expect("nobody panicked").push(body);
                    let _ = tell_asked.send(());
                    if is_held && wait.recv_timeout(PATIENCE).is_err() {
                        return;
                    }
                    respond(&stream, &answer(&path));
                }
                open.push(stream);
            }
        });
        Self { address, bodies, asked, go_on }
    }

    /// The bodies of all requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.bodies.lock().expect("nobody panicked").clone()
    }

    pub fn until_asked(&self) {
        self.asked.recv_timeout(PATIENCE).expect("nobody asked");
    }

    pub fn go_on(&self) {
        self.go_on.send(()).expect("the server is gone");
    }
}

/// Whether who connected wants an encrypted connection.
fn is_tls(stream: &TcpStream) -> bool {
    const HANDSHAKE: u8 = 22;
    let mut first = [0];
    stream.peek(&mut first).is_ok_and(|read| read == 1) && first == [HANDSHAKE]
}

/// The path and body of a request; none for what is no HTTP.
fn request(stream: &TcpStream) -> Option<(String, String)> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.split('?').next()?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, String::from_utf8(body).ok()?))
}

fn respond(mut stream: &TcpStream, (status, body): &(u16, String)) {
    let kind = match status {
        0 => return,
        200..300 if body.starts_with('<') => "text/html",
        200..300 => "application/json",
        _ => "application/problem+json",
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // A client that has gone needs no answer.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}
