//! Whether the webhook answers a table as its rows want.

use super::{
    answer::{Answer, Outcome},
    row::{Code, Row, Wanted},
    webhook::{Hook, Webhook},
};

/// Asks about every row, and fails with all that is not as it is wanted.
pub(super) fn judge(webhook: &Webhook, rows: &[Row]) {
    assert!(!rows.is_empty(), "a table has rows");
    let problems: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let problem = judged(webhook, row).err()?;
            Some(format!("row {}: {}\n  {problem}", row.number, row.object))
        })
        .collect();
    assert!(
        problems.is_empty(),
        "{} of {} entries are not as they are wanted:\n{}",
        problems.len(),
        rows.len(),
        problems.join("\n")
    );
}

fn judged(webhook: &Webhook, row: &Row) -> Result<(), String> {
    let answers = [Hook::Mutate, Hook::Validate].map(|hook| {
        let answer = webhook.ask(hook, row)?;
        // Row 63: a dry run is answered like any other request, and once more is the same as once.
        for dry_run in [true, false] {
            let again = webhook.ask_about(hook, row, &row.object, dry_run)?;
            if again != answer {
                return Err(format!(
                    "{hook:?}: {answer:?} once, {again:?} again, dry run: {dry_run}"
                ));
            }
        }
        Ok(answer)
    });
    let [mutated, validated] = answers;
    let (mutated, validated) = (mutated?, validated?);
    match &row.wanted {
        Wanted::Denied { code, words } => {
            // Of other objects than pods there is nothing to mutate.
            if row.kind == "Pod" {
                is_denied(Hook::Mutate, &mutated, *code, words)?;
            }
            is_denied(Hook::Validate, &validated, *code, words)
        }
        Wanted::DeniedOrWarned { words } => match validated.outcome {
            Outcome::Denied { .. } => is_denied(Hook::Validate, &validated, Code::Either, words),
            Outcome::Allowed { .. } => is_warned(Hook::Validate, &validated, &[words]),
        },
        Wanted::Allowed { changes, warnings } if row.kind == "Pod" && row.old.is_none() => {
            let is_of_devices = |(pointer, _): &(String, _)| pointer.contains("/resources/");
            is_patched(webhook, row, &mutated, warnings)?;
            if changes.iter().any(is_of_devices) {
                // What the mutating hook would add is what the validating hook misses.
                is_short(row, &validated)
            } else {
                is_let_in(Hook::Validate, &validated)
            }
        }
        Wanted::Allowed { warnings, .. } => {
            let is_object_unchanged = |answer: &Answer| {
                matches!(
                    &answer.outcome,
                    Outcome::Allowed {
                        is_patched: false,
                        ..
                    }
                )
            };
            if !is_object_unchanged(&mutated) {
                return Err(format!("mutate: {mutated:?}, wanted: nothing"));
            }
            is_let_in(Hook::Validate, &validated)?;
            is_warned(Hook::Validate, &validated, warnings)
        }
    }
}

fn is_denied(hook: Hook, answer: &Answer, code: Code, words: &[&str]) -> Result<(), String> {
    let Outcome::Denied {
        code: found,
        message,
    } = &answer.outcome
    else {
        return Err(format!(
            "{hook:?}: {answer:?}, wanted: denied with {words:?}"
        ));
    };
    let is_code = match code {
        Code::Invalid => *found == 422,
        Code::Forbidden => *found == 403,
        Code::Either => true,
    };
    if !is_code {
        return Err(format!(
            "{hook:?}: code {found}, wanted: {code:?}: {message}"
        ));
    }
    match words.iter().find(|word| !message.contains(**word)) {
        None => Ok(()),
        Some(word) => Err(format!("{hook:?}: {message}\n  wanted: {word:?}")),
    }
}

fn is_let_in(hook: Hook, answer: &Answer) -> Result<(), String> {
    match &answer.outcome {
        Outcome::Allowed { .. } => Ok(()),
        Outcome::Denied { message, .. } => Err(format!("{hook:?}: {message}\n  wanted: allowed")),
    }
}

/// Each wanted fact is told once, and nothing else is.
fn is_warned(hook: Hook, answer: &Answer, wanted: &[&[&str]]) -> Result<(), String> {
    let mut found: Vec<&String> = answer.warnings.iter().collect();
    for words in wanted {
        let tells = |warning: &&String| words.iter().all(|word| warning.contains(word));
        match found.iter().position(tells) {
            Some(at) => drop(found.remove(at)),
            None => {
                return Err(format!(
                    "{hook:?}: warnings {:?}, wanted: {words:?}",
                    answer.warnings
                ));
            }
        }
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(format!("{hook:?}: warnings that nobody wants: {found:?}"))
    }
}

/// The pod becomes the wanted one, which both hooks then leave as it is.
fn is_patched(
    webhook: &Webhook,
    row: &Row,
    answer: &Answer,
    warnings: &[&[&str]],
) -> Result<(), String> {
    is_let_in(Hook::Mutate, answer)?;
    is_warned(Hook::Mutate, answer, warnings)?;
    let Outcome::Allowed { object, is_patched } = &answer.outcome else {
        return Ok(());
    };
    let wanted = row.wanted_object();
    if *object != wanted {
        return Err(format!("it becomes {object}\n  wanted: {wanted}"));
    }
    if *is_patched != (wanted != row.object) {
        return Err("a patch that changes nothing".to_owned());
    }
    let again = webhook.ask_about(Hook::Mutate, row, object, false)?;
    if !matches!(
        again.outcome,
        Outcome::Allowed {
            is_patched: false,
            ..
        }
    ) {
        return Err(format!("mutating its own work: {again:?}, wanted: nothing"));
    }
    let validated = webhook.ask_about(Hook::Validate, row, object, false)?;
    is_let_in(Hook::Validate, &validated)?;
    // An API server tells a warning once that both hooks give in the same words.
    match validated
        .warnings
        .iter()
        .find(|warning| !answer.warnings.contains(warning))
    {
        None => Ok(()),
        Some(warning) => Err(format!("Validate alone warns: {warning:?}")),
    }
}

/// The pod is denied as it is, with every resource that is missing; or for the annotation that would ask for them.
fn is_short(row: &Row, answer: &Answer) -> Result<(), String> {
    let Wanted::Allowed { changes, .. } = &row.wanted else {
        return Ok(());
    };
    is_denied(Hook::Validate, answer, Code::Either, &[])?;
    if changes
        .iter()
        .any(|(pointer, _)| pointer.starts_with("/metadata/annotations"))
    {
        return Ok(());
    }
    for (pointer, _) in changes {
        let Some((_, quantity)) = pointer.split_once("/resources/") else {
            continue;
        };
        let resource = quantity.split_once('/').map_or("", |(_, name)| name);
        let resource = resource.replace("~1", "/");
        is_denied(Hook::Validate, answer, Code::Either, &[&resource])?;
    }
    Ok(())
}
