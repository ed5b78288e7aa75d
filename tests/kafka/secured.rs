//! A broker with authentication (SASL_SSL with PLAIN, SCRAM and OAUTHBEARER; TLS with a client certificate) and
//! an authorizer. Certificates are generated for each run; no key is stored.

use std::fmt::Write;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::broker::{Broker, Extras};
use super::node::{free_ports, jars, java};
use super::sls::{ACCESS_KEY, PROJECT};

/// Secrets of the test users; none of them may be shown anywhere.
pub const API_SECRET: &str = "plain-SECRET-6d1f";
pub const SCRAM_PASSWORD: &str = "scram-SECRET-9a0c";
pub const CLIENT_SECRET: &str = "oauth-SECRET-77be";
pub const STORE_PASSWORD: &str = "store-SECRET-40d2";
pub const LIMITED_SECRET: &str = "limited-SECRET-51cc";

/// The user that may do nothing until somebody grants it.
pub const LIMITED: &str = "limited";

/// A broker with four ways to log in, its certificates, and a token endpoint.
pub struct Secured {
    pub broker: Broker,
    files: TempDir,
    login_port: u16,
    certificate_port: u16,
    token_port: u16,
}

/// The secured broker shared by all tests that need one.
pub fn secured() -> MutexGuard<'static, Secured> {
    static SECURED: OnceLock<Mutex<Secured>> = OnceLock::new();
    SECURED
        .get_or_init(|| Mutex::new(Secured::start()))
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

impl Secured {
    fn start() -> Secured {
        let files = TempDir::new().expect("a temporary directory");
        certificates(files.path());
        let [login_port, certificate_port] = free_ports();
        let broker = Broker::start_with(&Extras {
            listeners: vec![
                ("LOGIN", login_port, "SASL_SSL"),
                ("CERTIFICATE", certificate_port, "SSL"),
            ],
            settings: settings(files.path()),
            users: vec![format!(
                "SCRAM-SHA-512=[name=scram-user,password={SCRAM_PASSWORD}]"
            )],
            ..Extras::default()
        });
        Secured {
            broker,
            files,
            login_port,
            certificate_port,
            token_port: token_endpoint(),
        }
    }

    /// `host:port` where users log in.
    pub fn login(&self) -> String {
        format!("127.0.0.1:{}", self.login_port)
    }

    /// `host:port` where a certificate is asked for.
    pub fn certificate(&self) -> String {
        format!("127.0.0.1:{}", self.certificate_port)
    }

    /// Where tokens come from.
    pub fn token_url(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.token_port)
    }

    /// A file beside the certificates.
    pub fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Do what a person does with printed commands: paste them into a shell that has Kafka's tools
    /// and an administrator's properties.
    pub fn paste(&self, commands: &str) {
        let folder = self.file("shell");
        std::fs::create_dir_all(&folder).expect("a folder");
        let administrator = format!(
            "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nssl.truststore.type=PEM\n\
             ssl.truststore.location={}\nsasl.jaas.config=org.apache.kafka.common.security.plain.\
             PlainLoginModule required username=\"plain-key\" password=\"{API_SECRET}\";\n",
            self.file("broker.pem").display()
        );
        std::fs::write(folder.join("admin.properties"), administrator).expect("a file");
        let java = java(&jars());
        let words: Vec<String> = [java.get_program()]
            .into_iter()
            .chain(java.get_args())
            .map(|word| format!("'{}'", word.display()))
            .collect();
        let tool = format!(
            "kafka-acls.sh() {{ {} org.apache.kafka.tools.AclCommand \"$@\"; }}\n",
            words.join(" ")
        );
        let ran = Command::new("bash")
            .args(["-euc", &format!("{tool}{commands}")])
            .current_dir(&folder)
            .output()
            .expect("run bash");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{commands}\n{said}");
    }

    /// How the user who may do nothing until somebody grants it logs in: librdkafka properties.
    pub fn as_limited(&self) -> String {
        format!(
            "security.protocol: SASL_SSL, sasl.mechanism: PLAIN, sasl.username: {LIMITED}, \
             sasl.password_file: {}, ssl.ca.location: {}",
            self.secret("limited-password", LIMITED_SECRET),
            self.file("broker.pem").display(),
        )
    }

    /// Grant rights to the limited user, or take them away: `--add` or `--remove`, and which.
    pub fn rights(&self, change: &str, which: &str) {
        let force = if change == "--remove" { "--force" } else { "" };
        let ran = java(&jars())
            .arg("org.apache.kafka.tools.AclCommand")
            .args(["--bootstrap-server", self.broker.bootstrap(), change])
            .args(["--allow-principal", &format!("User:{LIMITED}")])
            .args(format!("{which} {force}").split_whitespace())
            .output()
            .expect("run java");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{change} {which}\n{said}");
    }

    /// Keep a secret in a file, as a configuration names it.
    pub fn secret(&self, name: &str, secret: &str) -> String {
        let path = self.file(name);
        std::fs::write(&path, format!("{secret}\n")).expect("write a secret");
        path.display().to_string()
    }
}

/// `broker.p12` and its certificate `broker.pem`, `client.p12` and `client.pem`, each self-signed.
fn certificates(files: &Path) {
    let keytool = |arguments: &[&str]| {
        let ran = Command::new("keytool")
            .args(arguments)
            .args(["-storetype", "PKCS12", "-storepass", STORE_PASSWORD])
            .current_dir(files)
            .output()
            .expect("run keytool: install a JVM (Java 17 or later)");
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "keytool {arguments:?}: {said}");
    };
    for name in ["broker", "client"] {
        let (store, pem) = (format!("{name}.p12"), format!("{name}.pem"));
        let subject = format!("CN={name}");
        #[rustfmt::skip]
        keytool(&[
            "-genkeypair", "-alias", name, "-dname", &subject, "-keyalg", "EC", "-validity", "2",
            "-ext", "SAN=ip:127.0.0.1,dns:localhost", "-keystore", &store,
        ]);
        #[rustfmt::skip]
        keytool(&["-exportcert", "-rfc", "-alias", name, "-file", &pem, "-keystore", &store]);
    }
}

fn settings(files: &Path) -> String {
    let jaas = "sasl.jaas.config=org.apache.kafka.common.security";
    let mut text = String::new();
    let mut line = |words: std::fmt::Arguments<'_>| writeln!(text, "{words}").expect("a line");
    line(format_args!(
        "ssl.keystore.type=PKCS12\nssl.keystore.location={}\nssl.keystore.password={STORE_PASSWORD}",
        files.join("broker.p12").display()
    ));
    line(format_args!(
        "listener.name.certificate.ssl.client.auth=required\n\
         listener.name.certificate.ssl.truststore.type=PEM\n\
         listener.name.certificate.ssl.truststore.location={}",
        files.join("client.pem").display()
    ));
    line(format_args!(
        "listener.name.login.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,OAUTHBEARER"
    ));
    line(format_args!(
        "listener.name.login.plain.{jaas}.plain.PlainLoginModule required \
         user_plain-key=\"{API_SECRET}\" user_{LIMITED}=\"{LIMITED_SECRET}\" \
         user_{PROJECT}=\"{ACCESS_KEY}\";"
    ));
    line(format_args!(
        "listener.name.login.scram-sha-512.{jaas}.scram.ScramLoginModule required;"
    ));
    // Without a validator of one's own Kafka takes unsigned tokens: the stub can make those.
    line(format_args!(
        "listener.name.login.oauthbearer.{jaas}.oauthbearer.OAuthBearerLoginModule required;"
    ));
    line(format_args!(
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
         super.users=User:ANONYMOUS;User:plain-key;User:scram-user;User:oauth-user;User:CN=client;\
         User:{PROJECT}"
    ));
    text
}

/// An OAuth token endpoint on a port of its own, for as long as this process lives.
fn token_endpoint() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away in the middle is its own affair.
            let _ = answer(stream);
        }
    });
    port
}

/// Give a token to whoever knows the client's secret.
fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            match name.to_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "authorization" => authorization = value.trim().to_owned(),
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let known = format!(
        "Basic {}",
        base64(&format!("oauth-user:{CLIENT_SECRET}"), b"+/")
    );
    let (status, json) = if authorization.trim_end_matches('=') == known {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a clock");
        let now_s = now.as_secs();
        let claims = format!(
            r#"{{"sub":"oauth-user","iat":{now_s},"exp":{},"scope":"kafka"}}"#,
            now_s + 600
        );
        let header = base64(r#"{"alg":"none"}"#, b"-_");
        let token = format!("{header}.{}.", base64(&claims, b"-_"));
        let json =
            format!(r#"{{"access_token":"{token}","token_type":"bearer","expires_in":600}}"#);
        ("200 OK", json)
    } else {
        (
            "401 Unauthorized",
            r#"{"error":"invalid_client"}"#.to_owned(),
        )
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{json}",
        json.len()
    )
}

/// Base64 without padding; `last` are the two characters in which the alphabets differ.
fn base64(text: &str, last: &[u8; 2]) -> String {
    let alphabet: Vec<u8> = (b'A'..=b'Z')
        .chain(b'a'..=b'z')
        .chain(b'0'..=b'9')
        .chain(*last)
        .collect();
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..=chunk.len() {
            let index = bits >> (18 - 6 * place) & 63;
            encoded.push(char::from(alphabet[index as usize]));
        }
    }
    encoded
}
