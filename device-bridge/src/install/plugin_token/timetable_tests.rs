//! The schedule, without a clock.

use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// `after` the beginning, by both clocks.
fn at(begin: Moment, after: Duration) -> Moment {
    Moment {
        instant: begin.instant + after,
        wall: begin.wall + after,
    }
}

fn timetable() -> (Timetable, Moment) {
    (Timetable::new("n1".to_owned(), HOUR), Moment::now())
}

/// When it is done, if nothing happens meanwhile but that time passes.
fn first(timetable: &Timetable, wanted: Next, mut now: Moment) -> Moment {
    loop {
        match timetable.next(&now) {
            Next::Wait(wait) => {
                assert!(!wait.is_zero() && wait <= LOOK);
                now = at(now, wait);
            }
            next => {
                assert_eq!(next, wanted);
                return now;
            }
        }
    }
}

/// The moment of the next question; checks in between are answered well.
fn renewal(timetable: &mut Timetable, mut now: Moment) -> Moment {
    loop {
        match timetable.next(&now) {
            Next::Wait(wait) => now = at(now, wait),
            Next::Check => timetable.checked(now),
            Next::Ask => return now,
        }
    }
}

#[test]
fn asked_at_once_checked_meanwhile_and_renewed_in_time() {
    let (mut timetable, begin) = timetable();
    assert_eq!(timetable.next(&begin), Next::Ask);
    assert!(!timetable.has_good(&begin));
    timetable.granted(begin, HOUR);
    assert!(timetable.has_good(&begin));
    let check = first(&timetable, Next::Check, begin).since(&begin);
    assert!(seconds(240) <= check && check <= CHECK, "{check:?}");
    let renewed = renewal(&mut timetable, begin).since(&begin);
    assert!(
        seconds(2520) <= renewed && renewed <= seconds(2880),
        "{renewed:?}"
    );
    assert!(timetable.has_good(&at(begin, seconds(3599))));
    assert!(!timetable.has_good(&at(begin, HOUR)));
}

#[test]
fn retries_are_many_before_the_end_and_never_a_storm() {
    let (mut timetable, begin) = timetable();
    timetable.granted(begin, seconds(600));
    let mut now = renewal(&mut timetable, begin);
    let mut tries = 0;
    let mut pauses = Vec::new();
    while timetable.has_good(&now) {
        tries += 1;
        timetable.failed(now);
        let next = renewal(&mut timetable, now);
        pauses.push(next.since(&now));
        now = next;
    }
    assert!(tries >= 6, "{pauses:?}");
    assert!(pauses[0] >= FIRST_RETRY / 2, "{pauses:?}");
    assert!(
        pauses.iter().all(|pause| *pause <= seconds(30)),
        "{pauses:?}"
    );
    for _ in 0..100 {
        timetable.failed(now);
    }
    assert!(renewal(&mut timetable, now).since(&now) >= seconds(15));
}

#[test]
fn a_rejected_token_is_replaced_at_once_and_is_not_good() {
    let (mut timetable, begin) = timetable();
    timetable.granted(begin, HOUR);
    timetable.rejected();
    assert!(!timetable.has_good(&begin));
    assert_eq!(timetable.next(&begin), Next::Ask);
    // Where that fails, too, it waits like everybody.
    timetable.failed(begin);
    assert!(matches!(timetable.next(&begin), Next::Wait(_)));
}

#[test]
fn an_old_api_server_is_asked_seldom() {
    let (mut timetable, begin) = timetable();
    timetable.unsupported(begin);
    let again = first(&timetable, Next::Ask, begin).since(&begin);
    assert!(seconds(2880) <= again && again <= SELDOM, "{again:?}");
}

#[test]
fn a_machine_that_slept_and_a_clock_that_was_set_back() {
    let (mut timetable, begin) = timetable();
    timetable.granted(begin, HOUR);
    let slept = Moment {
        instant: begin.instant + seconds(1),
        wall: begin.wall + HOUR,
    };
    assert_eq!(timetable.next(&slept), Next::Ask);
    assert!(!timetable.has_good(&slept));
    let set_back = Moment {
        instant: begin.instant + seconds(3000),
        wall: begin.wall - HOUR,
    };
    assert_eq!(timetable.next(&set_back), Next::Ask);
    assert!(timetable.has_good(&set_back));
}

#[test]
fn nodes_are_spread() {
    let renewed: std::collections::BTreeSet<u64> = (0..20)
        .map(|node| {
            let begin = Moment::now();
            let mut timetable = Timetable::new(format!("node-{node}"), HOUR);
            timetable.granted(begin, HOUR);
            renewal(&mut timetable, begin).since(&begin).as_secs() / 60
        })
        .collect();
    assert!(renewed.len() >= 3, "{renewed:?}");
}

proptest! {
    #[test]
    fn renewed_well_before_the_end(life in 1_u64..=u64::from(u32::MAX), node in "[a-z]{1,9}") {
        let begin = Moment::now();
        let life = seconds(life);
        let mut timetable = Timetable::new(node, life);
        timetable.granted(begin, life);
        let due = timetable.ask.unwrap().after;
        prop_assert!(life.mul_f64(0.69) <= due && due <= life.mul_f64(0.81), "{life:?} {due:?}");
    }
}
