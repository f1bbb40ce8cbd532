//! The name of a scheduler.

use crate::name::{is_dns_label, name_type};

name_type! {
    /// The scheduler that a pod chooses in `spec.schedulerName`: the name of a profile of a kube-scheduler.
    ///
    /// The API server takes any text; one that is no domain is a slip of the pen.
    SchedulerName,
    "scheduler name",
    |text| if text.len() <= 253 && text.split('.').all(is_dns_label) {
        Ok(())
    } else {
        Err("it must be 1 to 253 lower case letters, digits, '-' and '.', such as polypod-scheduler")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (text, is_one) in [
            ("default-scheduler", true),
            ("batch.example.com", true),
            ("", false),
            ("Polypod", false),
            ("a b", false),
            ("a..b", false),
        ] {
            assert_eq!(text.parse::<SchedulerName>().is_ok(), is_one, "{text:?}");
        }
    }
}
