//! A blocking conversation with the kernel about routes: one request, then its answers up to the last.
//!
//! Source: Linux, `Documentation/userspace-api/netlink/intro.rst`.

use std::{io, os::fd::AsFd as _};

use netlink_packet_core::{
    DecodeError, Emitable as _, ErrorMessage, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_DUMP,
    NLM_F_DUMP_INTR, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader,
    NetlinkMessage, NetlinkPayload, NetlinkSerializable, NlasIterator, Parseable as _,
};
use netlink_packet_route::route::{RouteHeader, RouteMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rustix::{io::Errno, net::netdevice};

use super::{
    error::{Refusal, RouteError},
    family::Family,
    routes::{Step, address_family, is_default},
};

const NEW_ROUTE: u16 = 24;
const DELETE_ROUTE: u16 = 25;
const GET_ROUTE: u16 = 26;
/// The attribute of a refusal that holds the kernel's words.
const WORDS: u16 = 1;
const NETLINK_HEADER_LENGTH: usize = 16;
/// The kernel puts at most half of it into one datagram.
const DATAGRAM: usize = 64 * 1024;
/// How often a list is read again that has changed while it was read.
const READINGS: usize = 5;

/// A socket in the network namespace of the thread that opened it.
pub(super) struct Netlink {
    socket: Socket,
    sequence_number: u32,
}

impl Netlink {
    pub(super) fn open() -> Result<Self, RouteError> {
        let open = || -> io::Result<Socket> {
            let socket = Socket::new(NETLINK_ROUTE)?;
            socket.connect(&SocketAddr::new(0, 0))?;
            // An old kernel without words of its own still has error numbers.
            let _ = socket.set_ext_ack(true).and(socket.set_cap_ack(true));
            Ok(socket)
        };
        let socket = open().map_err(|error| RouteError::Netlink {
            attempted: "opening a netlink socket",
            problem: error.into(),
        })?;
        Ok(Self {
            socket,
            sequence_number: 0,
        })
    }

    /// The index of an interface; none if there is no such interface.
    pub(super) fn index(&self, interface: &str) -> Result<Option<u32>, RouteError> {
        match netdevice::name_to_index(self.socket.as_fd(), interface) {
            Ok(index) => Ok(Some(index)),
            Err(Errno::NODEV) => Ok(None),
            Err(errno) => Err(RouteError::Netlink {
                attempted: "looking for the interface",
                problem: io::Error::from(errno).into(),
            }),
        }
    }

    /// The name of an interface, or its index where it has none.
    pub(super) fn name(&self, index: u32) -> String {
        netdevice::index_to_name(self.socket.as_fd(), index)
            .unwrap_or_else(|_| format!("if{index}"))
    }

    /// The default routes of a family.
    pub(super) fn default_routes(
        &mut self,
        family: Family,
    ) -> Result<Vec<RouteMessage>, RouteError> {
        let mut all = RouteMessage::default();
        all.header.address_family = address_family(family);
        for _ in 0..READINGS {
            let read = self.converse(GET_ROUTE, NLM_F_DUMP, all.clone(), Some(family));
            let (routes, torn) = read.map_err(|problem| RouteError::Netlink {
                attempted: "reading the routes",
                problem,
            })?;
            if !torn {
                return Ok(routes);
            }
        }
        Err(RouteError::Netlink {
            attempted: "reading the routes",
            problem: io::Error::other("they change all the time").into(),
        })
    }

    /// Asks for a step towards fewer default routes.
    pub(super) fn carry_out(&mut self, step: Step) -> Result<(), Refusal> {
        let (kind, flags, route) = match step {
            Step::Delete(route) => (DELETE_ROUTE, 0, route),
            Step::Append(route) => (NEW_ROUTE, NLM_F_CREATE | NLM_F_APPEND, route),
        };
        self.converse(kind, NLM_F_ACK | flags, route, None)
            .map(|_| ())
    }

    /// Puts a route in the place of the one with the same metric, if there is one.
    pub(super) fn replace(&mut self, route: RouteMessage) -> Result<(), Refusal> {
        let flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
        self.converse(NEW_ROUTE, flags, route, None).map(|_| ())
    }

    /// Sends a request and reads its answers: the default routes in them, and whether the list changed meanwhile.
    fn converse(
        &mut self,
        kind: u16,
        flags: u16,
        route: RouteMessage,
        wanted: Option<Family>,
    ) -> Result<(Vec<RouteMessage>, bool), Refusal> {
        self.sequence_number += 1;
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence_number;
        let payload = NetlinkPayload::InnerMessage(Request { kind, route });
        let mut message = NetlinkMessage::new(header, payload);
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;

        let mut routes = Vec::new();
        let mut torn = false;
        loop {
            let mut datagram = Vec::with_capacity(DATAGRAM);
            match self.socket.recv(&mut datagram, 0) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            }
            let mut rest = datagram.as_slice();
            while !rest.is_empty() {
                let message = NetlinkMessage::<Answer>::deserialize(rest).map_err(unreadable)?;
                let length = usize::try_from(message.header.length).unwrap_or(usize::MAX);
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
                if message.header.sequence_number != self.sequence_number {
                    continue;
                }
                torn |= message.header.flags & NLM_F_DUMP_INTR != 0;
                match message.payload {
                    NetlinkPayload::InnerMessage(answer) => {
                        routes.extend(answer.default_route(wanted)?);
                    }
                    NetlinkPayload::Error(error) if error.code.is_some() => {
                        return Err(refusal(&error));
                    }
                    NetlinkPayload::Done(done) if done.code < 0 => {
                        return Err(io::Error::from_raw_os_error(-done.code).into());
                    }
                    NetlinkPayload::Error(_) | NetlinkPayload::Done(_) => {
                        return Ok((routes, torn));
                    }
                    NetlinkPayload::Noop => {}
                    _ => return Err(io::Error::other("the kernel lost an answer").into()),
                }
            }
        }
    }
}

fn unreadable(error: DecodeError) -> Refusal {
    io::Error::other(format!("the kernel's answer is not understood: {error}")).into()
}

fn refusal(error: &ErrorMessage) -> Refusal {
    let attributes = error
        .header
        .get(NETLINK_HEADER_LENGTH..)
        .unwrap_or_default();
    let words = NlasIterator::new(attributes)
        .map_while(Result::ok)
        .find(|attribute| attribute.kind() == WORDS)
        .map(|attribute| String::from_utf8_lossy(attribute.value()).into_owned());
    Refusal {
        error: error.to_io(),
        words: words.map(|words| words.trim_end_matches('\0').to_owned()),
    }
}

/// A request about routes. The library's own message is one about everything, which is much to link for routes alone.
struct Request {
    kind: u16,
    route: RouteMessage,
}

impl NetlinkSerializable for Request {
    fn message_type(&self) -> u16 {
        self.kind
    }

    fn buffer_len(&self) -> usize {
        self.route.buffer_len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        self.route.emit(buffer);
    }
}

/// An answer, not yet looked into: of routes that are no default routes nothing need be understood.
struct Answer {
    kind: u16,
    payload: Vec<u8>,
}

impl NetlinkDeserializable for Answer {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self {
            kind: header.message_type,
            payload: payload.to_vec(),
        })
    }
}

impl Answer {
    fn default_route(&self, wanted: Option<Family>) -> Result<Option<RouteMessage>, Refusal> {
        let Some(family) = wanted.filter(|_| self.kind == NEW_ROUTE) else {
            return Ok(None);
        };
        let header = RouteHeader::parse(&self.payload).map_err(unreadable)?;
        if !is_default(&header, family) {
            return Ok(None);
        }
        RouteMessage::parse(&self.payload)
            .map(Some)
            .map_err(unreadable)
    }
}
