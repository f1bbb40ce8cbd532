//! Device resources and the devices that a device plugin hands out for them.

use crate::name::{is_dns_label, name_type};

name_type! {
    /// The resource name that a NetworkAttachmentDefinition asks for in its annotation
    /// `k8s.v1.cni.cncf.io/resourceName`, such as `intel.com/sriov`.
    ///
    /// A name without a domain is allowed here, because DRA drivers use them, but it is no extended resource:
    /// see [`ResourceName::is_extended_resource`].
    ResourceName,
    "resource name",
    check_resource_name
}

impl ResourceName {
    /// Whether the API server would take this name in a container's resources: qualified by a domain.
    #[must_use]
    pub fn is_extended_resource(&self) -> bool {
        self.as_str().contains('/')
    }
}

fn check_resource_name(text: &str) -> Result<(), &'static str> {
    const RULE: &str = "it must be domain/name such as intel.com/sriov: the domain in lower case, the name of letters, digits, '-', '_' and '.', \
                        at most 63 characters, beginning and ending with a letter or digit, and no blanks";
    let (domain, name) = match text.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, text),
    };
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    let name_is_right = name.len() <= 63
        && edge(name.bytes().next())
        && edge(name.bytes().last())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    let domain_is_right =
        domain.is_none_or(|domain| domain.len() <= 253 && domain.split('.').all(is_dns_label));
    if !name_is_right || !domain_is_right {
        return Err(RULE);
    }
    // KEP-5004: the devices of a DeviceClass as an extended resource, whether the class gives another name for that or not.
    let is_of_a_class = domain == Some("deviceclass.resource.kubernetes.io");
    if !is_of_a_class
        && domain
            .is_some_and(|domain| domain == "kubernetes.io" || domain.ends_with(".kubernetes.io"))
    {
        return Err(
            "the domain kubernetes.io belongs to Kubernetes itself and is no extended resource",
        );
    }
    Ok(())
}

name_type! {
    /// One device as a device plugin names it: a PCI address for a virtual function, another text for
    /// auxiliary devices such as `mlx5_core.sf.2`.
    DeviceId,
    "device id",
    |text| {
        let ok = !text.is_empty() && text.len() <= 253 && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
        if ok { Ok(()) } else { Err("it must be 1 to 253 visible characters without blanks and '/', such as 0000:03:02.1") }
    }
}

impl DeviceId {
    /// The PCI address, if that is what the id is.
    #[must_use]
    pub fn pci_address(&self) -> Option<PciAddress> {
        PciAddress::try_from(self.as_str()).ok()
    }
}

name_type! {
    /// A PCI address with its domain, in lower case: `0000:03:02.1`. Domains of more than four digits exist.
    PciAddress,
    "PCI address",
    |text| if is_pci_address(text) { Ok(()) } else { Err("it must be domain:bus:device.function in lower case hexadecimal, such as 0000:03:02.1") }
}

fn is_pci_address(text: &str) -> bool {
    let hex = |part: &str, at_least: usize, at_most: usize| {
        at_least <= part.len()
            && part.len() <= at_most
            && part
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let mut parts = text.split(':');
    let (Some(domain), Some(bus), Some(rest), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let Some((device, function)) = rest.split_once('.') else {
        return false;
    };
    hex(domain, 4, 8)
        && hex(bus, 2, 2)
        && hex(device, 2, 2)
        && function.len() == 1
        && matches!(function.as_bytes()[0], b'0'..=b'7')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_names() {
        for good in [
            "intel.com/sriov",
            "openshift.io/Mlx_5-a",
            "example.com/a.b",
            "deviceclass.resource.kubernetes.io/nic",
            "sriov_nic_1",
        ] {
            assert!(ResourceName::try_from(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " intel.com/sriov",
            "intel.com/",
            "/sriov",
            "intel.com/a/b",
            "Intel.com/a",
            "example.com/a~b",
            "kubernetes.io/x",
            "a.kubernetes.io/x",
        ] {
            assert!(ResourceName::try_from(bad).is_err(), "{bad:?}");
        }
        assert!(
            !ResourceName::try_from("sriov_nic_1")
                .unwrap()
                .is_extended_resource()
        );
        assert!(
            ResourceName::try_from("intel.com/sriov")
                .unwrap()
                .is_extended_resource()
        );
    }

    #[test]
    fn pci_addresses() {
        for good in ["0000:03:02.1", "10000:e1:00.0"] {
            assert!(PciAddress::try_from(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "03:02.1",
            "0000:03:02.8",
            "0000:03:02",
            "0000:3:02.1",
            "mlx5_core.sf.2",
            "0000:03:02.1:0",
        ] {
            assert!(PciAddress::try_from(bad).is_err(), "{bad}");
        }
        assert!(
            DeviceId::try_from("mlx5_core.sf.2")
                .unwrap()
                .pci_address()
                .is_none()
        );
    }
}
