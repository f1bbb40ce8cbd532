//! The nodes that a network can be had on: labels that its NetworkAttachmentDefinition asks for.

use spec::{
    NameError,
    label::{LabelKey, LabelValue},
    network::NODE_SELECTOR,
};

/// Why an annotation is no node selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "annotation {NODE_SELECTOR}: entry {index}: {problem}; write key=value or key, several separated by commas"
)]
pub struct NodeSelectorError {
    /// The entry, from 1.
    pub index: usize,
    /// What is wrong with it.
    pub problem: NodeSelectorProblem,
}

/// What is wrong with one entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeSelectorProblem {
    /// There is nothing between two commas.
    #[error("it is empty")]
    Empty,
    /// Key or value is none that a label can have.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The same key has another value already, and no node has both.
    #[error("{key} has another value already")]
    Twice {
        /// The key.
        key: LabelKey,
    },
}

/// Reads `key=value` or `key`, several separated by commas; blanks around them do not count. A blank text asks for
/// nothing.
///
/// # Errors
/// An entry is empty, no label, or contradicts one before it.
pub fn parse_node_selector(text: &str) -> Result<Vec<(LabelKey, LabelValue)>, NodeSelectorError> {
    let mut labels: Vec<(LabelKey, LabelValue)> = Vec::new();
    if text.trim().is_empty() {
        return Ok(labels);
    }
    for (at, entry) in text.split(',').enumerate() {
        let index = at + 1;
        let (key, value) =
            label(entry.trim()).map_err(|problem| NodeSelectorError { index, problem })?;
        match labels.iter().find(|(there, _)| *there == key) {
            Some((_, there)) if *there == value => {}
            Some(_) => {
                let problem = NodeSelectorProblem::Twice { key };
                return Err(NodeSelectorError { index, problem });
            }
            None => labels.push((key, value)),
        }
    }
    Ok(labels)
}

fn label(entry: &str) -> Result<(LabelKey, LabelValue), NodeSelectorProblem> {
    if entry.is_empty() {
        return Err(NodeSelectorProblem::Empty);
    }
    let (key, value) = entry.split_once('=').unwrap_or((entry, ""));
    Ok((key.trim().parse()?, value.trim().parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_network_can_ask_for() {
        for (text, wanted) in [
            ("", vec![]),
            (" ", vec![]),
            ("master=eno3", vec![("master", "eno3")]),
            ("gpu", vec![("gpu", "")]),
            ("gpu=", vec![("gpu", "")]),
            (
                " a = b , example.com/c=d ",
                vec![("a", "b"), ("example.com/c", "d")],
            ),
            ("a=b,a=b", vec![("a", "b")]),
        ] {
            let labels = parse_node_selector(text).unwrap();
            let labels: Vec<(&str, &str)> = labels
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str()))
                .collect();
            assert_eq!(labels, wanted, "{text:?}");
        }
    }

    #[test]
    fn errors_say_which_entry_and_what_to_write() {
        let errors: Vec<String> = ["a=b,", ",", "a==b", "=b", "a b=c", "a=b,a=c"]
            .map(|text| parse_node_selector(text).unwrap_err().to_string())
            .into();
        insta::assert_snapshot!(errors.join("\n"));
    }
}
