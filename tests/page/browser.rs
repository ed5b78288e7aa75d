//! Chromium, driven over WebDriver.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use axum::http::Method;
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::Url;

use super::eventually;

/// How a browser is set.
#[derive(Clone, Copy)]
pub struct Looks {
    /// Width and height of the window.
    pub size: (u32, u32),
    /// Whether the system prefers dark colors.
    pub is_dark: bool,
    /// The preferred language.
    pub language: &'static str,
    /// Whether scripts run.
    pub has_script: bool,
}

/// What most people have.
pub const USUAL: Looks = Looks {
    size: (1280, 900),
    is_dark: false,
    language: "en-US",
    has_script: true,
};

/// A driver, which ends with its value.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A browser with one window.
pub struct Browser {
    client: Client,
    _driver: Driver,
}

impl Browser {
    /// Starts a browser in the zone of Berlin.
    pub async fn start(looks: Looks) -> Browser {
        let (driver, url) = driver();
        let (width, height) = looks.size;
        let mut arguments = vec![
            "--headless=new".to_owned(),
            // Chromium refuses its sandbox to root.
            "--no-sandbox".into(),
            "--disable-gpu".into(),
            "--disable-dev-shm-usage".into(),
            format!("--window-size={width},{height}"),
            format!("--accept-lang={}", looks.language),
        ];
        if looks.is_dark {
            arguments.push("--force-dark-mode".into());
        }
        let script = if looks.has_script { 1 } else { 2 };
        let mut options = json!({
            "args": arguments,
            "prefs": {"profile.managed_default_content_settings.javascript": script},
        });
        if width < 500 {
            // A window is not narrower than 500 pixels.
            options["mobileEmulation"] =
                json!({"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1.0}});
        }
        let capabilities = json!({
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let Value::Object(capabilities) = capabilities else {
            unreachable!("an object");
        };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&url)
            .await
            .expect("a browser: apt-get install chromium chromium-driver");
        Browser {
            client,
            _driver: driver,
        }
    }

    /// Goes to a page, as by its address.
    pub async fn go(&self, url: &str) {
        self.client.goto(url).await.expect("a page");
    }

    /// The address of the page.
    pub async fn url(&self) -> String {
        self.client.current_url().await.expect("an address").into()
    }

    /// The element that a selector finds, once it is there.
    pub async fn find(&self, selector: &str) -> Element {
        let found = eventually(async || self.client.find(Locator::Css(selector)).await.ok()).await;
        match found {
            Some(element) => element,
            None => panic!("{selector} is not on the page {}", self.text("body").await),
        }
    }

    /// The link with this text, once it is there.
    pub async fn link(&self, text: &str) -> Element {
        let locator = Locator::LinkText(text);
        let found = eventually(async || self.client.find(locator).await.ok()).await;
        match found {
            Some(element) => element,
            None => panic!("no link {text} on the page {}", self.text("body").await),
        }
    }

    /// The text that a person sees in an element, once it is there. Between finding it and reading it another page may
    /// have come.
    pub async fn text(&self, selector: &str) -> String {
        let read = async || {
            let element = self.client.find(Locator::Css(selector)).await.ok()?;
            element.text().await.ok()
        };
        let text = eventually(read).await;
        text.unwrap_or_else(|| panic!("{selector} is not on the page"))
    }

    /// The texts of all elements that a selector finds.
    pub async fn texts(&self, selector: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText.trim())";
        let texts = self.run(script, vec![selector.into()]).await;
        serde_json::from_value(texts).expect("texts")
    }

    /// Waits until a selector finds so many elements.
    pub async fn wait_for(&self, selector: &str, count: usize) {
        let found = eventually(async || {
            let now = self.texts(selector).await.len();
            (now == count).then_some(())
        });
        if found.await.is_none() {
            let now = self.texts(selector).await;
            panic!("{count} times {selector} is awaited, there is {now:?}");
        }
    }

    /// Presses keys.
    pub async fn press(&self, keys: &str) {
        let active = self.client.active_element().await.expect("an element");
        active.send_keys(keys).await.expect("keys");
    }

    /// The result of a script.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client
            .execute(script, arguments)
            .await
            .expect("a script")
    }

    /// The result of a script that calls its last argument with it.
    pub async fn run_async(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client
            .execute_async(script, arguments)
            .await
            .expect("a script")
    }

    /// The driver's own interface.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Shows pages as they are printed.
    pub async fn show_as_printed(&self) {
        let shown = self.client.issue_cmd(AsPrinted).await;
        shown.expect("the look of paper");
    }

    /// Writes a picture of the window.
    pub async fn picture(&self, name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(format!("{name}.png"));
        let picture = self.client.screenshot().await.expect("a picture");
        std::fs::write(&path, picture).expect("a file");
        path
    }

    /// Ends the browser.
    pub async fn end(self) {
        self.client.close().await.expect("an end");
    }
}

/// The driver's own command that shows pages as they are printed.
#[derive(Debug)]
struct AsPrinted;

impl WebDriverCompatibleCommand for AsPrinted {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let command = json!({"cmd": "Emulation.setEmulatedMedia", "params": {"media": "print"}});
        (Method::POST, Some(command.to_string()))
    }
}

/// Starts a driver, and waits until it listens.
fn driver() -> (Driver, String) {
    let mut process = Command::new("chromedriver")
        .arg("--port=0")
        .env("TZ", "Europe/Berlin")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver: apt-get install chromium chromium-driver");
    let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
    let started = "started successfully on port ";
    let port = loop {
        let line = lines.next().expect("chromedriver listens").expect("a line");
        if let Some((_, port)) = line.split_once(started) {
            break port.trim_end_matches('.').to_owned();
        }
    };
    std::thread::spawn(move || lines.for_each(drop));
    (Driver(process), format!("http://127.0.0.1:{port}"))
}

/// axe-core, which finds what keeps people from a page.
pub static AXE: LazyLock<String> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe");
    let file = folder.join("node_modules/axe-core/axe.min.js");
    if !file.exists() {
        std::fs::create_dir_all(&folder).expect("a folder");
        let installed = Command::new("npm")
            .args([
                "install",
                "--no-save",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
            ])
            .arg("--prefix")
            .arg(&folder)
            .arg("axe-core@4.14.0")
            .output()
            .expect("npm: apt-get install npm");
        let told = String::from_utf8_lossy(&installed.stderr);
        assert!(installed.status.success(), "npm install axe-core: {told}");
    }
    std::fs::read_to_string(file).expect("axe-core")
});
