//! Years of a cluster in milliseconds: replicas and API servers that lag behind, leaders that are killed.

use std::collections::BTreeMap;

use super::*;
use crate::leaf::Leaf;

/// What is written in steps and read later.
struct History<T>(Vec<(OffsetDateTime, T)>);

impl<T: Clone + PartialEq> History<T> {
    fn note(&mut self, now: OffsetDateTime, value: T) {
        if self.0.last().is_none_or(|(_, last)| *last != value) {
            self.0.push((now, value));
        }
    }

    fn at(&self, moment: OffsetDateTime) -> Option<&T> {
        let seen = self.0.iter().rev().find(|(since, _)| *since <= moment);
        seen.map(|(_, value)| value)
    }
}

/// What goes wrong in a round.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    None,
    /// Nobody leads for this round.
    Away,
    /// The leader is killed once it has written the Secret.
    KilledAfterSaving,
    /// Helm empties the `caBundle` and it is restored within the round, or the leader is killed before.
    KilledAfterPublishing,
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        12 => Just(Trouble::None),
        1 => Just(Trouble::Away),
        1 => Just(Trouble::KilledAfterSaving),
        1 => Just(Trouble::KilledAfterPublishing),
    ]
}

/// Rounds of which one in five goes wrong, with a quiet minute after every forty.
///
/// A step waits for [`Schedule::propagation`] without a break, which a killed leader's memory is. One that is never
/// left alone for that long in the last third of the CA's life lets it expire: that is no promise of ours.
fn rounds() -> impl Strategy<Value = Vec<(i64, Trouble)>> {
    let troubled = prop::collection::vec((1_i64..5, trouble()), 40);
    let stretches = prop::collection::vec(troubled, 2..5);
    stretches.prop_map(|stretches| {
        let quiet = [(2, Trouble::None); 30];
        let with_quiet = |troubled: Vec<_>| troubled.into_iter().chain(quiet);
        stretches.into_iter().flat_map(with_quiet).collect()
    })
}

struct World {
    store: Memory,
    secrets: History<Bundle>,
    published: History<String>,
    /// What each replica serves, and how far behind the Secret it is.
    replicas: Vec<(Duration, Option<Leaf>)>,
    /// How far each API server is behind the webhook configuration.
    api_servers: Vec<Duration>,
    verified: BTreeMap<(String, String), ()>,
    phases: Vec<&'static str>,
}

impl World {
    fn replicas_look(&mut self, now: OffsetDateTime) {
        for (lag, leaf) in &mut self.replicas {
            let Some(bundle) = self.secrets.at(now - *lag) else {
                continue;
            };
            if leaf
                .as_ref()
                .is_some_and(|leaf| leaf.chain_pem() == bundle.tls_crt)
            {
                continue;
            }
            let state = State::read(bundle);
            if state.check(&names(), now).is_ok() {
                *leaf = state.leaf;
            }
        }
    }

    /// How many rotations were completed.
    fn rotations(&self) -> usize {
        let ends = |two: &&[&str]| *two == ["ServeNew", "Stable"];
        self.phases.windows(2).filter(ends).count()
    }

    /// Every API server accepts every replica.
    fn check(&mut self, now: OffsetDateTime) -> Result<(), TestCaseError> {
        for (_, leaf) in &self.replicas {
            for lag in &self.api_servers {
                let (Some(leaf), Some(trusted)) = (leaf, self.published.at(now - *lag)) else {
                    continue;
                };
                prop_assert!(leaf.validity().contains(now), "a leaf expired at {now}");
                let pair = (leaf.chain_pem().to_owned(), trusted.clone());
                if self.verified.contains_key(&pair) {
                    continue;
                }
                let trust = CaBundle::from_pem(trusted).unwrap();
                let accepted = trust.verify(leaf, &names(), now);
                prop_assert!(
                    accepted.is_ok(),
                    "at {}: {:?}; {:?}",
                    now - start(),
                    accepted,
                    self.phases
                );
                self.verified.insert(pair, ());
            }
        }
        Ok(())
    }

    fn lead(
        &mut self,
        leader: &mut Leader,
        schedule: &Schedule,
        trouble: Trouble,
        now: OffsetDateTime,
    ) {
        if matches!(trouble, Trouble::Away) {
            return;
        }
        let names = names();
        let published = &mut self.published;
        let served: Vec<&Leaf> = self
            .replicas
            .iter()
            .filter_map(|(_, leaf)| leaf.as_ref())
            .collect();
        let lookout = &mut leader.lookout;
        let observe = async |bundle: &Bundle| {
            let state = State::read(bundle);
            let issuing = state.authority.as_ref().map(CaBundle::from);
            let serves_new = issuing.is_some_and(|issuing| {
                served
                    .iter()
                    .all(|leaf| issuing.verify(leaf, &names, now).is_ok())
            });
            let is_published = published.at(now) == Some(&bundle.ca_crt);
            if !bundle.ca_crt.is_empty() {
                published.note(now, bundle.ca_crt.clone());
            }
            lookout.look(now, bundle, is_published, serves_new)
        };
        let tended = tend(
            &self.store,
            leader.last_good.as_ref(),
            observe,
            schedule,
            &names,
            now,
        );
        let tended = ready(tended).unwrap();
        let bundle = tended.bundle.unwrap();
        self.secrets.note(now, bundle.clone());
        let phase = State::read(&bundle).phase().as_str();
        if self.phases.last() != Some(&phase) {
            self.phases.push(phase);
        }
        leader.last_good = Some(bundle);
        if matches!(trouble, Trouble::KilledAfterSaving) {
            *leader = Leader::default();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// C3 and C4 in one: at no moment is there a certificate that an API server refuses.
    #[test]
    fn no_api_server_ever_refuses_a_replica(
        replica_lags in prop::collection::vec(0_i64..25, 1..4),
        api_server_lags in prop::collection::vec(0_i64..25, 1..4),
        rounds in rounds(),
    ) {
        let seconds = Duration::seconds;
        let schedule = Schedule::new(seconds(1_200), seconds(300), seconds(30)).unwrap();
        let mut world = World {
            store: Memory::default(),
            secrets: History(Vec::new()),
            published: History(Vec::new()),
            replicas: replica_lags.into_iter().map(|lag| (seconds(lag), None)).collect(),
            api_servers: api_server_lags.into_iter().map(seconds).collect(),
            verified: BTreeMap::new(),
            phases: Vec::new(),
        };
        let mut leader = Leader::default();
        let mut now = start();
        for &(pause, trouble) in rounds.iter().cycle().take(1_500) {
            if world.rotations() == 2 {
                break;
            }
            world.lead(&mut leader, &schedule, trouble, now);
            if matches!(trouble, Trouble::KilledAfterPublishing) {
                leader = Leader::default();
            }
            // Between two rotations nobody needs to be quick, unless the leader was away.
            let is_idle = world.phases.last() == Some(&"Stable") && matches!(trouble, Trouble::None);
            let pause = if is_idle { pause * 12 } else { pause };
            // Seconds pass one by one, so that no moment goes unseen.
            for _ in 0..pause {
                world.replicas_look(now);
                world.check(now)?;
                now += seconds(1);
            }
        }
        prop_assert_eq!(world.rotations(), 2, "in {}: {:?}", now - start(), world.phases);
    }
}
