//! `phys_port_name`: which port of a card's switch an interface is.
//!
//! Source: the kernel's devlink port documentation and `devlink_port_attrs`: `p<port>` and `p<port>s<part>` for the
//! physical ports, `[c<controller>]pf<pf>`, `…vf<vf>` and `…sf<sf>` for the functions.

use std::str::FromStr;

/// A port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortName {
    /// A physical port, or a part of one that is split.
    Uplink {
        /// Its number.
        port: u32,
    },
    /// A physical function.
    PhysicalFunction {
        /// The host behind the card, where there are several.
        controller: Option<u32>,
        /// Its number.
        pf: u32,
    },
    /// A virtual function.
    VirtualFunction {
        /// The host behind the card, where there are several.
        controller: Option<u32>,
        /// Its physical function.
        pf: u32,
        /// Its index.
        vf: u32,
    },
    /// A subfunction.
    Subfunction {
        /// The host behind the card, where there are several.
        controller: Option<u32>,
        /// Its physical function.
        pf: u32,
        /// Its number.
        sf: u32,
    },
}

/// A name of another form; drivers have their own for cards that are no switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherName;

impl PortName {
    /// Whether it stands for a function instead of being a way out.
    #[must_use]
    pub const fn is_representor(&self) -> bool {
        !matches!(self, Self::Uplink { .. })
    }

    /// Whether it stands for a function of the host itself. On a card with processors of its own, functions of the
    /// machine around it have a controller.
    #[must_use]
    pub const fn is_of_this_host(&self) -> bool {
        match self {
            Self::Uplink { .. } => true,
            Self::PhysicalFunction { controller, .. }
            | Self::VirtualFunction { controller, .. }
            | Self::Subfunction { controller, .. } => matches!(controller, None | Some(0)),
        }
    }
}

impl FromStr for PortName {
    type Err = OtherName;

    fn from_str(text: &str) -> Result<Self, OtherName> {
        let mut rest = text;
        let controller = number_after(&mut rest, "c");
        let name = if let Some(pf) = number_after(&mut rest, "pf") {
            if let Some(vf) = number_after(&mut rest, "vf") {
                Self::VirtualFunction { controller, pf, vf }
            } else if let Some(sf) = number_after(&mut rest, "sf") {
                Self::Subfunction { controller, pf, sf }
            } else {
                Self::PhysicalFunction { controller, pf }
            }
        } else {
            let port = number_after(&mut rest, "p").filter(|_| controller.is_none());
            // A split port is as much a way out as a whole one.
            let _part = number_after(&mut rest, "s");
            Self::Uplink {
                port: port.ok_or(OtherName)?,
            }
        };
        if rest.is_empty() {
            Ok(name)
        } else {
            Err(OtherName)
        }
    }
}

/// Takes `word` and the digits after it off the front of `rest`, or nothing.
fn number_after(rest: &mut &str, word: &str) -> Option<u32> {
    let digits = rest.strip_prefix(word)?;
    let end = digits
        .bytes()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(digits.len());
    let (number, after) = digits.split_at(end);
    let number = number.parse().ok()?;
    *rest = after;
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        use PortName::{PhysicalFunction, Subfunction, Uplink, VirtualFunction};
        for (text, wanted) in [
            ("p0", Uplink { port: 0 }),
            ("p12", Uplink { port: 12 }),
            ("p1s3", Uplink { port: 1 }),
            (
                "pf1",
                PhysicalFunction {
                    controller: None,
                    pf: 1,
                },
            ),
            (
                "pf0vf127",
                VirtualFunction {
                    controller: None,
                    pf: 0,
                    vf: 127,
                },
            ),
            (
                "c1pf0vf3",
                VirtualFunction {
                    controller: Some(1),
                    pf: 0,
                    vf: 3,
                },
            ),
            (
                "pf1sf88",
                Subfunction {
                    controller: None,
                    pf: 1,
                    sf: 88,
                },
            ),
            (
                "c2pf1sf88",
                Subfunction {
                    controller: Some(2),
                    pf: 1,
                    sf: 88,
                },
            ),
        ] {
            let name: PortName = text.parse().unwrap();
            assert_eq!(name, wanted);
            assert_eq!(
                name.is_representor(),
                !text.starts_with('p') || text.starts_with("pf")
            );
        }
        for other in [
            "",
            "p",
            "pf",
            "pf0vf",
            "pf0vfx",
            "c1p0",
            "p0x",
            "eth0",
            "P0",
            "p99999999999",
            "pf0sf1vf2",
        ] {
            assert_eq!(other.parse::<PortName>(), Err(OtherName), "{other}");
        }
        assert!(!"c1pf0vf3".parse::<PortName>().unwrap().is_of_this_host());
        assert!("c0pf0vf3".parse::<PortName>().unwrap().is_of_this_host());
    }
}
