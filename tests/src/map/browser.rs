//! A headless Chromium, spoken to over its debugging pipe (the DevTools protocol: JSON, each message ended by a NUL).
//!
//! The pipe is the browser's life: when the test goes, however it goes, the browser does.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::needs;

/// How long anything may take on a busy machine before the test fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser with one page.
#[derive(Debug)]
pub(super) struct Browser {
    child: Child,
    pipe: ChildStdin,
    told: mpsc::Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// The addresses of everything that the page asked for.
    pub(super) requests: Vec<String>,
    /// Exceptions, refused scripts, dialogs: what a good page has none of.
    pub(super) troubles: Vec<String>,
    /// What servers told the page of their own accord (server-sent events).
    pub(super) told_events: Vec<Value>,
    loaded: u64,
    profile: TempDir,
}

impl Browser {
    pub(super) fn start() -> Self {
        let program = needs::chromium().expect("the scenario needs it");
        let profile = TempDir::new().expect("there is room for a profile");
        let log = File::create(profile.path().join("log")).expect("a log can be written");
        let mut command = Command::new("sh");
        // The browser reads its pipe from 3 and writes it to 4.
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >&2"]);
        command.arg(program).arg("--headless=new");
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.args([
            "--remote-debugging-pipe",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-default-apps",
            "--disable-extensions",
            "--disable-sync",
            "--hide-scrollbars",
            "--no-first-run",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
        ]);
        if nix::unistd::Uid::effective().is_root() {
            command.arg("--no-sandbox");
        }
        let mut child = command
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("sh can be executed");
        let pipe = child.stdin.take().expect("standard input is piped");
        let answers = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let (sender, told) = mpsc::channel();
        std::thread::spawn(move || {
            for message in answers.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("the browser writes JSON");
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self {
            child,
            pipe,
            told,
            session: None,
            last: 0,
            requests: Vec::new(),
            troubles: Vec::new(),
            told_events: Vec::new(),
            loaded: 0,
            profile,
        };
        browser.attach();
        browser
    }

    fn attach(&mut self) {
        let target = self.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = self.call(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
    }

    /// Calls a method, and gives back its result.
    pub(super) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let id = self.last;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let written = self.pipe.write_all(&bytes).and_then(|()| self.pipe.flush());
        written.unwrap_or_else(|error| panic!("{method}: {error}\n{}", self.log()));
        let end = Instant::now() + PATIENCE;
        loop {
            let told = self.hear(end, method);
            if told["id"] == id {
                assert!(told.get("error").is_none(), "{method}: {told}");
                return told["result"].clone();
            }
        }
    }

    /// The next message; events are taken note of.
    fn hear(&mut self, end: Instant, what: &str) -> Value {
        let left = end.saturating_duration_since(Instant::now());
        let told = self.told.recv_timeout(left);
        let told = told.unwrap_or_else(|error| panic!("{what}: {error}\n{}", self.log()));
        let parameters = &told["params"];
        match told["method"].as_str().unwrap_or_default() {
            "Network.requestWillBeSent" => {
                let address = parameters["request"]["url"].as_str().unwrap_or_default();
                self.requests.push(address.to_owned());
            }
            "Network.eventSourceMessageReceived" => {
                let data = parameters["data"].as_str().unwrap_or_default();
                self.told_events
                    .push(serde_json::from_str(data).expect("what is told is JSON"));
            }
            "Page.loadEventFired" => self.loaded += 1,
            "Runtime.exceptionThrown" | "Page.javascriptDialogOpening" => {
                self.troubles.push(parameters.to_string());
            }
            "Log.entryAdded" if parameters["entry"]["level"] == "error" => {
                self.troubles.push(parameters["entry"].to_string());
            }
            _ => {}
        }
        told
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.profile.path().join("log")).unwrap_or_default()
    }

    /// Goes to an address, and waits for the page.
    pub(super) fn open(&mut self, address: &str) {
        let before = self.loaded;
        let gone = self.call("Page.navigate", json!({"url": address}));
        assert!(gone.get("errorText").is_none(), "{address}: {gone}");
        let end = Instant::now() + PATIENCE;
        while self.loaded == before {
            self.hear(end, address);
        }
    }

    /// The size of the page in pixels.
    pub(super) fn size(&mut self, width: u32, height: u32) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Waits until what has changed is seen.
    pub(super) fn drawn(&mut self) {
        self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 200))))");
    }

    /// What the system prefers: `light` or `dark`.
    pub(super) fn prefer(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// The value of an expression of JavaScript.
    pub(super) fn value(&mut self, expression: &str) -> Value {
        let parameters =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", parameters);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(super) fn wait(&mut self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        while self.value(expression) != true {
            assert!(
                Instant::now() < end,
                "never true: {expression}; the page says {}; troubles: {:?}",
                self.value("document.body.innerText"),
                self.troubles,
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Presses and releases a key: its name, as `KeyboardEvent.key` has it.
    pub(super) fn press(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Tab" => 9,
            "Escape" => 27,
            "PageDown" => 34,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "/" => 191,
            other => panic!("nobody told the code of the key {other}"),
        };
        let text = match key {
            "Enter" => "\r",
            "/" => "/",
            _ => "",
        };
        let event = |kind: &str| json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text});
        self.call("Input.dispatchKeyEvent", event("keyDown"));
        self.call("Input.dispatchKeyEvent", event("keyUp"));
    }

    /// Types a text into what has the focus.
    pub(super) fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// What is seen, as a PNG.
    pub(super) fn picture(&mut self) -> Vec<u8> {
        let picture = self.call("Page.captureScreenshot", json!({"format": "png"}));
        let data = picture["data"].as_str().expect("a picture is text");
        STANDARD.decode(data).expect("a picture is base64")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its own group: the browser and its helpers, and nobody else.
        if let Ok(id) = i32::try_from(self.child.id()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}
