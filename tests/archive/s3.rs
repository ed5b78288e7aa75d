//! An S3 server: moto, which honours conditional writes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::python::programs;

/// Starts the server on a free port, makes a bucket, and prints the port. Its argument says how it behaves.
const PROGRAM: &str = r"
import random, sys, threading, time
import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

moto = DomainDispatcherApplication(create_backend_app)
behavior = sys.argv[1]
dice = random.Random(7)
ready = threading.Event()

def failure(start_response):
    start_response('500 Internal Server Error', [('content-type', 'text/plain')])
    return [b'a failure of the test']

def answer(environ, start_response):
    if behavior == 'ignoring':
        environ.pop('HTTP_IF_NONE_MATCH', None)
    if behavior != 'failing' or not ready.is_set():
        return moto(environ, start_response)
    fate = dice.random()
    if fate < 0.15:
        return failure(start_response)
    if fate < 0.30:
        # It is done, and the answer is lost.
        b''.join(moto(environ, lambda *_: None))
        return failure(start_response)
    if fate < 0.40:
        time.sleep(dice.random())
    return moto(environ, start_response)

server = make_server('127.0.0.1', 0, answer, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = boto3.client('s3', endpoint_url=f'http://127.0.0.1:{server.port}', region_name='us-east-1',
                      aws_access_key_id='key', aws_secret_access_key='secret')
client.create_bucket(Bucket='archive')
ready.set()
print(server.port, flush=True)
sys.stdin.read()
";

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behavior {
    /// As Amazon's.
    Honest,
    /// It ignores conditions of writes.
    Ignoring,
    /// Requests fail, or are carried out and have no answer, or are slow.
    Failing,
}

impl Behavior {
    fn word(self) -> &'static str {
        match self {
            Behavior::Honest => "honest",
            Behavior::Ignoring => "ignoring",
            Behavior::Failing => "failing",
        }
    }
}

/// A running server, with the bucket `archive`.
pub struct S3 {
    child: Child,
    /// `http://127.0.0.1:…`
    pub endpoint: String,
}

impl S3 {
    pub fn start(behavior: Behavior) -> S3 {
        let mut child = Command::new(programs().join("python"))
            .args(["-c", PROGRAM, behavior.word()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("run moto");
        let mut port = String::new();
        let stdout = child.stdout.take().expect("its output");
        BufReader::new(stdout)
            .read_line(&mut port)
            .expect("its port");
        let port: u16 = port.trim().parse().expect("moto says its port");
        S3 {
            child,
            endpoint: format!("http://127.0.0.1:{port}"),
        }
    }

    /// The options of a storage on this server.
    pub fn options(&self) -> Vec<(String, String)> {
        [
            ("aws_endpoint", self.endpoint.as_str()),
            ("aws_allow_http", "true"),
            ("aws_region", "us-east-1"),
            ("aws_access_key_id", "key"),
            ("aws_secret_access_key", "secret"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
