//! A TLS handshake in memory, for tests: the real client against the real server, without a socket.

use std::sync::Arc;

use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, HandshakeKind, ProtocolVersion, ServerConfig,
    ServerConnection,
};
use rustls_pki_types::{CertificateDer, ServerName};

/// What the client saw once the handshake was complete.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) protocol: Option<Vec<u8>>,
    pub(crate) kind: Option<HandshakeKind>,
}

/// Completes a handshake, or gives the client's error and else the server's.
pub(crate) fn handshake(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    name: &str,
) -> Result<Seen, rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    while client.wants_write() || server.wants_write() {
        let received = transfer(&mut client, &mut server);
        transfer(&mut server, &mut client)?;
        received?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok(Seen {
        certificate: client.peer_certificates().unwrap()[0].clone(),
        version: client.protocol_version(),
        protocol: client.alpn_protocol().map(<[u8]>::to_vec),
        kind: client.handshake_kind(),
    })
}

fn transfer<F, T>(
    from: &mut ConnectionCommon<F>,
    to: &mut ConnectionCommon<T>,
) -> Result<(), rustls::Error> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}
