//! An S3 server: moto, which honours conditional writes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::python::programs;

/// Starts the server on a free port, makes a bucket, and prints the port. Each line that it reads says how it behaves from
/// then on, and is answered by an empty line.
const PROGRAM: &str = r"
import json, random, re, sys, threading, time
from io import BytesIO
import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

moto = DomainDispatcherApplication(create_backend_app)
behavior = 'honest'
dice = random.Random(7)

def error(start_response, status, code, message):
    start_response(status, [('content-type', 'application/xml')])
    text = f'<?xml version=\'1.0\'?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return [text.encode()]

def denied(start_response):
    return error(start_response, '403 Forbidden', 'AccessDenied', 'Access Denied')

def body_of(environ):
    body = environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))
    environ['wsgi.input'] = BytesIO(body)
    return body.decode()

def undeleted(environ, start_response):
    keys = re.findall('<Key>(.*?)</Key>', body_of(environ))
    each = [f'<Error><Key>{key}</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
            for key in keys]
    start_response('200 OK', [('content-type', 'application/xml')])
    return [f'<?xml version=\'1.0\'?><DeleteResult>{chr(10).join(each)}</DeleteResult>'.encode()]

def failure(start_response):
    start_response('500 Internal Server Error', [('content-type', 'text/plain')])
    return [b'a failure of the test']

def failing(environ, start_response):
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

def answer(environ, start_response):
    method, query = environ['REQUEST_METHOD'], environ['QUERY_STRING']
    deletes = method == 'DELETE' or method == 'POST' and query.startswith('delete')
    word, _, key = behavior.partition(' ')
    if environ['PATH_INFO'] == '/credentials':
        start_response('200 OK', [('content-type', 'application/json')])
        return [json.dumps({'AccessKeyId': key, 'SecretAccessKey': 'secret', 'Token': 'token',
                            'Expiration': '2099-01-01T00:00:00Z'}).encode()]
    if word == 'ignoring':
        environ.pop('HTTP_IF_NONE_MATCH', None)
    if word == 'failing':
        return failing(environ, start_response)
    if word == 'unlistable' and method == 'GET' and 'list-type' in query:
        return denied(start_response)
    if word in ('undeletable', 'read-only') and deletes:
        return undeleted(environ, start_response) if method == 'POST' else denied(start_response)
    if word == 'read-only' and method != 'GET' and method != 'HEAD':
        return denied(start_response)
    if word == 'full' and method == 'PUT':
        return error(start_response, '507 Insufficient Storage', 'XMinioStorageFull',
                     'Storage backend has reached its minimum free drive threshold.')
    if word == 'only' and f'Credential={key}/' not in environ.get('HTTP_AUTHORIZATION', ''):
        return error(start_response, '400 Bad Request', 'ExpiredToken', 'The provided token has expired.')
    return moto(environ, start_response)

server = make_server('127.0.0.1', 0, answer, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = boto3.client('s3', endpoint_url=f'http://127.0.0.1:{server.port}', region_name='us-east-1',
                      aws_access_key_id='key', aws_secret_access_key='secret')
client.create_bucket(Bucket='archive')
print(server.port, flush=True)
for line in sys.stdin:
    behavior = line.strip()
    print(flush=True)
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
    /// Nobody may list.
    Unlistable,
    /// Nobody may delete.
    Undeletable,
    /// Nobody may write or delete.
    ReadOnly,
    /// There is no room.
    Full,
    /// The credentials of whoever has not this access key have expired; who asks `/credentials` gets it.
    Only(&'static str),
}

impl Behavior {
    fn words(self) -> String {
        match self {
            Behavior::Honest => "honest".into(),
            Behavior::Ignoring => "ignoring".into(),
            Behavior::Failing => "failing".into(),
            Behavior::Unlistable => "unlistable".into(),
            Behavior::Undeletable => "undeletable".into(),
            Behavior::ReadOnly => "read-only".into(),
            Behavior::Full => "full".into(),
            Behavior::Only(key) => format!("only {key}"),
        }
    }
}

/// A running server, with the bucket `archive`.
pub struct S3 {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// `http://127.0.0.1:…`
    pub endpoint: String,
}

impl S3 {
    pub fn start(behavior: Behavior) -> S3 {
        let mut child = Command::new(programs().join("python"))
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("run moto");
        let mut port = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("its output"));
        stdout.read_line(&mut port).expect("its port");
        let port: u16 = port.trim().parse().expect("moto says its port");
        let mut s3 = S3 {
            stdin: child.stdin.take().expect("its input"),
            stdout,
            child,
            endpoint: format!("http://127.0.0.1:{port}"),
        };
        s3.behave(behavior);
        s3
    }

    /// From now on the server behaves so.
    pub fn behave(&mut self, behavior: Behavior) {
        writeln!(self.stdin, "{}", behavior.words()).expect("moto listens");
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).expect("moto answers");
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
