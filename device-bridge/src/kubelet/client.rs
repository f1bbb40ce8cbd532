//! The client of the kubelet's pod-resources API: as few calls as possible, because all its clients share what the
//! kubelet answers.
//!
//! Calls are made one after another. Whoever comes while one is made waits for the next, and the more wait, the more one
//! `List` serves at once; so a node that starts all its pods costs the kubelet a few calls, and no pod gets an answer
//! that is older than its question.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use prost::Message as _;
use spec::bridge::PodRef;
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, sleep, sleep_until},
};

use super::{
    call::{Caller, Got},
    connection::Connection,
    error::PodResourcesError,
    holdings::{Holding, Holdings},
    limiter::Limiter,
    node_list::NodeList,
    queue::{Next, Queue, Waiting, Wanted},
    settings::KubeletSettings,
};
use crate::{
    metrics::Metrics,
    proto::{AllocatableResourcesResponse, ContainerDevices, PodResources},
};

/// How long one call may take; what other clients of the API wait.
pub(crate) const CALL: Duration = Duration::from_secs(10);

/// The first pause of a call that nobody shares.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// A client. Its clones are one: they share the connection and what is rationed.
#[derive(Clone, Debug)]
pub struct PodResourcesClient {
    desk: Arc<Desk>,
}

#[derive(Debug)]
struct Desk {
    caller: Caller,
    patience: Duration,
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: Queue<Taker>,
    /// Whether somebody works the queue off.
    is_served: bool,
}

type Taker = oneshot::Sender<Result<Found, PodResourcesError>>;

type Batch = BTreeMap<Wanted, Waiting<Taker>>;

/// What the kubelet says that the pods of the node hold.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// By pod.
    pub holdings: Arc<Holdings>,
    /// Whether the kubelet restarted a moment ago and may not have all its pods yet.
    pub is_settling: bool,
}

#[derive(Clone, Debug)]
enum Found {
    Pods(Vec<PodResources>),
    Node(Listed),
}

impl PodResourcesClient {
    /// A client of the kubelet that listens on `socket`. Nothing is opened yet.
    #[must_use]
    pub fn new(socket: PathBuf, settings: &KubeletSettings, metrics: Arc<Metrics>) -> Self {
        let caller = Caller {
            connection: Connection::new(socket),
            limiter: Limiter::new(settings.per_second, settings.burst),
            metrics,
        };
        Self {
            desk: Arc::new(Desk {
                caller,
                patience: settings.patience,
                state: Mutex::default(),
                arrived: Notify::new(),
            }),
        }
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.desk.caller.connection.socket()
    }

    /// What the kubelet allocated to the pods of this namespace and name: none where it does not know the pod, and two
    /// where it lists a pod and its predecessor. The kubelet was asked after this was called.
    ///
    /// # Errors
    /// The kubelet cannot be asked, or keeps answering with an error.
    pub async fn pod(&self, pod: &PodRef) -> Result<Vec<PodResources>, PodResourcesError> {
        let wanted = Wanted::Pod {
            namespace: pod.namespace.to_string(),
            name: pod.name.to_string(),
        };
        match self.ask(wanted).await? {
            Found::Pods(pods) => Ok(pods),
            Found::Node(_) => Ok(Vec::new()),
        }
    }

    /// Which devices the pods of the node hold. The kubelet was asked after this was called.
    ///
    /// # Errors
    /// The kubelet cannot be asked, or keeps answering with an error.
    pub async fn holdings(&self) -> Result<Listed, PodResourcesError> {
        match self.ask(Wanted::Node).await? {
            Found::Node(listed) => Ok(listed),
            Found::Pods(_) => Ok(Listed::default()),
        }
    }

    async fn ask(&self, wanted: Wanted) -> Result<Found, PodResourcesError> {
        let (taker, found) = oneshot::channel();
        let is_served = {
            let mut state = self.desk.state();
            state.queue.push(wanted, taker, Instant::now());
            std::mem::replace(&mut state.is_served, true)
        };
        if is_served {
            self.desk.arrived.notify_one();
        } else {
            // Its own task, so that a request that is given up takes nobody else's call with it.
            tokio::spawn(Arc::clone(&self.desk).work());
        }
        found.await.unwrap_or_else(|_| {
            Err(PodResourcesError::Silent {
                socket: self.socket().to_owned(),
                method: "any call",
            })
        })
    }

    /// What the kubelet allocated to the pods of the whole node, one pod after another. It takes locks that allocating
    /// needs, and the answer has megabytes on a full node: not for single pods. Gives whether the kubelet restarted a
    /// moment ago, so that pods may be missing that run.
    ///
    /// # Errors
    /// The kubelet cannot be asked, or keeps answering with an error.
    pub async fn for_each(
        &self,
        mut visit: impl FnMut(PodResources),
    ) -> Result<bool, PodResourcesError> {
        let (list, is_settling) = self.patiently(|| self.desk.caller.list()).await?;
        for entry in list.entries() {
            let pod = entry.and_then(|entry| entry.decode());
            visit(pod.map_err(|error| self.desk.malformed(&error))?);
        }
        Ok(is_settling)
    }

    /// What the kubelet allocated to the pods of the whole node, all at once in memory.
    #[cfg(test)]
    pub(crate) async fn list(&self) -> Result<Vec<PodResources>, PodResourcesError> {
        let mut pods = Vec::new();
        self.for_each(|pod| pods.push(pod)).await?;
        Ok(pods)
    }

    /// The devices, CPUs and memory that the kubelet may allocate, whoever holds them: its capacity. Devices that are not
    /// healthy are missing. A full node has tens of thousands of devices: they are given to `visit`, entry by entry, and are
    /// not in what comes back.
    ///
    /// # Errors
    /// The kubelet cannot be asked, or keeps answering with an error.
    pub async fn allocatable(
        &self,
        mut visit: impl FnMut(ContainerDevices),
    ) -> Result<AllocatableResourcesResponse, PodResourcesError> {
        let list = self.patiently(|| self.desk.caller.allocatable()).await?;
        for entry in list.devices {
            let entry = ContainerDevices::decode(entry);
            visit(entry.map_err(|error| self.desk.malformed(&error))?);
        }
        Ok(AllocatableResourcesResponse {
            devices: Vec::new(),
            cpu_ids: list.cpu_ids,
            memory: list.memory,
        })
    }

    /// Calls until there is an answer, or an error that is not passing, or the patience is at its end.
    async fn patiently<T, F: Future<Output = Result<T, PodResourcesError>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<T, PodResourcesError> {
        let until = Instant::now() + self.desk.patience;
        let mut pause = FIRST_PAUSE;
        loop {
            self.desk.caller.limiter.acquire().await;
            match call().await {
                Err(error) if error.is_passing() && Instant::now() + pause < until => {
                    tracing::debug!(%error, ?pause, "Asking the kubelet again");
                    sleep(pause).await;
                    pause *= 2;
                }
                result => return result,
            }
        }
    }
}

impl Desk {
    /// A panic elsewhere leaves a queue that is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes calls until nobody waits.
    async fn work(self: Arc<Self>) {
        let _relief = Relief(&self);
        loop {
            let has_get = self.caller.connection.has_get().await;
            match self.next(has_get) {
                Next::Nothing => return,
                Next::At(time) => {
                    tokio::select! {
                        () = sleep_until(time) => {}
                        () = self.arrived.notified() => {}
                    }
                }
                Next::Get | Next::List => {
                    // Whoever comes until the call may be made is served by it.
                    self.caller.limiter.acquire().await;
                    match self.next(has_get) {
                        Next::Get => self.get().await,
                        Next::List => self.list().await,
                        Next::Nothing => return,
                        Next::At(_) => {}
                    }
                }
            }
        }
    }

    fn next(&self, has_get: Option<bool>) -> Next {
        let mut state = self.state();
        state.queue.retain(|taker| !taker.is_closed());
        let next = state.queue.next(has_get, Instant::now());
        if next == Next::Nothing {
            state.is_served = false;
        }
        next
    }

    async fn get(&self) {
        let taken = self.state().queue.take_one(Instant::now());
        let Some((wanted, waiting)) = taken else {
            return;
        };
        let Wanted::Pod { namespace, name } = &wanted else {
            return self.state().queue.put_back(wanted, waiting);
        };
        match self.caller.get(namespace, name).await {
            Ok(Got::Pod(pod)) => give(waiting.takers, &Ok(Found::Pods(vec![pod]))),
            Ok(Got::Unknown { may_come }) => self.miss(wanted, waiting, may_come),
            Ok(Got::NoMethod) => self.state().queue.put_back(wanted, waiting),
            Err(error) => self.fail(BTreeMap::from([(wanted, waiting)]), &error),
        }
    }

    async fn list(&self) {
        let batch = self.state().queue.take_all(Instant::now());
        let listed = self.caller.list().await;
        let (list, may_come) = match listed {
            Ok(listed) => listed,
            Err(error) => return self.fail(batch, &error),
        };
        match read(&list, &batch) {
            Ok((mut pods, holdings)) => {
                // Megabytes, which are free before the answers are made.
                drop(list);
                for (wanted, waiting) in batch {
                    match (pods.remove(&wanted), &wanted) {
                        (_, Wanted::Node) => {
                            let listed = Listed {
                                holdings: Arc::clone(&holdings),
                                is_settling: may_come,
                            };
                            give(waiting.takers, &Ok(Found::Node(listed)));
                        }
                        (Some(found), Wanted::Pod { .. }) => {
                            give(waiting.takers, &Ok(Found::Pods(found)));
                        }
                        (None, Wanted::Pod { .. }) => self.miss(wanted, waiting, may_come),
                    }
                }
            }
            Err(error) => self.fail(batch, &self.malformed(&error)),
        }
    }

    /// The kubelet does not know the pod.
    fn miss(&self, wanted: Wanted, waiting: Waiting<Taker>, may_come: bool) {
        let nothing = Ok(Found::Pods(Vec::new()));
        if !may_come {
            return give(waiting.takers, &nothing);
        }
        tracing::debug!(
            ?wanted,
            "The kubelet restarted and does not know the pod yet"
        );
        let now = Instant::now();
        let ended = self
            .state()
            .queue
            .postpone(wanted, waiting, self.patience, now);
        give(ended.into_iter().flatten(), &nothing);
    }

    fn fail(&self, batch: Batch, error: &PodResourcesError) {
        let is_passing = error.is_passing();
        if is_passing {
            tracing::debug!(%error, waiting = batch.len(), "Asking the kubelet again");
        }
        let now = Instant::now();
        let mut state = self.state();
        let mut ended = Vec::new();
        for (wanted, waiting) in batch {
            if is_passing {
                let over = state.queue.postpone(wanted, waiting, self.patience, now);
                ended.extend(over.into_iter().flatten());
            } else {
                ended.extend(waiting.takers);
            }
        }
        if is_passing {
            state.queue.hold(now);
        }
        drop(state);
        give(ended, &Err(error.clone()));
    }

    fn malformed(&self, error: &prost::DecodeError) -> PodResourcesError {
        PodResourcesError::Decode {
            socket: self.caller.connection.socket().to_owned(),
            problem: error.to_string(),
        }
    }
}

/// Whoever comes after a panic starts the work anew.
struct Relief<'a>(&'a Desk);

impl Drop for Relief<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state().is_served = false;
        }
    }
}

/// Who is gone takes nothing.
fn give(takers: impl IntoIterator<Item = Taker>, found: &Result<Found, PodResourcesError>) {
    for taker in takers {
        let _gone = taker.send(found.clone());
    }
}

type Read = (BTreeMap<Wanted, Vec<PodResources>>, Arc<Holdings>);

/// Picks what is waited for.
fn read(list: &NodeList, batch: &Batch) -> Result<Read, prost::DecodeError> {
    let wants_node = batch.contains_key(&Wanted::Node);
    let mut pods: BTreeMap<Wanted, Vec<PodResources>> = BTreeMap::new();
    let mut holdings = Vec::new();
    for entry in list.entries() {
        let entry = entry?;
        if wants_node {
            holdings.push(Holding::of(entry.decode()?));
        }
        let wanted = entry.wanted();
        if batch.contains_key(&wanted) {
            pods.entry(wanted).or_default().push(entry.decode()?);
        }
    }
    Ok((pods, Arc::new(Holdings(holdings))))
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
