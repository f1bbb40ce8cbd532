//! The line of a field, where the text shows it plainly.

use api::objects::Object;

/// The line, from 1, that holds `field` of an object, or the one on which the object's document begins.
///
/// YAML's parser tells no places of values, but the fields that people have to mend have keys that occur in few lines: the
/// one line of the document that has the key is the line.
pub(super) fn of(text: &str, object: &Object, field: &str) -> usize {
    let Some(key) = key(field) else {
        return object.line;
    };
    let lines = text.lines().enumerate().skip(object.line - 1);
    let of_document = lines.take_while(|(at, line)| {
        *at + 1 == object.line || !(line.starts_with("---") || line.starts_with("..."))
    });
    let mut with_key = of_document.filter(|(_, line)| has_key(line, key));
    match (with_key.next(), with_key.next()) {
        (Some((at, _)), None) => at + 1,
        _ => object.line,
    }
}

/// The key to look for: that in the brackets of a map, else the last part of the path.
fn key(field: &str) -> Option<&str> {
    match field.strip_suffix(']') {
        Some(rest) => rest.rsplit_once('[').map(|(_, key)| key),
        None => field.rsplit('.').next(),
    }
    .filter(|key| !key.is_empty())
}

fn has_key(line: &str, key: &str) -> bool {
    line.match_indices(key).any(|(at, _)| {
        let before = line[..at].trim_end_matches(['"', '\'']);
        let after = line[at + key.len()..].trim_start_matches(['"', '\'']);
        let begins = before.is_empty() || before.ends_with([' ', '{', ',', '\t']);
        begins && after.trim_start().starts_with(':')
    })
}

#[cfg(test)]
mod tests {
    use api::objects;

    use super::*;

    #[test]
    fn the_line_of_the_key_where_there_is_one() {
        let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    k8s.v1.cni.cncf.io/networks: a\n    # about config: b\n---\napiVersion: v1\nkind: Pod\nspec: {config: '', \"a\": {config: ''}}\n";
        let objects = objects::parse(text, "f").unwrap();
        let annotation = "spec.template.metadata.annotations[k8s.v1.cni.cncf.io/networks]";
        assert_eq!(of(text, &objects[0], annotation), 5);
        assert_eq!(of(text, &objects[0], "spec.nowhere"), 1);
        assert_eq!(of(text, &objects[0], ""), 1);
        assert_eq!(of(text, &objects[1], annotation), 8);
        assert_eq!(of(text, &objects[1], "spec.config"), 10);
        let list = "{kind: List, apiVersion: v1, items: [\n{apiVersion: v1, kind: Pod, metadata: {name: a}},\n{apiVersion: v1, kind: Pod, metadata: {name: b}}]}";
        let objects = objects::parse(list, "f").unwrap();
        assert_eq!(
            of(list, &objects[1], "metadata.name"),
            1,
            "which of them it is, is not known"
        );
    }
}
