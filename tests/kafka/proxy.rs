//! A TCP proxy between watchbell and a broker that knows the API key of each request. Every request reaches the
//! broker and is carried out; a test can choose that its response is lost, delayed, or replaced by closing the
//! connection. With a disguise the broker behaves like another server.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What a request asks for, as far as the tests care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Produce,
    Fetch,
    OffsetCommit,
    OffsetFetch,
    FindCoordinator,
    JoinGroup,
    Heartbeat,
    SyncGroup,
    InitProducerId,
    AddPartitions,
    AddOffsets,
    /// `EndTxn` that commits.
    Commit,
    /// `EndTxn` that aborts.
    Abort,
    TxnOffsetCommit,
    Other,
}

impl Call {
    /// By `request_api_key`, the first two bytes of every request's header.
    fn of(request: &[u8]) -> Call {
        match number(request, 0) {
            0 => Call::Produce,
            1 => Call::Fetch,
            8 => Call::OffsetCommit,
            9 => Call::OffsetFetch,
            10 => Call::FindCoordinator,
            11 => Call::JoinGroup,
            12 => Call::Heartbeat,
            14 => Call::SyncGroup,
            22 => Call::InitProducerId,
            24 => Call::AddPartitions,
            25 => Call::AddOffsets,
            26 => {
                // Before version 3, which has tagged fields, `committed` is the last byte.
                assert!(number(request, 2) < 3, "EndTxn of an unknown version");
                let commits = request.last() == Some(&1);
                if commits { Call::Commit } else { Call::Abort }
            }
            28 => Call::TxnOffsetCommit,
            _ => Call::Other,
        }
    }
}

/// What happens to an answer instead of being passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// It never arrives.
    Lose,
    /// It arrives when it is released.
    Hold,
    /// It never arrives, and the connection ends.
    Cut,
}

/// Makes a broker behave like another server.
pub trait Disguise: Send + Sync {
    /// The server's own reaction to a request; `None` to ask the broker.
    fn react(&self, request: &[u8]) -> Option<Reaction>;
    /// Change the broker's answer to a request with this API key and version.
    fn change(&self, api: (i16, i16), answer: &mut Vec<u8>);
}

/// What a disguised broker does with a request that the broker does not see.
pub enum Reaction {
    Answer(Vec<u8>),
    /// Close the connection.
    Close,
}

struct Order {
    call: Call,
    instead: Instead,
    times: usize,
}

/// One connection of a client, and the one to the broker that goes with it.
struct Wire {
    client: TcpStream,
    /// Held while an answer is written, so that a released one does not fall into another.
    answering: Mutex<()>,
    broker: TcpStream,
    /// Answers that are not to be passed on, by correlation id.
    diverted: Mutex<HashMap<[u8; 4], Instead>>,
    /// API key and version of each request that is not yet answered, by correlation id.
    asked: Mutex<HashMap<[u8; 4], (i16, i16)>>,
}

struct Exchange {
    upstream: SocketAddr,
    disguise: Option<Arc<dyn Disguise>>,
    orders: Mutex<Vec<Order>>,
    held: Mutex<Vec<(Arc<Wire>, Vec<u8>)>>,
    wires: Mutex<Vec<Arc<Wire>>>,
}

/// The proxy in front of one listener of a broker, for as long as the tests run.
pub struct Proxy {
    exchange: Arc<Exchange>,
    port: u16,
}

impl Proxy {
    /// Listen, and pass everything on to this port, whether somebody listens there yet or not.
    pub fn start(upstream_port: u16) -> Proxy {
        Proxy::start_as(upstream_port, None)
    }

    /// The same, and let the broker behave like another server.
    pub fn start_as(upstream_port: u16, disguise: Option<Arc<dyn Disguise>>) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let exchange = Arc::new(Exchange {
            upstream: (Ipv4Addr::LOCALHOST, upstream_port).into(),
            disguise,
            orders: Mutex::default(),
            held: Mutex::default(),
            wires: Mutex::default(),
        });
        let accepting = Arc::clone(&exchange);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Without a broker the client finds its connection closed, as it should.
                let _ = accepting.connect(client);
            }
        });
        Proxy { exchange, port }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Deal so with the answers to the next `times` requests that make this call.
    pub fn order(&self, call: Call, instead: Instead, times: usize) {
        lock(&self.exchange.orders).push(Order {
            call,
            instead,
            times,
        });
    }

    /// How many answers are still to be lost, held or cut.
    pub fn outstanding(&self) -> usize {
        let orders = lock(&self.exchange.orders);
        orders.iter().map(|order| order.times).sum()
    }

    /// Pass on what was held back; answers whose client is gone are lost.
    pub fn release(&self) {
        for (wire, answer) in std::mem::take(&mut *lock(&self.exchange.held)) {
            let _ = wire.answer(&answer);
        }
    }

    /// From now on pass all answers on, the held ones too.
    pub fn relent(&self) {
        lock(&self.exchange.orders).clear();
        self.release();
    }

    /// End all connections.
    pub fn cut_all(&self) {
        lock(&self.exchange.wires).iter().for_each(|w| w.cut());
    }
}

impl Exchange {
    fn connect(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let broker = TcpStream::connect(self.upstream)?;
        client.set_nodelay(true)?;
        broker.set_nodelay(true)?;
        let wire = Arc::new(Wire {
            client,
            answering: Mutex::new(()),
            broker,
            diverted: Mutex::default(),
            asked: Mutex::default(),
        });
        lock(&self.wires).push(Arc::clone(&wire));
        for pass in [Exchange::pass_requests, Exchange::pass_answers] {
            let (exchange, wire) = (Arc::clone(self), Arc::clone(&wire));
            thread::spawn(move || {
                // Whichever side ends, the other one must hear of it.
                let _ = pass(&exchange, &wire);
                wire.cut();
                lock(&exchange.wires).retain(|known| !Arc::ptr_eq(known, &wire));
            });
        }
        Ok(())
    }

    fn pass_requests(&self, wire: &Arc<Wire>) -> io::Result<()> {
        loop {
            let request = read_frame(&wire.client)?;
            if let Some(disguise) = &self.disguise {
                match disguise.react(&request) {
                    Some(Reaction::Answer(answer)) => {
                        wire.answer(&answer)?;
                        continue;
                    }
                    Some(Reaction::Close) => return Ok(()),
                    None => {
                        let api = (number(&request, 0), number(&request, 2));
                        lock(&wire.asked).insert(correlation(&request, 4), api);
                    }
                }
            }
            if let Some(instead) = self.take_order(Call::of(&request)) {
                lock(&wire.diverted).insert(correlation(&request, 4), instead);
            }
            write_frame(&wire.broker, &request)?;
        }
    }

    fn pass_answers(&self, wire: &Arc<Wire>) -> io::Result<()> {
        loop {
            let mut answer = read_frame(&wire.broker)?;
            if let Some(disguise) = &self.disguise
                && let Some(api) = lock(&wire.asked).remove(&correlation(&answer, 0))
            {
                disguise.change(api, &mut answer);
            }
            let diverted = lock(&wire.diverted).remove(&correlation(&answer, 0));
            match diverted {
                None => wire.answer(&answer)?,
                Some(instead) => {
                    if instead == Instead::Hold {
                        lock(&self.held).push((Arc::clone(wire), answer));
                    }
                    if instead == Instead::Cut {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn take_order(&self, call: Call) -> Option<Instead> {
        let mut orders = lock(&self.orders);
        let order = orders.iter_mut().find(|order| order.call == call)?;
        let instead = order.instead;
        order.times -= 1;
        orders.retain(|order| order.times > 0);
        Some(instead)
    }
}

impl Wire {
    fn answer(&self, answer: &[u8]) -> io::Result<()> {
        let _answering = lock(&self.answering);
        write_frame(&self.client, answer)
    }

    fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.broker.shutdown(Shutdown::Both);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The two bytes at this place of a request, as a number.
pub fn number(request: &[u8], at: usize) -> i16 {
    i16::from_be_bytes([request[at], request[at + 1]])
}

/// The correlation id: after API key and version in a request, first in an answer.
pub fn correlation(frame: &[u8], at: usize) -> [u8; 4] {
    frame[at..at + 4].try_into().expect("four bytes")
}

/// A request or an answer without its length.
fn read_frame(mut stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}

fn write_frame(mut stream: &TcpStream, frame: &[u8]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(4 + frame.len());
    bytes.extend((frame.len() as u32).to_be_bytes());
    bytes.extend(frame);
    stream.write_all(&bytes)
}
