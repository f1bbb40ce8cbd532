//! The names the CNI specification has rules for.

use crate::name::{is_cni_name, name_type};

name_type! {
    /// The id the runtime gives a container (a pod's sandbox). CNI specification, section 2, `CNI_CONTAINERID`.
    ContainerId,
    "container id",
    |text| if is_cni_name(text) && text.len() <= 240 {
        Ok(())
    } else {
        Err("it must begin with a letter or digit, go on with letters, digits, '_', '.' and '-', and have at most 240 characters")
    }
}

name_type! {
    /// The name of a CNI network, unique among all configurations of a host. CNI specification, section 1, `name`.
    NetworkName,
    "network name",
    |text| if is_cni_name(text) {
        Ok(())
    } else {
        Err("it must begin with a letter or digit and go on with letters, digits, '_', '.' and '-'")
    }
}

name_type! {
    /// The name of a network interface inside the container. CNI specification, section 2, `CNI_IFNAME`.
    ///
    /// `lo` is in every network namespace already, and the kernel takes `%d` for a number of its own choice; both would
    /// fail only after half of an attachment was made.
    InterfaceName,
    "interface name",
    |text| {
        let ok = (1..=15).contains(&text.len())
            && !matches!(text, "." | ".." | "lo")
            && !text.contains(['/', ':', '%'])
            && !text.contains(char::is_whitespace)
            && !text.contains(char::is_control);
        if ok { Ok(()) } else { Err("it must have 1 to 15 bytes, no blanks, '/', ':' or '%', and be none of 'lo', '.' and '..'") }
    }
}

name_type! {
    /// The type of a CNI plugin: the file name of its executable in one of the directories of `CNI_PATH`.
    PluginType,
    "plugin type",
    |text| {
        let ok = !text.is_empty() && !matches!(text, "." | "..") && !text.contains(['/', '\0']);
        if ok { Ok(()) } else { Err("it must be the plain file name of a plugin, without '/'") }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn interface_names() {
        for good in ["eth0", "net1.100", "Net_1", "123456789012345"] {
            assert!(InterfaceName::try_from(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "1234567890123456",
            "a b",
            "a/b",
            "a:b",
            ".",
            "..",
            "lo",
            "net%d",
        ] {
            assert!(InterfaceName::try_from(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_prints_what_it_was_parsed_from(text in "\\PC{0,20}") {
            if let Ok(name) = InterfaceName::try_from(text.as_str()) {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
