//! The server of the page.

use std::{
    ffi::OsStr,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use super::objects;
use crate::fixture::daemon::Daemon;

/// A map that is served, and its address.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) daemon: Daemon,
    /// Such as `http://127.0.0.1:40123/`.
    pub(super) address: String,
}

impl Served {
    pub(super) fn start(arguments: &[&OsStr]) -> Self {
        let all = [&[OsStr::new("map")], arguments].concat();
        let daemon = Daemon::start("kubectl-polypod", &all);
        let told = daemon.ready("the map is on ");
        let (address, _) = told.split_once(' ').expect("its end is told behind it");
        assert!(address.starts_with("http://127.0.0.1:"), "{address}");
        Self {
            daemon,
            address: address.to_owned(),
        }
    }

    pub(super) fn of_file(file: &Path) -> Self {
        Self::start(&[OsStr::new("-f"), file.as_os_str()])
    }

    fn port(&self) -> &str {
        let rest = self.address.trim_end_matches('/');
        rest.rsplit_once(':').expect("there is a port").1
    }

    /// What is answered to a request, as far as it comes until `until` was read.
    fn ask(&self, request: &str, until: &str) -> String {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{}", self.port())).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let mut part = [0; 65536];
        loop {
            let read = stream.read(&mut part).unwrap();
            answer.extend_from_slice(&part[..read]);
            let text = String::from_utf8_lossy(&answer);
            if read == 0 || text.contains(until) {
                return text.into_owned();
            }
        }
    }
}

pub(super) fn under_its_own_name_alone() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("cluster.json");
    std::fs::write(&file, objects::list(&objects::cluster(3))).unwrap();
    let served = Served::of_file(&file);
    let port = served.port().to_owned();
    let get = |path: &str, host: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    };
    for host in [format!("127.0.0.1:{port}"), format!("localhost:{port}")] {
        let page = served.ask(&get("/", &host), "</html>");
        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
        let (head, _) = page.split_once("\r\n\r\n").unwrap();
        for wanted in [
            "content-security-policy: default-src 'none'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(head.contains(wanted), "{wanted}: {head}");
        }
        let events = served.ask(&get("/events/0", &host), "\n\n");
        assert!(events.contains("text/event-stream"), "{events}");
        assert!(
            events.contains("data: {") && events.contains("\"whole\":{"),
            "everything is told at first: {events}"
        );
    }
    for host in [
        "attacker.example",
        &format!("attacker.example:{port}"),
        "127.0.0.1",
        "127.0.0.1:1",
    ] {
        for path in ["/", "/events/0", "/nowhere"] {
            let refused = served.ask(&get(path, host), "nothing else");
            assert!(refused.starts_with("HTTP/1.1 421 "), "{host}: {refused}");
            assert!(!refused.contains("worker"), "{host}: {refused}");
        }
    }
    let missing = served.ask(&get("/nowhere", &format!("127.0.0.1:{port}")), "\r\n\r\n");
    assert!(missing.starts_with("HTTP/1.1 404 "), "{missing}");
    // Somebody who listens to events does not keep it from ending.
    let mut listening = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    let host = format!("127.0.0.1:{port}");
    listening
        .write_all(get("/events/0", &host).as_bytes())
        .unwrap();
    assert!(served.daemon.stop(), "it ends well when it is asked to");
}
