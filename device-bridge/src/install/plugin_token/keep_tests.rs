//! The loop, with a clock that stands still until everybody waits.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::Instant;

use super::*;
use crate::install::plugin_token::Token;

/// Gives what it is told, one after another, and the last again and again.
#[derive(Clone, Default)]
struct Script {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    answers: VecDeque<Answer>,
    asked: Vec<Instant>,
    is_taken: Option<bool>,
}

#[derive(Clone)]
enum Answer {
    Token(&'static str),
    Old,
    Down,
}

const LIFE: Duration = Duration::from_secs(600);

impl Issuer for Script {
    async fn issue(&self) -> Result<Issued, IssueError> {
        let mut state = self.state.lock().unwrap();
        state.asked.push(Instant::now());
        state.is_taken = Some(true);
        let answer = match state.answers.len() {
            0 | 1 => state.answers.front().cloned().unwrap(),
            _ => state.answers.pop_front().unwrap(),
        };
        match answer {
            Answer::Token(token) => Ok(Issued {
                token: Token::new(token).unwrap(),
                life: LIFE,
            }),
            Answer::Old => Err(IssueError::Unsupported("no Nodes".to_owned())),
            Answer::Down => Err(IssueError::Client {
                server: "https://a".to_owned(),
                problem: "down".to_owned(),
            }),
        }
    }

    async fn takes(&self, _token: &Token) -> Option<bool> {
        self.state.lock().unwrap().is_taken
    }
}

fn start(answers: impl IntoIterator<Item = Answer>) -> (Script, watch::Receiver<Supply>) {
    let script = Script::default();
    script.state.lock().unwrap().answers.extend(answers);
    let (sender, supply) = watch::channel(Supply::default());
    let timetable = Timetable::new("n1".to_owned(), LIFE);
    tokio::spawn(keep(script.clone(), timetable, sender));
    (script, supply)
}

async fn until(supply: &mut watch::Receiver<Supply>, wanted: impl Fn(&Supply) -> bool) -> Supply {
    supply.wait_for(wanted).await.unwrap().clone()
}

fn has(token: &'static str) -> impl Fn(&Supply) -> bool {
    move |supply| supply.credential == Some(Credential::Bound(Token::new(token).unwrap()))
}

#[tokio::test(start_paused = true)]
async fn renewed_while_the_old_one_is_good() {
    let begin = Instant::now();
    let (_, mut supply) = start([Answer::Token("1"), Answer::Token("2"), Answer::Token("3")]);
    for token in ["1", "2", "3"] {
        assert_eq!(until(&mut supply, has(token)).await.problem, None);
    }
    let passed = begin.elapsed();
    assert!(
        LIFE * 2 * 7 / 10 <= passed && passed <= LIFE * 2 * 8 / 10 + Duration::from_secs(1),
        "{passed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_is_told_of_when_the_token_has_ended() {
    let begin = Instant::now();
    let (script, mut supply) = start([Answer::Token("1"), Answer::Down]);
    until(&mut supply, has("1")).await;
    let told = until(&mut supply, |supply| supply.problem.is_some()).await;
    assert!(begin.elapsed() >= LIFE);
    assert!(told.problem.as_ref().unwrap().contains("down"));
    // Never nothing over something.
    assert!(has("1")(&told));
    script.state.lock().unwrap().answers = [Answer::Token("2")].into();
    assert_eq!(until(&mut supply, has("2")).await.problem, None);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_given_before_there_is_something() {
    let (_, mut supply) = start([Answer::Down, Answer::Down, Answer::Token("1")]);
    let told = until(&mut supply, |supply| supply.problem.is_some()).await;
    assert_eq!(told.credential, None);
    assert_eq!(until(&mut supply, has("1")).await.problem, None);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_rejected_is_replaced_long_before_its_end() {
    let begin = Instant::now();
    let (script, mut supply) = start([Answer::Token("1"), Answer::Token("2")]);
    until(&mut supply, has("1")).await;
    script.state.lock().unwrap().is_taken = Some(false);
    until(&mut supply, has("2")).await;
    assert!(begin.elapsed() <= Duration::from_secs(301));
}

#[tokio::test(start_paused = true)]
async fn not_known_is_not_rejected() {
    let (script, mut supply) = start([Answer::Token("1"), Answer::Token("2")]);
    until(&mut supply, has("1")).await;
    script.state.lock().unwrap().is_taken = None;
    tokio::time::sleep(Duration::from_secs(400)).await;
    assert!(has("1")(&supply.borrow()));
}

#[tokio::test(start_paused = true)]
async fn an_old_api_server_means_the_own_token_until_it_is_upgraded() {
    let (_, mut supply) = start([Answer::Old, Answer::Token("1")]);
    until(&mut supply, |supply| {
        supply.credential == Some(Credential::Own)
    })
    .await;
    until(&mut supply, has("1")).await;
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_nobody_looks() {
    let script = Script::default();
    script.state.lock().unwrap().answers = [Answer::Token("1")].into();
    let (sender, supply) = watch::channel(Supply::default());
    let timetable = Timetable::new("n1".to_owned(), LIFE);
    let kept = tokio::spawn(keep(script, timetable, sender));
    drop(supply);
    kept.await.unwrap();
}
