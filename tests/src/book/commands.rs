//! The commands of the book: each is carried out, or is one that the programs understand and is in a list with its reason.

mod block;
mod carried_out;
mod fate;
mod ours;
mod repository;
mod script;
mod shown;

use self::{
    block::{Block, Language},
    fate::{Fate, fate},
};
use crate::{fixture::needs::Need, scenario::Scenario};

pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, needs, body| Scenario { name, needs, body };
    vec![
        scenario(
            "book::commands::scripts_are_read_as_a_shell_reads_them",
            &[][..],
            script::are_read_as_a_shell_reads_them as fn(),
        ),
        scenario(
            "book::commands::what_is_shown_is_compared_with_what_is_printed",
            &[],
            shown::lines_are_compared,
        ),
        scenario(
            "book::commands::exit_codes_stand_behind_commands",
            &[],
            carried_out::exit_codes_stand_behind_commands,
        ),
        scenario(
            "book::commands::every_block_has_a_language",
            &[],
            have_languages,
        ),
        scenario(
            "book::commands::every_command_is_understood",
            &[],
            are_understood,
        ),
        scenario(
            "book::commands::every_command_in_a_sentence_is_understood",
            &[],
            are_understood_in_sentences,
        ),
        scenario(
            "book::commands::what_needs_no_cluster_is_carried_out",
            &[],
            carried_out::without_a_cluster,
        ),
        scenario(
            "book::commands::the_demo_is_carried_out",
            &[Need::Namespaces],
            carried_out::in_namespaces,
        ),
    ]
}

/// Fails with everything that is wrong, and not with the first of it.
fn assert_none(wrong: &[String], what: &str) {
    assert!(
        wrong.is_empty(),
        "{} {what}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn have_languages() {
    let wrong: Vec<String> = block::all()
        .into_iter()
        .filter_map(|block| match &block.language {
            Language::Unknown(name) => Some(format!(
                "{}:{}: the block's language is {name:?}; write one of {}",
                block.page,
                block.line,
                block::LANGUAGES.join(", ")
            )),
            _ => None,
        })
        .collect();
    assert_none(&wrong, "blocks without a language");
}

/// Every command with the block that it is in.
fn commands() -> Vec<(Block, script::Pipeline)> {
    block::all()
        .into_iter()
        .flat_map(|block| {
            let pipelines = script::pipelines(&block.commands());
            pipelines
                .into_iter()
                .map(move |pipeline| (block.clone(), pipeline))
        })
        .collect()
}

fn are_understood() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    let commands = commands();
    for (block, pipeline) in &commands {
        for stage in &pipeline.stages {
            count += 1;
            let place = format!("{}:{}", block.page, block.line + pipeline.line);
            let mut told = |problem: String| {
                wrong.push(format!("{place}: {problem}: {}", stage.words.join(" ")));
            };
            match fate(stage) {
                Fate::CarriedOut | Fate::CarriedOutInNamespaces | Fate::LeftAlone(_) => {}
                Fate::Unknown => told(
                    "nobody has said what becomes of this command; add it to tests/src/book/commands/fate.rs"
                        .to_owned(),
                ),
            }
            for problem in ours::problems(&stage.words) {
                told(problem);
            }
            for problem in repository::problems(stage) {
                told(problem);
            }
        }
    }
    assert!(count > 100, "the book has commands: {count}");
    assert_none(&wrong, "commands are wrong");
}

/// Programs, flags and objects of ours that sentences name.
fn are_understood_in_sentences() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (page, line, span) in block::spans() {
        // A name alone is no command.
        if !span.contains(' ') {
            continue;
        }
        for stage in script::pipelines(&span).iter().flat_map(|all| &all.stages) {
            let mut problems = repository::problems(stage);
            if ours::is_ours(&stage.words) {
                count += 1;
                problems.extend(ours::problems_of_a_part(&stage.words));
            }
            let told = problems.into_iter();
            wrong.extend(told.map(|problem| format!("{page}:{line}: {problem}: {span}")));
        }
    }
    assert!(count > 30, "sentences have commands: {count}");
    assert_none(&wrong, "commands in sentences are wrong");
}
