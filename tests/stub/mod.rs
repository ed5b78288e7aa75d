//! An HTTP server in the role of a sink: it records requests and gives the answers that a test chooses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub at: Instant,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The status it was answered with; 0 where there was no answer.
    pub status: u16,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |(has, _): &&(String, String)| has.eq_ignore_ascii_case(name);
        self.headers.iter().find(named).map(|(_, v)| v.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A status, headers, and a body.
    Status(u16, &'static str, String),
    /// Nothing, for that long.
    Silence(Duration),
    /// The beginning of an answer, then the end of the connection.
    HalfClosed,
}

pub fn ok() -> Reply {
    Reply::Status(202, "", "ok".into())
}

type Answers = Box<dyn FnMut(&Received) -> Reply + Send>;

/// The running server; it lives as long as the test process.
#[derive(Clone)]
pub struct Stub {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<Answers>>,
}

impl Stub {
    /// Listen on a free port and answer with `answers`.
    pub fn start(answers: impl FnMut(&Received) -> Reply + Send + 'static) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let stub = Stub {
            address: listener.local_addr().expect("an address"),
            received: Arc::default(),
            answers: Arc::new(Mutex::new(Box::new(answers))),
        };
        let serving = stub.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let stub = serving.clone();
                // The client may end the connection whenever it likes.
                std::thread::spawn(move || stub.serve(connection));
            }
        });
        stub
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as an address on the web.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Answer differently from now on.
    pub fn answer(&self, answers: impl FnMut(&Received) -> Reply + Send + 'static) {
        *self.answers.lock().expect("no panic while answering") = Box::new(answers);
    }

    /// Everything it was sent so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic").clone()
    }

    /// What it was sent and accepted.
    pub fn accepted(&self) -> Vec<Received> {
        let accepted = |r: &Received| (200..300).contains(&r.status);
        self.received().into_iter().filter(accepted).collect()
    }

    fn serve(&self, connection: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(connection);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let path = line.split(' ').nth(1)?.to_owned();
            let mut headers = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).ok()?;
                let Some((name, value)) = line.trim_end().split_once(": ") else {
                    break;
                };
                headers.push((name.to_owned(), value.to_owned()));
            }
            let length = headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, value)| value.parse().ok())
                .unwrap_or(0);
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let mut received = Received {
                at: Instant::now(),
                path,
                headers,
                body,
                status: 0,
            };
            let reply = (self.answers.lock().ok()?)(&received);
            if let Reply::Status(status, ..) = &reply {
                received.status = *status;
            }
            self.received.lock().ok()?.push(received);
            let stream = reader.get_mut();
            match reply {
                Reply::Status(status, headers, body) => {
                    let length = body.len();
                    let answer = format!(
                        "HTTP/1.1 {status} said\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
                    );
                    // In one piece: small ones would wait for the client's delayed acknowledgment.
                    stream.write_all(answer.as_bytes()).ok()?;
                }
                Reply::Silence(span) => std::thread::sleep(span),
                Reply::HalfClosed => {
                    write!(stream, "HTTP/1.1 20").ok()?;
                    return None;
                }
            }
        }
    }
}
