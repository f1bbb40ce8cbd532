//! Names of Kubernetes objects, as far as network selections use them.

use crate::name::{is_dns_label, name_type};

name_type! {
    /// A namespace: a DNS-1123 label.
    Namespace,
    "namespace",
    |text| if is_dns_label(text) && text.len() <= 63 {
        Ok(())
    } else {
        Err("it must be 1 to 63 lower case letters, digits and '-', beginning and ending with a letter or digit")
    }
}

name_type! {
    /// The name of a NetworkAttachmentDefinition or a pod: DNS-1123 labels joined by dots. The comma-delimited form takes
    /// names without dots only.
    ObjectName,
    "object name",
    |text| if text.len() <= 253 && text.split('.').all(is_dns_label) {
        Ok(())
    } else {
        Err("it must be 1 to 253 lower case letters, digits, '-' and '.', every part between dots beginning and ending with a letter or digit")
    }
}
