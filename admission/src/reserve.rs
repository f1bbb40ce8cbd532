//! Devices that a pod's containers request for themselves and not for its networks.

use std::collections::BTreeMap;

use spec::{device::ResourceName, network::RESERVE};

use crate::placement_fault::{PlacementFault, shown};

/// What is kept of each resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reserve {
    /// So many of each.
    Written(BTreeMap<ResourceName, u64>),
    /// Whatever the containers request now. Written down as soon as it is known, because what is injected afterwards is
    /// requested too.
    AllThatIsHeld,
}

/// Nothing is kept.
impl Default for Reserve {
    fn default() -> Self {
        Self::Written(BTreeMap::new())
    }
}

impl Reserve {
    /// What is kept of `resource`, of which the containers request `held`.
    pub(crate) fn of(&self, resource: &ResourceName, held: u64) -> u64 {
        match self {
            Self::Written(counts) => counts.get(resource).copied().unwrap_or(0),
            Self::AllThatIsHeld => held,
        }
    }
}

/// Reads `resource=count`, several separated by commas; blanks around them do not count. A blank text keeps nothing.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<ResourceName, u64>, PlacementFault> {
    let mut counts = BTreeMap::new();
    if text.trim().is_empty() {
        return Ok(counts);
    }
    for (at, entry) in text.split(',').enumerate() {
        let entry = entry.trim();
        let (resource, count) = count(entry).map_err(|problem| fault(at, entry, problem))?;
        if counts.contains_key(&resource) {
            let problem = format!("{resource} has a count already; write one for each resource");
            return Err(fault(at, entry, problem));
        }
        counts.insert(resource, count);
    }
    Ok(counts)
}

/// The annotation that says `counts`.
pub(crate) fn print(counts: &BTreeMap<ResourceName, u64>) -> String {
    let entries: Vec<String> = counts
        .iter()
        .map(|(resource, count)| format!("{resource}={count}"))
        .collect();
    entries.join(",")
}

fn count(entry: &str) -> Result<(ResourceName, u64), String> {
    let Some((resource, count)) = entry.split_once('=') else {
        return Err("it has no '='; write resource=count such as intel.com/sriov=1".to_owned());
    };
    let resource = resource
        .trim()
        .parse()
        .map_err(|error| format!("{error}"))?;
    // `parse` would take a sign.
    let digits = Some(count.trim())
        .filter(|count| count.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|count| count.parse::<u32>().ok());
    match digits {
        Some(count) => Ok((resource, count.into())),
        None => Err("the count is not a whole number; write a number such as 1".to_owned()),
    }
}

fn fault(at: usize, entry: &str, problem: String) -> PlacementFault {
    PlacementFault::Entry {
        annotation: RESERVE,
        index: at + 1,
        text: shown(entry),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in ["", "a.com/x=0", "a.com/x=1,b.com/y=20"] {
            assert_eq!(print(&parse(text).unwrap()), text);
        }
        assert_eq!(
            print(&parse(" b.com/y = 2 , a.com/x=1 ").unwrap()),
            "a.com/x=1,b.com/y=2"
        );
    }

    #[test]
    fn errors_say_which_entry_and_what_to_write() {
        let errors: Vec<String> = [
            "a.com/x",
            "a.com/x=",
            "a.com/x=-1",
            "a.com/x=+1",
            "a.com/x=1.5",
            "a.com/x=99999999999",
            "=1",
            "a.com/x=1,",
            "a.com/x=1,a.com/x=1",
            "A b=1",
        ]
        .map(|text| parse(text).unwrap_err().to_string())
        .into();
        insta::assert_snapshot!(errors.join("\n"));
    }
}
