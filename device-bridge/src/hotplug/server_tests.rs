use std::{
    fs,
    io::Write as _,
    os::unix::{fs::PermissionsExt as _, net::UnixStream as StdStream},
    path::PathBuf,
    sync::mpsc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::*;
use crate::{
    hotplug::{Overlay, execute::Executor},
    metrics::Metrics,
};

/// A hot-plug socket whose plugin is a script.
struct Fixture {
    folder: tempfile::TempDir,
    socket: PathBuf,
    stop: watch::Sender<bool>,
    served: tokio::task::JoinHandle<()>,
    metrics: Arc<Metrics>,
}

impl Fixture {
    fn start(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plugin = folder.path().join("polypod");
        fs::write(
            &plugin,
            format!("#!/bin/sh\ncd {}\n{script}\n", folder.path().display()),
        )
        .unwrap();
        fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).unwrap();
        let path = folder.path().join("run/multus.sock");
        let socket = Socket::listen(&path).unwrap();
        let (stop, stopping) = watch::channel(false);
        let metrics = Arc::new(Metrics::new());
        let executor = Executor {
            host_pid: None,
            timeout: Duration::from_secs(60),
        };
        let service = Service::new(
            Overlay::default(),
            Some(plugin),
            None,
            executor,
            Arc::clone(&metrics),
            stopping.clone(),
        );
        let mut stopped = stopping;
        let served = tokio::spawn(async move {
            let stop = async {
                let _stopped = stopped.wait_for(|stop| *stop).await;
            };
            serve(socket, Arc::new(service), stop).await;
        });
        Self {
            folder,
            socket: path,
            stop,
            served,
            metrics,
        }
    }

    async fn send(&self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let stream = UnixStream::connect(&self.socket).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "dummy")
            .body(Full::new(Bytes::copy_from_slice(body)))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.headers()[header::CONNECTION], "close");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn post(&self, path: &str, env: &Value) -> (u16, String) {
        let body = json!({"env": env, "config": STANDARD.encode(r#"{"name":"n","type":"a"}"#)});
        self.send("POST", path, body.to_string().as_bytes()).await
    }
}

fn env(command: &str, pod: &str) -> Value {
    json!({"CNI_COMMAND": command, "CNI_CONTAINERID": pod, "CNI_NETNS": "/run/netns/x", "CNI_IFNAME": "net1", "PATH": "/evil",
           "CNI_ARGS": format!("K8S_POD_NAMESPACE=default;K8S_POD_NAME={pod};K8S_POD_UID=u")})
}

const ECHO: &str = r#"cat > "stdin.$CNI_COMMAND"; env > environment; [ "$CNI_COMMAND" != ADD ] || echo '{"cniVersion":"0.4.0","ips":[{"version":"4","address":"10.0.0.2/24"}]}'"#;

#[tokio::test]
async fn a_delegate_is_added_and_deleted() {
    let fixture = Fixture::start(ECHO);
    let (status, body) = fixture.post("/delegate", &env("ADD", "a")).await;
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        body,
        json!({"Result": {"cniVersion": "1.1.0", "ips": [{"address": "10.0.0.2/24"}]}})
    );
    let stdin = fs::read_to_string(fixture.folder.path().join("stdin.ADD")).unwrap();
    let stdin: Value = serde_json::from_str(&stdin).unwrap();
    assert_eq!(stdin["delegates"], json!([{"name": "n", "type": "a"}]));
    let environment = fs::read_to_string(fixture.folder.path().join("environment")).unwrap();
    assert!(
        environment.contains("CNI_PATH=/opt/cni/bin\n"),
        "{environment}"
    );
    assert!(!environment.contains("/evil"), "{environment}");
    let reply = fixture.post("/delegate", &env("DEL", "a")).await;
    assert_eq!(reply, (200, String::new()));
    let counted = fixture.metrics.render().unwrap();
    let line = r#"polypod_bridge_requests_total{verb="delegate",outcome="ok"} 2"#;
    assert!(counted.contains(line), "{counted}");
}

#[tokio::test]
async fn a_verb_of_the_runtime_goes_to_the_plugin() {
    let fixture = Fixture::start(ECHO);
    let (status, _) = fixture.post("/cni", &env("ADD", "a")).await;
    assert_eq!(status, 200);
    let stdin = fs::read_to_string(fixture.folder.path().join("stdin.ADD")).unwrap();
    assert_eq!(stdin, r#"{"name":"n","type":"polypod"}"#);
    let reply = fixture
        .post("/cni", &json!({"CNI_COMMAND": "STATUS"}))
        .await;
    assert_eq!(reply, (200, String::new()));
}

#[tokio::test]
async fn paths_methods_and_bodies() {
    let fixture = Fixture::start("exit 1");
    for (method, path, status) in [
        ("GET", "/healthz", 200),
        ("POST", "/healthz", 200),
        ("POST", "/readyz", 200),
        ("PUT", "/readyz", 405),
        ("DELETE", "/healthz", 405),
        ("GET", "/cni", 405),
        ("PUT", "/delegate", 405),
        ("POST", "/", 404),
        ("GET", "/cni/", 404),
        ("GET", "/metrics", 404),
        ("POST", "/cni", 400),
        ("POST", "/delegate", 400),
    ] {
        let (found, body) = fixture.send(method, path, b"null").await;
        assert_eq!(found, status, "{method} {path}: {body}");
        if found == 405 {
            assert_eq!(body, "Method not allowed\n");
        }
    }
    let (status, body) = fixture.send("POST", "/cni", b"{").await;
    assert!(status == 400 && body.contains("not understood"), "{body}");
    let (status, _) = fixture
        .send("POST", "/cni", &vec![b' '; LONGEST_BODY + 1])
        .await;
    assert_eq!(status, 413);
    let (status, body) = fixture.post("/delegate", &env("GC", "a")).await;
    assert!(
        status == 400 && body.contains("unknown cmd type: GC"),
        "{body}"
    );
    let (status, body) = fixture.post("/cni", &env("DEL", "a")).await;
    assert!(
        status == 400 && body.starts_with("ContainerID:\"a\""),
        "{body}"
    );
    let body = json!({"env": env("ADD", "a"), "config": STANDARD.encode("no json")}).to_string();
    let (status, body) = fixture.send("POST", "/cni", body.as_bytes()).await;
    assert!(
        status == 400 && body.contains("not a JSON object"),
        "{body}"
    );
}

#[tokio::test]
async fn a_cni_error_is_handed_on() {
    let fixture =
        Fixture::start(r#"echo '{"cniVersion":"1.1.0","code":101,"msg":"too few"}'; exit 1"#);
    let (status, body) = fixture.post("/delegate", &env("ADD", "a")).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, body),
        (400, json!({"code": 101, "msg": "too few"}))
    );
}

/// Each execution notes its beginning and its end.
const SLOW: &str =
    r#"echo "begin $CNI_CONTAINERID" >> log; sleep 0.3; echo "end $CNI_CONTAINERID" >> log"#;

#[tokio::test]
async fn one_pods_requests_come_one_after_another() {
    let fixture = Fixture::start(SLOW);
    let (a, b) = (env("DEL", "a"), env("DEL", "b"));
    let (one, two, other) = tokio::join!(
        fixture.post("/cni", &a),
        fixture.post("/delegate", &a),
        fixture.post("/cni", &b)
    );
    assert_eq!((one.0, two.0, other.0), (200, 200, 200));
    let log = fs::read_to_string(fixture.folder.path().join("log")).unwrap();
    let of_a: Vec<&str> = log.lines().filter(|line| line.ends_with(" a")).collect();
    assert_eq!(of_a, ["begin a", "end a", "begin a", "end a"]);
}

#[tokio::test]
async fn stopping_is_said_and_requests_are_answered_for_a_while() {
    let fixture = Fixture::start(SLOW);
    let (clock, stopped) = mpsc::channel::<()>();
    // The server's clock stands still, and with work on another thread it is not set forward either: the grace is as long
    // as the requests take.
    tokio::time::pause();
    let standstill = tokio::task::spawn_blocking(move || stopped.recv());
    fixture.stop.send_replace(true);
    let (status, _) = fixture.send("GET", "/readyz", b"").await;
    assert_eq!(status, 500);
    let (status, _) = fixture.send("POST", "/healthz", b"").await;
    assert_eq!(status, 200);
    let (status, _) = fixture.post("/cni", &env("DEL", "a")).await;
    assert_eq!(status, 200);
    assert!(!fixture.served.is_finished());
    drop(clock);
    standstill.await.unwrap().unwrap_err();
    fixture.served.await.unwrap();
    assert!(!fixture.socket.exists());
}

#[tokio::test]
async fn what_is_begun_is_carried_through_when_the_client_hangs_up() {
    let fixture = Fixture::start(SLOW);
    let body = json!({"env": env("DEL", "a"), "config": STANDARD.encode("{}")}).to_string();
    let head = format!(
        "POST /cni HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let socket = fixture.socket.clone();
    let log = fixture.folder.path().join("log");
    let wait = async |words: &str| {
        for _ in 0..2000 {
            if fs::read_to_string(&log).is_ok_and(|log| log.contains(words)) {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
        panic!("no {words}");
    };
    let mut stream = StdStream::connect(&socket).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    wait("begin a").await;
    drop(stream);
    wait("end a").await;
}
