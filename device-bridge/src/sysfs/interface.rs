//! Network interfaces: a device's own, and those that stand for functions on a switch.

use std::path::Path;

use super::{
    file::{names, number, text},
    port_name::PortName,
};

/// An interface in this network namespace. Those that were moved into a pod are not here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Which port of the card's switch it is, where the name has the kernel's form.
    pub port: Option<PortName>,
    /// The same as it is written.
    pub port_name: Option<String>,
    /// The card's switch.
    pub switch_id: Option<String>,
    /// Which port of a function that has several.
    pub device_port: u32,
    /// Whether there is a carrier. Not known of an interface that is administratively down.
    pub carrier: Option<bool>,
    /// Such as `up` (RFC 2863).
    pub operational_state: Option<String>,
    /// Megabits per second; not known while the link is down.
    pub speed: Option<u32>,
}

impl Interface {
    fn read(name: String, folder: &Path) -> Self {
        let port_name = text(&folder.join("phys_port_name"));
        Self {
            port: port_name.as_ref().and_then(|name| name.parse().ok()),
            // Only ports of a switch have both, and on a full node most interfaces are none.
            switch_id: port_name
                .as_ref()
                .and_then(|_| text(&folder.join("phys_switch_id"))),
            device_port: number(&folder.join("dev_port")).unwrap_or_default(),
            port_name,
            name,
            ..Self::default()
        }
    }

    fn read_link(&mut self, folder: &Path) {
        self.carrier = number::<u8>(&folder.join("carrier")).map(|carrier| carrier == 1);
        self.operational_state = text(&folder.join("operstate"));
        // Drivers write -1, or 4294967295, for a speed they do not know.
        self.speed = number::<i64>(&folder.join("speed"))
            .and_then(|speed| u32::try_from(speed).ok())
            .filter(|speed| *speed != u32::MAX && *speed != 0);
    }

    /// Whether it stands for a function instead of being the way out.
    #[must_use]
    pub fn is_representor(&self) -> bool {
        self.port.as_ref().is_some_and(PortName::is_representor)
    }
}

/// The interfaces of the device in `folder`, by name. In switchdev a physical function's are its uplink and the
/// representors of its functions, in no order that says which is which. `with_link` asks for the state of the link too,
/// for which the kernel takes a lock that all of the node's networking needs.
pub(super) fn of_device(folder: &Path, with_link: bool) -> Vec<Interface> {
    let folder = folder.join("net");
    let read = |name: String| {
        let folder = folder.join(&name);
        let mut interface = Interface::read(name, &folder);
        if with_link && !interface.is_representor() {
            interface.read_link(&folder);
        }
        interface
    };
    names(&folder).into_iter().map(read).collect()
}

/// All representors of this network namespace, whichever device they hang from: some drivers make them virtual.
pub(super) fn representors(root: &Path) -> Vec<Interface> {
    let folder = root.join("class/net");
    names(&folder)
        .into_iter()
        .map(|name| {
            let folder = folder.join(&name);
            Interface::read(name, &folder)
        })
        .filter(Interface::is_representor)
        .collect()
}
