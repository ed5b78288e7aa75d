//! Login to the page by an OpenID Connect provider that others have written, which signs with RS256.

use std::process::{Child, Command, Stdio};

use crate::python::programs;
use crate::site::{Browser, Site, eventually};

/// The provider, as long as this lives.
struct Provider {
    process: Child,
    address: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Provider {
    fn start() -> Provider {
        // Somebody else may be given the port before the provider has it: then another one is tried.
        let provider = (0..5).find_map(|_| Provider::start_once());
        provider.expect("the provider does not listen")
    }

    fn start_once() -> Option<Provider> {
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
            free.local_addr().expect("an address").port()
        };
        let person = r#"{"sub":"u-9","preferred_username":"rae","groups":["on-call"]}"#;
        let process = Command::new(programs().join("oidc-provider-mock"))
            .args(["--port", &port.to_string(), "--user-claims", person])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("run oidc-provider-mock");
        let mut provider = Provider {
            process,
            address: format!("127.0.0.1:{port}"),
        };
        let address = provider.address.clone();
        let process = std::cell::RefCell::new(&mut provider.process);
        let answers = eventually(|| {
            let ended = process.borrow_mut().try_wait().expect("a process");
            let answers = ended.is_none() && std::net::TcpStream::connect(&address).is_ok();
            (answers || ended.is_some()).then_some(answers)
        });
        answers.unwrap_or_default().then_some(provider)
    }

    /// What a person does there: chooses who they are. The path to which they are sent back.
    fn authorize(&self, url: &str) -> String {
        let path = url
            .strip_prefix(&format!("http://{}", self.address))
            .expect("the provider");
        let mut browser = Browser {
            address: self.address.clone(),
            cookies: Vec::new(),
        };
        assert_eq!(browser.get(path).status, 200);
        let sent = browser.post(path, &[("sub", "u-9")]);
        let back = sent
            .location()
            .strip_prefix("http://localhost:9465")
            .expect("the page");
        back.to_owned()
    }
}

#[test]
fn a_person_logs_in_to_the_page_by_a_provider_that_others_have_written() {
    let provider = Provider::start();
    let site = Site::of(
        &format!(
            "  public_url: \"http://localhost:9465\"\n  \
             login: {{oidc: {{issuer: \"http://{}\", client_id: watchbell, client_secret_file: \"{{folder}}/secret\"}}}}\n  \
             roles: {{responder: [on-call]}}\n",
            provider.address
        ),
        &[("secret", "secret")],
    );
    let mut browser = site.browser();
    let sent = browser.get("/events?operation=DeleteTopic");
    let begun = browser.get(sent.location());
    let done = browser.get(&provider.authorize(begun.location()));
    assert_eq!(done.status, 303, "{}", site.log());
    assert_eq!(done.location(), "/events?operation=DeleteTopic");
    let page = browser.get(done.location());
    assert!(page.body.contains("<bdi>rae</bdi>"), "{}", page.body);
    let login = site.audited(|event| event["class_uid"] == 3002);
    assert_eq!(
        (&login["status"], &login["user"]["uid"]),
        (&"Success".into(), &"u-9".into())
    );
}
